"""All errors of a city's folder at once."""

from __future__ import annotations

from liandong.core.values.errors import BadInput


class CityErrors(BadInput):
    """All that is wrong with a folder at once, because whoever mends a table wants to mend it once."""

    def __init__(self, folder: str, errors: list[BadInput]) -> None:
        super().__init__("city.errors", folder=folder, count=len(errors))
        self.errors = errors
