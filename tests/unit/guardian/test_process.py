"""The guardian as a process, against a dumb device on a pseudo-terminal and on TCP, held by a transport (R25)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from tests.support.ascii_massager import ASCII
from tests.support.line_device import Peer, lives
from tests.unit.guardian.guarded_rig import BUSY_S, OFF, REST, Rig, _until
from tests.unit.testing.test_transports import pty_rig, tcp_rig

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import LinkLost, LinkTimeout
from massager_ctl.safety.assurance import Assurance, OnDisconnect, allowed
from massager_ctl.testing.transports import CHECKS, Check, preempts_what_waits
from massager_ctl.testing.transports import Rig as CheckRig
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.descriptor import DescriptorTransport
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.gatt import Gatt
from massager_ctl.transports.guarded import GuardedTransport, guarded
from massager_ctl.transports.guardian_link import GuardianDescriptorLink
from massager_ctl.transports.guardian_process import GuardianProcess
from massager_ctl.transports.tcp import TcpTransport


@pytest.mark.asyncio
async def test_r25_what_is_written_comes_out_whole_and_in_order(peer: Peer) -> None:
    rig = Rig(peer)
    await rig.run()
    for level in range(1, 30):
        rig.transport.write(b"L%d\n" % level)
    rig.transport.beat()
    await _until(peer, b"L29")
    assert peer.heard == [b"L20", *(b"L%d" % level for level in range(1, 30))]
    rig.transport.preempt(b"OFF\n")
    await _until(peer, b"OFF")
    rig.transport.rest()
    pid = rig.process.pid
    await rig.transport.close()
    assert rig.troubles == []
    assert not lives(pid)
    assert peer.stops == 1, "nothing was left to do"


@pytest.mark.asyncio
async def test_r25_it_tells_what_is_not_yet_written_and_when_it_is(peer: Peer) -> None:
    rig = Rig(peer)
    await rig.run()
    drained = asyncio.Event()
    rig.transport.on_drained(drained.set)
    rig.transport.write(b"L5\n")
    assert rig.transport.backlog == 3 or rig.transport.backlog == 7
    async with asyncio.timeout(BUSY_S):
        await drained.wait()
    assert rig.transport.backlog == 0
    rig.transport.abort()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_r25_silence_of_the_control_loop_stops_the_device(peer: Peer) -> None:
    """The loop lives and answers; nothing but the tick's heartbeat counts."""
    rig = Rig(peer)
    await rig.run(seconds=0.4)
    began = time.monotonic()
    for _ in range(30):
        rig.transport.write(b"L20\n")
        await asyncio.sleep(0.05)
        if rig.troubles:
            break
    at = await _until(peer, b"OFF")
    assert 0.8 <= at - began <= 1.2 + BUSY_S
    assert "no heartbeat" in rig.troubles[0]
    lines = peer.heard
    after = lines[lines.index(b"OFF") :]
    assert not any(line.startswith(b"L") for line in after)
    await rig.transport.begin(OFF, REST)
    rig.transport.write(b"L44\n")
    await _until(peer, b"L44")
    rig.transport.abort()


@pytest.mark.asyncio
async def test_r25_a_guardian_that_dies_is_told_and_the_controller_stops_by_itself(
    peer: Peer,
) -> None:
    rig = Rig(peer)
    await rig.run(seconds=0.2)
    await _until(peer, b"L20")
    os.kill(rig.process.pid, signal.SIGKILL)
    rig.transport.on_trouble = rig.troubles.append
    await _until(peer, b"OFF")
    assert "has ended" in rig.troubles[0]
    rig.transport.preempt(b"OFF\n")
    await _until(peer, b"OFF", 2)
    await rig.transport.begin(OFF, REST)  # another guardian
    rig.transport.write(b"L30\n")
    await _until(peer, b"L30")
    rig.transport.abort()
    await _until(peer, b"OFF", 3)


@pytest.mark.asyncio
async def test_r25_a_guardian_that_hangs_is_told_killed_and_stood_in_for(peer: Peer) -> None:
    rig = Rig(peer)
    await rig.run(seconds=0.2)
    await _until(peer, b"L20")
    while rig.transport._asked:  # noqa: ASYNC110 - nothing tells of an answer
        await asyncio.sleep(0.01)
    pid = rig.process.pid
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    rig.transport.beat()
    at = await _until(peer, b"OFF")
    assert 0.4 <= at - began <= 0.6 + BUSY_S
    assert "did not answer within 0.3 s" in rig.troubles[0]
    assert len(rig.troubles) == 1
    assert not lives(pid)
    rig.transport.abort()


@pytest.mark.asyncio
async def test_r25_no_start_without_an_answer(peer: Peer) -> None:
    rig = Rig(peer)
    await rig.transport.open(rig.recorder)
    os.kill(rig.process.pid, signal.SIGSTOP)
    with pytest.raises(LinkTimeout, match="did not answer"):
        await rig.transport.begin(OFF, REST)
    assert not rig.transport._open
    await rig.transport.close()


@pytest.mark.asyncio
async def test_r25_no_stop_lands_inside_half_a_frame(peer: Peer) -> None:
    """The device does not read for a while, so that a frame is cut where the buffer was full."""
    peer.reads.clear()
    rig = Rig(peer)
    await rig.run()
    long = b"L20" + b" " * 3000 + b"\n"
    for _ in range(2000):
        if rig.transport.backlog > 20_000:
            break
        rig.transport.write(long)
        rig.transport.beat()
        await asyncio.sleep(0)
    rig.transport.beat()
    await asyncio.sleep(0.1)
    rig.transport.preempt(b"OFF\n")
    peer.reads.set()
    await _until(peer, b"OFF")
    lines = peer.heard
    assert lines[-1] == b"OFF"
    assert set(lines[:-1]) <= {b"L20", long[:-1]}, "every frame is whole"
    rig.transport.abort()


FAULTY = """
import os, sys
from massager_ctl.guardian import process
from massager_ctl.guardian.clock import now
from massager_ctl.guardian.messages import Kind, Message

def fail(guardian):
    guardian.machine.take(Message(Kind.START, 1, 1, now(), (), ((b"OFF\\n",),)), now())
    raise RuntimeError("a bug")

process.AGAIN_S, process.GIVE_UP_S = 0.01, 0.03
process.Guardian.run = fail
pipe, road = (os.dup(int(number)) for number in sys.argv[1:3])
os.dup2(pipe, process.PIPE)
os.dup2(road, process.ROAD)
process.main(["", ""])
"""


def test_r25_a_fault_of_its_own_stops_the_device_and_fails_the_process(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    road = os.open(tmp_path / "road", os.O_RDWR | os.O_CREAT)
    with ours, theirs:
        done = subprocess.run(
            [sys.executable, "-c", FAULTY, str(theirs.fileno()), str(road)],
            pass_fds=(theirs.fileno(), road),
            capture_output=True,
            check=False,
        )
    os.close(road)
    assert (tmp_path / "road").read_bytes() == b"OFF\n" * 3
    assert done.returncode == 1
    assert b"RuntimeError: a bug" in done.stderr


@pytest.mark.asyncio
async def test_r15_a_device_that_goes_away_is_told(peer: Peer) -> None:
    rig = Rig(peer)
    await rig.run()
    await _until(peer, b"L20")
    peer.close()
    async with asyncio.timeout(BUSY_S):
        while not rig.recorder.lost:
            await asyncio.sleep(0.02)
            rig.transport.write(b"L20\n")
    assert isinstance(rig.recorder.lost[0], LinkLost)


@pytest.mark.parametrize("carrier", ["pty", "tcp"])
@pytest.mark.parametrize(
    "check",
    [check for check in CHECKS if check is not preempts_what_waits],
    ids=lambda c: c.__name__,
)
@pytest.mark.asyncio
async def test_it_is_a_transport_like_any_other(check: Check, carrier: str, tmp_path: Path) -> None:
    """All but `preempts_what_waits`: what another process has given to the system is beyond recall. What waits in that
    process is not: see `test_r25_no_stop_lands_inside_half_a_frame`."""
    rig = (
        pty_rig if carrier == "pty" else lambda _: tcp_rig(lambda at: TcpTransport("127.0.0.1", at))
    )
    async with rig(tmp_path) as bare:
        assert isinstance(bare.transport, DescriptorTransport)
        transport = GuardedTransport(GuardianDescriptorLink(bare.transport))
        await check(CheckRig(transport, bare.far))
        await transport.close()


@pytest.mark.parametrize(
    ("address", "cap"),
    [
        ("serial:/dev/ttyNone", 25),
        ("tcp:127.0.0.1:9", 25),
        ("ble:Relax", 15),
        ("serial:loop://", 15),
    ],
)
def test_r25_the_cap_is_the_lowest_where_no_guardian_was_shown_to_stop_it(
    address: str, cap: float
) -> None:
    gatt = Gatt(service="FFF0", write="FFF2")
    spec = msgspec.structs.replace(ASCII, links=tuple(LinkKind), gatt=gatt)
    transport = make_transport(address, gatt=gatt)
    driver = PlainDriver(guarded(transport) or transport, spec)
    known = Assurance(on_disconnect=OnDisconnect.STOPS, own_remote=False)
    assert allowed(known, guardian=driver.guarded).cap == cap


@pytest.mark.parametrize(
    ("namespace", "own", "parent", "possible"),
    [
        ("pid:[4026531836]", 1, 0, True),
        ("pid:[4026532999]", 1, 0, False),
        ("pid:[4026532999]", 7, 1, False),
        ("pid:[4026532999]", 77, 7, True),
    ],
)
def test_r25_no_guardian_outlives_the_first_process_of_a_container(
    monkeypatch: pytest.MonkeyPatch, namespace: str, own: int, parent: int, *, possible: bool
) -> None:
    monkeypatch.setattr(Path, "readlink", lambda _: Path(namespace))
    monkeypatch.setattr(os, "getpid", lambda: own)
    monkeypatch.setattr(os, "getppid", lambda: parent)
    assert GuardianProcess.possible() is possible
    assert (guarded(make_transport("tcp:127.0.0.1:9")) is not None) is possible


def test_r25_a_road_without_a_descriptor_cannot_be_shared() -> None:
    assert guarded(make_transport("serial:loop://")) is None
    assert isinstance(make_transport("serial:/dev/null"), DescriptorTransport)
