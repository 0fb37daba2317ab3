"""Ask whatever owns a device. Only the standard library, so that `stop` starts fast (R6)."""

from __future__ import annotations

import os
import select
import socket
import sys
import time

from massager_ctl.surfaces.control.paths import socket_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, cast
else:

    def cast(_: object, value: object) -> object:
        """As typing's, without its import."""
        return value


STOP_WAIT_S = 4.0
"""How long to wait for a stop's confirmation: longer than four tries on the slowest link (R6)."""

ANSWER_WAIT_S = 5.0

STOP = b'{"request":"stop"}\n'

NOTHING = "no program on this machine owns a device, and none was used before"
NOTHING_REMEDY = (
    "Name one: `massager-ctl stop --device serial:/dev/ttyUSB0`."
    " If a massager is running, unplug it."
)

_LINE_MAX = 1 << 20


class NoAnswer(Exception):
    """Something owns the device and does not answer."""


class Connection:
    """One connection to one control socket; a line out, a line in."""

    __slots__ = ("_buffer", "path", "sock")

    def __init__(self, path: str) -> None:
        """Raises OSError where nobody listens."""
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = b""
        try:
            self.sock.settimeout(1.0)
            self.sock.connect(path)
        except BaseException:
            self.sock.close()
            raise

    def send(self, request: dict[str, Any]) -> None:
        """Send one request, stamped with the time, so that one that was held up is dropped (R5)."""
        import json

        self.sock.sendall(json.dumps({**request, "t": time.monotonic()}).encode() + b"\n")

    def receive(self, timeout: float | None = ANSWER_WAIT_S) -> dict[str, Any]:
        """The next answer. NoAnswer after `timeout` seconds, or where the owner is gone."""
        end = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._buffer:
            self.sock.settimeout(None if end is None else max(0.001, end - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                raise NoAnswer("the program that owns the device does not answer") from None
            except OSError as error:
                raise NoAnswer(f"the program that owns the device is gone ({error})") from None
            if not data:
                raise NoAnswer("the program that owns the device has ended")
            self._buffer += data
            if len(self._buffer) > _LINE_MAX:
                raise NoAnswer("the answer makes no sense")
        import json

        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            answer: Any = json.loads(line)
        except ValueError:
            raise NoAnswer("the answer makes no sense") from None
        if not isinstance(answer, dict):
            raise NoAnswer("the answer makes no sense")
        return cast("dict[str, Any]", answer)

    def ask(self, request: dict[str, Any], timeout: float = ANSWER_WAIT_S) -> dict[str, Any]:
        """One request and its answer."""
        self.send(request)
        return self.receive(timeout)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_owners(name: str = "") -> list[Connection]:
    """A connection to each owner of a device (of that name); dead sockets are passed over."""
    found: list[Connection] = []
    for path in socket_paths(name):
        try:
            found.append(Connection(path))
        except OSError:
            continue
    return found


def stop_all(owners: list[Connection], wait_s: float = STOP_WAIT_S) -> list[dict[str, Any]]:
    """Stop every device at once and hang up; an answer an owner, in order.

    A missing one becomes an error `stop_unconfirmed`.
    """
    answers: dict[int, dict[str, Any]] = {}
    for number, owner in enumerate(owners):
        try:
            owner.sock.sendall(STOP)  # json is loaded while the device confirms
        except OSError as error:
            answers[number] = unconfirmed(f"the request could not be handed over ({error})")
    end = time.monotonic() + wait_s
    waiting = [number for number in range(len(owners)) if number not in answers]
    try:
        while waiting:
            left = end - time.monotonic()
            ready, _, _ = select.select(
                [owners[number].sock for number in waiting], [], [], max(0, left)
            )
            for number in list(waiting):
                if owners[number].sock in ready or left <= 0:
                    try:
                        answers[number] = owners[number].receive(max(0.001, left))
                    except NoAnswer as error:
                        answers[number] = unconfirmed(str(error))
                    waiting.remove(number)
    except KeyboardInterrupt:
        for number in waiting:
            answers[number] = unconfirmed("it was sent, and you did not wait for the answer")
    for owner in owners:
        owner.close()
    return [answers[number] for number in range(len(owners))]


def unconfirmed(why: str) -> dict[str, Any]:
    """The answer that stands for no answer (R6)."""
    return {
        "ok": False,
        "error": {
            "code": "stop_unconfirmed",
            "message": f"the stop is not confirmed: {why}",
            "remedy": "Unplug the massager or switch it off. It stops by itself when it hears nothing.",
        },
    }


def watch(owner: Connection) -> Iterator[dict[str, Any]]:
    """Statuses as they change, until the owner goes."""
    owner.send({"request": "watch"})
    while True:
        try:
            yield owner.receive(timeout=None)
        except NoAnswer:
            return


def stop_quickly(arguments: list[str]) -> int | None:
    """Answer `massager-ctl stop [NAME]` without loading anything else; None where more is needed.

    Returns the exit code: 0 confirmed, 4 nothing there to stop, 5 not confirmed.
    """
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        return None
    owners = open_owners(*arguments)
    if not owners:
        if arguments or used_before():
            return None
        sys.stderr.write(f"error: {NOTHING}\n  {NOTHING_REMEDY}\n")
        return 4
    code = 0
    for owner, answer in zip(owners, stop_all(owners), strict=True):
        name = called(owner.path, answer)
        if answer.get("ok"):
            sys.stdout.write(f"{name}: stopped, confirmed at zero\n")
        else:
            code = 5
            sys.stderr.write(describe(name, answer))
    return code


def called(path: str, answer: dict[str, Any]) -> str:
    """What a person calls the device that answered: its address, or its socket's name where that says more."""
    status: Any = answer.get("status")
    address = (
        str(cast("dict[str, Any]", status).get("address", "")) if isinstance(status, dict) else ""
    )
    if not address or address.startswith("sim:"):
        return os.path.basename(path)[:-5]
    return address


def used_before() -> bool:
    """Whether a device is remembered that could be opened to stop it; True where this cannot be told cheaply."""
    folder = os.environ.get("MASSAGER_CTL_DATA")
    if not folder:
        if sys.platform != "linux":
            return True
        home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        folder = os.path.join(home, "massager-ctl")
    return os.path.exists(os.path.join(folder, "last-device"))


def describe(name: str, answer: dict[str, Any]) -> str:
    """An error answer as a block for the person."""
    error: Any = answer.get("error")
    if not isinstance(error, dict):
        return f"error: {name}: the answer makes no sense\n"
    said = cast("dict[str, Any]", error)
    remedy = said.get("remedy")
    tail = f"  {remedy}\n" if remedy else ""
    message = str(said.get("message", "no reason given"))
    return f"error: {message if name in message else f'{name}: {message}'}\n{tail}"
