"""INFO and TELEMETRY: what the device says about itself."""

from __future__ import annotations

from struct import pack_into
from typing import TYPE_CHECKING

from massager_fw.config import TICK_MS, TICKS_PER_S
from massager_fw.frames import LENGTHS, NO_SENSOR, VERSION, FrameType, put32, seal, word
from massager_fw.shim import const, micropython

if TYPE_CHECKING:
    from typing import Any

    from massager_fw.core import Core

    ptr8 = ptr32 = Any

_NOBODY = bytearray(4)
_TELEMETRY = FrameType.TELEMETRY
_TELEMETRY_SIZE = LENGTHS[FrameType.TELEMETRY] - 2
_PAD_BIT = const(4)
_MOTOR_BIT = const(8)
_LEVELS = const(36)
"""Where the levels of TELEMETRY begin, then vibration, then kneading, a u16 each."""
_TAIL = const(72)


def info(core: Core, token: int, deadman_ms: int, out: bytearray) -> int:
    """The INFO body into `out`; its length."""
    config, claims = core.config, core.config.claims
    out[0] = VERSION
    out[1] = FrameType.INFO
    put32(out, 2, token)
    out[6] = claims.simulated | config.mains << 1 | config.heat << 2
    for i in range(12):
        out[7 + i] = core.serial[i]
    for i in range(3):
        out[19 + i] = config.firmware[i]
    put32(out, 22, core.memory.boot)
    put32(out, 26, core.memory.life_ticks // TICKS_PER_S)
    out[30] = config.zones
    out[31] = config.vibration
    out[32] = config.kneading
    out[33] = config.motions
    out[34] = config.directions
    for zone in range(6):
        out[35 + zone] = claims.caps[zone]
    out[41] = claims.sum_cap
    out[42] = claims.rise
    pack_into(
        "<4H",
        out,
        43,
        deadman_ms,
        claims.session_s,
        claims.with_pauses_s,
        claims.allowance_s,
    )
    out[51] = config.sensing
    return seal(out, LENGTHS[FrameType.INFO] - 2)


@micropython.native
def flags(core: Core) -> int:
    """The flags byte of TELEMETRY."""
    tick = core.tick
    return (
        core.button.pressed
        | (core.heat.power > 0) << 1
        | core.supply.charging << 2
        | core.board.powered << 3
        | (tick < core.pairing_until) << 4
        | (tick < core.attended_until) << 5
        | core.memory.allowance_lost << 6
    )


@micropython.viper
def _put_levels(level: ptr32, drive: ptr32, out: ptr8):
    """Levels and drives in tenths of a percent, rounded up."""
    for zone in range(6):
        place = _LEVELS + 2 * zone
        tenths = (level[zone] + 9) // 10
        out[place] = tenths & 255
        out[place + 1] = tenths >> 8
        tenths = (drive[2 * zone] + 9) // 10
        out[place + 12] = tenths & 255
        out[place + 13] = tenths >> 8
        tenths = (drive[2 * zone + 1] + 9) // 10
        out[place + 24] = tenths & 255
        out[place + 25] = tenths >> 8


def telemetry(core: Core, rejected: int, out: bytearray) -> int:
    """The TELEMETRY body into `out`, with the next counter; its length."""
    announcer, session, board = core.announcer, core.session, core.board
    sensing = core.config.sensing
    pack_into(
        "<BBI4s4sII4sHHBBHBB",
        out,
        0,
        VERSION,
        _TELEMETRY,
        announcer.count(core.tick),
        announcer.epoch,
        announcer.challenge,
        word((core.tick - core.boot_tick) * TICK_MS),
        word(core.running * TICK_MS),
        _NOBODY if session is None else session.owner,
        0 if session is None else session.seq_low,
        0 if session is None else session.seq_high,
        core.state,
        core.cause,
        core.latch,
        flags(core),
        core.supply.percent,
    )
    _put_levels(core.levels.level, core.patterns.actuators, out)
    pack_into(
        "<HhhHH",
        out,
        _TAIL,
        min(0xFFFF, board.total_ma()),
        _tenths(board.pad_sensor.hundredths) if sensing & _PAD_BIT else NO_SENSOR,
        _tenths(board.motor_sensor.hundredths) if sensing & _MOTOR_BIT else NO_SENSOR,
        core.allowance.left_s,
        rejected,
    )
    return seal(out, _TELEMETRY_SIZE)


@micropython.native
def _tenths(hundredths: int | None) -> int:
    return NO_SENSOR if hundredths is None else (hundredths + 5) // 10
