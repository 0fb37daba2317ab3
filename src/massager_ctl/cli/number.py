"""Numbers on the command line: plain and finite, so that a slip of the finger is an error and no other number."""

from __future__ import annotations

import math
from typing import Any

import click

from massager_ctl.model.units import decimal


class Number(click.FloatRange):
    """A number, within `min` and `max` if they are given."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Its value. Click's UsageError for what is not a finite number in ASCII digits, as `nan` and `1_0`."""
        try:
            number = decimal(value) if isinstance(value, str) else value
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number, as 20 or 2.5.", param, ctx)
        return super().convert(number, param, ctx)


class Whole(click.IntRange):
    """A whole number, within `min` and `max` if they are given."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Its value. Click's UsageError for what is not one in ASCII digits, as `2.5` and `1_0`."""
        if "_" in str(value) or not str(value).isascii():
            self.fail(f"{value!r} is not a whole number, as 20.", param, ctx)
        return super().convert(value, param, ctx)
