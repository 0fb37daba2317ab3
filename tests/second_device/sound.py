"""A sound device, written from docs/protocol.md alone: links, frames, session, latches, button and telemetry."""

import math
import struct

from tests.second_device import codec, outputs
from tests.second_device.links import Link
from tests.second_device.motors import TICK
from tests.second_device.outputs import EPS, FADE, PAUSE, Outputs, Session

OK, STALE_EPOCH, STALE_CHALLENGE, BUSY, LATCHED, FAULT, MALFORMED, NO_ALLOWANCE = range(8)
BATTERY, CHARGING, BUTTON, CAUSE_PRESENT, WRONG_LATCH, NOT_LATCHED, NOT_ALLOWED = range(8, 15)
DIRECTIONS = {0: {0}, 1: {0}, 2: {1, 2, 3}, 3: {3, 4, 5}, 4: {1, 2, 3}, 5: {0}}


class SecondDevice(Outputs):
    """The device; `now` is the caller's clock in seconds and never goes back."""

    def __init__(self, seed: int = 0, nvm: dict[str, bytes] | None = None) -> None:
        self.links: dict[int, Link] = {}
        self.outbox: list[tuple[int, bytes]] = []
        self.sent: dict[int, float] = {}
        self.clock: float | None = None
        self.off, self.force, self.ticks = False, False, 0
        self.booted = 0.0
        self.reported: tuple[object, ...] = ()
        super().__init__(seed, {} if nvm is None else nvm)

    # What the world does

    def link_up(self, link: int, now: float, kind: str) -> None:
        self.run_to(now)
        self.links[link] = Link(kind)

    def link_down(self, link: int, now: float) -> None:
        self.run_to(now)
        self.links.pop(link, None)
        if self.session is not None and self.session.link == link:
            self.finish(outputs.LINK_LOST)
        self.settle()

    def feed(self, link: int, data: bytes, now: float) -> None:
        self.run_to(now)
        state = self.links.get(link)
        if self.off or state is None:
            return
        runs = state.splitter.feed(data) if state.stream else [data]
        for run in runs:
            body = codec.cobs_decode(run) if state.stream and run is not None else run
            self.take(link, body)
            self.settle()

    def advance(self, now: float) -> list[tuple[int, bytes]]:
        self.run_to(now)
        out, self.outbox = self.outbox, []
        return out

    def press(self, now: float) -> None:
        self.run_to(now)
        self.opened_at = -1.0
        if self.pressed or self.off:
            return
        self.pressed, self.pressed_at = True, now
        self.can_clear = bool(self.fault or self.latched)
        self.latch_up(outputs.BUTTON)
        self.settle()

    def release(self, now: float) -> None:
        self.run_to(now)
        if self.pressed and self.opened_at < 0:
            self.opened_at = now

    def charger(self, plugged: bool, now: float) -> None:
        self.run_to(now)
        self.plugged = plugged
        if plugged:
            self.finish(outputs.CHARGING)
        self.settle()

    def reboot(self, now: float) -> None:
        """A boot: after a power cut a power cycle, else a reset, which the e-stop latch outlives."""
        self.run_to(now)
        power, open_session = self.off, self.session is not None
        self.off, self.outbox, self.sent = False, [], {}
        self.clock, self.booted, self.now, self.ticks = now, now, now, 0
        for link in self.links.values():
            link.splitter = codec.Splitter()
        self.start_up(power)
        if open_session and not power and not self.cause:
            self.cause = outputs.WATCHDOG
        self.tell()

    def power_cut(self, now: float) -> None:
        self.run_to(now)
        self.off, self.session, self.outbox = True, None, []
        self.links.clear()

    # Time

    def run_to(self, now: float) -> None:
        if self.clock is None:
            self.clock = self.booted = self.now = now
            self.tell()
        while not self.off and self.booted + (self.ticks + 1) * TICK <= now + EPS:
            self.ticks += 1
            self.now = self.booted + self.ticks * TICK
            self.up = self.ticks * TICK
            self.tick()
        self.now = max(self.now, now)

    def tick(self) -> None:
        self.button_tick()
        self.hour.step(round(TICK * 1000))
        session = self.session
        if session is not None:
            self.count(session)
            cause = self.limit(session) or self.noise(session)
            if cause:
                self.finish(cause)
            else:
                self.level_tick(session)
                self.drain(session)
        self.move()
        self.warm()
        self.protect()
        if self.up - self.challenges[-1][1] >= 5 - EPS:
            self.draw()
        self.settle()
        if self.ticks % 5 == 0:
            self.tell()

    def deadman(self, link: int) -> float:
        state = self.links.get(link)
        return 1.0 if state is not None and (state.kind == "tcp" or not state.stream) else 0.5

    def button_tick(self) -> None:
        if not self.pressed or self.opened_at < 0 or self.now < self.opened_at + 0.05 - EPS:
            return
        held = self.opened_at - self.pressed_at
        self.pressed, self.opened_at = False, -1.0
        if held >= 5 - EPS:
            self.pairing_until = self.up + 60
        if held >= 2 - EPS and self.can_clear and not self.present():
            self.clear()
            self.attended_until = self.up + 540

    # Frames

    def crc_fits(self, body: bytes) -> bool:
        return struct.pack("<H", codec.crc16(body[:-2])) == body[-2:]

    def is_bad(self, body: bytes | None) -> bool:
        """Bad by its frame alone; a STOP of a later version is good."""
        if body is None or not 4 <= len(body) <= codec.MAX_BODY or not self.crc_fits(body):
            return True
        if body[1] == codec.STOP and len(body) >= 9:
            return False
        known = codec.GET_INFO <= body[1] <= codec.RESET
        return body[0] != codec.VERSION or not known or len(body) != codec.LENGTHS[body[1]] + 4

    def take(self, link: int, body: bytes | None) -> None:
        bad = self.is_bad(body)
        if self.session is not None and self.session.link == link:
            self.session.frames += 1
            self.session.bad += bad
        if bad or body is None:
            self.reject()
            return
        kind, payload = body[1], body[2:-2]
        if kind == codec.STOP:
            self.stop(link, payload)
        elif kind == codec.ARM:
            self.arm(link, codec.Arm.unpack(payload))
        elif kind == codec.RESET:
            self.reset(link, codec.Reset.unpack(payload))
        elif kind == codec.GET_INFO and not self.links[link].small:
            token = int.from_bytes(payload, "little")
            self.send(link, codec.body(codec.INFO, self.info(token, link).pack()))
        elif kind == codec.SETPOINT:
            self.setpoint(link, codec.Setpoint.unpack(payload))
        else:
            self.reject()

    def reject(self) -> None:
        self.rejected = (self.rejected + 1) & 0xFFFF

    def ack(self, link: int, token: int, of: int, result: int) -> None:
        if result != OK:
            self.reject()
        answer = codec.Ack(token, of, result, self.epoch, self.latch)
        self.send(link, codec.body(codec.ACK, answer.pack()))

    def stop(self, link: int, payload: bytes) -> None:
        token, reason = struct.unpack_from("<IB", payload)
        if self.session is not None:
            self.finish(reason if 1 <= reason <= 7 else 1)
        else:
            self.zero()
            self.new_epoch()
        self.ack(link, token, codec.STOP, OK)
        self.force = True

    def arm(self, link: int, ask: codec.Arm) -> None:
        session = self.session
        if session is not None and self.repeats(session, link, ask):
            self.repeat(session, ask)
            self.ack(link, ask.token, codec.ARM, OK)
            return
        result = self.arm_result(link, ask)
        if result == OK:
            self.open(link, ask)
        self.ack(link, ask.token, codec.ARM, result)

    def repeats(self, session: Session, link: int, ask: codec.Arm) -> bool:
        same = (session.link, session.owner, session.token) == (link, ask.owner, ask.token)
        return same and ask.epoch == self.epoch

    def repeat(self, session: Session, ask: codec.Arm) -> None:
        """A repeated ARM: no effect at all."""

    def arm_result(self, link: int, ask: codec.Arm) -> int:
        """The first check that fails, in the page's order; the challenge is used up by its own."""
        if not self.links[link].may_command:
            return NOT_ALLOWED
        if self.session is not None:
            return BUSY
        if self.fault or self.latched:
            return FAULT if self.fault else LATCHED
        if self.pressed:
            return BUTTON
        if ask.epoch != self.epoch:
            return STALE_EPOCH
        if not self.use_challenge(ask.challenge):
            return STALE_CHALLENGE
        return self.fitness(ask)

    def fitness(self, ask: codec.Arm) -> int:
        if not (ask.owner and 1 <= ask.cap <= 1000 and 1 <= ask.limit_s <= 2700):
            return MALFORMED
        if self.plugged:
            return CHARGING
        if self.battery < 15 and not self.mains:
            return BATTERY
        return OK if self.allowance() > 0 else NO_ALLOWANCE

    def use_challenge(self, challenge: int) -> bool:
        for value, drawn in self.challenges:
            if value == challenge and self.up - drawn <= 10 + EPS:
                self.challenges.remove((value, drawn))
                self.draw()
                return True
        return False

    def open(self, link: int, ask: codec.Arm) -> None:
        limits = (ask.cap, ask.limit_s, self.now, self.now)
        self.session = Session(link, ask.owner, ask.token, ask.seq, *limits)
        self.cause, self.attended_until, self.force = 0, -1.0, True
        self.save_time(True)

    def reset(self, link: int, ask: codec.Reset) -> None:
        result = self.reset_result(link, ask)
        if result == OK:
            self.clear()
        self.ack(link, ask.token, codec.RESET, result)

    def reset_result(self, link: int, ask: codec.Reset) -> int:
        if not self.links[link].may_command:
            return NOT_ALLOWED
        if not (self.fault or self.latched):
            return NOT_LATCHED
        if not self.use_challenge(ask.challenge):
            return STALE_CHALLENGE
        if ask.latch != self.latch:
            return WRONG_LATCH
        if self.pressed:
            return BUTTON
        return CAUSE_PRESENT if self.present() else OK

    # Setpoints

    def owns(self, link: int, session: Session, ask: codec.Setpoint) -> bool:
        return session.link == link and session.owner == ask.owner

    def epoch_fits(self, ask: codec.Setpoint) -> bool:
        return ask.epoch == self.epoch

    def newer(self, session: Session, ask: codec.Setpoint) -> bool:
        return 0 < (ask.seq - session.seq) % 2**32 < 2**31

    def echo_fresh(self, session: Session, ask: codec.Setpoint) -> bool:
        sent = self.sent.get(ask.echo)
        return sent is not None and self.now - sent <= self.deadman(session.link) + EPS

    def setpoint(self, link: int, ask: codec.Setpoint) -> None:
        session = self.session
        if session is None or not self.links[link].may_command:
            self.reject()
            return
        fits = self.owns(link, session, ask) and self.epoch_fits(ask)
        if not (fits and self.newer(session, ask) and self.echo_fresh(session, ask)):
            self.reject()
            return
        session.seq, session.fed = ask.seq, self.now
        if self.malformed(ask):
            self.on_malformed(session)
        else:
            self.apply(session, ask)

    def malformed(self, ask: codec.Setpoint) -> bool:
        if ask.mode > FADE or not 1000 <= ask.period <= 60000:
            return True
        if ask.heat and not 300 <= ask.heat <= 390:
            return True
        if ask.mode == PAUSE and any(ask.level):
            return True
        return any(self.bad_zone(*zone) for zone in zip(ask.level, ask.pattern, strict=True))

    def bad_zone(self, level: int, pattern: int) -> bool:
        motion, direction = pattern & 15, pattern >> 4
        if level > 1000 or direction not in DIRECTIONS.get(motion, ()):
            return True
        return motion == 0 and level > 0

    def on_malformed(self, session: Session) -> None:
        """Levels to zero and heat off in this tick; nothing else changes (R19)."""
        for zone in self.zones:
            zone.asked = 0
            zone.lower(0.0)
        session.heat, session.last, self.force = 0, None, True

    def apply(self, session: Session, ask: codec.Setpoint) -> None:
        self.force = self.force or session.last != ask.asked()
        session.last = ask.asked()
        session.heat, session.period = ask.heat, ask.period
        if session.mode != FADE:
            session.paused = session.paused if session.mode == PAUSE == ask.mode else 0.0
            session.mode = ask.mode
        for zone, level, pattern in zip(self.zones, ask.level, ask.pattern, strict=True):
            zone.asked, zone.pattern = level, pattern
            zone.lower(level)

    # What the device says

    def signature(self) -> tuple[object, ...]:
        return (self.epoch, self.state(), self.cause, self.latch, self.pressed)

    def settle(self) -> None:
        """TELEMETRY at once after a change that the page names."""
        if not self.off and (self.force or self.signature() != self.reported):
            self.tell()

    def send(self, link: int, body: bytes) -> None:
        state = self.links[link]
        self.outbox.append((link, codec.frame(body) if state.stream else body))

    def tell(self) -> None:
        self.counter = (self.counter + 1) % 2**32
        self.force, self.reported = False, self.signature()
        self.sent[self.counter] = self.now
        while len(self.sent) > 128:
            self.sent.pop(next(iter(self.sent)))
        body = codec.body(codec.TELEMETRY, self.telemetry().pack())
        for link, state in self.links.items():
            if not state.small:
                self.send(link, body)

    def flags(self) -> int:
        bits = (self.pressed, self.heating(), self.plugged, self.powered())
        more = (self.up < self.pairing_until, self.up < self.attended_until, not self.hour.readable)
        return sum(1 << i for i, bit in enumerate((*bits, *more)) if bit)

    def telemetry(self) -> codec.Telemetry:
        session = self.session
        running = session.running if session else self.last_running
        times = (round(self.up * 1000) % 2**32, round(running * 1000))
        who = (session.owner, session.seq) if session else (0, 0)
        what = (self.state(), self.cause, self.latch, self.flags())
        level = self.up_tenths([zone.level for zone in self.zones])
        vibration = self.up_tenths([zone.vibration.drive for zone in self.zones])
        kneading = self.up_tenths([zone.kneading.drive for zone in self.zones])
        amps = min(65535, round(sum(m.current(self.powered()) for m in self.motors())))
        heat = (round(self.pad * 10), round(self.motor_heat * 10), self.allowance(), self.rejected)
        battery = 255 if self.mains else max(0, int(self.battery))
        ids = (self.counter, self.epoch, self.challenges[-1][0])
        drives = (level, vibration, kneading, amps)
        return codec.Telemetry(*ids, *times, *who, *what, battery, *drives, *heat)

    def up_tenths(self, values: list[float]) -> tuple[int, ...]:
        return tuple(math.ceil(value - EPS) for value in values)
