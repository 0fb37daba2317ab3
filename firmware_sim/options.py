"""The options of a simulated device, as `sim:?...` and the command line spell them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl

from firmware_sim.config import NO_LIMITS, DeviceConfig
from firmware_sim.faults.catalog import FaultError, apply_fault
from firmware_sim.faults.plan import Step
from firmware_sim.firmware import Rules
from firmware_sim.nvm import MemoryNvm, Nvm


class OptionError(ValueError):
    """An option that cannot be read; the message says which, why, and what is possible."""


_DEFAULT: Final = DeviceConfig()
"""One for all devices: it is frozen."""


@dataclass(slots=True)
class Options:
    """Everything that makes one simulated device."""

    config: DeviceConfig = _DEFAULT
    steps: list[Step] = field(default_factory=list[Step])
    nvm: Nvm = field(default_factory=MemoryNvm)
    seed: int = 0
    rules: type[Rules] = Rules
    """A mutant has others."""
    micropython: bool = False
    """The rules run on MicroPython, in a process of their own."""


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("it is a finite number")
    return value


def _switch(text: str) -> bool:
    try:
        return {"on": True, "yes": True, "1": True, "off": False, "no": False, "0": False}[text]
    except KeyError:
        raise ValueError("it is on or off") from None


def _percent(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 100.0:
        raise ValueError("it is a percentage from 0 to 100")
    return value


def _serial(text: str) -> str:
    if not 1 <= len(text) <= 12 or not text.isascii():
        raise ValueError("it is 1 to 12 ASCII characters")
    return text


_SETTINGS: Final[dict[str, Callable[[DeviceConfig, str], DeviceConfig]]] = {
    "battery": lambda config, text: replace(config, battery=_percent(text)),
    "serial": lambda config, text: replace(config, serial=_serial(text)),
    "ambient": lambda config, text: replace(config, ambient=_number(text)),
    "mains": lambda config, text: replace(config, mains=_switch(text)),
    "heat": lambda config, text: replace(config, heat=_switch(text)),
    "kneading": lambda config, text: config if _switch(text) else replace(config, kneading=0),
    "limits": lambda config, text: config if _switch(text) else replace(config, limits=NO_LIMITS),
}
NAMES: Final = (*_SETTINGS, "fault", "micropython", "mutant", "seed")


def parse_options(query: str, *, seed: int = 0) -> Options:
    """Read `name=value&name=value`; `fault` may come more than once."""
    options = Options(seed=seed)
    for name, text in parse_qsl(query, keep_blank_values=True):
        set_option(options, name, text)
    return options


def set_option(options: Options, name: str, text: str) -> None:
    """Set one option; `OptionError` if there is none of that name or the value is wrong."""
    try:
        if name == "seed":
            options.seed = int(text)
        elif name == "fault":
            options.config, steps = apply_fault(options.config, text)
            options.steps += steps
        elif name == "micropython":
            options.micropython = _switch(text)
        elif name == "mutant":
            _mutate(options, text)
        elif name in _SETTINGS:
            options.config = _SETTINGS[name](options.config, text)
        else:
            raise OptionError(
                f"the simulator has no option {name!r}. It has: {', '.join(sorted(NAMES))}."
            )
    except FaultError as error:
        raise OptionError(str(error)) from error
    except OptionError:
        raise
    except ValueError as error:
        raise OptionError(f"the simulator cannot take {name}={text}: {error}.") from error


def _mutate(options: Options, name: str) -> None:
    # Imported only here: a sound device knows nothing of mutants.
    from firmware_sim.mutants import MUTANTS

    if name not in MUTANTS:
        raise OptionError(f"there is no mutant {name!r}. `massager-sim mutants` lists them.")
    mutant = MUTANTS[name]
    options.config = mutant.change(options.config)
    options.rules = mutant.rules
