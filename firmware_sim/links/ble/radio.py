"""A Bluetooth radio made of nothing: controllers that hear each other, with delay, repeats, silence and link drops.

What a real link layer guarantees holds here too: packets arrive in order or the link dies by supervision.
"""

from __future__ import annotations

# bumble's own types are incomplete here and there.
# pyright: reportUnknownMemberType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false
import asyncio
from collections import deque
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.link import LocalLink

ACL_LENGTH: Final = 251
"""Bytes in one packet between host and controller, as a controller with data length extension has."""

ACL_PACKETS: Final = 8
"""Packets that a controller takes ahead; then the host has to wait."""


@dataclass(slots=True)
class AirQuality:
    """How the radio is. Times in seconds of the loop's clock; the device asks for an interval of 15 to 30 ms."""

    latency_s: float = 0.0
    """Each packet takes this long, as it waits for its connection event."""
    repeats: float = 0.0
    """Share of the packets, 0 to 1, that are lost and sent again, each time `interval_s` later."""
    interval_s: float = 0.03
    supervision_s: float = 3.0
    """Silence after which both sides give the link up."""


class VirtualRadio(LocalLink):
    """The air between controllers of this process, or of others that come in over HCI."""

    def __init__(self, air: AirQuality | None = None, seed: int = 0) -> None:
        super().__init__()
        self.air = air or AirQuality()
        self._random = Random(seed)
        self._silent = False
        self._supervision: asyncio.TimerHandle | None = None
        self._lanes: dict[tuple[int, int], _Lane] = {}

    def controller(self, name: str) -> RadioController:
        """A new controller in this air."""
        return RadioController(name, self)

    def remove(self, controller: RadioController) -> None:
        """Take a controller away; its links are lost on the other side."""
        for connection in list(controller.le_connections.values()):
            self._lose(controller, connection, hci.HCI_CONNECTION_TIMEOUT_ERROR)
        controller.le_legacy_advertiser.stop()
        for advertising in controller.advertising_sets.values():
            advertising.stop()
        if controller in self.controllers:
            self.remove_controller(controller)

    @property
    def silent(self) -> bool:
        return self._silent

    def silence(self) -> None:
        """From now on nothing gets through; after `supervision_s` both sides notice."""
        if not self._silent:
            self._silent = True
            self._supervision = asyncio.get_running_loop().call_later(
                self.air.supervision_s, self.drop
            )

    def clear(self) -> None:
        """The silence is over; what was waiting gets through where the link still stands."""
        self._silent = False
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None
        for lane in list(self._lanes.values()):
            lane.go()

    def drop(self, reason: int = hci.HCI_CONNECTION_TIMEOUT_ERROR) -> None:
        """Every connection is lost, and both of its ends are notified."""
        for controller in list(self.controllers):
            for connection in list(controller.le_connections.values()):
                controller.on_le_disconnected(connection, reason)
        self._lanes.clear()

    def carry(
        self, sender: RadioController, connection: Connection, packet: hci.HCI_AclDataPacket
    ) -> None:
        """Take a packet from a controller; it counts as sent once it arrives."""
        key = (id(sender), connection.handle)
        lane = self._lanes.get(key)
        if lane is None or lane.connection is not connection:
            lane = self._lanes[key] = _Lane(self, connection)
        lane.put(packet)

    def delay(self) -> float:
        """How long the next packet is under way."""
        seconds = self.air.latency_s
        while self.air.repeats and self._random.random() < self.air.repeats:
            seconds += self.air.interval_s
        return seconds

    def _lose(self, controller: Controller, connection: Connection, reason: int) -> None:
        other = self.find_le_controller(connection.peer_address)
        controller.on_le_disconnected(connection, reason)
        self._lanes.pop((id(controller), connection.handle), None)
        if other is not None:
            theirs = other.le_connections.get(connection.self_address)
            if theirs is not None:
                other.on_le_disconnected(theirs, reason)

    # What bumble's controllers call.

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        if not self._silent:
            super().send_advertising_pdu(sender_controller, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        # A peer that is gone hears nothing; in silence its own supervision tells it.
        if not self._silent and self.find_le_controller(receiver_address) is not None:
            super().send_ll_control_pdu(sender_address, receiver_address, packet)


class _Lane:
    """One direction of a connection: packets in the order in which they were sent, several under way at a time."""

    def __init__(self, radio: VirtualRadio, connection: Connection) -> None:
        self._radio = radio
        self.connection = connection
        self._packets: deque[tuple[float, hci.HCI_AclDataPacket]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, packet: hci.HCI_AclDataPacket) -> None:
        due = asyncio.get_running_loop().time() + self._radio.delay()
        if self._packets:
            due = max(due, self._packets[-1][0])
        self._packets.append((due, packet))
        self.go()

    def go(self) -> None:
        """Deliver what has arrived, and wait for the rest."""
        loop = asyncio.get_running_loop()
        while self._packets and not self._radio.silent:
            due, packet = self._packets[0]
            if due > loop.time():
                if self._timer is None:
                    self._timer = loop.call_at(due, self._due)
                return
            self._packets.popleft()
            connection = self.connection
            if connection.controller.le_connections.get(connection.peer_address) is connection:
                connection.on_hci_acl_data_packet(packet)

    def _due(self) -> None:
        self._timer = None
        self.go()


class RadioController(Controller):
    """bumble's software controller, with flow control that waits for the air, and connecting that can be given up."""

    le_acl_data_packet_length = ACL_LENGTH
    total_num_le_acl_data_packets = ACL_PACKETS

    def __init__(self, name: str, radio: VirtualRadio) -> None:
        super().__init__(name, link=radio)
        self._radio = radio

    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        # bumble's software controller leaves the scan response out: add it to what it advertises.
        match packet:
            case ll.AdvInd():
                packet = replace(
                    packet, data=packet.data + self.le_legacy_advertiser.scan_response_data
                )
            case ll.AdvExtInd():
                for advertising in self.advertising_sets.values():
                    if advertising.address == packet.advertiser_address:
                        packet = replace(
                            packet, data=packet.data + bytes(advertising.scan_response_data)
                        )
            case _:
                pass
        super().send_advertising_pdu(packet)

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        connection = self.find_connection_by_handle(packet.connection_handle)
        if connection is not None:
            self._radio.carry(self, connection, packet)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)
