"""A runtime folder of the test's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Short: the path of a Unix socket holds about a hundred bytes.
    folder = Path(tempfile.mkdtemp(prefix="mctl-"))
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(folder / "run"))
    yield folder / "run"
    shutil.rmtree(folder)
