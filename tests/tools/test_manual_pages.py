"""The manual pages say what the command line says of itself."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator

import click
import pytest

import manual_pages
from firmware_sim.cli import main as simulator
from massager_ctl.cli.root import massager_ctl

PROGRAMS = [
    pytest.param(massager_ctl, "massager-ctl", manual_pages.massager_ctl, id="massager-ctl"),
    pytest.param(simulator, "massager-sim", manual_pages.massager_sim, id="massager-sim"),
]


def contexts(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[click.Context]:
    """Of a command and of all below it."""
    context = click.Context(command, info_name=name, parent=parent)
    yield context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from contexts(found, inner, context)


@pytest.mark.parametrize(("program", "name", "page"), PROGRAMS)
def test_every_command_and_every_option_has_its_place(
    program: click.Command, name: str, page: Callable[[], str]
) -> None:
    text = page()
    sections = dict(
        re.findall(r'^\.SS "(.+?)"$\n(.*?)(?=^\.S[SH] )', text, re.MULTILINE | re.DOTALL)
    )
    for context in contexts(program, name, None):
        if context.parent is None:
            continue
        section = sections.pop(manual_pages.escaped(context.command_path))
        for parameter in context.command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert manual_pages.escaped(parameter.opts[-1]) in section, context.command_path
    assert not sections


@pytest.mark.needs("groff")
@pytest.mark.parametrize(("program", "name", "page"), PROGRAMS)
def test_a_formatter_has_nothing_to_say_about_it(
    program: click.Command, name: str, page: Callable[[], str]
) -> None:
    shown = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-Kutf8", "-P-c"],
        input=page(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert shown.stderr == ""
    plain = re.sub(r".\x08", "", shown.stdout)
    assert f"{name} serve [OPTIONS]" in plain
    assert "EXIT STATUS" in plain


def test_text_cannot_become_a_command_of_the_formatter() -> None:
    assert manual_pages.escaped(".so /etc/passwd\n'br \\n") == ("\\&.so /etc/passwd\n\\(aqbr \\en")
