"""The command line as a whole: its groups, its options, and how errors leave it."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

import click

from massager_ctl.cli.border import Border, guarded_output
from massager_ctl.cli.error_block import (
    output_unwritable,
    report,
    report_fault,
    silence,
    unusable,
)
from massager_ctl.cli.lazy import LazyGroup
from massager_ctl.cli.prompt import typed_line
from massager_ctl.errors import ExitCode, MassagerError

_HERE: Final = "massager_ctl.cli"

COMMANDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "Sessions": {
        "run": (f"{_HERE}.run", "Play a profile."),
        "manual": (f"{_HERE}.manual", "Control the intensity by hand, full screen."),
        "profiles": (f"{_HERE}.profiles", "List, show, check, draw and write profiles."),
    },
    "While something runs (from any terminal)": {
        "stop": (f"{_HERE}.stop", "Stop now, and confirm it."),
        "pause": (f"{_HERE}.steer", "Pause, for at most four minutes."),
        "resume": (f"{_HERE}.steer", "Resume after a pause, gently."),
        "ease": (f"{_HERE}.steer", "Lower every zone a little."),
        "set": (f"{_HERE}.steer", "Aim a zone at an intensity (manual sessions)."),
        "pain": (f"{_HERE}.pain", "Something hurts: stop, and be careful from then on."),
        "status": (f"{_HERE}.status", "Show what runs, once or continuously."),
        "ready": (f"{_HERE}.ready", "Allow one remote start within 10 minutes."),
    },
    "You and the device": {
        "scan": (f"{_HERE}.scan", "Find devices on Bluetooth and serial ports."),
        "drivers": (f"{_HERE}.drivers", "Drivers for devices of other makes."),
        "learn": (f"{_HERE}.learn", "Learn a device from a capture of its app."),
        "reset": (f"{_HERE}.reset", "Clear a latch, in two steps."),
        "screen": (f"{_HERE}.screen", "Answer the screening questions."),
        "history": (f"{_HERE}.history", "Sessions, and how much is left today."),
        "report": (f"{_HERE}.report", "Write a report of your sessions and pain."),
    },
    "Set-up": {
        "serve": (f"{_HERE}.serve", "Own devices as a service: a page, MQTT, Home Assistant."),
        "firmware": (f"{_HERE}.firmware", "Build the firmware of a massager, and flash it."),
        "access": (f"{_HERE}.access", "Which phones and scripts may use the page."),
        "mqtt": (f"{_HERE}.mqtt", "Remove a device from an MQTT broker."),
        "doctor": (f"{_HERE}.doctor", "Check the set-up, with a remedy on each line."),
        "log": (f"{_HERE}.log_cmd", "Read back what was kept of the wire."),
        "config": (f"{_HERE}.config_cmd", "Show, find or edit the settings."),
        "completion": (f"{_HERE}.completion", "Print shell completion for bash, zsh or fish."),
    },
}

EPILOG: Final = """\b
Examples:
  massager-ctl run restorative --speed 60   a try-out on the simulator
  massager-ctl scan                         which devices are there?
  massager-ctl run gentle --device auto     the one device found
  massager-ctl stop                         from any terminal, at any time

No medical device. If anything feels wrong, stop; ask a doctor if in doubt."""


@click.group(
    cls=LazyGroup,
    commands_by_section=COMMANDS,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.option("--version", is_flag=True, help="Show the version and leave.")
@click.option("--debug", is_flag=True, help="Show every frame of the wire on stderr, both ways.")
@click.pass_context
def massager_ctl(ctx: click.Context, version: bool, debug: bool) -> None:
    """Sessions for neck and shoulder massagers, kept safe twice: here and in the device.

    Without a command it says what is connected and what to do next.
    """
    if debug or os.environ.get("MASSAGER_CTL_LOG"):
        from massager_ctl.cli import wire

        if debug:
            wire.show_wire()
        if path := os.environ.get(wire.LOG_ENV):
            wire.keep_wire(path)
    if version:
        from importlib.metadata import version as installed

        click.echo(f"massager-ctl {installed('massager-ctl')}")
    elif ctx.invoked_subcommand is None:
        from massager_ctl.cli.welcome import welcome

        welcome()


_COMPLETE: Final = "_MASSAGER_CTL_COMPLETE"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors that only a write to the standard output can raise here; the store and the links translate theirs."""


def run_command_line(arguments: list[str]) -> int:
    """Run one command; returns the exit code of docs/reference/exit-codes.md."""
    with guarded_output() as out:
        return _run(arguments, out)


def _run(arguments: list[str], out: Border) -> int:
    if _COMPLETE in os.environ:
        from massager_ctl.cli.completion import take_words_with_colons

        take_words_with_colons()
    click.termui.visible_prompt_func = typed_line
    try:
        result: object = massager_ctl.main(
            arguments, prog_name="massager-ctl", standalone_mode=False
        )
        sys.stdout.flush()
    except MassagerError as error:
        return report(error)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("\nNot answered, and nothing was changed.\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        silence()
        return ExitCode.OK
    except SystemExit:
        if not out.unread:
            raise
        silence()  # click's own exit if the reader is gone
        return ExitCode.OK
    except OSError as error:
        if error.filename is not None:
            return report(unusable(error))
        if error.errno not in _FULL:
            return report_fault(error)
        silence()
        return report(output_unwritable(error))
    except Exception as error:  # noqa: BLE001  the last one that could say anything
        return report_fault(error)
    return result if isinstance(result, int) else ExitCode.OK
