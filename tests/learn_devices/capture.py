"""A session of the app with its massager as a btsnoop file, and labels of what the person did."""

from __future__ import annotations

import random
import struct
from pathlib import Path

from tests.learn_devices.app import App
from tests.learn_devices.device import Device
from tests.learn_devices.peer import Peer
from tests.learn_devices.snoop_log import NOTIFY, WRITE, Log


class _Recorder:
    """The app and the device talk, and the log hears it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.log = Log()
        self.app, self.peer = App(device), Peer(device)
        self.random = random.Random(device.seed + 1000)

    def tell(self, time: float, frames: list[bytes]) -> None:
        for frame in frames:
            self.log.att(time, b"\x1b" + struct.pack("<H", NOTIFY) + frame, sent=False)

    def send(self, time: float, frames: list[bytes]) -> None:
        code = 0x12 if self.device.response else 0x52
        for index, frame in enumerate(frames):
            when = time + 0.03 * index
            self.log.att(when, bytes((code,)) + struct.pack("<H", WRITE) + frame, sent=True)
            if code == 0x12:
                self.log.att(when + 0.01, b"\x13", sent=False)
            self.tell(when + 0.02, self.peer.take(frame, when))

    def play(self, events: list[tuple[float, str, int]]) -> None:
        device = self.device
        beats, level = 1.5 + device.period, 0
        self.send(1.5, self.app.hello())
        for time, kind, value in sorted(events):
            while beats < time:
                if device.alive != "resend" or level:
                    self.send(beats, self.app.beat(level))
                beats += device.period + self.random.uniform(-0.02, 0.02)
            if kind == "tell":
                self.tell(time, self.peer.telemetry(self.random))
                continue
            level = value
            self.send(time, self.app.level(level))
            if device.alive == "resend":
                beats = time + device.period
        assert not self.peer.rejected, self.peer.rejected


def capture(device: Device, folder: Path, plan: list[int] | None = None) -> tuple[Path, Path]:
    """An app's session with the device as a btsnoop file, and the labels of what the person did."""
    recorder = _Recorder(device)
    r, log = recorder.random, recorder.log
    log.connect(0.0, bytes.fromhex("C0FFEE123456"), f"Relax-{device.seed:04X}")
    log.discover(0.3)
    events: list[tuple[float, str, int]] = []
    now = 3.0
    if plan is None:
        order = list(range(1, device.levels + 1))
        plan = [*order, 0, *r.sample(order, 2), 0]
    labels: list[str] = []
    for level in plan:
        what = "stop" if level == 0 else f"level {level}"
        labels.append(f"{now - r.uniform(0.0, 0.2):.2f} {what}")
        events.append((now, "set", level))
        now += r.uniform(6.0, 9.0)
    at = 2.0
    while at < now and device.state == "telemetry":
        events.append((at + r.uniform(-0.05, 0.05), "tell", 0))
        at += 0.7
    recorder.play(events)
    log.event(now + 0.5, 0x05, b"\x00" + struct.pack("<H", 0x40) + b"\x13")
    path, marks = folder / "log.btsnoop", folder / "labels.txt"
    path.write_bytes(log.out)
    marks.write_text("\n".join(labels) + "\n")
    return path, marks
