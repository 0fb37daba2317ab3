"""What goes to a board is compiled without what only CPython and type checkers read (R24)."""

from __future__ import annotations

from pathlib import Path

import pytest

import massager_fw
from massager_ctl.errors import FirmwareError
from massager_ctl.flash.compiler import Compiler

RULES = sorted(
    path
    for path in Path(massager_fw.__file__).parent.glob("*.py")
    if not path.stem.endswith("_cpython")
)

SOURCE = '''
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from somewhere import Unneeded


class Wide:
    """Slots over several lines."""

    __slots__ = (
        "first_slot",
        "second_slot",
    )

    def __init__(self):
        self.first_slot = 1


class Narrow:
    """Slots on one line."""

    __slots__ = ("third_slot",)
'''


def test_r24_neither_slots_nor_names_for_a_type_checker_reach_the_board(tmp_path: Path) -> None:
    source = tmp_path / "some.py"
    source.write_text(SOURCE)
    compiled = Compiler("armv6m").compile(source, "some.py")
    assert b"first_slot" in compiled, "it is an attribute as well"
    for gone in (b"__slots__", b"second_slot", b"third_slot", b"Unneeded", b"somewhere"):
        assert gone not in compiled, gone


@pytest.mark.parametrize("module", RULES, ids=lambda path: path.stem)
def test_r24_no_module_of_the_rules_keeps_its_slots(module: Path) -> None:
    assert b"__slots__" not in Compiler("armv6m").compile(module, module.name)


def test_an_error_is_told_with_the_line_that_it_has_in_the_source(tmp_path: Path) -> None:
    source = tmp_path / "some.py"
    source.write_text(SOURCE + "wrong = = 1\n")
    line = SOURCE.count("\n") + 1
    with pytest.raises(FirmwareError, match=rf"some\.py cannot be compiled.*line {line}\b"):
        Compiler("armv6m").compile(source, "some.py")
