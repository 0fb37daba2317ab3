"""Client of the control socket. Only the standard library, so that `stop` starts fast (R6)."""

from __future__ import annotations

import os
import socket
import sys
import time

from massager_ctl.frontends.socket import paths
from massager_ctl.frontends.socket.owners import Card, card_from, read_card, sockets
from massager_ctl.transports.address_identity import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, cast
else:
    from massager_ctl.frontends.socket.owners import cast


ANSWER_WAIT_S = 5.0

DIAL_S = 1.0
"""Seconds to retry if an owner accepts no connection."""

_LINE_MAX = 1 << 20


class NoAnswer(Exception):
    """The owner of the device does not answer."""


class Busy(NoAnswer):
    """Too many clients already wait for the owner of the device."""


class Connection:
    """One connection to one control socket: a line out, a line in."""

    __slots__ = ("_buffer", "path", "sock")

    def __init__(self, path: str) -> None:
        """Raises FileNotFoundError or ConnectionRefusedError if no owner listens, NoAnswer if one may."""
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = b""
        try:
            self.sock.settimeout(1.0)
            self.sock.connect(path)
            _check_peer(self.sock, path)
        except (FileNotFoundError, ConnectionRefusedError):
            self.sock.close()
            raise
        except (BlockingIOError, TimeoutError):
            # A full queue of connections: an owner that is frozen or busy.
            self.sock.close()
            raise Busy("the program that owns the device accepts no more connections") from None
        except OSError as error:
            self.sock.close()
            raise NoAnswer(
                f"the program that owns the device cannot be reached ({error.strerror or error})"
            ) from None
        except BaseException:
            self.sock.close()
            raise

    def send(self, request: dict[str, Any]) -> None:
        """Send one request with a time stamp, so that a delayed one is dropped (R5)."""
        import json

        self.sock.sendall(json.dumps({**request, "t": time.monotonic()}).encode() + b"\n")

    def receive(self, timeout: float | None = ANSWER_WAIT_S) -> dict[str, Any]:
        """The next answer. NoAnswer after `timeout` seconds, or if the owner is gone."""
        end = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._buffer:
            self.sock.settimeout(None if end is None else max(0.001, end - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                raise NoAnswer("the program that owns the device does not answer") from None
            except OSError as error:
                raise NoAnswer(f"the program that owns the device has ended ({error})") from None
            if not data:
                raise NoAnswer("the program that owns the device has ended")
            self._buffer += data
            if len(self._buffer) > _LINE_MAX:
                raise NoAnswer("the answer cannot be read")
        import json

        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            answer: Any = json.loads(line)
        except (ValueError, RecursionError):
            raise NoAnswer("the answer cannot be read") from None
        if not isinstance(answer, dict):
            raise NoAnswer("the answer cannot be read")
        return cast("dict[str, Any]", answer)

    def close(self) -> None:
        self.sock.close()


def _check_peer(sock: socket.socket, path: str) -> None:
    """The listening process must belong to the owner of the folder."""
    if sys.platform != "linux":
        return
    peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    if int.from_bytes(peer[4:8], sys.byteorder) != os.stat(os.path.dirname(path)).st_uid:
        raise PermissionError(1, "another user's program listens there")


class Owner:
    """One program that owns a device: the device's card, and a connection or the reason why there is none."""

    __slots__ = ("_card", "chosen", "line", "path", "trouble")

    def __init__(self, path: str, card: Card | None = None) -> None:
        """Raises FileNotFoundError or ConnectionRefusedError if no owner listens."""
        self.path = path
        self._card = card
        self.chosen = card is not None
        """Whether it was chosen by a name, which the request then contains."""
        self.line: Connection | None = None
        self.trouble: NoAnswer | None = None
        self.dial()

    def dial(self) -> None:
        """Try to connect. Raises as `__init__`."""
        try:
            self.line, self.trouble = Connection(self.path), None
        except NoAnswer as error:
            self.trouble = error

    def dial_again(self) -> None:
        """Retry if the owner accepted no connection."""
        try:
            self.dial()
        except OSError:
            self.trouble = NoAnswer("the program that owns the device has ended")

    @property
    def card(self) -> Card:
        """The device's name for a person."""
        if self._card is None:
            self._card = read_card(self.path)
        return self._card

    def send(self, request: dict[str, Any]) -> None:
        """Send a request that names the device, so that any other owner refuses it. Raises NoAnswer."""
        end = time.monotonic() + DIAL_S
        while isinstance(self.trouble, Busy) and time.monotonic() < end:
            time.sleep(0.02)
            self.dial_again()
        if self.line is None:
            raise self.trouble or NoAnswer("the connection is closed")
        try:
            self.line.send({**request, "device": self.card.exact})
        except OSError as error:
            raise NoAnswer(f"the request could not be sent ({error})") from None

    def receive(self, timeout: float | None = ANSWER_WAIT_S) -> dict[str, Any]:
        """The next answer about this device. NoAnswer if none comes, or one about another device."""
        if self.line is None:
            raise self.trouble or NoAnswer("the connection is closed")
        answer = self.line.receive(timeout)
        named = answer.get("device")
        if named is not None and paths.stem(card_from(named, "").identity) != paths.device_name(
            self.path
        ):
            raise NoAnswer("the answer is about another device")
        return answer

    def ask(self, request: dict[str, Any], timeout: float = ANSWER_WAIT_S) -> dict[str, Any]:
        """One request and its answer."""
        self.send(request)
        return self.receive(timeout)

    def close(self) -> None:
        if self.line is not None:
            self.line.close()

    def __enter__(self) -> Owner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_owners(name: str = "") -> list[Owner]:
    """Each owner of a device, or of the device with that whole name. Dead sockets are skipped, frozen owners are not.

    Raises Distrusted if the runtime folder cannot be trusted.
    """
    found: list[Owner] = []
    for path in sockets():
        card = read_card(path) if name else None
        if card is None or card.is_called(name):
            try:
                found.append(Owner(path, card))
            except OSError:
                continue
    return found


def resembling(name: str) -> list[Owner]:
    """Each owner whose device a short form may mean; for reading only. A whole address is not a short form."""
    found: list[Owner] = []
    for owner in [] if is_address(name) else open_owners():
        if owner.card.resembles(name):
            owner.chosen = True
            found.append(owner)
        else:
            owner.close()
    return found


def watch(owner: Owner) -> Iterator[dict[str, Any]]:
    """Statuses as they change, until the owner ends."""
    owner.send({"request": "watch"})
    while True:
        try:
            yield owner.receive(timeout=None)
        except NoAnswer:
            return
