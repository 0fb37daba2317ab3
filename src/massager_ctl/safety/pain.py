"""R22: any report of pain ends the session; a warning sign locks, mild pain lowers. Nothing here ever raises."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, assert_never

from msgspec import Struct

from massager_ctl.requests import PainKind
from massager_ctl.safety.dose_time import DAY_S
from massager_ctl.safety.limits import CapLayer

MILD_SHARE: Final = 0.75
"""What a mild report leaves of the person's cap: a quarter less (R22)."""

MILD_S: Final = DAY_S
"""Seconds for which it is lowered (R22)."""


class Sign(Struct, frozen=True):
    """Something that a person may notice: an id, the words that a surface shows, and what it means."""

    id: str
    words: str
    kind: PainKind


SIGNS: Final[tuple[Sign, ...]] = (
    Sign("sore", "soreness, or it was simply too strong", PainKind.MILD),
    Sign("skin", "the skin feels irritated or too warm", PainKind.MILD),
    Sign("sharp", "sharp or shooting pain", PainKind.WARNING_SIGN),
    Sign("numb", "numbness, tingling or weakness, also in an arm or hand", PainKind.WARNING_SIGN),
    Sign("dizzy", "dizziness, faintness or a sudden strong headache", PainKind.WARNING_SIGN),
    Sign("speech", "trouble with speech, sight, swallowing or balance", PainKind.WARNING_SIGN),
)
"""P3 and domain knowledge on nerve and stroke signs. What is not in the list counts as a warning sign."""


class Consequence(StrEnum):
    """What a report leads to, beyond the stop."""

    LOWERED = "lowered"
    LOCKED = "locked"
    LOCKED_UNTIL_ANSWERED = "locked_until_answered"


class PainOutcome(Struct, frozen=True):
    """The consequence, and what to tell the person."""

    consequence: Consequence
    text: str

    @property
    def locks(self) -> bool:
        return self.consequence is not Consequence.LOWERED


SEEK_CARE: Final = (
    "Please seek medical care. If speech, sight, balance or one side of the body is affected, call the emergency"
    " number now."
)


def kind_of(signs: Iterable[str]) -> PainKind:
    """What the ids of `signs` mean together; one warning sign, or one that is not known, decides."""
    known = {sign.id: sign.kind for sign in SIGNS}
    kinds = {known.get(sign, PainKind.WARNING_SIGN) for sign in signs}
    if not kinds:
        return PainKind.UNCLASSIFIED
    return PainKind.MILD if kinds == {PainKind.MILD} else PainKind.WARNING_SIGN


def classify(kind: PainKind) -> PainOutcome:
    """What a report of `kind` leads to, from anywhere (R18, R22)."""
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
