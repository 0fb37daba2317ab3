"""The file that describes a bench: which device lies on it, its hooks, and what measures its outputs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from massager_ctl.errors import ConfigError
from massager_hil.hooks import NAMES, Hooks
from massager_hil.operator import FAULT_NAMES

_KEYS: Final = ("serial", "faults", "witness", "drive_tolerance", "hooks", "timeouts")
_PAIRS: Final = (("button-down", "button-up"), ("charger-in", "charger-out"), ("fault", "mend"))
_LONGEST_S: Final = 3600.0
TOLERANCE: Final = 0.5
"""Percentage points by which a witness may be wrong, unless the file says otherwise."""


@dataclass(frozen=True, slots=True)
class BenchFile:
    """One bench."""

    path: Path
    serial: str
    hooks: Hooks
    faults: frozenset[str]
    """Those of `FAULT_NAMES` that the hooks fault and mend know."""
    witness: tuple[str, ...] = ()
    tolerance: float = TOLERANCE


def is_file(text: str) -> bool:
    """Whether what `--bench` was given is a bench's file, and not a serial number."""
    return text.lower().endswith(".toml")


def read(path: Path) -> BenchFile:
    """Read a bench's file. Raises ConfigError with the key that is wrong."""
    try:
        made = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "Name a bench's file.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not TOML: {error}", "Look at the place that it names."
        ) from None
    return _Reader(path).bench(made)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"{self._path}: {what}", "docs/how-to/hil.md shows a bench's file.")

    def bench(self, made: dict[str, Any]) -> BenchFile:
        for key in made:
            if key not in _KEYS:
                raise self._wrong(f"there is no key {key!r}. There are: {', '.join(_KEYS)}")
        serial = made.get("serial")
        if not isinstance(serial, str) or not serial:
            raise self._wrong("serial is missing: the serial number of the device on this bench")
        hooks = self._hooks(made)
        witness = self._argv("witness", made["witness"]) if "witness" in made else ()
        tolerance = self._number("drive_tolerance", made.get("drive_tolerance", TOLERANCE), 0, 10)
        return BenchFile(self._path, serial, hooks, self._faults(made), witness, tolerance)

    def _hooks(self, made: dict[str, Any]) -> Hooks:
        given = self._table("hooks", made)
        for name in given:
            if name not in NAMES:
                raise self._wrong(f"there is no hook {name!r}. There are: {', '.join(NAMES)}")
        for one, other in _PAIRS:
            if (one in given) != (other in given):
                there, lacking = (one, other) if one in given else (other, one)
                raise self._wrong(f"the hook {there} needs the hook {lacking}")
        limits = self._table("timeouts", made)
        for name in limits:
            if name not in given:
                raise self._wrong(f"timeouts names {name!r}, which is none of the hooks here")
        argv = {name: self._argv(f"hooks.{name}", words) for name, words in given.items()}
        seconds = {
            name: self._number(f"timeouts.{name}", value, 0.1, _LONGEST_S)
            for name, value in limits.items()
        }
        return Hooks(argv, seconds, self._path.resolve().parent)

    def _faults(self, made: dict[str, Any]) -> frozenset[str]:
        if "faults" not in made:
            return frozenset(FAULT_NAMES) if "fault" in made.get("hooks", {}) else frozenset()
        names = made["faults"]
        known = ", ".join(FAULT_NAMES)
        if not isinstance(names, list) or not all(
            isinstance(n, str) for n in cast("list[object]", names)
        ):
            raise self._wrong(f"faults is a list of names. There are: {known}")
        for name in cast("list[str]", names):
            if name not in FAULT_NAMES:
                raise self._wrong(f"there is no fault {name!r}. There are: {known}")
        return frozenset(cast("list[str]", names))

    def _table(self, key: str, made: Mapping[str, Any]) -> dict[str, Any]:
        value: object = made.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(f"{key} is a table: write [{key}] and its lines below")
        return cast("dict[str, Any]", value)

    def _argv(self, key: str, value: object) -> tuple[str, ...]:
        words = cast("list[object]", value) if isinstance(value, list) else []
        if not words or not all(
            isinstance(word, str) and word and "\0" not in word for word in words
        ):
            raise self._wrong(
                f"{key} is a program and its arguments as a list of words, such as "
                '["./relay", "off"]; no shell reads it'
            )
        return tuple(cast("list[str]", words))

    def _number(self, key: str, value: object, low: float, high: float) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not low <= cast("float", value) <= high:
            raise self._wrong(f"{key} is a number from {low:g} to {high:g}")
        return float(cast("float", value))
