"""Open a capture, whatever its kind, and read it from its start to its end."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from massager_ctl.errors import CaptureError
from massager_ctl.learn import btsnoop, pcap
from massager_ctl.learn.capture import Capture
from massager_ctl.learn.hci import HciReader
from massager_ctl.learn.records import Packets, Progress, Source
from massager_ctl.learn.serial_log import read_serial

_TEXT: Final = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))


def read_capture(path: Path, progress: Progress | None = None) -> Capture:
    """All connections of a capture, streamed. CaptureError for a file that is none.

    Where the messages of all connections do not fit into memory, `messages.dropped` says so, and
    `read_connection` reads one alone.
    """
    return _read(path, progress, None)


def read_connection(path: Path, number: int, progress: Progress | None = None) -> Capture:
    """The capture again, with the messages of one connection alone."""
    return _read(path, progress, number)


def _read(path: Path, progress: Progress | None, only: int | None) -> Capture:
    try:
        with path.open("rb") as file:
            return _opened(file, path, progress, only)
    except OSError as error:
        raise CaptureError(
            f"cannot read {path}: {error.strerror or error}", "Check the path and its permissions."
        ) from None


def _opened(file: BinaryIO, path: Path, progress: Progress | None, only: int | None) -> Capture:
    head = file.read(8)
    file.seek(0)
    source = Source(file, progress)
    packets: Packets
    if not head:
        raise CaptureError(f"{path} is empty", "Take the log again.")
    if head == btsnoop.MAGIC:
        source.take(8)
        packets = btsnoop.packets(source)
    elif head[:4] in pcap.PCAP:
        source.take(4)
        packets = pcap.pcap_packets(source, head[:4])
    elif head[:4] == pcap.PCAPNG:
        source.take(4)
        packets = pcap.pcapng_packets(source)
    elif all(byte in _TEXT for byte in head):
        return read_serial(file, progress)
    else:
        raise CaptureError(
            f"{path} is not a capture that can be read",
            "Give an Android btsnoop_hci.log, a pcap or pcapng file with Bluetooth HCI, or a serial capture.",
        )
    return HciReader(only).read(packets, source)
