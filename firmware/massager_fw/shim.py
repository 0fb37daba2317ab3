"""What MicroPython has and CPython does not: machine code, constants, and arrays that machine code can reach.

MicroPython's compiler takes the decorators away before it runs and puts each `const` where its name stands, so that
most of this module is for CPython alone. A function in `@micropython.viper` works on numbers of the processor: 32 bits
on a board. What it reads from an array has no sign, so that `ints` hold nothing below zero.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")

MICROPYTHON = sys.implementation.name == "micropython"

if TYPE_CHECKING or not MICROPYTHON:

    class micropython:  # noqa: N801 - as MicroPython's module is called
        """Stands for the module of that name."""

        @staticmethod
        def native(function: Callable[P, T]) -> Callable[P, T]:
            """MicroPython compiles `function` to machine code, with objects for values as ever."""
            return function

        @staticmethod
        def viper(function: Callable[P, T]) -> Callable[P, T]:
            """MicroPython compiles `function` to machine code."""
            return function

    def const(value: int) -> int:
        """A number that MicroPython knows while it compiles; one whose name begins with `_` is nowhere else."""
        return value

    def ints(values: Sequence[int]) -> list[int]:
        """Whole numbers from 0 to 2^30, as many as `values`, in what is quickest to reach: here a list."""
        return list(values)

else:  # pragma: no cover - runs on MicroPython alone
    from array import array

    micropython = None

    def const(value):  # noqa: D103
        return value

    def ints(values):  # noqa: D103
        return array("i", values)
