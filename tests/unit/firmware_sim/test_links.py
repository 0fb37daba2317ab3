"""What a link may carry: bad frames in a minority, small MTUs, bonds, and BLE without framing."""

from __future__ import annotations

from tests.unit.firmware_sim.lone_device import LOW, device, rejected

from firmware_sim import wire
from firmware_sim.config import LinkKind
from firmware_sim.peer import Peer
from massager_fw.states import Result, State


def test_a_minority_of_bad_frames_ends_nothing(peer: Peer) -> None:
    peer.arm()
    for _ in range(50):
        peer.send(peer.setpoint(LOW))
        peer.raw(b"\x05garb\x00")
        peer.run(0.2)
    assert peer.firmware.core.state is State.RUNNING
    assert peer.firmware.rejected == 50


def test_noise_on_another_link_ends_nothing(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.arm()
    peer.drive(0.4, LOW)
    other.now = peer.now
    for _ in range(100):
        other.raw(b"\x05garb\x00")
    assert peer.firmware.core.state is State.RUNNING


def test_a_devices_own_frames_that_come_back_are_bad(peer: Peer) -> None:
    peer.run(0.3)
    rejected_before = peer.firmware.rejected
    peer.send(peer.telemetry)
    peer.send(wire.Ack(1, 4, 0, 0, 0))
    assert peer.firmware.rejected == rejected_before + 2


def test_rejected_counts_modulo_65536(peer: Peer) -> None:
    peer.firmware.rejected = 65535
    peer.raw(b"\x05garb\x00")
    assert peer.firmware.rejected == 0


def test_an_unbonded_link_may_stop_and_read_only() -> None:
    peer = Peer(device(), LinkKind.BLE, bonded=False, mtu=185)
    assert peer.arm().result == Result.NOT_ALLOWED
    assert peer.reset().result == Result.NOT_ALLOWED
    assert rejected(peer, peer.setpoint(LOW))
    peer.send(wire.GetInfo(4))
    assert isinstance(peer.heard[-1], wire.Info)
    assert peer.stop().result == Result.OK


def test_r17_a_link_that_comes_up_again_without_its_bond_does_not_go_on_with_its_session() -> None:
    peer = Peer(device(), LinkKind.BLE, mtu=185)
    peer.arm()
    peer.drive(1.0, LOW)
    heard = len(peer.heard)
    peer.firmware.connect(1, LinkKind.BLE, peer.now, bonded=False, mtu=185)
    assert rejected(peer, peer.setpoint((60, 0, 0, 0, 0, 0)))
    peer.run(0.1)
    assert len(peer.heard) == heard + 1, "it is one link, and hears everything once"


def test_a_small_mtu_gives_stop_and_reads_only() -> None:
    peer = Peer(device(), LinkKind.BLE, mtu=23)
    peer.run(1.0)
    assert peer.heard == []
    peer.send(wire.GetInfo(4))
    assert peer.heard == []
    assert peer.stop().result == Result.OK
    telemetry = wire.parse(peer.firmware.read_telemetry(peer.now))
    assert isinstance(telemetry, wire.Telemetry)
    info = wire.parse(peer.firmware.read_info(1, peer.now))
    assert isinstance(info, wire.Info)
    assert (info.token, info.deadman) == (0, 1000)
    arm = wire.Arm(9, peer.owner, telemetry.epoch, telemetry.challenge, 0, 1000, 2700)
    assert peer.ask(arm).result == Result.NOT_ALLOWED, "it would hear of nothing that it does"


def test_ble_takes_bodies_unframed() -> None:
    peer = Peer(device(), LinkKind.BLE, mtu=87)
    assert peer.arm().result == Result.OK
    peer.drive(1.0, LOW)
    assert peer.telemetry.state == State.RUNNING
