"""The thin shell that gives the pure firmware a clock and its links; `loop.time()` is the only time it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from firmware_sim.config import LinkKind
from firmware_sim.faults.plan import FaultPlan
from firmware_sim.firmware import Firmware
from firmware_sim.line import Line, LineFaults
from firmware_sim.outputs import SendTo
from firmware_sim.trace import Trace
from firmware_sim.wire import Bad, FrameType, Splitter

OnData = Callable[[bytes], None]
OnLost = Callable[[str], None]

_ACK: Final = bytes((FrameType.ACK,))


class SimLink:
    """The host's end of a link to the simulated device."""

    __slots__ = (
        "_device",
        "_from_host",
        "_on_data",
        "_on_lost",
        "_to_host",
        "closed",
        "kind",
        "link",
        "to_system",
    )

    def __init__(
        self, device: SimulatedDevice, link: int, kind: LinkKind, on_data: OnData, on_lost: OnLost
    ) -> None:
        self._device = device
        self._on_data = on_data
        self._on_lost = on_lost
        self.to_system = False
        """All that `on_data` does is to hand the bytes to the system, so that it may be called at once."""
        self.link = link
        self.kind = kind
        self.closed = False
        self._from_host = Line(device.loop, device.line_faults, self._arrive)
        self._to_host = Line(device.loop, device.line_faults, self._deliver)

    def write(self, data: bytes) -> None:
        """Bytes from the host. They take effect in this call, unless a fault delays or spoils them."""
        if not self.closed:
            self._from_host.push(data)

    def close(self) -> None:
        """The host lets go; the device sees its link go down."""
        if not self.closed:
            self.closed = True
            self._device.link_down(self.link)

    def send(self, data: bytes) -> None:
        """Bytes for the host: never in the middle of its own call, always in order."""
        if self.to_system:
            self._to_host.push(data)
        else:
            self._device.loop.call_soon(self._to_host.push, data)

    def lose(self, why: str) -> None:
        """The link breaks; the host is notified."""
        if not self.closed:
            self.closed = True
            self._device.link_down(self.link)
            self._device.loop.call_soon(self._on_lost, why)

    def _arrive(self, data: bytes) -> None:
        if not self.closed:
            self._device.feed(self.link, data)

    def _deliver(self, data: bytes) -> None:
        if not self.closed:
            self._on_data(data)


class SimulatedDevice:
    """One firmware on the running event loop, real or simulated, with any number of links."""

    __slots__ = (
        "_closed",
        "_faults",
        "_links",
        "_lost_acks",
        "_next_link",
        "_on_plug",
        "_trace",
        "_wake",
        "firmware",
        "line_faults",
        "loop",
        "plugged",
    )

    def __init__(
        self,
        firmware: Firmware,
        *,
        trace: Trace | None = None,
        faults: FaultPlan | None = None,
        line_faults: LineFaults | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.firmware = firmware
        self.line_faults = line_faults or LineFaults(seed=0)
        self._trace = trace
        self._faults = faults or FaultPlan()
        self._links: dict[int, SimLink] = {}
        self._next_link = 1
        self._wake: asyncio.TimerHandle | None = None
        self._closed = False
        self._lost_acks = 0
        self._on_plug: list[Callable[[], None]] = []
        self.plugged = True
        """False while a fault has pulled the device out (fault 14)."""
        self._turn()

    def open_link(
        self,
        kind: str,
        on_data: OnData,
        on_lost: OnLost,
        *,
        mtu: int | None = None,
        bonded: bool = True,
        to_system: bool = False,
    ) -> SimLink:
        """A new link of `kind` (a `LinkKind`); `on_data` gets what the device sends, `on_lost` the reason it broke.

        `to_system`: all that `on_data` does is to hand the bytes to the system.
        Raises `ConnectionError` while the device is unplugged or switched off.
        """
        if self._closed or not self.plugged:
            raise ConnectionError("the simulated device is unplugged")
        number = self._next_link
        self._next_link += 1
        link = SimLink(self, number, LinkKind(kind), on_data, on_lost)
        self._links[number] = link
        self._give(
            self.firmware.connect(number, link.kind, self.loop.time(), bonded=bonded, mtu=mtu)
        )
        link.to_system = to_system  # not before the caller has its link
        return link

    def feed(self, link: int, data: bytes) -> None:
        """Bytes from the host's end of a link reach the firmware."""
        now = self.loop.time()
        if self._faults.next_time <= now:
            self._turn()
        self._give(self.firmware.feed(link, data, now))

    def link_down(self, link: int) -> None:
        """A link went down."""
        if self._links.pop(link, None) is not None and not self._closed:
            self._give(self.firmware.disconnect(link, self.loop.time()))

    def update_link(self, link: SimLink, *, bonded: bool, mtu: int | None) -> None:
        """What a BLE link may do has changed: it was bonded, or its MTU was exchanged."""
        now = self.loop.time()
        self._give(self.firmware.connect(link.link, link.kind, now, bonded=bonded, mtu=mtu))

    def press(self) -> None:
        """A finger comes down on the button."""
        self._give(self.firmware.press(self.loop.time()))

    def release(self) -> None:
        """The finger leaves the button."""
        self._give(self.firmware.release(self.loop.time()))

    def cable(self, is_open: bool) -> None:
        """The button's cable breaks, or is mended."""
        self._give(self.firmware.cable(is_open, self.loop.time()))

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Call `do` in so many seconds, unless the device is switched off before."""
        self.loop.call_later(seconds, lambda: None if self._closed else do())

    def lose_acks(self, count: int) -> None:
        """The next `count` ACKs do not reach a host (fault 25)."""
        self._lost_acks += count

    def shout(self, noise: bytes) -> None:
        """Bytes that are not frames, on every link (fault 16)."""
        for link in self._links.values():
            link.send(noise)

    def drop_links(self, why: str) -> None:
        """Every link breaks."""
        for link in list(self._links.values()):
            link.lose(why)

    def unplug(self) -> None:
        """Every link breaks, and none can be opened until `plug`."""
        self.plugged = False
        self.drop_links("the simulated device was unplugged")
        for on_change in self._on_plug:
            on_change()

    def plug(self) -> None:
        """The device can be reached again."""
        self.plugged = True
        for on_change in self._on_plug:
            on_change()

    def watch_plug(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` each time that `plugged` changes."""
        self._on_plug.append(on_change)

    def catch_up(self) -> None:
        """Bring the device up to the present, for a reader of it, not of its links."""
        self._turn()

    def close(self) -> None:
        """Switch the device off: every link breaks, and nothing is scheduled any more."""
        if self._closed:
            return
        self._turn()
        self.drop_links("the simulated device was switched off")
        self._closed = True
        self.firmware.close()
        if self._wake is not None:
            self._wake.cancel()
        if self._trace is not None:
            self._trace.close()

    def _turn(self) -> None:
        """Bring firmware and faults up to the present, and plan the next time."""
        now = self.loop.time()
        while (due := self._faults.next_time) <= now:
            self._give(self.firmware.advance(due))
            self._faults.act(self)
        self._give(self.firmware.advance(now))

    def _give(self, outputs: list[SendTo]) -> None:
        for output in outputs:
            link = self._links.get(output.link)
            if link is None:
                continue
            if self._lost_acks and _is_ack(output.data, link.kind):
                self._lost_acks -= 1
            else:
                link.send(output.data)
        self._plan()

    def _plan(self) -> None:
        if self._closed:
            return
        wake = self.firmware.next_wake(self.loop.time())
        fault = self._faults.next_time
        if fault < wake:
            wake = fault
        planned = self._wake
        if planned is not None:
            if planned.when() == wake:
                return
            planned.cancel()
        self._wake = self.loop.call_at(wake, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self._turn()


def _is_ack(data: bytes, kind: LinkKind) -> bool:
    """A body on BLE, which may end with any byte, or frames on a stream: the type is the second byte of the body."""
    bodies = [data] if kind is LinkKind.BLE else Splitter().feed(data)
    return any(not isinstance(body, Bad) and body[1:2] == _ACK for body in bodies)
