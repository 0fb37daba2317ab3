"""A command group whose commands are imported only when they are used, so that `--help` starts fast."""

from __future__ import annotations

import importlib
from typing import Any, Final, cast

import click

WIDTH: Final = 80


class LazyGroup(click.Group):
    """`commands_by_section`: heading → name → (module, one line of help).

    A module offers its command as a click.Command whose name is the name here.
    """

    def __init__(
        self,
        *args: Any,
        commands_by_section: dict[str, dict[str, tuple[str, str]]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._sections = commands_by_section
        self._modules = {
            name: module
            for section in commands_by_section.values()
            for name, (module, _) in section.items()
        }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = self._modules.get(cmd_name)
        return None if module is None else command_of(importlib.import_module(module), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for heading, commands in self._sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._modules and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, self._modules, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)


def command_of(module: Any, name: str) -> click.Command:
    """The command of that name in a module."""
    for value in cast("dict[str, object]", vars(module)).values():
        if isinstance(value, click.Command) and value.name == name:
            return value
    raise LookupError(f"{module.__name__} has no command '{name}'")
