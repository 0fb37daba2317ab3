"""What is known of a device and its links: the state that the oracle's parts share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from massager_hil import wire
from massager_hil.oracle.answers import Answers
from massager_hil.oracle.button import ButtonJudge
from massager_hil.oracle.challenges import Challenges
from massager_hil.oracle.receiver import Receiver
from massager_hil.oracle.session import Session
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import DEAD_MAN_S, ECHOES, Cause, State

PROCESS_S: Final = 0.03
"""A device that works in ticks of 20 ms has seen by then what was sent."""
_WORD: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Due:
    """A reason for the session to end, and by when it has to have ended for it."""

    at: float
    causes: frozenset[int]
    by: float
    rule: str
    what: str


@dataclass(slots=True)
class Link:
    """One link, as the device sees it."""

    receiver: Receiver
    up: bool = True
    poor: str = ""
    """ble_unbonded or ble_small: then it may stop and ask, or only stop."""
    heard: int | None = None
    """The counter that was reported last on it."""


@dataclass(slots=True)
class Rejected:
    """Frames that had no effect: at least and at most so many."""

    base: int | None = None
    least: int = 0
    most: int = 0
    young: deque[tuple[float, int]] = field(default_factory=deque["tuple[float, int]"])
    """Those that may not be reported yet, with what each adds to the least."""

    def add(self, now: float, *, sure: bool = True) -> None:
        """One more frame."""
        self.most += 1
        if sure:
            self.young.append((now, 1))

    def settle(self, now: float, age_s: float) -> None:
        """Frames of that age are reported by now."""
        while self.young and now - self.young[0][0] > age_s:
            self.least += self.young.popleft()[1]

    def restart(self, base: int | None) -> None:
        """Count from `base`."""
        self.base, self.least, self.most = base, 0, 0
        self.young.clear()


@dataclass(slots=True)
class World:
    """Everything that the oracle knows."""

    sheet: Sheet
    info: wire.Info
    kind: str
    base_slack_s: float
    late: Callable[[], float]
    """How late this computer was in the last few seconds; asked in real time only."""
    answers: Answers = field(init=False)
    challenges: Challenges = field(init=False)
    button: ButtonJudge = field(init=False)
    links: dict[int, Link] = field(default_factory=dict[int, Link])
    latest: wire.Telemetry | None = None
    latest_at: float = 0.0
    session: Session | None = None
    asked_for: dict[tuple[int, int], Session] = field(
        default_factory=dict["tuple[int, int]", Session]
    )
    """What ARMs that are not answered yet would open, by link and token."""
    ends: list[Due] = field(default_factory=list[Due])
    epoch_events: list[tuple[float, bool]] = field(default_factory=list["tuple[float, bool]"])
    """What changes the epoch, since it changed last: when, and whether surely."""
    epoch_event_at: float = -1e9
    """When the newest of all of them was."""
    epochs: set[int] = field(default_factory=set[int])
    used_epochs: set[int] = field(default_factory=set[int])
    """Those in which a session was opened."""
    acked_epoch: int | None = None
    sent_at: dict[int, float] = field(default_factory=dict[int, float])
    """When each counter was heard first."""
    recent: dict[int, wire.Telemetry] = field(default_factory=dict[int, wire.Telemetry])
    """What was heard with it, where there are two links."""
    rejected: Rejected = field(default_factory=Rejected)
    tells: list[tuple[float, int]] = field(default_factory=list["tuple[float, int]"])
    """TELEMETRY that is due at once: by when, and with which seq."""
    off_grid_until: float = -1.0
    """There is a reason for a TELEMETRY beside the regular ones until then."""
    grid_ms: int | None = None
    acts: dict[str, float] = field(default_factory=dict[str, float])
    """What the operator did, and when last: reset, power, fault, charger."""
    faulted: bool = False
    """A fault was brought about in this check."""
    cleared_at: float = -1e9
    """When a RESET was taken."""
    charging: bool = False
    hung: bool = False

    def __post_init__(self) -> None:
        self.answers = Answers(self.sheet)
        self.challenges = Challenges(self.base_slack_s)
        self.button = ButtonJudge(self.sheet, exact=not self.base_slack_s)

    @property
    def slack_s(self) -> float:
        """What this computer and the link may add to a time on its clock."""
        return self.base_slack_s + self.late() if self.base_slack_s else 0.0

    @property
    def dead_man_s(self) -> float:
        """T of these links."""
        return DEAD_MAN_S[self.kind]

    @property
    def settle_s(self) -> float:
        """After so long what was sent has had its effect, and is reported."""
        return self.slack_s + PROCESS_S

    @property
    def state(self) -> int:
        """The state that was reported last."""
        return self.latest.state if self.latest is not None else State.IDLE

    def epoch_changes(self, now: float, *, sure: bool = True) -> None:
        """Something happened that gives a new epoch, and voids every challenge."""
        self.epoch_events.append((now, sure))
        self.epoch_event_at = now
        if sure:
            self.challenges.void()

    def end_is_due(self, due: Due) -> None:
        """The session has to end."""
        if self.session is not None:
            self.ends.append(due)

    def counter_age(self, echo: int, now: float) -> float | None:
        """Seconds since the device sent that counter; None if it did not, or need not remember."""
        if self.latest is None or not 0 <= (self.latest.counter - echo) & 0xFFFFFFFF < ECHOES:
            return None
        sent = self.sent_at.get(echo)
        return None if sent is None else now - sent

    def restart(self) -> None:
        """The device has booted."""
        self.session = None
        self.asked_for.clear()
        self.ends.clear()
        self.tells.clear()
        self.epoch_events.clear()
        self.acked_epoch = None
        self.challenges.void()
        self.answers.forget()
        self.button.boot()
        self.sent_at.clear()
        self.recent.clear()
        self.rejected.restart(None)
        self.grid_ms = None
        self.hung = False
        for link in self.links.values():
            link.heard = None
            link.receiver.feed(b"\x00")


FAULT_CAUSES: Final = frozenset(
    (
        *(Cause.OVER_TEMPERATURE, Cause.TEMPERATURE_SENSOR, Cause.STALL),
        *(Cause.OVER_CURRENT, Cause.STUCK_OUTPUT, Cause.MEMORY, Cause.BROWN_OUT),
    )
)
RULE_OF: Final[dict[int, str]] = {
    Cause.DEAD_MAN: "R4",
    Cause.LINK_LOST: "R15",
    Cause.TIME_LIMIT: "R8",
    Cause.PAUSE_LIMIT: "R8",
    Cause.ALLOWANCE: "R8",
    Cause.FRAME_NOISE: "R16",
    Cause.BATTERY_LOW: "R13",
    Cause.CHARGING: "R13",
    Cause.BROWN_OUT: "R13",
    Cause.WATCHDOG: "R24",
    Cause.BUTTON: "R7",
    Cause.BUTTON_OPEN: "R7",
    Cause.OVER_TEMPERATURE: "R11",
    Cause.TEMPERATURE_SENSOR: "R11",
    Cause.STALL: "R12",
    Cause.OVER_CURRENT: "R12",
    Cause.STUCK_OUTPUT: "R14",
    Cause.MEMORY: "R7",
}
"""The rule by which each cause ends a session."""


def name_of(cause: int) -> str:
    """A cause in words."""
    return Cause(cause).name.lower() if cause in frozenset(Cause) else str(cause)
