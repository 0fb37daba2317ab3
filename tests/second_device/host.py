"""A tiny host for the own test, from docs/protocol.md alone."""

from tests.second_device import codec
from tests.second_device.sound import SecondDevice


class Host:
    """Talks to one device on one serial link, in the caller's time."""

    def __init__(self, device: SecondDevice, link: int = 1, kind: str = "serial") -> None:
        self.device, self.link, self.now, self.seq = device, link, 0.0, 100
        self.seen: list[codec.Telemetry] = []
        self.acks: list[codec.Ack] = []
        self.infos: list[codec.Info] = []
        device.link_up(link, 0.0, kind)

    @property
    def last(self) -> codec.Telemetry:
        return self.seen[-1]

    def listen(self) -> None:
        for link, data in self.device.advance(self.now):
            if link != self.link:
                continue
            body = codec.cobs_decode(data[:-1])
            assert body is not None
            assert data[-1] == 0
            if body[1] == codec.TELEMETRY:
                self.seen.append(codec.Telemetry.unpack(body[2:-2]))
            elif body[1] == codec.ACK:
                self.acks.append(codec.Ack.unpack(body[2:-2]))
            else:
                self.infos.append(codec.Info.unpack(body[2:-2]))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.listen()

    def send(self, kind: int, payload: bytes) -> None:
        self.device.feed(self.link, codec.frame(codec.body(kind, payload)), self.now)
        self.listen()

    def arm(self, cap: int = 400, limit_s: int = 600) -> int:
        newest = self.last
        ask = codec.Arm(2, 77, newest.epoch, newest.challenge, self.seq, cap, limit_s)
        self.send(codec.ARM, ask.pack())
        return self.acks[-1].result

    def set(self, level: tuple[int, ...], pattern: int, mode: int = 0) -> None:
        self.seq += 1
        newest = self.last
        ask = codec.Setpoint(
            newest.epoch, 77, self.seq, newest.counter, mode, 0, 4000, level, (pattern,) * 6
        )
        self.send(codec.SETPOINT, ask.pack())

    def play(self, seconds: float, level: tuple[int, ...], pattern: int, mode: int = 0) -> None:
        for _ in range(round(seconds / 0.2)):
            self.set(level, pattern, mode)
            self.wait(0.2)

    def stop(self) -> None:
        self.send(codec.STOP, bytes([9, 0, 0, 0, 1]))
