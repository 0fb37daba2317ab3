"""The dose rule (R9): at most 3 sessions and 30 minutes in any 24 hours, a rest between them, everything charged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from massager_ctl.errors import DoseSpent
from massager_ctl.safety.dose_time import DAY_S
from massager_ctl.safety.limits import FIRST_SESSIONS, FIRST_SESSIONS_CAP, CapLayer

SESSIONS_MAX: Final = 3
"""Sessions in any 24 hours (R9, T3)."""

SECONDS_MAX: Final = 1800.0
"""Seconds of running in any 24 hours (R9, T2)."""

WINDOW_S: Final = DAY_S

LIFETIME_STEP_S: Final = 1.0
"""Resolution of a device's lifetime counter, seconds; a smaller difference does not prove another host."""

REST_MIN_S: Final = 600.0
"""Minimum seconds of rest after a session; as long as the session if that is more (R9)."""

SESSION_MIN_S: Final = 120.0
"""Seconds below which it counts as time, not as a session (R9)."""

CRASH_S: Final = 20.0
"""Seconds charged beyond the last checkpoint of a session that was never settled (R9).

It covers what may have run after that checkpoint: a checkpoint that hangs for 12 s, the fade of 6 s that follows, and
the device's dead-man of 1.1 s.
"""

CHECKPOINT_S: Final = 5.0
"""Seconds between checkpoints (R9)."""

CHECKPOINT_OVERDUE_S: Final = 12.0
"""Seconds without a checkpoint after which a session must fade.

R9 allows 15; with the fade and the dead-man that would be more than `CRASH_S`, so it is less.
"""

DAYS_WARN: Final = 5
"""Days in 7 above which a person is warned (R9, T3)."""


class Entry(Struct, frozen=True):
    """One ledger entry as the rules see it; times are dose time (R10), seconds.

    `charged_s`: what it costs, the whole reservation while it is open. `counts`: this program ran it, so it counts
    towards the first three; what another host delivered does not. `delivered_s`: of an open one, as far as it is known.
    """

    ended_s: float
    charged_s: float
    open: bool = False
    counts: bool = True
    delivered_s: float = 0.0

    @property
    def is_session(self) -> bool:
        """Whether it was long enough to count as a session (R9)."""
        return self.charged_s >= SESSION_MIN_S


class DoseState(Struct, frozen=True):
    """What the last 24 hours and 7 days leave, in seconds.

    `time_free_in_s`: until the oldest of the day stops counting; `session_free_in_s`: the oldest that is a session.
    `counting`: of each that counts, in how long it stops counting, and what it delivered or costs.
    """

    sessions: int = 0
    used_s: float = 0.0
    rest_s: float = 0.0
    days: int = 0
    sessions_ever: int = 0
    open: bool = False
    time_free_in_s: float = 0.0
    session_free_in_s: float = 0.0
    counting: tuple[tuple[float, float], ...] = ()

    @property
    def left_s(self) -> float:
        """Seconds of running left in this day, regardless of rest and number of sessions."""
        return max(0.0, SECONDS_MAX - self.used_s)

    def left_after(self, passed_s: float) -> float:
        """Seconds of running left `passed_s` later; an open session counts with what it delivered."""
        used_s = sum(seconds for free_in_s, seconds in self.counting if free_in_s > passed_s)
        return max(0.0, SECONDS_MAX - used_s)

    @property
    def sessions_left(self) -> int:
        """How many more sessions the dose allows now (R9)."""
        return max(0, SESSIONS_MAX - self.sessions)


def unsettled(checkpoint_s: float) -> float:
    """Seconds charged for a session that was never settled: never less than delivered."""
    return checkpoint_s + CRASH_S


def tally(entries: Iterable[Entry], at_s: float, sessions_ever: int = 0) -> DoseState:
    """The state at `at_s`, dose time. `entries`: at least those of the last 8 days."""
    sessions, used_s, rest_s, still_open = 0, 0.0, 0.0, False
    oldest_s = oldest_session_s = 0.0
    days: set[int] = set()
    counting: list[tuple[float, float]] = []
    for entry in entries:
        age_s = 0.0 if entry.open else max(0.0, at_s - entry.ended_s)
        still_open = still_open or entry.open
        if age_s < 7 * DAY_S and entry.is_session:
            days.add(int(age_s // DAY_S))
        if age_s >= WINDOW_S:
            continue
        used_s += entry.charged_s
        counting.append(
            (math.inf, entry.delivered_s) if entry.open else (WINDOW_S - age_s, entry.charged_s)
        )
        oldest_s = max(oldest_s, age_s)
        if entry.is_session:
            sessions += 1
            oldest_session_s = max(oldest_session_s, age_s)
            rest_s = max(rest_s, max(REST_MIN_S, entry.charged_s) - age_s)
    return DoseState(
        sessions=sessions,
        used_s=used_s,
        rest_s=rest_s,
        days=len(days),
        sessions_ever=sessions_ever,
        open=still_open,
        time_free_in_s=WINDOW_S - oldest_s if used_s else 0.0,
        session_free_in_s=WINDOW_S - oldest_session_s if sessions else 0.0,
        counting=tuple(counting),
    )


def check(state: DoseState, planned_s: float) -> None:
    """Whether a session of `planned_s` seconds of running may be reserved now. Raises DoseSpent."""
    if state.open:
        raise DoseSpent(
            "a session of yours is already running (R9)", "Wait for its end, or stop it first."
        )
    if state.sessions >= SESSIONS_MAX:
        raise DoseSpent(
            f"there were {state.sessions} sessions in the last 24 hours, which is the maximum (R9)",
            f"The oldest stops counting in {in_words(state.session_free_in_s)}.",
        )
    if state.left_s < 1.0:
        raise DoseSpent(
            "the 30 minutes of the last 24 hours are used up (R9)",
            f"The oldest stops counting in {in_words(state.time_free_in_s)}.",
        )
    if state.rest_s > 0:
        raise DoseSpent(
            "your neck is still resting from the last session (R9)",
            f"Start again in {in_words(state.rest_s)}.",
        )
    if planned_s > state.left_s:
        raise DoseSpent(
            f"this session takes {in_words(planned_s)} of the motors, and the last 24 hours leave"
            f" {in_words(state.left_s)} (R9)",
            "Choose a shorter one, or come back later; `massager-ctl history` shows what counts.",
        )


def warnings(state: DoseState) -> tuple[str, ...]:
    """What to warn the person of before another session; nothing here refuses one."""
    if state.days > DAYS_WARN:
        return (f"used on {state.days} of the last 7 days; a few times a week is plenty (R9, T3)",)
    return ()


def first_sessions_layer(state: DoseState) -> CapLayer | None:
    """The cap for a person's first three sessions, or None after them (R1)."""
    if state.sessions_ever >= FIRST_SESSIONS:
        return None
    return CapLayer.flat(
        "first sessions",
        FIRST_SESSIONS_CAP,
        f"session {state.sessions_ever + 1} of {FIRST_SESSIONS}",
    )


def foreign(lifetime_s: float, seen_s: float, own_s: float) -> float:
    """Seconds that other hosts delivered on a device since it was last seen (R9, fault 59).

    `lifetime_s`: the device's running seconds now; `seen_s`: at the last look; `own_s`: what this ledger charged for
    that device since then. A lifetime below the last look means another or a reset device, and shows nothing.
    """
    return max(0.0, lifetime_s - seen_s - own_s)


def in_words(seconds: float) -> str:
    """A duration for a person: `45 s`, `12 min`, `12 min 30 s`, `3 h 5 min`."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(-(-whole // 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
