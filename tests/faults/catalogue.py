"""All tests of the fault matrix, by the fault that they inject."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tests.faults.ground import BOTH, On, Recipe

MODULES: Final[tuple[ModuleType, ...]] = tuple(
    import_module(f"tests.faults.{path.stem}")
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
)


def recipe_of(function: Any) -> tuple[tuple[On, ...], Recipe]:
    """The links that a test is played on, and how the ground is laid for it, by its mark `laid`."""
    marks = getattr(function, "pytestmark", ())
    given = next((mark.kwargs for mark in marks if mark.name == "laid"), {})
    return given.get("on", BOTH), given.get("recipe") or Recipe()


@dataclass(frozen=True)
class Case:
    """One test, and what it is played on; with real processes, on nothing of ours."""

    number: int
    name: str
    function: Callable[..., Any]
    on: tuple[On, ...]
    recipe: Recipe


def cases() -> Iterator[Case]:
    """Every test of the matrix."""
    for module in MODULES:
        for name, function in vars(module).items():
            for mark in getattr(function, "pytestmark", ()):
                if mark.name == "fault":
                    on, recipe = recipe_of(function)
                    on = on if "g" in function.__annotations__ else ()
                    yield Case(mark.args[0], name.removeprefix("test_"), function, on, recipe)
