"""Devices with one mistake in what they take from a link, or tell on it: each class breaks one rule."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from firmware_sim import report, wire
from firmware_sim.config import LinkKind
from firmware_sim.core import Core
from firmware_sim.firmware import Firmware
from firmware_sim.outputs import SendTo
from firmware_sim.ports import Port
from firmware_sim.states import OPEN, Result, State


def around(core: type[Core]) -> type[Firmware]:
    """The sound firmware around another core."""

    class Around(Firmware):
        core_type: ClassVar[type[Core]] = core

    Around.__name__ = Around.__qualname__ = core.__name__
    return Around


class StaleEpoch(Firmware):
    """R16: a SETPOINT of any epoch is taken."""

    def _setpoint(self, port: Port, setpoint: wire.Setpoint, now: float) -> None:
        present = self.core.announcer.epoch
        super()._setpoint(port, msgspec.structs.replace(setpoint, epoch=present), now)


class ArmStaleEpoch(Firmware):
    """R16: an ARM of any epoch is taken."""

    def _may_arm(self, port: Port, arm: wire.Arm, now: float) -> Result:
        present = self.core.announcer.epoch
        return super()._may_arm(port, msgspec.structs.replace(arm, epoch=present), now)


class ArmStaleChallenge(Firmware):
    """R16: an ARM with any challenge is taken."""

    def _may_arm(self, port: Port, arm: wire.Arm, now: float) -> Result:
        present = self.core.announcer.challenge
        return super()._may_arm(port, msgspec.structs.replace(arm, challenge=present), now)


class EchoIgnored(Firmware):
    """R4: a SETPOINT counts as fresh however long it was on its way."""

    def _setpoint(self, port: Port, setpoint: wire.Setpoint, now: float) -> None:
        newest = self.core.announcer.counter
        super()._setpoint(port, msgspec.structs.replace(setpoint, echo=newest), now)


class DuplicatesFeed(Firmware):
    """R4: the last SETPOINT, sent again, keeps the session alive."""

    def _setpoint(self, port: Port, setpoint: wire.Setpoint, now: float) -> None:
        session = self.core.session
        again = session is not None and setpoint.seq == session.seq
        if session is not None and again and setpoint.owner == session.owner:
            session.feed(self._device_now(now))
        else:
            super()._setpoint(port, setpoint, now)


class ForeignOwner(Firmware):
    """R17: a SETPOINT of any owner is taken."""

    def _setpoint(self, port: Port, setpoint: wire.Setpoint, now: float) -> None:
        session = self.core.session
        owner = setpoint.owner if session is None else session.owner
        super()._setpoint(port, msgspec.structs.replace(setpoint, owner=owner), now)


class ForeignLink(Firmware):
    """R17: a SETPOINT is taken from any link."""

    def _setpoint(self, port: Port, setpoint: wire.Setpoint, now: float) -> None:
        session = self.core.session
        owner = port if session is None else self._ports.get(session.link, port)
        super()._setpoint(owner, setpoint, now)


class SecondArmSteals(Firmware):
    """R17: an ARM of another owner takes the device over."""

    def _may_arm(self, port: Port, arm: wire.Arm, now: float) -> Result:
        result = super()._may_arm(port, arm, now)
        return Result.OK if result is Result.BUSY else result


class TimeRenewedByArm(Firmware):
    """R8: the same ARM again begins the session's time anew."""

    def _arm(self, port: Port, arm: wire.Arm, now: float) -> None:
        session = self.core.session
        if session is not None and session.repeats(arm, port.link):
            self.core.arm(arm, port.link, self._deadman(port), self._device_now(now))
        super()._arm(port, arm, now)


class StopNeedsSession(Firmware):
    """R6: a STOP without a session is not answered."""

    def _stop(self, port: Port, stop: wire.Stop) -> None:
        if self.core.state in OPEN:
            super()._stop(port, stop)


class StopNeedsOwner(Firmware):
    """R6: a STOP counts only on the link that armed."""

    def _stop(self, port: Port, stop: wire.Stop) -> None:
        session = self.core.session
        if session is None or session.link == port.link:
            super()._stop(port, stop)


class SecondStopUnanswered(Firmware):
    """R6: a STOP that equals the last one is taken for a repetition."""

    _last: wire.Stop | None = None

    def _stop(self, port: Port, stop: wire.Stop) -> None:
        if stop != self._last:
            self._last = stop
            super()._stop(port, stop)


class StopByVersion(Firmware):
    """R6: a STOP of a later version is a bad frame."""

    def _frame(self, port: Port, body: bytes | wire.Bad, now: float) -> None:
        later = isinstance(body, bytes) and body[:1] != bytes((wire.VERSION,))
        super()._frame(port, wire.Bad.VERSION if later else body, now)


class ResetByNameOnly(Firmware):
    """R7: a RESET needs neither the latch counter nor a fresh challenge."""

    def _may_reset(self, port: Port, reset: wire.Reset, now: float) -> Result:
        present = self.core.announcer.challenge
        right = wire.Reset(reset.token, present, self.core.latch)
        return super()._may_reset(port, right, now)


class ResetWhilePressed(Firmware):
    """R7: a RESET clears the latch while the button is still down."""

    def _may_reset(self, port: Port, reset: wire.Reset, now: float) -> Result:
        result = super()._may_reset(port, reset, now)
        return Result.OK if result is Result.BUTTON else result


class CrcIgnored(Firmware):
    """R16: a frame with a wrong CRC is obeyed."""

    def _frame(self, port: Port, body: bytes | wire.Bad, now: float) -> None:
        if isinstance(body, bytes) and len(body) > 4:
            body = wire.seal(body[:-2])
        super()._frame(port, body, now)


class BadNotCounted(Firmware):
    """R16: bad frames leave no trace in `rejected`."""

    def _reject(self) -> None:
        pass


class NoiseTolerated(Firmware):
    """R16: a session outlives any number of bad frames."""

    def _frame(self, port: Port, body: bytes | wire.Bad, now: float) -> None:
        super()._frame(port, body, now)
        port.note(bad=False)
        port.note(bad=False)


class LinkLossIgnored(Firmware):
    """R4: the link going down is left to the dead-man."""

    def disconnect(self, link: int, now: float) -> list[SendTo]:
        self._catch_up(now)
        self._ports.pop(link, None)
        return self._drain()


class ResumesOnReconnect(LinkLossIgnored):
    """R15: whoever connects next goes on with the session."""

    def connect(
        self, link: int, kind: LinkKind, now: float, *, bonded: bool = True, mtu: int | None = None
    ) -> list[SendTo]:
        session = self.core.session
        if session is not None and session.link not in self._ports:
            session.link = link
        return super().connect(link, kind, now, bonded=bonded, mtu=mtu)


class LiesAboutLevels(Firmware):
    """R14: TELEMETRY says that all is at zero, while the motors turn."""

    def _send(self, port: Port, body: bytes) -> None:
        super()._send(port, _lie(body))


def _lie(body: bytes) -> bytes:
    message = wire.parse(body)
    if isinstance(message, wire.Telemetry):
        return wire.pack(msgspec.structs.replace(message, level=(0,) * 6))
    return body


class TellsTheTarget(Firmware):
    """R3: TELEMETRY tells the levels that were asked for, not those that are."""

    def _send(self, port: Port, body: bytes) -> None:
        message = wire.parse(body)
        if isinstance(message, wire.Telemetry) and self.core.state is State.RUNNING:
            asked = tuple(level // 10 for level in self.core.levels.asked)
            body = wire.pack(msgspec.structs.replace(message, level=asked))
        super()._send(port, body)


class SlowTelemetry(Firmware):
    """R24: TELEMETRY comes twice a second."""

    _skipped = 0

    def _announce(self, late: int = 0) -> None:
        self.core.changed = False
        self._skipped += 1
        if self._skipped >= 5:
            self._skipped = 0
            super()._announce(late)


class CounterSkips(Firmware):
    """R4: the counter leaves numbers out, so that a host cannot see what it missed."""

    def _announce(self, late: int = 0) -> None:
        report.telemetry(self.core, self.rejected)
        super()._announce(late)


class KneadsBlind(Firmware):
    """R12: INFO says that nothing senses a stall, and kneading is offered all the same."""

    def _send(self, port: Port, body: bytes) -> None:
        message = wire.parse(body)
        if isinstance(message, wire.Info):
            body = wire.pack(msgspec.structs.replace(message, sensing=message.sensing & ~3))
        super()._send(port, body)


class ArmMalformed(Firmware):
    """R19: an ARM with a cap of 0 or a limit of 0 s opens a session all the same."""

    def _may_arm(self, port: Port, arm: wire.Arm, now: float) -> Result:
        cap, limit = min(max(arm.cap, 1), 1000), min(max(arm.limit_s, 1), 2700)
        return super()._may_arm(port, msgspec.structs.replace(arm, cap=cap, limit_s=limit), now)
