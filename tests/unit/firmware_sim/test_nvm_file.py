"""NVM in a file: it outlives the program, and a file that is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.links.memory import build_device
from firmware_sim.nvm_file import FileNvm, NvmFileError
from firmware_sim.options import parse_options


@pytest.mark.asyncio
async def test_a_device_keeps_its_hours_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "nvm.json"
    boots: list[int] = []
    for _ in range(3):
        options = parse_options("seed=1")
        options.nvm = FileNvm(path)
        device = build_device(options)
        boots.append(device.firmware.core.memory.boot)
        assert device.firmware.core.memory.intact
        device.close()
    assert boots == [1, 2, 3]


def test_an_nvm_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nvm.json"
    path.write_text("{broken", encoding="utf-8")
    with pytest.raises(NvmFileError, match="Remove it"):
        FileNvm(path)
    path.write_text('{"life": "zz"}', encoding="utf-8")
    with pytest.raises(NvmFileError, match="Remove it"):
        FileNvm(path)
    with pytest.raises(NvmFileError, match="cannot read"):
        FileNvm(tmp_path)
    with pytest.raises(NvmFileError, match="cannot write"):
        FileNvm(tmp_path / "none" / "nvm.json").store("life", b"x")


def test_a_flip_and_a_stuck_cell_in_the_file(tmp_path: Path) -> None:
    nvm = FileNvm(tmp_path / "nvm.json")
    nvm.store("life", b"\x00\x00")
    nvm.flip("life", 9)
    assert FileNvm(nvm.path).load("life") == b"\x00\x02"
    nvm.stuck = True
    nvm.store("life", b"zz")
    assert nvm.load("life") == b"\x00\x02"
