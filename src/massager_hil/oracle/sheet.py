"""What the oracle found: each kind of breach once, at its first and at its worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from massager_hil.model import Finding

_MOST: Final = 40
"""A device that is wrong everywhere is reported on no more lines than these in one check."""


@dataclass(slots=True)
class Breach:
    """A rule that did not hold, and where that was seen first."""

    rule: str
    what: str
    measured: str
    bound: str
    at: str
    device_clock: bool = False
    times: int = 1

    def finding(self) -> Finding:
        """As a line of the report."""
        again = f", {self.times} times" if self.times > 1 else ""
        return Finding(
            self.rule,
            f"{self.what} ({self.at}{again})",
            self.measured,
            self.bound,
            ok=False,
            device_clock=self.device_clock,
        )


class Sheet:
    """Collects breaches. `context` is what the check is at, in words."""

    def __init__(self) -> None:
        self.context = ""
        self.uptime_ms = 0
        """Of the TELEMETRY that is looked at."""
        self.breaches: dict[tuple[str, str], Breach] = {}
        self.within_frames = False
        """What is found now needs no clock but the device's own."""
        self.samples: dict[str, list[float]] = {}
        """Times in seconds that many checks bring about, by what they are."""
        self.frames = 0
        """Frames that were judged, both ways."""

    def sample(self, what: str, seconds: float) -> None:
        """One more of the times that `what` names."""
        self.samples.setdefault(what, []).append(seconds)

    def breach(self, rule: str, what: str, measured: object, bound: object) -> None:
        """`rule` does not hold: `measured` instead of `bound`."""
        known = self.breaches.get((rule, what))
        if known is not None:
            known.times += 1
            return
        if len(self.breaches) >= _MOST:
            return
        at = f"at uptime {self.uptime_ms / 1000:.2f} s"
        if self.context:
            at = f"{self.context}, {at}"
        self.breaches[rule, what] = Breach(
            rule, what, str(measured), str(bound), at, self.within_frames
        )

    def keep(self, known: frozenset[tuple[str, str]]) -> None:
        """Keep only what was known then."""
        self.breaches = {key: breach for key, breach in self.breaches.items() if key in known}

    def take(self) -> list[Finding]:
        """Everything found since the last call."""
        found = [breach.finding() for breach in self.breaches.values()]
        self.breaches.clear()
        return found
