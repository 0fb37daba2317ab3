"""Bluetooth by MicroPython's own module: the GATT layout of docs/protocol.md 2, and the door of R17.

What the stack says arrives between any two bytecodes, so it is only noted there, and the rules hear of it in `turn`.
MicroPython hands out each write as a new object: this link, unlike the others, allocates for each frame.
"""

import bluetooth
from bonds import Bonds

from massager_fw.codec import copy
from massager_fw.config import LinkKind
from massager_fw.frames import FrameType, check

FIRST_LINK = 16
MTU = 256
_SMALLEST_MTU = 23

_CONNECTED, _DISCONNECTED, _WRITTEN, _READ = 1, 2, 3, 4
_MTU_CHANGED, _ENCRYPTED, _GET_SECRET, _SET_SECRET = 21, 28, 29, 30
"""Events of MicroPython's `BLE.irq`."""

_BASE = "6d617373-6765-7200-a001-0000000000%02x"
_READS, _WRITES_BARE, _WRITES, _NOTIFIES = 0x02, 0x04, 0x08, 0x10
_READ_ENCRYPTED, _WRITE_ENCRYPTED = 0x0200, 0x1000
_NO_INPUT_NO_OUTPUT = 3

_IDLE_US, _BUSY_US = 50_000, 500_000
"""Advertising: short for whoever looks for the device, longer while a host is connected."""
_NOTIFY_MS = 50
"""More than 20 notifications a second make some peers drop the link."""
_KEEP_READ_MS = 200
"""All parts of a long read come from the same TELEMETRY."""
_MOST_EVENTS = 32
_BODY = 84
_NAME_FITS = 8


class _Link:
    def __init__(self, connection):
        self.connection = connection
        self.mtu = _SMALLEST_MTU
        self.bonded = False
        self.refused = False
        """It paired while the door was closed: it is encrypted and no more, and its keys were not kept."""
        self.pending = False
        self.notified_at = 0


class Radio:
    """All connections; `turn` and `send` belong to the main loop."""

    def __init__(self, firmware, name):
        self._firmware = firmware
        self._name = name.encode()
        self._bonds = Bonds()
        self._links = []
        self._events = []
        self._lost_events = 0
        self._urgent = None
        """A STOP that found no room among the events: it goes first (R6)."""
        self._now = 0
        self._read_at = self._value_at = -_KEEP_READ_MS
        self._info_due = True
        self._telemetry = bytearray(_BODY)
        self._exact = {}
        """A buffer of each length that is sent: a slice would be a new object."""
        self._ble = bluetooth.BLE()
        self._ble.irq(self._hear)
        self._ble.active(True)
        self._ble.config(gap_name=name, mtu=MTU, bond=True, mitm=False, le_secure=True)
        self._ble.config(io=_NO_INPUT_NO_OUTPUT)
        self._register()
        self._advertise()

    def _register(self):
        def own(number):
            return bluetooth.UUID(_BASE % number)

        known = bluetooth.UUID
        bare = _WRITES | _WRITES_BARE
        services = (
            (
                own(1),
                (
                    (own(2), _READS | bare | _READ_ENCRYPTED | _WRITE_ENCRYPTED),
                    (own(3), _READS | _NOTIFIES),
                    (own(4), bare),
                    (own(5), _READS),
                ),
            ),
            (known(0x180F), ((known(0x2A19), _READS),)),
            (known(0x180A), tuple((known(n), _READS) for n in (0x2A29, 0x2A24, 0x2A25, 0x2A26))),
        )
        (main, battery, about) = self._ble.gatts_register_services(services)
        self._command, self._event, self._stop, self._info = main
        for handle in (self._command, self._stop):
            self._ble.gatts_set_buffer(handle, _BODY + 12)
        core = self._firmware.core
        firmware = ".".join(str(part) for part in core.config.firmware)
        info = (b"massager-ctl", b"Pico W massager", core.config.serial.encode(), firmware.encode())
        for index in range(len(info)):
            self._ble.gatts_write(about[index], info[index])
        self._ble.gatts_write(battery[0], b"\x64")
        self._ble.gatts_write(self._command, b"\x00")

    def _advertise(self):
        uuid = bytes(reversed(bytes.fromhex((_BASE % 1).replace("-", ""))))
        short = self._name[:_NAME_FITS]
        kind = 9 if len(short) == len(self._name) else 8
        first = b"\x02\x01\x06\x11\x07" + uuid + bytes((len(short) + 1, kind)) + short
        whole = bytes((len(self._name) + 1, 9)) + self._name
        interval = _BUSY_US if self._links else _IDLE_US
        self._ble.gap_advertise(interval, adv_data=first, resp_data=whole)

    # --- between any two bytecodes

    def _hear(self, event, data):
        if event == _READ:
            return self._before_read(data[0], data[1])
        if event == _GET_SECRET:
            return self._bonds.get(data[0], data[1], data[2])
        if event == _SET_SECRET:
            return self._set_secret(data[0], data[1], data[2])
        if len(self._events) >= _MOST_EVENTS and event == _WRITTEN:
            value = self._ble.gatts_read(data[1])
            if self._urgent is None and check(value, len(value)) == FrameType.STOP:
                self._urgent = data[0], value
            else:
                self._lost_events += 1
            return None
        if event == _WRITTEN:
            self._events.append((event, data[0], self._ble.gatts_read(data[1])))
        elif event in (_CONNECTED, _DISCONNECTED):
            self._events.append((event, data[0], None))
        elif event == _MTU_CHANGED:
            self._events.append((event, data[0], data[1]))
        elif event == _ENCRYPTED:
            self._events.append((event, data[0], bool(data[1]) and bool(data[3])))
        return None

    def _before_read(self, connection, handle):
        if handle == self._command:
            link = self._find(connection)
            may = link is not None and link.bonded
            self._ble.gatts_write(handle, b"\x01" if may else b"\x00")
        elif handle == self._event:
            self._read_at = self._now
        return 0

    def _set_secret(self, kind, key, value):
        """Keys of a host are kept only while the door is open; what the stack keeps for itself always is."""
        strangers = [link for link in self._links if not link.bonded]
        if value is not None and strangers and not self._firmware.pairing_open:
            for link in strangers:
                link.refused = True
            return False
        return self._bonds.set(kind, key, value)

    # --- in the main loop

    def _find(self, connection):
        for link in self._links:
            if link.connection == connection:
                return link
        return None

    def turn(self, now):
        """What the stack has noted, and what waits to be sent."""
        self._now = now
        self._take_urgent()
        while self._events:
            event, connection, value = self._events.pop(0)
            self._take(event, connection, value)
        self._take_urgent()  # its connection was among the events
        self._urgent = None
        for link in self._links:
            if link.pending and now - link.notified_at >= _NOTIFY_MS:
                link.pending = False
                link.notified_at = now
                self._notify(link, self._telemetry, _BODY)
        if self._links and now - self._value_at >= _KEEP_READ_MS:
            # No link that can carry it: its host reads it.
            self._firmware.read_telemetry(now, self._telemetry)
            self._show()
        if self._info_due and self._links:
            self._info_due = False
            self._tell_info()

    def _take_urgent(self):
        if self._urgent is not None and self._find(self._urgent[0]) is not None:
            (connection, value), self._urgent = self._urgent, None
            self._take(_WRITTEN, connection, value)

    def _show(self):
        """The newest TELEMETRY as the value to read, unless a long read is on its way."""
        self._value_at = self._now
        if self._now - self._read_at >= _KEEP_READ_MS:
            self._ble.gatts_write(self._event, self._telemetry)

    def each_second(self):
        """At rest: the value of INFO, and keys that are to be kept."""
        self._info_due = True
        self._bonds.save()

    def _take(self, event, connection, value):
        link = self._find(connection)
        if event == _CONNECTED:
            link = _Link(connection)
            self._links.append(link)
            self._update(link)
            self._info_due = True
            self._advertise()
        elif link is None:
            return
        elif event == _DISCONNECTED:
            self._links.remove(link)
            self._firmware.disconnect(FIRST_LINK + connection, self._now)
            self._advertise()
        elif event == _WRITTEN:
            self._firmware.feed(FIRST_LINK + connection, value, len(value), self._now)
        elif event == _MTU_CHANGED:
            link.mtu = value
            self._update(link)
        elif event == _ENCRYPTED:
            link.bonded = value and not link.refused
            self._update(link)

    def _update(self, link):
        number = FIRST_LINK + link.connection
        self._firmware.connect(number, LinkKind.BLE, self._now, link.bonded, link.mtu)

    def _tell_info(self):
        out = bytearray(_BODY)
        size = self._firmware.read_info(FIRST_LINK + self._links[0].connection, self._now, out)
        self._ble.gatts_write(self._info, bytes(out[:size]))

    def send(self, link, data, length):
        """A body for one link: TELEMETRY waits for its turn, where the newest wins; an answer leaves at once."""
        target = self._find(link - FIRST_LINK)
        if target is None:
            return
        if data[1] == FrameType.TELEMETRY:
            copy(data, 0, length, self._telemetry, 0)
            target.pending = True
            self._show()
        else:
            self._notify(target, data, length)

    def _notify(self, link, data, length):
        exact = self._exact.get(length)
        if exact is None:
            exact = self._exact[length] = bytearray(length)
        copy(data, 0, length, exact, 0)
        try:
            self._ble.gatts_notify(link.connection, self._event, exact)
        except OSError:  # it is going down, or has not subscribed
            pass
