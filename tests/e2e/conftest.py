"""A desk for the tests that run the programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import programs


@pytest.fixture
def desk() -> Iterator[programs.Workstation]:
    with programs.desk() as made:
        yield made
