"""Where the runtime folder is, and which folder is not trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from massager_ctl.transports.runtime_folder import RUNTIME_ENV, ensure_runtime_dir, runtime_dir


@pytest.fixture
def runtime(runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(RUNTIME_ENV, str(runtime_folder))
    return runtime_folder


def test_the_runtime_folder_is_closed_to_others(runtime: Path) -> None:
    runtime.mkdir(mode=0o755)
    assert ensure_runtime_dir() == str(runtime)
    assert runtime.stat().st_mode & 0o777 == 0o700


def test_a_runtime_folder_that_is_a_link_is_not_trusted(runtime: Path) -> None:
    runtime.symlink_to(runtime.parent)
    with pytest.raises(PermissionError):
        ensure_runtime_dir()


def test_the_runtime_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MASSAGER_CTL_RUNTIME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_dir() == f"{tmp_path}/massager-ctl"
    monkeypatch.setenv("TMPDIR", "/somewhere")
    elsewhere = {
        f"/run/user/{os.getuid()}/massager-ctl",
        f"/somewhere/massager-ctl-{os.getuid()}",
    }
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "absent"))
    assert runtime_dir() in elsewhere
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert runtime_dir() in elsewhere
