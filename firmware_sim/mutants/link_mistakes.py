"""Devices with one mistake in what they take from a link, or tell on it: each class breaks one rule."""

from __future__ import annotations

import msgspec

from firmware_sim import wire
from firmware_sim.core import Core
from firmware_sim.firmware import Rules, telemetry
from massager_fw import frames
from massager_fw.frames import Arm, Bad, Setpoint
from massager_fw.links import Port
from massager_fw.states import Result, State, is_open


def around(core: type[Core]) -> type[Rules]:
    """The sound firmware around another core."""

    class Around(Rules):
        core_type: type[Core] = core

    Around.__name__ = Around.__qualname__ = core.__name__
    return Around


class StaleEpoch(Rules):
    """R16: a SETPOINT of any epoch is taken."""

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        setpoint.epoch[:] = self.core.announcer.epoch
        super()._setpoint(port, setpoint, now)


class ArmStaleEpoch(Rules):
    """R16: an ARM of any epoch is taken."""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        arm.epoch = bytearray(self.core.announcer.epoch)
        return super()._may_arm(port, arm, now)


class ArmStaleChallenge(Rules):
    """R16: an ARM with any challenge is taken."""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        arm.challenge = bytearray(self.core.announcer.challenge)
        return super()._may_arm(port, arm, now)


class EchoIgnored(Rules):
    """R4: a SETPOINT counts as fresh however long it was on its way."""

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        newest = self.core.announcer.counter
        setpoint.echo_high, setpoint.echo_low = newest >> 16, newest & 0xFFFF
        super()._setpoint(port, setpoint, now)


class EchoExpiresEarly(Rules):
    """R4: an echo counts for half of T."""

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        late = now + port.deadman_ms // 2
        if self.core.announcer.fresh(
            setpoint.echo_high, setpoint.echo_low, late, port.deadman_ms
        ):
            super()._setpoint(port, setpoint, now)
        else:
            self._reject()


class DuplicatesFeed(Rules):
    """R4: the last SETPOINT, sent again, keeps the session alive."""

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        session = self.core.session
        seq = setpoint.seq_high << 16 | setpoint.seq_low
        if session is not None and seq == session.seq and setpoint.owner == session.owner:
            session.feed(now)
        else:
            super()._setpoint(port, setpoint, now)


class ForeignOwner(Rules):
    """R17: a SETPOINT of any owner is taken."""

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        session = self.core.session
        if session is not None:
            setpoint.owner[:] = session.owner
        super()._setpoint(port, setpoint, now)


class ForeignLink(Rules):
    """R17: a SETPOINT is taken from any link."""

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        session = self.core.session
        owner = None if session is None else self._port(session.link)
        super()._setpoint(owner or port, setpoint, now)


class SecondArmSteals(Rules):
    """R17: an ARM of another owner takes the device over."""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        result = super()._may_arm(port, arm, now)
        return Result.OK if result == Result.BUSY else result


class TimeRenewedByArm(Rules):
    """R8: the same ARM again restarts the session's time."""

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        session = self.core.session
        if session is not None and session.repeats(arm, port.link):
            self.core.arm(arm, port.link, port.deadman_ms, now)
        super()._arm(port, arm, body, now)


class StopNeedsSession(Rules):
    """R6: a STOP without a session is not answered."""

    def _stop(self, port: Port, stop: bytearray) -> None:
        if is_open(self.core.state):
            super()._stop(port, stop)


class StopNeedsOwner(Rules):
    """R6: a STOP counts only on the link that armed."""

    def _stop(self, port: Port, stop: bytearray) -> None:
        session = self.core.session
        if session is None or session.link == port.link:
            super()._stop(port, stop)


class SecondStopUnanswered(Rules):
    """R6: a STOP that equals the last one is taken for a repetition."""

    _last = b""

    def _stop(self, port: Port, stop: bytearray) -> None:
        said = bytes(stop[:7])
        if said != self._last:
            self._last = said
            super()._stop(port, stop)


class StopByVersion(Rules):
    """R6: a STOP of a later version is a bad frame."""

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        later = size > 0 and body[0] != frames.VERSION
        super()._frame(port, body, Bad.VERSION if later else size, now)


class ResetByNameOnly(Rules):
    """R7: a RESET needs neither the latch counter nor a fresh challenge."""

    def _may_reset(self, port: Port, reset: bytearray, now: int) -> int:
        right = bytearray(reset)
        right[6:10] = self.core.announcer.challenge
        right[10:12] = self.core.latch.to_bytes(2, "little")
        return super()._may_reset(port, right, now)


class ResetWhilePressed(Rules):
    """R7: a RESET clears the latch while the button is still down."""

    def _may_reset(self, port: Port, reset: bytearray, now: int) -> int:
        result = super()._may_reset(port, reset, now)
        return Result.OK if result == Result.BUTTON else result


class CrcIgnored(Rules):
    """R16: a frame with a wrong CRC is obeyed."""

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        if size > frames.OVERHEAD:
            frames.seal(body, size - 2)
        super()._frame(port, body, size, now)


class BadNotCounted(Rules):
    """R16: bad frames leave no trace in `rejected`."""

    def _reject(self) -> None:
        pass


class NoiseTolerated(Rules):
    """R16: a session outlives any number of bad frames."""

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        super()._frame(port, body, size, now)
        session = self.core.session
        if session is not None:
            session.noise.note(self.core.tick, False)


class LinkLossIgnored(Rules):
    """R4: the link going down is left to the dead-man."""

    def disconnect(self, link: int, now: int) -> None:
        self._catch_up(now)
        self._drop(link)
        self._tell_changes()


class ResumesOnReconnect(LinkLossIgnored):
    """R15: whoever connects next goes on with the session."""

    def connect(self, link: int, kind: str, now: int, bonded: bool, mtu: int) -> None:
        session = self.core.session
        if session is not None and self._port(session.link) is None:
            session.link = link
        super().connect(link, kind, now, bonded, mtu)


class _Lies(Rules):
    """Changes what is sent."""

    def _send(self, port: Port, body: bytearray, size: int) -> None:
        sent = self._lie(wire.parse(bytes(body[:size])))
        super()._send(port, bytearray(wire.pack(sent)), size)

    def _lie(self, message: wire.Message) -> wire.Message:
        return message


class LiesAboutLevels(_Lies):
    """R14: TELEMETRY says that all is at zero, while the motors turn."""

    def _lie(self, message: wire.Message) -> wire.Message:
        if isinstance(message, wire.Telemetry):
            return msgspec.structs.replace(message, level=(0,) * 6)
        return message


class TellsTheTarget(_Lies):
    """R3: TELEMETRY tells the levels that were asked for, not those that are."""

    def _lie(self, message: wire.Message) -> wire.Message:
        if isinstance(message, wire.Telemetry) and self.core.state == State.RUNNING:
            asked = tuple(level // 10 for level in self.core.levels.asked)
            return msgspec.structs.replace(message, level=asked)
        return message


class SlowTelemetry(Rules):
    """R24: TELEMETRY comes twice a second."""

    _skipped = 0

    def _announce(self, late: int) -> None:
        self.core.changed = False
        self._skipped += 1
        if self._skipped >= 5:
            self._skipped = 0
            super()._announce(late)


class CounterSkips(Rules):
    """R4: the counter leaves numbers out, so that a host cannot see what it missed."""

    def _announce(self, late: int) -> None:
        telemetry(self.simulated, self.rejected)
        super()._announce(late)


class KneadsBlind(_Lies):
    """R12: INFO says that nothing senses a stall, and kneading is offered all the same."""

    def _lie(self, message: wire.Message) -> wire.Message:
        if isinstance(message, wire.Info):
            return msgspec.structs.replace(message, sensing=message.sensing & ~3)
        return message


class ArmMalformed(Rules):
    """R19: an ARM with a cap of 0 or a limit of 0 s opens a session all the same."""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        arm.cap, arm.limit_s = min(max(arm.cap, 1), 1000), min(max(arm.limit_s, 1), 2700)
        return super()._may_arm(port, arm, now)
