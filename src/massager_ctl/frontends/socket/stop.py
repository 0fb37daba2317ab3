"""Stops the devices of all owners here in parallel (R6). Only the standard library, so that it starts fast."""

from __future__ import annotations

import os
import select
import sys
import time

from massager_ctl.frontends.socket.client import Busy, NoAnswer, Owner, open_owners
from massager_ctl.frontends.socket.owners import Distrusted, card_from, unseen
from massager_ctl.model.text import visible_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, cast
else:
    from massager_ctl.frontends.socket.owners import cast


STOP_WAIT_S = 4.0
"""Seconds to wait for a stop's confirmation: longer than four attempts on the slowest link (R6)."""

STOP = b'{"request":"stop"}\n'

AGAIN_S = 0.02
"""Seconds between two attempts to reach an owner that accepts no connection."""

NOTHING = "no program on this machine owns a device, and no device was used before"
NOTHING_REMEDY = (
    "Name one: `massager-ctl stop --device serial:/dev/ttyUSB0`."
    " If a massager is running, unplug it."
)


def stop_all(owners: list[Owner], wait_s: float | None = None) -> list[dict[str, Any]]:
    """Stop every device in parallel; one answer per owner, in order, within `wait_s` seconds or STOP_WAIT_S.

    A missing one becomes an error `stop_unconfirmed`. An owner that accepts no connection is tried until the end,
    after all others were asked.
    """
    answers: dict[int, dict[str, Any]] = {}
    asked: set[int] = set()
    end = time.monotonic() + (STOP_WAIT_S if wait_s is None else wait_s)
    try:
        while True:
            for number in set(range(len(owners))) - asked - answers.keys():
                _ask(number, owners[number], answers, asked)
            left = end - time.monotonic()
            if len(answers) == len(owners) or left <= 0:
                break
            wait = min(left, AGAIN_S) if len(asked) + len(answers) < len(owners) else left
            lines = {number: line.sock for number in asked if (line := owners[number].line)}
            ready, _, _ = select.select(list(lines.values()), [], [], wait)
            for number in [number for number, sock in lines.items() if sock in ready]:
                answers[number] = _answer(owners[number], max(0.001, end - time.monotonic()))
                asked.discard(number)
    except KeyboardInterrupt:
        for number in asked:
            answers[number] = unconfirmed(UNWAITED)
    for owner in owners:
        owner.close()
    return [
        answers.get(number) or unconfirmed(str(owner.trouble or SILENT))
        for number, owner in enumerate(owners)
    ]


UNWAITED = "it was sent, but you did not wait for the answer"

SILENT = "the program that owns the device does not answer"


def _ask(number: int, owner: Owner, answers: dict[int, dict[str, Any]], asked: set[int]) -> None:
    """Send the stop; if that fails, the answer says why, or there is none yet."""
    if isinstance(owner.trouble, Busy):
        owner.dial_again()
    if owner.line is None:
        if not isinstance(owner.trouble, Busy):
            answers[number] = unconfirmed(str(owner.trouble or SILENT))
        return
    try:
        owner.line.sock.sendall(_request(owner))
    except OSError as error:
        answers[number] = unconfirmed(f"the request could not be handed over ({error})")
    else:
        asked.add(number)


def _request(owner: Owner) -> bytes:
    """The request, with its device if that was chosen by name; otherwise json is loaded while the device confirms."""
    if not owner.chosen:
        return STOP
    import json

    return json.dumps({"request": "stop", "device": owner.card.exact}).encode() + b"\n"


def _answer(owner: Owner, timeout: float) -> dict[str, Any]:
    try:
        return owner.receive(timeout)
    except NoAnswer as error:
        return unconfirmed(str(error))


def unconfirmed(why: str) -> dict[str, Any]:
    """The answer in place of a missing one (R6)."""
    return {
        "ok": False,
        "error": {
            "code": "stop_unconfirmed",
            "message": f"the stop is not confirmed: {why}",
            "remedy": "Unplug the massager or switch it off. It stops on its own when it receives nothing.",
        },
    }


def stop_quickly(arguments: list[str]) -> int | None:
    """Answer `massager-ctl stop [NAME]` without loading anything else; None if more is needed.

    Returns the exit code: 0 confirmed, 4 nothing to stop, 5 not confirmed.
    """
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        return None
    try:
        owners = open_owners(*arguments)
    except Distrusted:
        return None
    if not owners:
        if arguments or used_before():
            return None
        sys.stderr.write(f"error: {NOTHING}\n  {NOTHING_REMEDY}\n")
        sys.stderr.write(f"  {note}\n" if (note := unseen()) else "")
        return 4
    code = 0
    for owner, answer in zip(owners, stop_all(owners), strict=True):
        name = called(owner, answer)
        if answer.get("ok"):
            code = max(code, _say(f"{name}: stopped, confirmed at zero\n"))
        else:
            code = 5
            sys.stderr.write(describe(name, answer))
    return code


def _say(text: str) -> int:
    """Print it; 2 if it cannot be written. Whoever read it may be gone, which changes nothing of what was done."""
    try:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:  # a device's name, in a terminal with few characters
            sys.stdout.write(ascii(text)[1:-1].replace("\\n", "\n"))
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        sys.stderr.write(f"{text}error: the output cannot be written ({error.strerror})\n")
        return 2
    return 0


def called(owner: Owner, answer: dict[str, Any]) -> str:
    """The display name of the device that answered: from the answer, else from its card."""
    named = answer.get("device")
    return str(owner.card if named is None else card_from(named, owner.card.identity))


def used_before() -> bool:
    """Whether a remembered device could be opened to stop it; True if finding out is expensive."""
    folder = os.environ.get("MASSAGER_CTL_DATA")
    if not folder:
        if sys.platform != "linux":
            return True
        home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        folder = os.path.join(home, "massager-ctl")
    return os.path.exists(os.path.join(folder, "last-device"))


def describe(name: str, answer: dict[str, Any]) -> str:
    """An error answer as text for a person."""
    error: Any = answer.get("error")
    if not isinstance(error, dict):
        return f"error: {name}: the answer cannot be read\n"
    said = cast("dict[str, Any]", error)
    remedy = said.get("remedy")
    tail = f"  {remedy}\n" if remedy else ""
    message = str(said.get("message", "no reason given"))
    return visible_lines(f"error: {message if name in message else f'{name}: {message}'}\n{tail}")
