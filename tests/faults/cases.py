"""The register of the fault matrix: every case says its number, its name and the links that it is played on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.ground import On, Recipe, Story, play

BOTH: Final = (On.MEMORY, On.PTY)
MEMORY: Final = (On.MEMORY,)


@dataclass(frozen=True)
class Case:
    """One fault on one link."""

    number: int
    name: str
    on: On
    about: str
    """What the story and its module say of it: the requirements that it is about."""
    tell: Callable[[Path], None]

    @property
    def id(self) -> str:
        return f"{self.number:02d}-{self.name}-{self.on}"


CASES: Final[list[Case]] = []


def _about(story: Callable[..., object]) -> str:
    return f"{story.__doc__ or ''} {sys.modules[story.__module__].__doc__ or ''}"


def fault(
    number: int, name: str, *, on: tuple[On, ...] = BOTH, recipe: Recipe | None = None
) -> Callable[[Story], Story]:
    """Register a story as fault `number`, on each of these links."""

    def register(story: Story) -> Story:
        for link in on:
            CASES.append(
                Case(
                    number,
                    name,
                    link,
                    _about(story),
                    lambda folder, link=link: play(story, link, recipe or Recipe(), folder),
                )
            )
        return story

    return register


def process_fault(
    number: int, name: str
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Register a story that is told with real processes."""

    def register(story: Callable[[Path], None]) -> Callable[[Path], None]:
        CASES.append(Case(number, name, On.PROCESS, _about(story), story))
        return story

    return register
