"""The names of sockets and locks: no two devices share one."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.frontends.socket import paths


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_two_identities_never_share_a_name(one: str, other: str) -> None:
    assert (paths.stem(one) == paths.stem(other)) is (one == other)
    assert "/" not in paths.stem(one)
    assert len(paths.stem(one)) <= 60


def test_sockets_are_listed_by_their_files(runtime: Path) -> None:
    assert paths.socket_paths() == []
    runtime.mkdir()
    for device in ("sim:4711", "serial:/dev/ttyUSB0"):
        Path(paths.socket_path(device)).touch()
        Path(paths.card_path(paths.socket_path(device))).touch()
    names = [paths.device_name(path) for path in paths.socket_paths()]
    assert names == ["serial_-dev-ttyUSB0", "sim_4711"]
