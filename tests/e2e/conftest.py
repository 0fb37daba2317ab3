"""A desk for the tests that run the programs, and folders of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import programs


@pytest.fixture
def desk() -> Iterator[programs.Workstation]:
    with programs.desk() as made:
        yield made


@pytest.fixture
def own_folders(tmp_path: Path, runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control sockets and a ledger of the test's own."""
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(tmp_path / "data"))
