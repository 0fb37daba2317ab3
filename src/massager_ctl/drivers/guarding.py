"""R25: what a driver of another make tells the guardian of its device, where there is one: how it is stopped from here
on, that the control loop is alive, and that the device is at rest."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Final

from massager_ctl.drivers.dialect import Dialect, DriverSpec
from massager_ctl.drivers.foreign import Foreign
from massager_ctl.errors import GuardianLost
from massager_ctl.guardian.machine import AGAIN_S, GIVE_UP_S
from massager_ctl.guardian.messages import Burst
from massager_ctl.transports.base import Transport
from massager_ctl.transports.guarded import GuardedTransport
from massager_ctl.transports.guardian_link import can_share

REPEATS: Final = round(GIVE_UP_S / AGAIN_S) + 1
"""Stops that a guardian may have to send, where a counter makes each another one."""

STOPS_MAX: Final = 60_000
"""Bytes of all these stops together."""


class Guarding:
    """The guardian below one driver, or none: then nothing here does anything."""

    __slots__ = (
        "_foreign",
        "_guard",
        "_spec",
        "_stops",
        "_tell",
        "_transport",
        "_trouble",
        "alone",
    )

    def __init__(
        self,
        transport: Transport,
        spec: DriverSpec,
        foreign: Foreign,
        tell: Callable[[GuardianLost], None],
    ) -> None:
        """`tell` is called at once where a session is not watched over any more."""
        self._tell = tell
        self._transport = transport
        self.alone = False
        """Whether a person at the table wants to see the device without a guardian."""
        self._guard = transport if isinstance(transport, GuardedTransport) else None
        self._spec = spec
        self._foreign = foreign
        self._stops: tuple[Burst, ...] = ()
        self._trouble: GuardianLost | None
        if self._guard is not None:
            self._guard.on_trouble = self._fails

    @property
    def full(self) -> bool:
        """Whether it counts: on Bluetooth it was not shown on BlueZ, and the cap stays at the lowest (R25)."""
        return self._guard is not None and self._guard.guarded

    async def begin(self, dialect: Dialect, now: float) -> None:
        """Before the first level, whichever front end starts the session.

        Raises LinkError if no guardian answers, GuardianLost if there should be one and is none, DriverFault.
        """
        self._trouble = None
        if self._guard is None:
            if can_share(self._transport) and not self.alone:
                raise GuardianLost(
                    "this device has no dead-man, and no second process keeps watch over it (R25)",
                    "Nothing was started. Open it by `massager_ctl.drivers.factory.make_driver`, with `guard`.",
                )
            return
        self._stops = self._stops_from(dialect, now)
        reports: Sequence[bytes] = self._foreign.read(dialect, "off_reports")
        rest = tuple((value, b"\xff" * len(value)) for value in reports)
        await self._guard.begin(self._stops, rest)

    def write(self, dialect: Dialect, frames: Burst, now: float) -> bool:
        """Hand frames that the dialect has just made to the guardian; False if there is none."""
        if self._guard is None:
            return False
        if self._guard.runs:
            stops = self._stops_from(dialect, now)
            if stops != self._stops:  # A counter in the stop has gone on.
                self._stops = stops
                self._guard.follow(stops)
        self._guard.send(frames)
        return True

    def beat(self) -> None:
        """Called by the control loop's own tick alone (R24)."""
        if self._guard is not None:
            self._guard.beat()

    def stop(self, frames: Burst) -> bool:
        """Hand a stop to the guardian; False if there is none."""
        if self._guard is None:
            return False
        # A driver that gives more than it promised must not keep the stop from going out.
        fits = _size(frames) <= STOPS_MAX
        self._guard.stop(frames if fits or not self._stops else self._stops[0])
        return True

    def rest(self) -> None:
        """The device has reported that it is at rest."""
        if self._guard is not None:
            self._guard.rest()

    def require(self) -> None:
        """Raise GuardianLost where the session is not watched over any more."""
        if self._trouble is not None:
            raise self._trouble

    def _fails(self, why: str) -> None:
        self._trouble = GuardianLost(
            f"the second process that keeps watch over this device failed: {why} (R25)",
            "The stop was sent. Look whether the massager is at rest; if not, unplug it.",
        )
        self._tell(self._trouble)

    def _stops_from(self, dialect: Dialect, now: float) -> tuple[Burst, ...]:
        """One stop after another from here; one alone where they are all the same."""
        ahead = self._foreign.asked("__deepcopy__", copy.deepcopy, dialect)
        first = self._burst(ahead, now)
        second = self._burst(ahead, now)
        again = (
            ()
            if first == second
            else [second, *(self._burst(ahead, now) for _ in range(REPEATS - 2))]
        )
        stops = (first, *again)
        size = sum(map(_size, stops))
        if size > STOPS_MAX:
            raise self._foreign.unfit(f"its stop, {len(stops)} times, takes {size} bytes")
        return stops

    def _burst(self, dialect: Dialect, now: float) -> Burst:
        return stop_burst(
            self._spec, tuple(self._foreign.frames(dialect, "stop", now)), self._transport
        )


def _size(burst: Burst) -> int:
    return sum(map(len, burst))


def stop_burst(spec: DriverSpec, frames: Burst, transport: Transport) -> Burst:
    """The frames of a stop as they are written: on a stream as one, after what makes the device read afresh."""
    if transport.kind.framed:
        return frames
    return (spec.ends_frame + b"".join(frames),)
