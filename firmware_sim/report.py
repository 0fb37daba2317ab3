"""INFO and TELEMETRY: what the device says about itself."""

from __future__ import annotations

from firmware_sim import wire
from firmware_sim.core import Core


def info(core: Core, token: int, deadman_s: float) -> bytes:
    """The INFO body."""
    config, claims = core.config, core.config.claims
    flags = claims.simulated | config.mains << 1 | config.heat << 2
    return wire.pack(
        wire.Info(
            token=token,
            flags=flags,
            serial=config.serial,
            firmware=config.firmware,
            boot=core.memory.boot,
            lifetime=core.memory.life_ticks // 50,
            zones=config.zones,
            vibration=config.vibration,
            kneading=config.kneading,
            motions=config.motions,
            directions=config.directions,
            caps=claims.caps,
            sum_cap=claims.sum_cap,
            rise=claims.rise,
            deadman=round(deadman_s * 1000),
            session=claims.session_s,
            allowance=claims.allowance_s,
            sensing=config.sensing,
        )
    )


def flags(core: Core) -> int:
    """The flags byte of TELEMETRY."""
    return (
        core.button.pressed
        | (core.heat.power > 0.0) << 1
        | core.supply.charging << 2
        | core.plant.motors.powered << 3
        | (core.tick < core.pairing_until) << 4
        | (core.tick < core.attended_until) << 5
        | core.memory.allowance_lost << 6
    )


def telemetry(core: Core, rejected: int) -> bytes:
    """The TELEMETRY body, with the next counter."""
    announcer, session, plant = core.announcer, core.session, core.plant
    owner, seq = (session.owner, session.seq) if session is not None else (0, 0)
    percent, sensing = core.supply.percent, core.config.sensing
    return wire.seal(
        wire.TELEMETRY_BODY.pack(
            wire.VERSION,
            wire.FrameType.TELEMETRY,
            announcer.count(core.tick),
            announcer.epoch,
            announcer.challenge,
            (core.tick - core.boot_tick) * 20 & 0xFFFFFFFF,
            core.running * 20 & 0xFFFFFFFF,
            owner,
            seq,
            core.state,
            core.cause,
            core.latch,
            flags(core),
            wire.MAINS if percent is None else percent,
            *[level // 10 for level in core.levels.level],
            min(0xFFFF, round(plant.current_ma())),
            _tenths(plant.pad_sensor.celsius if sensing & 4 else None),
            _tenths(plant.motor_sensor.celsius if sensing & 8 else None),
            core.allowance.left_s,
            rejected,
        )
    )


def _tenths(celsius: float | None) -> int:
    return wire.NO_SENSOR if celsius is None else round(celsius * 10)
