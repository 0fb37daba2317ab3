"""Links in this process: the pipe's own details, and the host's side of `sim:`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from massager_ctl.errors import AddressError, DeviceNotFound, InputError, LinkError
from massager_ctl.testing.transports import PIECE, Recorder, until
from massager_ctl.transports import in_process as memory
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.in_process import SimTransport, pipe


@pytest.mark.asyncio
async def test_a_framed_pipe_keeps_each_write_apart() -> None:
    near, far = pipe(LinkKind.BLE)
    heard = Recorder()
    await near.open(Recorder())
    await far.open(heard)
    near.write(b"one")
    near.write(b"two")
    await until(lambda: heard.chunks == [b"one", b"two"], "both arrive")
    assert far.received == [b"one", b"two"]
    await near.close()


class EchoSimulator:
    """A simulator that answers within the write, which the transport must not pass on at once."""

    def __init__(self) -> None:
        self.closed = False
        self.links: list[EchoLink] = []

    def open_link(
        self, kind: str, on_data: Callable[[bytes], None], on_lost: Callable[[str], None]
    ) -> EchoLink:
        assert kind == "memory"
        self.links.append(EchoLink(on_data, on_lost))
        return self.links[-1]

    def close(self) -> None:
        self.closed = True


class EchoLink:
    def __init__(self, on_data: Callable[[bytes], None], on_lost: Callable[[str], None]) -> None:
        self.write = on_data
        self.lose = on_lost
        self.closed = False

    def close(self) -> None:
        self.closed = True


def echo_transport(simulator: EchoSimulator, **expected: object) -> SimTransport:
    def open_simulator(options: str, **given: object) -> EchoSimulator:
        assert options == "battery=50"
        assert given == {"trace_path": None, "profile": "gentle", "seed": 7}
        return simulator

    return SimTransport("battery=50", profile="gentle", seed=7, find=lambda: open_simulator)


@pytest.mark.asyncio
async def test_a_simulator_that_answers_at_once_is_heard_from_the_loop() -> None:
    simulator = EchoSimulator()
    transport = echo_transport(simulator)
    heard = Recorder()
    await transport.open(heard)
    with pytest.raises(LinkError, match="already"):
        await transport.open(heard)
    transport.write(PIECE)
    assert heard.chunks == []
    await until(lambda: heard.chunks == [PIECE], "the echo arrives")
    transport.write(PIECE)
    await transport.close()
    transport.write(PIECE)
    await transport.open(heard)
    transport.preempt(b"stop")
    await until(lambda: heard.chunks == [PIECE, b"stop"], "only the new link is heard")
    assert [link.closed for link in simulator.links] == [True, False]
    simulator.links[0].lose("pulled")
    simulator.links[1].lose("pulled")
    simulator.links[1].lose("pulled")
    await until(lambda: heard.lost, "the loss is told")
    assert len(heard.lost) == 1
    transport.end()
    transport.end()
    assert simulator.closed
    assert transport.simulator is None


@pytest.mark.asyncio
async def test_options_that_the_simulator_cannot_read_are_an_address_error() -> None:
    def refuse(options: str, **_: object) -> EchoSimulator:
        raise ValueError("no such option: colour")

    transport = SimTransport("colour=red", find=lambda: refuse)
    with pytest.raises(AddressError, match=r"sim:\?colour=red: no such option"):
        await transport.open(Recorder())


@pytest.mark.asyncio
async def test_without_a_simulator_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SIMULATORS", "massager_ctl.no_such_group")
    with pytest.raises(DeviceNotFound, match="embedded simulator is not installed"):
        await SimTransport().open(Recorder())


def test_auto_has_to_be_resolved_first() -> None:
    with pytest.raises(AddressError, match="found first"):
        make_transport("auto")


@pytest.mark.asyncio
async def test_the_installed_simulator_talks_and_its_options_are_checked(tmp_path: Path) -> None:
    transport = make_transport("sim:?battery=80", trace=tmp_path / "trace.jsonl", profile="gentle")
    heard = Recorder()
    await transport.open(heard)
    await until(lambda: len(heard.chunks) >= 2, "telemetry comes")
    await transport.close()
    assert isinstance(transport, SimTransport)
    transport.end()
    assert (tmp_path / "trace.jsonl").read_text().startswith('{"type"')
    with pytest.raises(AddressError, match="colour"):
        await make_transport("sim:?colour=red").open(heard)
    with pytest.raises(InputError, match="cannot be written"):
        await make_transport("sim:", trace=tmp_path / "no" / "trace").open(heard)
