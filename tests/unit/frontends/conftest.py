"""A runtime folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def runtime(runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))
    return runtime_folder
