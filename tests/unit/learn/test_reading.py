"""Captures of every kind: several connections, fragments, cut off, encrypted, too large for memory."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from tests.learn_devices.snoop_log import NOTIFY, WRITE, Log

from massager_ctl.errors import CaptureError
from massager_ctl.learn import capture as capturing
from massager_ctl.learn.capture import Op
from massager_ctl.learn.read import read_capture, read_connection
from massager_ctl.learn.study import check

ADDRESS = bytes.fromhex("C0FFEE123456")
OTHER = bytes.fromhex("0102030405AA")
VALUE = bytes(range(60))


def write(value: bytes, handle: int = WRITE) -> bytes:
    return b"\x52" + struct.pack("<H", handle) + value


def notify(value: bytes) -> bytes:
    return b"\x1b" + struct.pack("<H", NOTIFY) + value


@pytest.fixture
def log() -> Log:
    """Two connections whose fragments are mixed, with discovery in the first."""
    log = Log()
    log.connect(0.0, ADDRESS, "Relax")
    log.connect(0.5, OTHER, "Anna's watch", handle=0x41)
    log.discover(1.0)
    whole = struct.pack("<HH", len(write(VALUE)), 4) + write(VALUE)
    for at in range(0, len(whole), 20):
        part = whole[at : at + 20]
        flag = 0x1000 if at else 0
        head = b"\x02" + struct.pack("<HH", 0x40 | flag, len(part))
        log.record(2.0 + at / 1000, head + part, sent=True)
        log.att(2.0 + at / 1000, write(b"other", 5), sent=True, handle=0x41)
        log.att(2.0 + at / 1000, notify(b"between"), sent=False)
    log.att(3.0, notify(VALUE), sent=False, mtu=23)
    log.event(4.0, 0x05, b"\x00" + struct.pack("<H", 0x40) + b"\x13")
    return log


def saved(data: bytes, folder: Path, name: str = "log") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_connections_services_and_fragments(log: Log, tmp_path: Path) -> None:
    found = read_capture(saved(log.out, tmp_path))
    first, second = found.connections
    assert (first.address, first.name, first.writes) == ("C0:FF:EE:12:34:56", "Relax", 2)
    assert (second.address, second.name, second.writes) == ("01:02:03:04:05:AA", "Anna's watch", 4)
    assert first.closed == pytest.approx(4.0)
    assert second.closed is None
    services = {uuid[4:8] for _, uuid in first.database.services.values()}
    assert services == {"1800", "fff0"}
    assert first.database.characteristics[WRITE].uuid.startswith("0000fff2")
    assert first.database.service_of(WRITE) == first.database.service_of(NOTIFY)
    messages = list(first.messages)
    assert [m.value for m in messages if m.op is Op.WRITE_COMMAND] == [VALUE]
    assert [m.value for m in messages if m.op is Op.NOTIFICATION] == [b"between"] * 4 + [VALUE]


def pcapng(records: list[tuple[float, bytes, bool]]) -> bytes:
    """The same packets as link type 201, with the flags before each."""
    out = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    out += struct.pack("<IIHHII", 1, 20, 201, 0, 0, 20)
    for time, data, sent in records:
        body = struct.pack(">I", 0 if sent else 1) + data
        padded = body + bytes(-len(body) % 4)
        stamp = int((time + 1_700_000_000) * 1e6)
        size = 32 + len(padded)
        out += struct.pack(
            "<IIIIIII", 6, size, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(body), len(body)
        )
        out += padded + struct.pack("<I", size)
    return out


def records_of(log: Log) -> list[tuple[float, bytes, bool]]:
    out: list[tuple[float, bytes, bool]] = []
    at = 16
    while at < len(log.out):
        size, _, flags, _, stamp = struct.unpack_from(">IIIIQ", log.out, at)
        time = (stamp - 0x00DCDDB30F2F8000) / 1e6 - 1_700_000_000
        out.append((time, bytes(log.out[at + 24 : at + 24 + size]), not flags & 1))
        at += 24 + size
    return out


def test_pcapng_and_pcap_hold_the_same(log: Log, tmp_path: Path) -> None:
    plain = read_capture(saved(log.out, tmp_path))
    records = records_of(log)
    pcap = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 201)
    for time, data, sent in records:
        body = struct.pack(">I", 0 if sent else 1) + data
        whole = time + 1_700_000_000
        pcap += struct.pack("<IIII", int(whole), int(whole % 1 * 1e6), len(body), len(body)) + body
    for text in (pcapng(records), pcap):
        other = read_capture(saved(text, tmp_path, "other"))
        for mine, theirs in zip(plain.connections, other.connections, strict=True):
            assert [m[1:] for m in mine.messages] == [m[1:] for m in theirs.messages]
            assert [m.time for m in mine.messages] == pytest.approx(
                [m.time for m in theirs.messages], abs=1e-4
            )


def test_every_cut_is_read_up_to_it(log: Log, tmp_path: Path) -> None:
    whole = read_capture(saved(log.out, tmp_path))
    for size in range(16, len(log.out), 37):
        found = read_capture(saved(log.out[:size], tmp_path))
        assert found.packets <= whole.packets
        assert found.cut_off is None or found.cut_off <= size


def test_a_cut_off_capture_says_so(log: Log, tmp_path: Path) -> None:
    found = read_capture(saved(log.out[:-3], tmp_path))
    assert found.cut_off == len(log.out) - 3


def test_a_damaged_length_ends_the_reading(log: Log, tmp_path: Path) -> None:
    log.out += b"\xff" * 400
    found = read_capture(saved(log.out, tmp_path))
    assert found.cut_off is not None
    assert len(found.connections) == 2


def test_packets_that_the_phone_shortened_are_counted(tmp_path: Path) -> None:
    log = Log()
    log.connect(0.0, ADDRESS, "Relax")
    log.out += struct.pack(">IIIIQ", 40, 2, 0, 0, 0x00DCDDB30F2F8000) + b"\x02\x40"
    assert read_capture(saved(log.out, tmp_path)).shortened == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n", "not a capture that can be read"),
        (b"btsnoop\0" + struct.pack(">II", 1, 99), "data link 99"),
        (b"btsnoop\0\0", "ends in its header"),
        (struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1), "link type 1"),
        (b"1.0 > AA\n2.0 AA\n", "line 2"),
        (b'{"t": 1, "dir": "up", "hex": "AA"}\n', "neither tx nor rx"),
        (b"1.0 > AQ\n", "not hexadecimal"),
        (b"nan > AA\n", "not a time"),
    ],
)
def test_what_is_no_capture_is_one_error(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=words):
        read_capture(saved(data, tmp_path))


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot read"):
        read_capture(tmp_path / "nowhere")


def test_a_serial_capture_in_both_forms(tmp_path: Path) -> None:
    lines = ["# bytes of one frame come in pieces", "1.000 > AA 01", "1.003 > 02", "1.5 < 0B"]
    lines += [json.dumps({"t": 2.0, "dir": "tx", "hex": "AA0203"})]
    found = read_capture(saved("\n".join(lines).encode(), tmp_path))
    (line,) = found.connections
    assert [(round(m.time, 3), m.op, m.value.hex()) for m in line.messages] == [
        (0.0, Op.SENT, "aa0102"),
        (0.5, Op.RECEIVED, "0b"),
        (1.0, Op.SENT, "aa0203"),
    ]


def air(access: int, head: int, body: bytes) -> bytes:
    return struct.pack("<I", access) + bytes((head, len(body))) + body + b"\0\0\0"


def air_capture(*, encrypted: bool) -> bytes:
    connect = bytes(6) + ADDRESS[::-1] + struct.pack("<I", 0x12345678) + bytes(18)
    pdu = write(b"\xaa\x01")
    data = struct.pack("<HH", len(pdu), 4) + pdu
    packets = [air(0x8E89BED6, 5, connect)]
    if encrypted:
        packets.append(air(0x12345678, 3, b"\x03" + bytes(22)))
    # Sent again with the same number, it is heard twice and counts once.
    packets += [air(0x12345678, 0x02, data), air(0x12345678, 0x02, data)]
    packets.append(air(0x12345678, 0x0A, data))
    out = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 251)
    for index, packet in enumerate(packets):
        out += struct.pack("<IIII", index, 0, len(packet), len(packet)) + packet
    return out


def test_what_a_sniffer_took_from_the_air(tmp_path: Path) -> None:
    (found,) = read_capture(saved(air_capture(encrypted=False), tmp_path)).connections
    assert [m.value for m in found.messages] == [b"\xaa\x01"] * 2
    check(found)


def test_an_encrypted_capture_needs_the_keys(tmp_path: Path) -> None:
    (found,) = read_capture(saved(air_capture(encrypted=True), tmp_path)).connections
    with pytest.raises(CaptureError, match="pairing keys are needed"):
        check(found)


def test_blocks_of_a_cipher_need_the_keys(tmp_path: Path) -> None:
    import random

    log = Log()
    log.connect(0.0, ADDRESS, "Relax")
    log.discover(0.3)
    for index in range(12):
        log.att(2.0 + index, write(random.Random(index).randbytes(16)), sent=True)
    (found,) = read_capture(saved(log.out, tmp_path)).connections
    with pytest.raises(CaptureError, match="pairing keys are needed"):
        check(found)


def test_a_capture_without_writes_is_one_error(tmp_path: Path) -> None:
    log = Log()
    log.connect(0.0, ADDRESS, "Relax")
    log.discover(0.3)
    (found,) = read_capture(saved(log.out, tmp_path)).connections
    with pytest.raises(CaptureError, match="wrote nothing"):
        check(found)


def test_what_does_not_fit_into_memory_is_read_alone(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "MOST_MESSAGES", 4)
    path = saved(log.out, tmp_path)
    second = read_capture(path).connections[1]
    assert second.messages.dropped
    alone = read_connection(path, 2).connections
    assert [len(one.messages) for one in alone] == [0, 4]
    assert alone[1].messages.dropped == 0


def test_progress_is_told_in_bytes_of_the_file(log: Log, tmp_path: Path) -> None:
    progress: list[int] = []
    read_capture(saved(log.out, tmp_path), progress.append)
    assert progress
    assert progress == sorted(progress)
    assert progress[-1] == len(log.out)
