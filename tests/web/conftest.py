"""One city for the tests of a module; those that must not meet others' traces make their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.town import Client, Town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(town: Town) -> Client:
    return Client(town)


@pytest.fixture(scope="module")
def case(town: Town) -> str:
    """A case of gas that nobody has touched when the module begins."""
    return town.open_case()
