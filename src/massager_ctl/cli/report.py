"""What a person sees when something went wrong: one block on stderr, and never a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from typing import Final

from massager_ctl.errors import ExitCode, MassagerError

DEBUG_ENV: Final = "MASSAGER_CTL_DEBUG"
"""Set to 1 to see tracebacks."""

INTERNAL: Final = 1
"""Exit code of a fault in this program; whatever was running was stopped first."""


def report(error: MassagerError) -> ExitCode:
    """Say what happened and what to do; returns the exit code."""
    sys.stderr.write(block(error.message, error.remedy, colour=has_colour(sys.stderr)))
    sys.stderr.flush()
    return error.exit_code


def report_fault(error: BaseException) -> int:
    """Say that this program is at fault, and how to report it; returns the exit code."""
    if os.environ.get(DEBUG_ENV) == "1":
        import traceback

        traceback.print_exception(error)
    message = f"a fault in this program ({type(error).__name__}: {clean(str(error))})"
    remedy = "Please report it with what you did. For the details run it again with MASSAGER_CTL_DEBUG=1."
    sys.stderr.write(block(message, remedy, colour=has_colour(sys.stderr)))
    return INTERNAL


def block(message: str, remedy: str, *, colour: bool = False) -> str:
    """`error:` and the message, then the remedy, each folded to 78 columns."""
    head, *rest = clean(message).splitlines() or [""]
    mark = "\x1b[1;31merror:\x1b[0m" if colour else "error:"
    lines = [f"{mark} {_folded(head, 71)}", *rest]
    lines += [f"  {_folded(paragraph, 76)}" for paragraph in clean(remedy).splitlines()]
    return "\n".join(lines) + "\n"


def _folded(text: str, width: int) -> str:
    # A command must survive being copied, so nothing is cut at a hyphen or inside a word.
    return textwrap.fill(
        text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def clean(text: str) -> str:
    """The text without control characters, so that no file or device can steer the terminal."""
    return "".join(
        letter for letter in text if letter == "\n" or (letter.isprintable() or letter == "\u00a0")
    )


def has_colour(stream: object) -> bool:
    """Whether to use colour on a stream: a terminal that is not dumb, and no NO_COLOR."""
    isatty = getattr(stream, "isatty", None)
    return (
        isatty is not None
        and bool(isatty())
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def silence() -> None:
    """Lead stdout nowhere: whoever read it is gone, and the interpreter must not complain of that at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
