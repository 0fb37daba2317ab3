"""Stands in for MicroPython's `bluetooth`: the same calls and events, joined by a socket to a stack in the test.

Where there is no `/host/radio`, this board has no radio, as a Pico without W.
"""

import json
import select
import socket

from world import world

try:
    with open("/host/radio") as _file:
        _PORT = int(_file.read())
except OSError:
    raise ImportError("no module named 'bluetooth'") from None

_WRITTEN, _READ, _GET_SECRET, _SET_SECRET = 3, 4, 29, 30


class UUID:
    def __init__(self, value):
        self.text = value if isinstance(value, str) else f"{value:04x}"


class BLE:
    _one = None

    def __new__(cls):
        if cls._one is None:
            cls._one = super().__new__(cls)
            cls._one._begin()
        return cls._one

    def _begin(self):
        self._handler = None
        self._values = {}
        self._most = {}
        self._socket = None
        self._line = b""

    def _say(self, **what):
        self._socket.send(json.dumps(what).encode() + b"\n")

    # --- what the board calls

    def irq(self, handler):
        self._handler = handler

    def active(self, on):
        self._socket = socket.socket()
        self._socket.connect(socket.getaddrinfo("127.0.0.1", _PORT)[0][-1])
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        world.pollers.append(self.poll)

    def config(self, **options):
        self._say(config=options)

    def gap_advertise(self, interval_us, adv_data=None, resp_data=None, connectable=True):
        self._say(advertise=interval_us, data=adv_data.hex(), response=resp_data.hex())

    def gap_disconnect(self, connection):
        self._say(disconnect=connection)
        return True

    def gatts_register_services(self, services):
        handle = 10
        listed, given = [], []
        for uuid, characteristics in services:
            row, handles = [], []
            for own, flags in characteristics:
                handle += 3
                row.append([own.text, flags, handle])
                handles.append(handle)
                self._values[handle] = b""
                self._most[handle] = 20
            listed.append([uuid.text, row])
            given.append(tuple(handles))
        self._say(services=listed)
        return tuple(given)

    def gatts_set_buffer(self, handle, length, append=False):
        self._most[handle] = length

    def gatts_read(self, handle):
        return self._values[handle]

    def gatts_write(self, handle, data, send_update=False):
        self._values[handle] = bytes(data)

    def gatts_notify(self, connection, handle, data):
        self._say(notify=handle, connection=connection, value=bytes(data).hex())

    # --- what the stack says, between two bytecodes of the board

    def poll(self):
        while self._poll.poll(0):
            byte = self._socket.recv(1)
            if not byte:
                return
            if byte != b"\n":
                self._line += byte
                continue
            event = json.loads(self._line)
            self._line = b""
            answer = self._event(event["event"], event["args"])
            if "id" in event:
                self._say(id=event["id"], answer=answer)

    def _event(self, event, arguments):
        if event == _WRITTEN:
            connection, handle, value = arguments
            self._values[handle] = bytes.fromhex(value)[: self._most[handle]]
            return self._handler(event, (connection, handle))
        if event == _READ:
            self._handler(event, tuple(arguments))
            return self._values[arguments[1]].hex()
        if event == _GET_SECRET:
            found = self._handler(event, (arguments[0], arguments[1], _bytes(arguments[2])))
            return None if found is None else bytes(found).hex()
        if event == _SET_SECRET:
            return self._handler(event, (arguments[0], _bytes(arguments[1]), _bytes(arguments[2])))
        return self._handler(event, tuple(arguments))


def _bytes(text):
    return None if text is None else bytes.fromhex(text)
