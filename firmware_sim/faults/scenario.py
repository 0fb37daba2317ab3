"""Fault scripts as YAML: what goes wrong, when, and for how long.

seed: 3                  # optional
options:                 # optional: those of `sim:?...`
  battery: 40
steps:
  - fault: stall         # a name of `massager-sim faults`
    value: neck_left     # optional
    at: 30               # seconds after power-on; or, with `on`, after that event
    on: arm              # optional: an event of the trace
    until: 35            # optional: seconds on the same scale as `at`
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

from firmware_sim.options import OptionError, Options, set_option

MOST_BYTES = 65_536


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    fault: str
    value: str | int | float | None = None
    at: float = 0.0
    on: str | None = None
    until: float | None = None


class _Scenario(msgspec.Struct, forbid_unknown_fields=True):
    seed: int | None = None
    options: dict[str, str | int | float | bool] = {}
    steps: list[_Step] = []


class _Loader(yaml.SafeLoader):
    """Safe, without aliases (a few lines of which can fill the memory), and `on` is a word."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_scenario(path: Path, options: Options) -> None:
    """Add what the file says to `options`; `OptionError` with the file's name if it is wrong."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise OptionError(f"cannot read the scenario {path}: {error.strerror}") from error
    if len(text) > MOST_BYTES:
        raise OptionError(f"the scenario {path} is over 64 KiB")
    try:
        scenario = msgspec.convert(yaml.load(text, _Loader), _Scenario)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, RecursionError) as error:
        raise OptionError(f"the scenario {path} is wrong: {error}") from error
    try:
        _apply(scenario, options)
    except OptionError as error:
        raise OptionError(f"the scenario {path} is wrong: {error}") from error


def _apply(scenario: _Scenario, options: Options) -> None:
    if scenario.seed is not None:
        options.seed = scenario.seed
    for name, value in scenario.options.items():
        set_option(options, name, str(value))
    for step in scenario.steps:
        set_option(options, "fault", _spec(step))


def _spec(step: _Step) -> str:
    spec = step.fault if step.value is None else f"{step.fault}={step.value}"
    if step.on is None and not step.at and step.until is None:
        return spec
    spec += f"@{step.at:g}" if step.on is None else f"@{step.on}+{step.at:g}"
    if step.until is not None:
        if step.until <= step.at:
            raise OptionError(f"the fault {step.fault} ends at {step.until:g} s, before it begins")
        spec += f":{step.until - step.at:g}"
    return spec
