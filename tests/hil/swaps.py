"""The firmware with two numbers of one of its tables exchanged, in the source, as a whole device has them.

A table is named by its module and its name there; what is exchanged are neighbours that differ. Everything that
knows the exchanged numbers is imported again, and put back afterwards.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import TypeGuard, cast

FIRMWARE = Path(importlib.import_module("massager_fw").__file__ or "").parent
_PACKAGES = ("massager_fw", "firmware_sim")


@dataclass(frozen=True, slots=True)
class Swap:
    """Two pieces of one source file, by their places in it."""

    module: str
    table: str
    first: tuple[int, int]
    second: tuple[int, int]
    words: str

    def __str__(self) -> str:
        return f"{self.module}.{self.table}: {self.words}"

    def source(self) -> str:
        """The file with both exchanged."""
        text = _text(self.module)
        (a, b), (c, d) = self.first, self.second
        return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def _text(module: str) -> str:
    return (FIRMWARE / f"{module}.py").read_text(encoding="utf-8")


NUMBERS = {
    "states": ("State", "Cause", "Result"),
    "frames": ("FrameType", "LENGTHS", "_read", "Arm.__init__", "pack_ack"),
    "pattern": ("Motion", "Direction"),
    "field_validation": ("",),
    "report": ("info", "flags", "_put_levels"),
    "config": ("Limits", "Claims"),
    "guard_supply": ("",),
    "button": ("",),
}
"""Tables in which neighbouring numbers are exchanged; "" is what a module names at its top."""
FIELDS = {"report": ("telemetry", "info"), "pattern": ("WAYS",)}
"""Rows of fields, each of them an expression: neighbours are exchanged."""


def all_swaps() -> list[Swap]:
    """Every pair of neighbours that differ, table by table; without a host's reasons, which the device passes on."""
    found: list[Swap] = []
    for module, tables in NUMBERS.items():
        for table in tables:
            nodes = _numbers(_node(module, table), top=not table) or _named_above(module, table)
            if table == "Cause":
                nodes = [node for node in nodes if not 1 < cast("int", node.value) < 16]
            found += _neighbours(module, table, nodes)
    for module, tables in FIELDS.items():
        for table in tables:
            found += _neighbours(module, f"{table} fields", _fields(_node(module, table)))
    return found


def _node(module: str, table: str) -> ast.AST:
    node: ast.AST = ast.parse(_text(module))
    for name in table.split(".") if table else ():
        node = next(
            child
            for child in ast.iter_child_nodes(node)
            if name in (getattr(child, "name", None), *_names(child))
        )
    return node


def _names(node: ast.AST) -> list[str]:
    return [t.id for t in getattr(node, "targets", ()) if isinstance(t, ast.Name)]


def _numbers(node: ast.AST, *, top: bool) -> list[ast.Constant]:
    """Whole numbers in the order of the source; at a module's top only those that have a name."""
    if top and isinstance(node, ast.Module):
        named = [_named(n.value) for n in node.body if isinstance(n, ast.Assign)]
        return [n for n in named if _is_number(n)]
    found = [n for n in ast.walk(node) if _is_number(n)]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def _named_above(module: str, table: str) -> list[ast.Constant]:
    """The numbers of a class whose attributes are names of constants of its module."""
    top = cast("ast.Module", _node(module, ""))
    constants = {
        name: _named(n.value) for n in top.body if isinstance(n, ast.Assign) for name in _names(n)
    }
    attributes = cast("ast.ClassDef", _node(module, table)).body
    values = [n.value for n in attributes if isinstance(n, ast.Assign)]
    found = [constants[value.id] for value in values if isinstance(value, ast.Name)]
    return [n for n in found if _is_number(n)]


def _is_number(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _named(value: ast.expr) -> ast.expr:
    """The number that `const` names."""
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "const":
        return value.args[0]
    return value


def _fields(node: ast.AST) -> list[ast.expr]:
    """What each `pack_into` packs, one after another, or the members of a tuple."""
    if isinstance(node, ast.FunctionDef):
        calls = (n for n in ast.walk(node) if isinstance(n, ast.Call))
        packed = [n.args[3:] for n in calls if getattr(n.func, "id", "") == "pack_into"]
        return [field for fields in packed for field in fields]
    return next(n.elts for n in ast.walk(node) if isinstance(n, ast.Tuple))


def _neighbours(module: str, table: str, nodes: Sequence[ast.expr]) -> list[Swap]:
    text = _text(module)
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))

    def place(node: ast.expr) -> tuple[int, int]:
        start = lines[node.lineno - 1] + node.col_offset
        end = lines[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return start, end

    found: list[Swap] = []
    for number, (one, two) in enumerate(pairwise(nodes)):
        (a, b), (c, d) = place(one), place(two)
        if text[a:b] != text[c:d]:
            words = f"{number} {text[a:b]} and {text[c:d]}"
            found.append(Swap(module, table or "top", (a, b), (c, d), words))
    return found


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from another source."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = f"massager_fw.{name}", source

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, f"<{self._name}>", "exec"), module.__dict__)  # noqa: S102


_MASKS = {
    "zones": "0b011111",
    "vibration": "0b001111",
    "kneading": "0b010111",
    "motions": "0b101111",
    "directions": "0b111111",
}


def _uneven() -> str:
    text = _text("config")
    for name, mask in _MASKS.items():
        text = text.replace(f"    {name}: int = 0b111111\n", f"    {name}: int = {mask}\n")
    return text


@contextmanager
def exchanged(swap: Swap | None, *, uneven: bool = False) -> Generator[None]:
    """Whoever imports the firmware or the simulator meanwhile gets those with `swap` in them.

    `uneven`: no two of the device's masks are alike, so that exchanging two makes another device.
    """

    def ours(name: str) -> bool:
        return name.partition(".")[0] in _PACKAGES

    before = {name: module for name, module in sys.modules.items() if ours(name)}
    changed = [] if swap is None else [_Changed(swap.module, swap.source())]
    if uneven:
        changed.append(_Changed("config", _uneven()))
    for name in before:
        del sys.modules[name]
    sys.meta_path[:0] = changed
    try:
        yield
    finally:
        for one in changed:
            sys.meta_path.remove(one)
        for name in [name for name in sys.modules if ours(name)]:
            del sys.modules[name]
        sys.modules.update(before)
