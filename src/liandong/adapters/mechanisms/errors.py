"""All that is wrong with one file, or with several that belong together."""

from __future__ import annotations

from liandong.core.values.errors import BadInput


class MechanismErrors(BadInput):
    """Everything at once, because whoever mends a document wants to mend it once."""

    def __init__(self, file: str, errors: list[BadInput]) -> None:
        super().__init__("mechfile.errors", file=file, count=len(errors))
        self.errors = errors
