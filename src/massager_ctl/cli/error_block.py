"""Prints an error as one block on stderr, never a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from typing import Final

from massager_ctl.cli.border import write_styled
from massager_ctl.errors import ExitCode, InputError, MassagerError
from massager_ctl.model.text import visible, visible_lines

DEBUG_ENV: Final = "MASSAGER_CTL_DEBUG"
"""Set to 1 to see tracebacks."""

INTERNAL: Final = 1
"""Exit code of a fault in this program; whatever was running was stopped first."""


def report(error: MassagerError) -> ExitCode:
    """Print what failed and what to do; returns the exit code."""
    write_styled(sys.stderr, block(error.message, error.remedy, colour=has_colour(sys.stderr)))
    sys.stderr.flush()
    return error.exit_code


def report_fault(error: BaseException) -> int:
    """Print that this program is at fault, and how to report it; returns the exit code."""
    if os.environ.get(DEBUG_ENV) == "1":
        import traceback

        traceback.print_exception(error)
    message = f"a fault in this program ({type(error).__name__}: {visible(error)})"
    remedy = "Please report it with what you did. For the details run it again with MASSAGER_CTL_DEBUG=1."
    write_styled(sys.stderr, block(message, remedy, colour=has_colour(sys.stderr)))
    return INTERNAL


def output_unwritable(error: OSError) -> InputError:
    """Standard output leads to a full disk, or to nothing."""
    return InputError(
        f"the output cannot be written ({error.strerror})",
        "Free some space, or write it to another place.",
    )


def unusable(error: OSError) -> InputError:
    """A file or folder that was named, or one above it, cannot be used."""
    return InputError(
        f"{os.fsdecode(error.filename)}: cannot be used ({error.strerror})",
        "Check the path, its permissions and those of the folders above it.",
    )


def block(message: str, remedy: str, *, colour: bool = False) -> str:
    """`error:` and the message, then the remedy, each folded to 78 columns; rule ids are left out (`words.plain`)."""
    from massager_ctl.frontends.words import plain

    message, remedy = plain(message), plain(remedy)
    head, *rest = visible_lines(message).splitlines() or [""]
    mark = "\x1b[1;31merror:\x1b[0m" if colour else "error:"
    lines = [f"{mark} {_folded(head, 71)}", *rest]
    lines += [f"  {_folded(paragraph, 76)}" for paragraph in visible_lines(remedy).splitlines()]
    return "\n".join(lines) + "\n"


def _folded(text: str, width: int) -> str:
    # A command must survive being copied, so nothing is cut at a hyphen or inside a word.
    return textwrap.fill(
        text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
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
    """Redirect stdout to the null device: its reader is gone, and the interpreter must not complain at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
