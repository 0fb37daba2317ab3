"""Pain reports (R22): any ends the session; a warning sign locks, mild pain lowers. Nothing here raises."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, assert_never

from msgspec import Struct

from massager_ctl.model.requests import PainKind
from massager_ctl.safety.dose_time import DAY_S
from massager_ctl.safety.limits import CapLayer

MILD_SHARE: Final = 0.75
"""Factor on the person's cap after a mild report (R22)."""

MILD_S: Final = DAY_S
"""Seconds for which the cap is lowered (R22)."""


WORDS: Final[dict[PainKind, str]] = {
    PainKind.MILD: "mild, and gone now: soreness, too strong, or irritated skin",
    PainKind.WARNING_SIGN: (
        "a warning sign: sharp or shooting pain; numbness, tingling or weakness, also in an arm or hand; dizziness,"
        " faintness or a sudden strong headache; trouble with speech, sight, swallowing or balance"
    ),
    PainKind.UNCLASSIFIED: "not certain",
}
"""What each kind of report means, in the words that all front ends show (P3, and signs of nerve injury and stroke)."""

ANSWERS: Final[dict[str, PainKind]] = {
    "m": PainKind.MILD,
    "w": PainKind.WARNING_SIGN,
    "n": PainKind.UNCLASSIFIED,
}
"""The key that answers it."""

QUESTION: Final = "\n".join(
    ["What was it?", "", *(f"  {key}  {WORDS[kind]}" for key, kind in ANSWERS.items())]
)


class Consequence(StrEnum):
    """What a report causes beyond the stop."""

    LOWERED = "lowered"
    LOCKED = "locked"
    LOCKED_UNTIL_ANSWERED = "locked_until_answered"


class PainOutcome(Struct, frozen=True):
    """The consequence, and what to tell the person."""

    consequence: Consequence
    text: str

    @property
    def locks(self) -> bool:
        """Whether nothing may start (R22)."""
        return self.consequence is not Consequence.LOWERED


SEEK_CARE: Final = (
    "Please seek medical care. If speech, sight, balance or one side of the body is affected, call the emergency"
    " number now."
)


def classify(kind: PainKind) -> PainOutcome:
    """What a report of `kind` causes, from anywhere (R18, R22)."""
    match kind:
        case PainKind.MILD:
            return PainOutcome(
                Consequence.LOWERED,
                "The session is over. For 24 hours your cap is a quarter lower.",
            )
        case PainKind.WARNING_SIGN:
            return PainOutcome(
                Consequence.LOCKED,
                f"The session is over and sessions are locked. {SEEK_CARE}"
                " `massager-ctl screen` unlocks, once a doctor has agreed.",
            )
        case PainKind.UNCLASSIFIED:
            return PainOutcome(
                Consequence.LOCKED_UNTIL_ANSWERED,
                "The session is over and sessions are locked until `massager-ctl screen`, at this computer, has asked"
                " what it felt like. If anything feels seriously wrong, seek medical care.",
            )
        case _:  # pragma: no cover
            assert_never(kind)


def lowered(ages_s: Iterable[float], personal_cap: float) -> CapLayer | None:
    """The cap after mild reports, or None. `ages_s`: seconds since each; `personal_cap`: percent, before it."""
    count = sum(1 for age in ages_s if age < MILD_S)
    if not count:
        return None
    return CapLayer.flat(
        "pain", personal_cap * MILD_SHARE**count, "mild pain was reported in the last 24 hours"
    )
