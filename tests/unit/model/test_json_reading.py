"""R19: whatever is wrong with JSON is one error, and every file or link that holds some is read by the one reader."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import massager_ctl
from massager_ctl import config as settings
from massager_ctl.errors import StoreError
from massager_ctl.frontends.web.access import FILE, AccessFile
from massager_ctl.model.json_reading import NotJson, read_json
from massager_ctl.runtime.compose import DEVICES, choose_device

SOURCE: Final = Path(massager_ctl.__file__).parent

OTHER_READERS: Final = {
    "frontends/socket/intake.py",  # a glance at a flood, which reads as far as it must
    "model/json_reading.py",
    "transports/ble/keeper.py",  # what this program itself has just written
}


class Named(msgspec.Struct):
    name: str


@pytest.mark.parametrize("data", [b'{"name":"\xff"}', b"\xff", b"[" * 100_000, b"", b'{"name":1}'])
def test_what_cannot_be_read_is_one_error(data: bytes) -> None:
    with pytest.raises(NotJson):
        read_json(data, Named)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        read_json(data)
    except NotJson:
        return


def test_nothing_else_reads_json() -> None:
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if "msgspec.json.decode(" in path.read_text(encoding="utf-8")
    }
    assert found == OTHER_READERS


@pytest.mark.asyncio
async def test_r6_a_damaged_list_of_devices_keeps_no_stop_from_its_address(tmp_path: Path) -> None:
    (tmp_path / DEVICES).write_bytes(b'{"A\xff":"tcp:127.0.0.1:1"}')
    config = settings.load(env={"MASSAGER_CTL_DATA": str(tmp_path)})
    assert str(await choose_device("tcp:127.0.0.1:4471", config)) == "tcp:127.0.0.1:4471"


def test_r17_a_damaged_list_of_paired_browsers_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"fingerprint":"\xff"}')
    with pytest.raises(StoreError, match="cannot be read"):
        AccessFile(tmp_path).book()
