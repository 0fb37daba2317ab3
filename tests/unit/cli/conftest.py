"""Folders of the test's own, so that no test meets a person's settings, ledger or sessions."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def own_folders(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(short_folder / "run"))
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(short_folder / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(short_folder / "config"))
    for name in ("MASSAGER_CTL_CONFIG", "MASSAGER_CTL_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    return short_folder
