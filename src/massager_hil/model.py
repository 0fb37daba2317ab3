"""What a check is, what it found, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from massager_hil.bench import Bench
    from massager_hil.wire import Telemetry


class Tier(Enum):
    """How much patience a check asks for."""

    QUICK = "quick"
    """All of them together: less than two minutes on a serial port."""
    FULL = "full"
    """The long bounds of R2, R3 and R8, and every frame, state and pattern one by one: over three hours on hardware."""


class Need(Enum):
    """What a check cannot do without."""

    MOTOR = "moves a motor"
    HAND = "needs a hand on the button"
    SECOND_LINK = "needs a second link to the device"
    UNBONDED = "needs a Bluetooth link without a bond, or with a small MTU"
    RESET = "needs the processor to be reset"
    POWER = "needs the device to be switched off and on"
    FAULT = "needs a fault inside the device"
    FULL_POWER = "needs levels above 10 %"
    CHARGER = "needs the charger to be plugged in"


class Verdict(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_COVERED = "not covered"
    NOT_RUN = "not run"
    """The device was lost or the run was interrupted before its turn came, or the bench did not do what it needs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One requirement: what was measured, and what it was held to."""

    rule: str
    what: str
    measured: str
    bound: str
    ok: bool
    value: float | None = None
    """What was measured, where it is a number; in `unit`, held to `low` and `high`."""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    device_clock: bool = False
    """Seen within the device's own frames, so that no lateness of this computer explains it."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}: {self.measured} (bound: {self.bound})"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at `t` seconds of a waveform."""

    t: float
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes on a link at `t` seconds."""

    t: float
    link: int
    to_device: bool
    data: bytes


@dataclass(slots=True)
class Outcome:
    """One check's result, with the waveform of the device's own telemetry."""

    check: Check
    verdict: Verdict
    reason: str = ""
    """Why it was skipped, not covered, or could not be measured."""
    findings: list[Finding] = field(default_factory=list["Finding"])
    wave: list[tuple[float, Telemetry]] = field(default_factory=list["tuple[float, Telemetry]"])
    marks: list[Mark] = field(default_factory=list["Mark"])
    seconds: float = 0.0
    """On the clock that the check ran by, simulated or real."""
    tries: list[Outcome] = field(default_factory=list["Outcome"])
    """What came out before it was done again because this computer was late."""
    late_s: float = 0.0
    """How late this computer or the link was at worst."""
    frames: list[Frame] = field(default_factory=list["Frame"])
    """Raw bytes both ways."""
    samples: dict[str, list[float]] = field(default_factory=dict[str, "list[float]"])
    """Times in seconds that were measured on the way, by what they are."""

    @property
    def flaky(self) -> bool:
        """It passed, but not at the first try."""
        return self.verdict is Verdict.PASSED and bool(self.tries)

    @property
    def broken(self) -> list[Finding]:
        """The findings that do not hold."""
        return [finding for finding in self.findings if not finding.ok]

    @property
    def rules_broken(self) -> list[str]:
        """The rules that the device breaks here, each once."""
        return list(dict.fromkeys(finding.rule for finding in self.broken))


class LinkGone(Exception):
    """The device cannot be reached any more, or does not stop: the run is over."""


class CannotMeasure(Exception):
    """The device does something so unexpected that a check cannot go on; that is a failure of `rule`."""

    def __init__(self, what: str, rule: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.rule = rule


class NotHere(Exception):
    """The check does not apply to this device; the message says why."""


Procedure = Callable[["Bench"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """A test procedure on the device, and the rules of docs/safety.md that it looks at."""

    id: str
    title: str
    rules: tuple[str, ...]
    tier: Tier
    needs: frozenset[Need]
    procedure: Procedure


CHECKS: Final[list[Check]] = []
"""All checks, in the order in which they run; `massager_hil.suite` fills it."""


def check(
    name: str, title: str, *rules: str, tier: Tier = Tier.QUICK, needs: tuple[Need, ...] = ()
) -> Callable[[Procedure], Procedure]:
    """Register a test procedure as a check of `rules`; a finding is charged to the first unless it names another."""

    def register(procedure: Procedure) -> Procedure:
        CHECKS.append(Check(name, title, rules, tier, frozenset(needs), procedure))
        return procedure

    return register
