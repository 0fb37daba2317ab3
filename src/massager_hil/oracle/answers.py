"""Every question has its answer: once, on the link that asked, in time, with a result that the page allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from massager_hil import wire
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import Result

_RULES: Final = {
    Result.STALE_EPOCH: "R16",
    Result.STALE_CHALLENGE: "R16",
    Result.BUSY: "R17",
    Result.LATCHED: "R7",
    Result.FAULT: "R7",
    Result.MALFORMED: "R19",
    Result.ALLOWANCE: "R8",
    Result.BATTERY: "R13",
    Result.CHARGING: "R13",
    Result.BUTTON: "R7",
    Result.CAUSE_PRESENT: "R7",
    Result.WRONG_LATCH: "R7",
    Result.NOT_LATCHED: "R7",
    Result.NOT_ALLOWED: "R17",
}
NAMES: Final = {
    wire.Arm.TYPE: "ARM",
    wire.Stop.TYPE: "STOP",
    wire.Reset.TYPE: "RESET",
    wire.GetInfo.TYPE: "GET_INFO",
}
_OF_RULE: Final = {
    wire.Arm.TYPE: "R15",
    wire.Stop.TYPE: "R6",
    wire.Reset.TYPE: "R7",
    wire.GetInfo.TYPE: "R15",
}


@dataclass(slots=True)
class Question:
    """A frame that has to be answered by `due`."""

    link: int
    of: int
    token: int
    due: float
    allowed: frozenset[Result]
    frame: wire.Arm | wire.Reset | None = None
    at: float = 0.0
    """When it was sent."""


class Answers:
    """What was asked, and not answered yet."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._open: list[Question] = []

    def ask(self, question: Question) -> None:
        """A question was sent."""
        self._open.append(question)

    def forget(self, link: int | None = None) -> None:
        """A link is gone, or the device was: nothing more is due there."""
        self._open = [q for q in self._open if link is not None and q.link != link]

    def late(self, now: float) -> None:
        """Breaches for what should have been answered by now."""
        if self._open and self._open[0].due < now:
            for question in [q for q in self._open if q.due < now]:
                self._open.remove(question)
                name = NAMES[question.of]
                self._sheet.breach(_OF_RULE[question.of], f"{name} is answered", "no", "in time")

    def info(self, link: int, token: int) -> None:
        """INFO came."""
        if self._find(link, wire.GetInfo.TYPE, token) is None:
            self._sheet.breach("R16", "INFO that no one asked for", f"token {token}", "none")

    def ack(self, link: int, ack: wire.Ack) -> Question | None:
        """ACK came; the question that it answers. Breaches where there was none, or the result is wrong."""
        question = self._find(link, ack.of, ack.token)
        name = NAMES.get(ack.of, str(ack.of))
        if question is None:
            what = f"ACK of {name} that no one here asked for"
            self._sheet.breach("R16", what, f"token {ack.token}", "none")
            return None
        if ack.result not in question.allowed:
            due = " or ".join(sorted(result.name.lower() for result in question.allowed))
            known = ack.result in frozenset(Result)
            said = Result(ack.result).name.lower() if known else str(ack.result)
            first = min(question.allowed)
            rule = _RULES.get(first) or (_RULES[Result(ack.result)] if known else "R16")
            if question.of == wire.Stop.TYPE:
                rule = "R6"
            self._sheet.breach(rule, f"result of {name}", said, due)
        return question

    def _find(self, link: int, of: int, token: int) -> Question | None:
        for question in self._open:
            if (question.link, question.of, question.token) == (link, of, token):
                self._open.remove(question)
                return question
        return None
