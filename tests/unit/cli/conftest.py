"""Folders of the test's own, so that no test meets a person's settings, ledger or sessions."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest


@pytest.fixture
def own_folders(monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    # Short: the path of a Unix socket holds about a hundred bytes.
    folder = Path(tempfile.mkdtemp(prefix="mctl-"))
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(folder / "run"))
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(folder / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    for name in ("MASSAGER_CTL_CONFIG", "MASSAGER_CTL_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    shutil.rmtree(folder)
