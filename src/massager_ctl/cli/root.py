"""The command line as a whole: its groups, its options, and how errors leave it."""

from __future__ import annotations

import errno
import sys
from typing import Final

import click

from massager_ctl.cli.lazy import LazyGroup
from massager_ctl.cli.report import report, report_fault, silence
from massager_ctl.errors import ExitCode, InputError, MassagerError

_HERE: Final = "massager_ctl.cli"

COMMANDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "Sessions": {
        "run": (f"{_HERE}.run", "Play a profile."),
        "manual": (f"{_HERE}.manual", "Control the intensity by hand, full screen."),
        "profiles": (f"{_HERE}.profiles", "List, show, check, draw and write profiles."),
    },
    "While something runs (from any terminal)": {
        "stop": (f"{_HERE}.stop", "Stop now, and confirm it."),
        "pause": (f"{_HERE}.ask", "Pause, five minutes at most."),
        "resume": (f"{_HERE}.ask", "Go on after a pause, gently."),
        "ease": (f"{_HERE}.ask", "A little less everywhere."),
        "set": (f"{_HERE}.ask", "Aim a zone at an intensity (manual sessions)."),
        "pain": (f"{_HERE}.pain", "Something hurts: stop, and be careful from then on."),
        "status": (f"{_HERE}.status", "Show what runs, once or all the time."),
        "ready": (f"{_HERE}.ready", "Let one remote start happen within 10 minutes."),
    },
    "You and the device": {
        "scan": (f"{_HERE}.scan", "Find devices on Bluetooth and serial ports."),
        "reset": (f"{_HERE}.reset", "Clear a latch, in two steps."),
        "screen": (f"{_HERE}.screen", "Answer the screening questions."),
        "history": (f"{_HERE}.history", "Sessions, and how much is left today."),
        "report": (f"{_HERE}.history", "Write a report of your sessions."),
    },
    "Set-up": {
        "serve": (f"{_HERE}.serve", "Own devices as a service, with MQTT and Home Assistant."),
        "doctor": (f"{_HERE}.doctor", "Check the set-up, with a remedy on each line."),
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
@click.pass_context
def massager_ctl(ctx: click.Context, version: bool) -> None:
    """Sessions for neck and shoulder massagers, kept safe twice: here and in the device.

    Without a command it says what is connected and what to do next.
    """
    if version:
        from importlib.metadata import version as installed

        click.echo(f"massager-ctl {installed('massager-ctl')}")
    elif ctx.invoked_subcommand is None:
        from massager_ctl.cli.welcome import welcome

        welcome()


_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What only a write to the standard output can fail with here; the store and the links translate theirs."""


def run_command_line(arguments: list[str]) -> int:
    """Run one command; returns the exit code of docs/reference/exit-codes.md."""
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
    except OSError as error:
        if error.errno not in _FULL:
            return report_fault(error)
        silence()
        return report(
            InputError(
                f"the output cannot be written ({error.strerror})",
                "Make room, or send it elsewhere.",
            )
        )
    except Exception as error:  # noqa: BLE001  the last one that could say anything
        return report_fault(error)
    return result if isinstance(result, int) else ExitCode.OK
