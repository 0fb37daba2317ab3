"""Every command line that a document shows is one that the program takes, and shown output is what it prints."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from massager_ctl.cli.root import massager_ctl, run_command_line

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(?:console|sh|bash|shell)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*massager-ctl(?P<rest>(?: .*)?)$", re.MULTILINE)


def documented() -> Iterator[tuple[str, str]]:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in BLOCK.finditer(path.read_text(encoding="utf-8")):
            for found in COMMAND.finditer(block[1]):
                rest = re.split(r"\s[#|>&]|\s{3,}", found["rest"])[0]
                yield path.name, rest.strip()


COMMANDS = sorted(set(documented()))


@pytest.mark.parametrize(("document", "rest"), COMMANDS, ids=" ".join)
def test_it_is_taken(document: str, rest: str) -> None:
    arguments = shlex.split(rest)
    command: click.Command = massager_ctl
    context = massager_ctl.make_context("massager-ctl", list(arguments))
    while isinstance(command, click.Group) and arguments:
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None, (document, rest)
        command = found
        # Raises UsageError where an option or an argument is not one.
        context = command.make_context(name, list(arguments), parent=context)


def test_documents_show_commands() -> None:
    assert len(COMMANDS) > 10
    assert "tutorial.md" in {document for document, _ in COMMANDS}


@pytest.mark.parametrize("command", ["", "run restorative --dry-run"])
def test_the_tutorial_shows_what_is_printed(
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("MASSAGER_CTL_DEVICE", raising=False)
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    head = f"```console\n$ massager-ctl {command}".rstrip() + "\n"
    shown = text.partition(head)[2].partition("```")[0]
    assert run_command_line(shlex.split(command)) == 0
    assert shown
    assert capsys.readouterr().out.startswith(shown)
