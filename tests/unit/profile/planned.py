"""Plans of a few lines, and the device that they are made for."""

from __future__ import annotations

from typing import Any

from tests.devices import device_info

from massager_ctl.model.device import DeviceInfo
from massager_ctl.profile.format.load import load_text
from massager_ctl.profile.plan.make import Plan, make_plan
from massager_ctl.safety.limits import combine

BOUNDS_ONLY = combine(())


def planned(steps: str, head: str = "cap: 40", limits: Any = BOUNDS_ONLY, info: Any = None) -> Plan:
    return make_plan(load_text(f"title: T\n{head}\nsteps:\n{steps}", "p.yaml"), limits, info)


def device(**changes: Any) -> DeviceInfo:
    return device_info(**{"allowance_s": 1800, **changes})


ONE = "  - zones: trapezius\n    motion: knead\nduration: 10 min"
