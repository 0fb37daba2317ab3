"""Devices with one rule broken, by name: what the conformance suite must find, and by which rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from firmware_sim.config import DeviceConfig, no_envelope, with_claims, with_limits
from firmware_sim.core import Core
from firmware_sim.firmware import Rules
from firmware_sim.mutants import core_mistakes as core
from firmware_sim.mutants import link_mistakes as link
from firmware_sim.mutants.end_mistakes import ENDS
from firmware_sim.mutants.feeding_mistakes import FEEDING
from firmware_sim.mutants.frame_mistakes import FRAMES
from firmware_sim.mutants.guard_mistakes import GUARDS
from firmware_sim.mutants.link_mistakes import around
from firmware_sim.mutants.number_mistakes import NUMBERS
from firmware_sim.mutants.setting_mistakes import SETTINGS
from massager_fw.config import FULL_RANGE_TICKS

_FOR_EVER: Final = 10**9


def _as_it_is(config: DeviceConfig) -> DeviceConfig:
    return config


def _from_the_start(running: int, cap: int) -> int:
    return min(cap, 1000 + (cap - 1000) * running // FULL_RANGE_TICKS) if cap > 1000 else cap


@dataclass(frozen=True, slots=True)
class Mutant:
    """A sound device but for one rule."""

    rule: str
    """The rule that it breaks, and by which the suite must catch it."""
    about: str
    rules: type[Rules] = Rules
    change: Callable[[DeviceConfig], DeviceConfig] = _as_it_is


def _slow_clock(config: DeviceConfig) -> DeviceConfig:
    return replace(config, clock_rate=0.8)


def _limits(rule: str, about: str, **changes: Any) -> Mutant:
    """A device whose limits are other than INFO says."""

    def change(config: DeviceConfig) -> DeviceConfig:
        return with_limits(config, **changes)

    return Mutant(rule, about, change=change)


def _claims(rule: str, about: str, **changes: Any) -> Mutant:
    """A device whose INFO says something else than it does."""

    def change(config: DeviceConfig) -> DeviceConfig:
        return with_claims(config, **changes)

    return Mutant(rule, about, change=change)


def _of(mistake: type[Core | Rules]) -> Mutant:
    """A mistake whose docstring says `rule: what it does.`"""
    rule, _, about = (mistake.__doc__ or "").strip().rstrip(".").partition(": ")
    rules = mistake if issubclass(mistake, Rules) else around(mistake)
    return Mutant(rule, about, rules)


MUTANTS: Final[dict[str, Mutant]] = {
    # Levels, R1 to R3
    "no-cap": _limits("R1", "a zone goes up to 100 %", caps=(100,) * 6),
    "no-sum-cap": _limits("R1", "the sum over all zones has no bound", sum_cap=600),
    "info-claims-high-caps": _claims("R1", "INFO names caps above the bounds", caps=(100,) * 6),
    "info-claims-low-caps": _claims("R1", "INFO names lower caps than are kept", caps=(30,) * 6),
    "arm-cap-ignored": _of(core.ArmCapIgnored),
    "envelope-ignored": _limits("R2", "the cap from the first moment on", envelope=no_envelope),
    "caps-of-the-neck-everywhere": _limits(
        "R1", "the suboccipital zones go up to 50 %", caps=(70, 70, 50, 50, 50, 50)
    ),
    "sum-cap-a-fifth-more": _limits("R1", "the sum goes up to 240 %", sum_cap=240),
    "rise-a-quarter-more": _limits("R3", "a level rises at 2.5 points/s", rise=25),
    "drive-rise-double": _limits("R3", "a drive rises at 20 points/s", drive_rise=20),
    "envelope-from-the-start": _limits(
        "R2", "the envelope rises from the first second on", envelope=_from_the_start
    ),
    "envelope-earned-at-zero": _of(core.EarnedAtZero),
    "envelope-goes-on": _of(core.EnvelopeGoesOn),
    "slew-ignored": _limits("R3", "a level jumps", rise=50_000),
    "slew-double": _limits("R3", "a level rises at 4 points/s", rise=40),
    "resumes-at-level": _of(core.ResumesAtLevel),
    "fade-turns-back": _of(core.FadeTurnsBack),
    "hand-over-jumps": _of(core.HandOverJumps),
    # The dead-man, R4
    "deadman-late": _of(core.LateDeadMan),
    "deadman-early": _of(core.EarlyDeadMan),
    "rises-on-old-age": _of(core.RisesOnOldAge),
    "duplicates-feed": _of(link.DuplicatesFeed),
    "echo-ignored": _of(link.EchoIgnored),
    "echo-expires-early": _of(link.EchoExpiresEarly),
    "link-loss-ignored": _of(link.LinkLossIgnored),
    "counter-skips": _of(link.CounterSkips),
    # Stop, R6
    "stop-needs-session": _of(link.StopNeedsSession),
    "stop-needs-owner": _of(link.StopNeedsOwner),
    "stop-by-version": _of(link.StopByVersion),
    "second-stop-unanswered": _of(link.SecondStopUnanswered),
    "idle-stop-keeps-epoch": _of(core.IdleStopKeepsEpoch),
    # Latches, R7
    "latch-not-held": _of(core.LatchNotHeld),
    "button-ignored-idle": _of(core.ButtonIdle),
    "stop-clears-latch": _of(core.StopClearsLatch),
    "reset-by-name-only": _of(link.ResetByNameOnly),
    "reset-while-pressed": _of(link.ResetWhilePressed),
    "fault-forgotten": _of(core.FaultForgotten),
    # Time, R8
    "time-renewed-by-arm": _of(link.TimeRenewedByArm),
    "arm-limit-ignored": _of(core.ArmLimitIgnored),
    "limits-in-device-time": _limits(
        "R8",
        "long limits are counted as they are, on a clock that may be slow",
        session_s=2000,
        with_pauses_s=3000,
        pause_s=334,
    ),
    "no-session-limit": _limits("R8", "a session without pauses never ends", session_s=_FOR_EVER),
    "pause-for-ever": _limits("R8", "a pause never ends", pause_s=_FOR_EVER),
    "allowance-renewed-by-arm": _of(core.AllowanceRenewed),
    "allowance-not-counted": _of(core.AllowanceNotCounted),
    "hour-is-fixed": _of(core.HourIsFixed),
    "hour-too-short": _limits("R8", "an hour is one of the device's own clock", window_s=3600),
    "allowance-forgotten": _of(core.AllowanceForgotten),
    "clock-a-fifth-slow": Mutant(
        "R8", "its clock counts 0.8 s in a second, and uptime with it", change=_slow_clock
    ),
    "allowance-too-long": _limits("R8", "an hour may hold 2000 s of running", allowance_s=2000),
    # Protections, R11 to R14
    "no-heat-trip": _of(core.NoHeatTrip),
    "no-stall-trip": _of(core.NoStallTrip),
    "kneads-blind": _of(link.KneadsBlind),
    "battery-ignored": _of(core.BatteryIgnored),
    "no-power-switch": _of(core.NoPowerSwitch),
    "telemetry-lies": _of(link.LiesAboutLevels),
    "telemetry-tells-target": _of(link.TellsTheTarget),
    # Link, frames, owner, numbers: R15 to R19
    "resumes-on-reconnect": _of(link.ResumesOnReconnect),
    "stale-epoch": _of(link.StaleEpoch),
    "arm-stale-epoch": _of(link.ArmStaleEpoch),
    "arm-stale-challenge": _of(link.ArmStaleChallenge),
    "epoch-again-after-boot": _of(core.EpochAgainAfterBoot),
    "old-sequence": _of(core.OldSequence),
    "sequence-does-not-wrap": _of(core.SequenceDoesNotWrap),
    "crc-ignored": _of(link.CrcIgnored),
    "bad-not-counted": _of(link.BadNotCounted),
    "noise-tolerated": _of(link.NoiseTolerated),
    "foreign-owner": _of(link.ForeignOwner),
    "foreign-link": _of(link.ForeignLink),
    "second-arm-steals": _of(link.SecondArmSteals),
    "malformed-is-clamped": _of(core.MalformedIsClamped),
    "malformed-is-skipped": _of(core.MalformedIsSkipped),
    "arm-malformed": _of(link.ArmMalformed),
    # Loops, R24
    "slow-telemetry": _of(link.SlowTelemetry),
    "slow-watchdog": _of(core.SlowWatchdog),
    # Whole kinds of mistakes
    **{
        name: _of(mistake)
        for kind in (FEEDING, ENDS, FRAMES, NUMBERS, SETTINGS, GUARDS)
        for name, mistake in kind.items()
    },
}


def table() -> str:
    """The list for the documentation."""
    rows = [f"| `{name}` | {mutant.rule} | {mutant.about} |" for name, mutant in MUTANTS.items()]
    return "\n".join(["| name | breaks | how |", "|---|---|---|", *rows])
