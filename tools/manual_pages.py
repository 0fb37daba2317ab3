"""The manual pages of both programs, made of what their commands say of themselves in `--help`.

`tools/documents.py` writes them into docs/man; the wheel carries them to share/man, where pipx and pip put them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).resolve().parent.parent

_ESCAPED: Final = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def massager_ctl() -> str:
    """massager-ctl(1)."""
    from massager_ctl.cli.root import massager_ctl as program

    return _page(program, "massager-ctl", "massager-sim", _exit_codes("exit-codes.md"))


def massager_sim() -> str:
    """massager-sim(1)."""
    from firmware_sim.cli import main

    codes = [
        ("0", "done, or every check of hil passed"),
        ("2", "usage, or bad input"),
        ("3", "a check of hil failed"),
        ("4", "the device or the link to it was lost"),
    ]
    return _page(main, "massager-sim", "massager-ctl", codes)


def escaped(text: str) -> str:
    """Text for troff: what it would take for a command, or print as another character, is written out."""
    plain = "".join(_ESCAPED.get(letter, letter) for letter in text)
    return re.sub(r"^(?=\.)", r"\\&", plain, flags=re.MULTILINE)


def _page(program: click.Command, name: str, other: str, exit_codes: list[tuple[str, str]]) -> str:
    context = click.Context(program, info_name=name, help_option_names=["-h", "--help"])
    lines = [
        r".\" Written by tools/documents.py from the command line's own help.",
        f'.TH {name.upper()} 1 "" "massager\\-ctl" "User Commands"',
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(program.get_short_help_str(200).rstrip('.'))}",
        ".SH SYNOPSIS",
        *_usage(program, context),
        ".SH DESCRIPTION",
        *_prose(program.help or ""),
        ".SH OPTIONS",
        *_options(program, context),
        *_prose(program.epilog or ""),
        ".SH COMMANDS",
        *_commands(program, context),
        ".SH EXIT STATUS",
        *(line for code, meaning in exit_codes for line in _entry(code, meaning)),
        ".SH SEE ALSO",
        f".BR {escaped(other)} (1)",
    ]
    return "\n".join(lines) + "\n"


def _usage(command: click.Command, context: click.Context) -> list[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    return [f".B {escaped(context.command_path)}", escaped(pieces)]


def _commands(program: click.Command, context: click.Context) -> Iterator[str]:
    """Every command below, with those below it, in the order of the help."""
    assert isinstance(program, click.Group)
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield f'.SS "{escaped(inner.command_path)}"'
        yield from _usage(command, inner)
        yield from _prose(command.help or "")
        yield from _options(command, inner)
        yield from _prose(command.epilog or "")
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Options and arguments that say something of themselves."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            yield from _entry(*record)


def _entry(term: str, meaning: str) -> list[str]:
    return [".TP", f".B {escaped(term)}", escaped(meaning)]


def _prose(text: str) -> Iterator[str]:
    r"""Paragraphs as click has them: one that begins with \b keeps its lines."""
    import inspect

    for paragraph in re.split(r"\n[ \t]*\n", inspect.cleandoc(text)):
        if paragraph.startswith("\b"):
            yield from (".PP", ".nf", escaped(paragraph.removeprefix("\b").strip("\n")), ".fi")
        elif paragraph:
            yield from (".PP", escaped(" ".join(paragraph.split())))


def _exit_codes(page: str) -> list[tuple[str, str]]:
    """Code and meaning, from the table of the documents."""
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", text, re.MULTILINE)
    return [(code, re.sub(r"[*`]", "", meaning)) for code, meaning in rows]
