"""The ACK frame as construct describes it: typed fields, a checksum, COBS around it."""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import importlib.util
from binascii import crc_hqx
from typing import Any

from cobs import cobs

from massager_ctl.wire.codec import VERSION
from massager_ctl.wire.messages import Ack, Type


def installed() -> bool:
    return importlib.util.find_spec("construct") is not None


class AckCodec:
    """Validates as ours does: version, type, length and CRC."""

    def __init__(self) -> None:
        import construct as c

        fields = c.Struct(
            "version" / c.Const(VERSION, c.Int8ul),
            "type" / c.Const(int(Type.ACK), c.Int8ul),
            "token" / c.Int32ul,
            "of" / c.Int8ul,
            "result" / c.Int8ul,
            "epoch" / c.Int32ul,
            "detail" / c.Int16ul,
        )
        self._frame: Any = c.Struct(
            "fields" / c.RawCopy(fields),
            "crc" / c.Checksum(c.Int16ul, lambda data: crc_hqx(data, 0xFFFF), c.this.fields.data),
            c.Terminated,
        )

    def encode(self, ack: Ack) -> bytes:
        value = {
            "token": ack.token,
            "of": ack.of,
            "result": ack.result,
            "epoch": ack.epoch,
            "detail": ack.detail,
        }
        return cobs.encode(self._frame.build({"fields": {"value": value}})) + b"\0"

    def decode(self, run: bytes) -> Any:
        return self._frame.parse(cobs.decode(run)).fields.value
