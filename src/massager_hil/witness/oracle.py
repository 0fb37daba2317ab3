"""An oracle that tells the judge of the outputs what the host and the operator do."""

from __future__ import annotations

from collections.abc import Callable

from massager_hil import wire
from massager_hil.oracle.oracle import Oracle
from massager_hil.oracle.receiver import AnyStop, Received, Receiver
from massager_hil.witness.judge import WitnessJudge


class WitnessedOracle(Oracle):
    """Judges frames as ever, and outputs as well. `clock`: this computer's seconds."""

    def __init__(
        self,
        info: wire.Info,
        *,
        kind: str,
        slack_s: float,
        late: Callable[[], float],
        tolerance: float,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(info, kind=kind, slack_s=slack_s, late=late)
        self.outputs = WitnessJudge(self.sheet, info, kind, tolerance, lambda: slack_s + late())
        self._clock = clock
        self._bare = kind == "serial"
        self._receivers: dict[int, Receiver] = {}
        self._by_link = kind == "ble"
        self._pressed = False

    def opened(self, link: int, poor: str = "") -> None:
        """A link is up."""
        super().opened(link, poor)
        self._receivers[link] = Receiver(framed_by_link=self._by_link or bool(poor))

    def closed(self, link: int, now: float) -> None:
        """A link went down."""
        session = self.world.session
        owner = session is not None and session.link == link
        super().closed(link, now)
        if owner:
            self.outputs.link_down(self._clock(), reported=not self._bare)

    def sent(self, link: int, data: bytes, now: float) -> None:
        """Bytes went out."""
        super().sent(link, data, now)
        for frame in self._receivers[link].feed(data):
            self._command(link, frame, now)

    def _command(self, link: int, frame: Received, now: float) -> None:
        """What the device may take, by the protocol, and nothing that it says of that."""
        world, outputs, here = self.world, self.outputs, self._clock()
        match frame:
            case AnyStop():
                outputs.stop(here)
            case wire.Arm() if (link, frame.token) in world.asked_for:
                outputs.commands.arm(frame.cap)
            case wire.Setpoint() if world.session is not None:
                taken = world.session.taken[-1]
                if (taken.at, taken.seq) == (now, frame.seq):
                    outputs.commands.setpoint(here, taken.level)
            case _:
                pass

    def heard(self, link: int, message: wire.Message, now: float) -> None:
        """A frame came in."""
        super().heard(link, message, now)
        if isinstance(message, wire.Telemetry):
            self.outputs.reported(self._clock(), message)

    def pressed(self, now: float) -> None:
        """The button goes down some time from here on."""
        super().pressed(now)
        self._pressed = True

    def released(self, now: float) -> None:
        """It has been down for a while."""
        super().released(now)
        if self._pressed:
            self._pressed = False
            self.outputs.commands.over(self._clock(), "R7", "the button")

    def done(self, what: str, now: float) -> None:
        """A reset, the supply, a fault."""
        super().done(what, now)
        self.outputs.excused = True
