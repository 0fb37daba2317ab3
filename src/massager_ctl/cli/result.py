"""Reports the result of a session: text for a person, an object for a machine, an exit code."""

from __future__ import annotations

import sys
import textwrap
from typing import Any, Final

from msgspec import Struct

from massager_ctl.cli.border import json_text, write_styled
from massager_ctl.cli.error_block import block, has_colour, output_unwritable, report, silence
from massager_ctl.errors import ExitCode, MassagerError
from massager_ctl.frontends.status_document import error_document
from massager_ctl.frontends.words import passed, plain
from massager_ctl.model.device import Cause, DeviceInfo
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.text import visible_lines


class Outcome(Struct, frozen=True):
    """How it went: `end` if a session was begun, `error` if none could be, `record` of what must be read again."""

    profile: str
    device: str
    info: DeviceInfo | None = None
    end: SessionEnd | None = None
    error: MassagerError | None = None
    interrupted: bool = False
    hurt: bool = False
    record: tuple[str, ...] = ()

    @property
    def trouble(self) -> MassagerError | None:
        return self.error or (self.end.error if self.end else None)

    @property
    def exit_code(self) -> ExitCode:
        """5 before all others, then 4 and 3, then 130 if a signal ended it."""
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
        return say(json_text(outcome.document()), outcome.exit_code)
    for text in outcome.record:
        say(
            textwrap.fill(plain(visible_lines(text)), 78, break_on_hyphens=False), outcome.exit_code
        )
    if outcome.exit_code in (ExitCode.OK, ExitCode.INTERRUPTED):
        return say(plain(_said(outcome)), outcome.exit_code)
    trouble, end = outcome.trouble, outcome.end
    message = trouble.message if trouble else ""
    remedy = trouble.remedy if trouble else ""
    if end is not None:
        reason = end.text if not message or end.text == message else f"{end.text}: {message}"
        message = f"the session ended after {passed(end.played_s)}: {reason}"
        remedy = remedy or _HINTS.get(end.cause, "")
        if trouble is None:
            remedy = f"The device confirmed that it is at zero. {remedy}".strip()
    write_styled(sys.stderr, block(message, remedy, colour=has_colour(sys.stderr)))
    sys.stderr.flush()
    return outcome.exit_code


def say(text: str, code: ExitCode) -> ExitCode:
    """Print a line; returns `code`, or if it could not be printed one that is not 0.

    A reader that is gone is not an error; a full disk is.
    """
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        silence()
    except OSError as error:
        silence()
        unwritable = report(output_unwritable(error))
        return unwritable if code is ExitCode.OK else code
    return code


def _said(outcome: Outcome) -> str:
    end = outcome.end
    if end is None:
        return "Nothing was started."
    match end.cause:
        case Cause.FINISHED:
            head = f"Finished after {passed(end.played_s)}"
        case _:
            head = f"Ended after {passed(end.played_s)} ({end.text})"
    return f"{head}. The device is confirmed at zero."
