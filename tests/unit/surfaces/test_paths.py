"""Where sockets and locks lie, and that no two devices share a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.surfaces.control import paths


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_two_identities_never_share_a_name(one: str, other: str) -> None:
    assert (paths.stem(one) == paths.stem(other)) is (one == other)
    assert "/" not in paths.stem(one)
    assert len(paths.stem(one)) <= 60


def test_a_serial_port_is_known_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert paths.identity(f"serial:{tmp_path}/link") == f"serial:{tmp_path}/real"


@pytest.mark.parametrize(
    ("address", "identity"),
    [
        ("ble:aa:bb:cc:dd:ee:0f", "ble:AA:BB:CC:DD:EE:0F"),
        ("ble:Massager", "ble:Massager"),
        ("tcp:127.0.0.1:7777", "tcp:127.0.0.1:7777"),
    ],
)
def test_identities(address: str, identity: str) -> None:
    assert paths.identity(address) == identity


def test_an_embedded_simulator_is_known_by_its_process() -> None:
    assert paths.identity("sim:") == paths.identity("sim:?battery=12") == f"sim:{os.getpid()}"


def test_the_runtime_folder_is_closed_to_others(runtime: Path) -> None:
    runtime.mkdir(mode=0o755)
    assert paths.ensure_runtime_dir() == str(runtime)
    assert runtime.stat().st_mode & 0o777 == 0o700


def test_a_runtime_folder_that_is_a_link_is_not_trusted(runtime: Path) -> None:
    runtime.symlink_to(runtime.parent)
    with pytest.raises(PermissionError):
        paths.ensure_runtime_dir()


def test_the_runtime_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASSAGER_CTL_RUNTIME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert paths.runtime_dir() == "/run/user/7/massager-ctl"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", "/somewhere")
    assert paths.runtime_dir() in {
        f"/run/user/{os.getuid()}/massager-ctl",
        f"/somewhere/massager-ctl-{os.getuid()}",
    }


def test_owners_are_found_by_a_part_of_their_name(runtime: Path) -> None:
    runtime.mkdir()
    for device in ("sim:4711", "serial:/dev/ttyUSB0", "tcp:127.0.0.1:7777"):
        Path(paths.socket_path(device)).touch()
    names = [paths.device_name(path) for path in paths.socket_paths()]
    assert names == ["serial_-dev-ttyUSB0", "sim_4711", "tcp_127.0.0.1_7777"]
    for name in ("usb0", "serial:/dev/ttyUSB0", "/dev/ttyUSB0"):
        assert [paths.device_name(path) for path in paths.socket_paths(name)] == names[:1]
    assert [paths.device_name(path) for path in paths.socket_paths("sim:")] == ["sim_4711"]
    assert paths.socket_paths("front") == []
