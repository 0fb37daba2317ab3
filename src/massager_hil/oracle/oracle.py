"""The observer of a device: every client and every hand tells it what happens, and it keeps a sheet of breaches."""

from __future__ import annotations

from collections.abc import Callable

from massager_hil import wire
from massager_hil.oracle.hears import Hears
from massager_hil.oracle.receiver import Receiver
from massager_hil.oracle.sends import Sends
from massager_hil.oracle.sheet import Sheet
from massager_hil.oracle.world import Due, Link, World
from massager_hil.tables import BUTTON_S, LINK_ZERO_S, TICK_S, Cause

_BOOTS = frozenset(("reset", "power", "hang", "memory"))


class Oracle:
    """Judges one device from the moment that it is made. `now` is this side's clock in seconds."""

    def __init__(
        self, info: wire.Info, *, kind: str, slack_s: float, late: Callable[[], float]
    ) -> None:
        self.sheet = Sheet()
        self.world = World(self.sheet, info, kind, slack_s, late)
        self._sends = Sends(self.world)
        self._hears = Hears(self.world)
        self._framed = kind == "ble"

    # --- links

    def opened(self, link: int, poor: str = "") -> None:
        """A link is up; `poor` is ble_unbonded or ble_small where it may not command."""
        receiver = Receiver(framed_by_link=self._framed or bool(poor))
        self.world.links[link] = Link(receiver, poor=poor)
        self._hears.link_opened()

    def closed(self, link: int, now: float) -> None:
        """A link went down, by either side."""
        w = self.world
        state = w.links.get(link)
        if state is None or not state.up:
            return
        state.up = False
        w.answers.forget(link)
        session = w.session
        if session is not None and session.link == link:
            by = now + LINK_ZERO_S + TICK_S + w.slack_s
            causes = frozenset((Cause.LINK_LOST, Cause.DEAD_MAN))
            exact = frozenset((Cause.LINK_LOST,))
            if w.kind == "serial" and w.slack_s:
                by += w.dead_man_s  # A bare line does not tell the device.
            else:
                causes = exact
            w.end_is_due(Due(now, causes, by, "R4", "the owner's link going down ends the session"))
            w.epoch_changes(now, sure=False)
            session.end("link down", now)

    # --- frames

    def sent(self, link: int, data: bytes, now: float) -> None:
        """Bytes went out on a link."""
        state = self.world.links[link]
        for frame in state.receiver.feed(data):
            self._sends.received(link, frame, now)

    def heard(self, link: int, message: wire.Message, now: float) -> None:
        """A frame came in on a link."""
        match message:
            case wire.Telemetry():
                self._hears.telemetry(link, message, now)
            case wire.Ack():
                self._hears.ack(link, message, now)
            case wire.Info():
                self._hears.info(link, message)
            case _:
                self.sheet.breach("R16", "a frame that only hosts send", message.TYPE, "none")

    def garbled(self, why: str) -> None:
        """Bytes came that are not a frame."""
        self.sheet.breach("R16", "a frame of the device that is none", why, "none")

    # --- the operator

    def pressed(self, now: float) -> None:
        """The button is down."""
        w = self.world
        if w.base_slack_s:  # A person is asked to, and takes their time.
            w.acts["button"] = now
            w.epoch_changes(now, sure=False)
            causes = frozenset((Cause.BUTTON,))
            w.end_is_due(Due(now, causes, now + 1e9, "R7", "a press ends the session"))
            return
        if not w.button.press(now, w.state):
            return
        w.cleared_at = -1e9
        w.epoch_changes(now)
        w.off_grid_until = now + w.settle_s
        causes = frozenset((Cause.BUTTON,))
        by = now + BUTTON_S + w.slack_s
        w.end_is_due(Due(now, causes, by, "R7", "a press ends the session"))
        if w.session is not None:
            w.session.end("button", by)

    def released(self, now: float) -> None:
        """The button is up."""
        self.world.button.release(now, self.world.state)

    def plugged(self, now: float, *, charging: bool) -> None:
        """The charger is in, or out."""
        w = self.world
        w.charging = charging
        if charging:
            causes = frozenset((Cause.CHARGING,))
            by = now + (1e9 if w.base_slack_s else 0.2)
            w.end_is_due(Due(now, causes, by, "R13", "a charger ends the session"))
            w.epoch_changes(now, sure=False)
            if w.session is not None:
                w.session.end("charger", by)

    def done(self, what: str, now: float) -> None:
        """Something else was done to the device: a reset, the supply, a fault."""
        w = self.world
        w.acts[what] = now
        if what in _BOOTS:
            self._hears.boot_is_due()
            w.hung = True
        if what not in ("reset", "power"):
            w.faulted = True
        w.epoch_changes(now, sure=False)
        if w.session is not None and what in _BOOTS:
            w.session.end(what, now + 10.0)
