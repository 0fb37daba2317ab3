"""What a command that plays leaves behind: a line for a person, an object for a machine, an exit code."""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec
from msgspec import Struct

from massager_ctl.cli.report import block, has_colour, silence
from massager_ctl.device import Cause, DeviceInfo
from massager_ctl.errors import ExitCode, MassagerError
from massager_ctl.outcome import SessionEnd
from massager_ctl.surfaces.control.document import error_document
from massager_ctl.surfaces.picture import played


class Outcome(Struct, frozen=True):
    """How it went: `end` where a session was begun, `error` where none could be."""

    profile: str
    device: str
    info: DeviceInfo | None = None
    end: SessionEnd | None = None
    error: MassagerError | None = None
    interrupted: bool = False
    hurt: bool = False

    @property
    def trouble(self) -> MassagerError | None:
        return self.error or (self.end.error if self.end else None)

    @property
    def exit_code(self) -> ExitCode:
        """5 before all others, then 4 and 3, then 130 where a signal ended it."""
        if self.trouble is not None and self.trouble.exit_code is ExitCode.UNCONFIRMED:
            return ExitCode.UNCONFIRMED
        if self.interrupted and (self.end is None or self.end.cause is Cause.PERSON):
            return ExitCode.INTERRUPTED
        if self.trouble is not None:
            return self.trouble.exit_code
        return self.end.exit_code if self.end else ExitCode.OK

    @property
    def end_reason(self) -> str:
        """The cause of the end, or the code of the error that left no session."""
        if self.interrupted and self.exit_code is ExitCode.INTERRUPTED:
            return "interrupted"
        if self.end is not None and self.error is None:
            return self.end.cause.value
        return self.trouble.code if self.trouble else "none"

    def document(self) -> dict[str, Any]:
        """The object with which `--json` ends."""
        end = self.end
        return {
            "end_reason": self.end_reason,
            "text": end.text if end else "",
            "exit_code": int(self.exit_code),
            "confirmed": end is not None and self.trouble is None,
            "profile": self.profile,
            "device": self.device,
            "serial": self.info.serial if self.info else None,
            "simulated": self.info.simulated if self.info else None,
            "played_s": round(end.played_s, 1) if end else 0.0,
            "running_s": round(end.running_s, 1) if end else 0.0,
            "error": error_document(self.trouble) if self.trouble else None,
        }


_HINTS: Final[dict[Cause, str]] = {
    Cause.BUTTON: "Release the button, then `massager-ctl reset`.",
    Cause.BUTTON_OPEN: "Have the cable looked at, then `massager-ctl reset`.",
    Cause.DEAD_MAN: "Look at what keeps this computer or the link busy, then start again.",
    Cause.TELEMETRY_LOST: "Check the cable or the distance, then start again.",
    Cause.BATTERY_LOW: "Charge it first.",
    Cause.ALLOWANCE: "Give it, and yourself, an hour of rest.",
}


def tell(outcome: Outcome, *, as_json: bool) -> ExitCode:
    """Print how it went; returns the exit code."""
    if as_json:
        say(msgspec.json.encode(outcome.document()).decode())
        return outcome.exit_code
    if outcome.exit_code in (ExitCode.OK, ExitCode.INTERRUPTED):
        say(_said(outcome))
        return outcome.exit_code
    trouble, end = outcome.trouble, outcome.end
    message = trouble.message if trouble else ""
    remedy = trouble.remedy if trouble else ""
    if end is not None:
        told = end.text if not message or end.text == message else f"{end.text}: {message}"
        message = f"the session ended after {played(end.played_s)}: {told}"
        remedy = remedy or _HINTS.get(end.cause, "")
        if trouble is None:
            remedy = f"The device confirmed that it is at zero. {remedy}".strip()
    sys.stderr.write(block(message, remedy, colour=has_colour(sys.stderr)))
    sys.stderr.flush()
    return outcome.exit_code


def say(text: str) -> None:
    """Print a line; where nobody can read it any more, the exit code alone must tell."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        silence()


def _said(outcome: Outcome) -> str:
    end = outcome.end
    if end is None:
        return "Nothing was started."
    match end.cause:
        case Cause.FINISHED:
            head = f"Finished after {played(end.played_s)}"
        case _:
            head = f"Ended after {played(end.played_s)} ({end.text})"
    return f"{head}. The device is confirmed at zero."
