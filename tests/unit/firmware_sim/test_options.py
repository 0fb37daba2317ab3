"""The options of an address: what they make, and how wrong ones are refused."""

from __future__ import annotations

import pytest

from firmware_sim.config import DeviceConfig
from firmware_sim.faults.catalog import EVENTS, FaultError, apply_fault
from firmware_sim.options import OptionError, parse_options


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("colour=red", "no option 'colour'"),
        ("battery=200", "percentage"),
        ("battery=nan", "percentage"),
        ("seed=x", "cannot take seed=x"),
        ("mains=perhaps", "on or off"),
        ("serial=0123456789ABC", "12 ASCII"),
        ("ambient=warm", "cannot take ambient"),
        ("fault=stall@soon", "no event 'soon'"),
        ("fault=stall@1.2.3", "not a time"),
        ("fault=stall@-1", "not a time"),
        ("fault=nonsense", "no fault 'nonsense'"),
        ("fault=stall=elbow@3", "one of trapezius_left"),
        ("fault=clock@3", "takes no '@'"),
        ("fault=!", "NAME[=VALUE]"),
        ("fault=drop=2", "a number from 0 to 1"),
        ("fault=drop=nan", "a number from 0 to 1"),
        ("fault=sensor_open=ear", "pad or motor"),
        ("fault=nvm_flip=x", "one of boot_a"),
        ("fault=battery=x", "wrong value"),
    ],
)
def test_a_wrong_option_is_refused_with_the_way_out(query: str, message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("[", r"\[")):
        parse_options(query)


def test_options_make_the_device() -> None:
    options = parse_options(
        "battery=33&serial=X1&ambient=20&mains=on&heat=off&kneading=off&limits=off&seed=9"
    )
    config = options.config
    assert (config.battery, config.serial, config.ambient) == (33.0, "X1", 20.0)
    assert (config.mains, config.heat, config.kneading, options.seed) == (True, False, 0, 9)
    assert config.limits.caps == (100,) * 6
    plain = parse_options("kneading=on&limits=on").config
    assert plain == DeviceConfig()


def test_the_events_of_a_fault_are_those_of_the_trace() -> None:
    for event in EVENTS:
        _, steps = apply_fault(DeviceConfig(), f"stall@{event}+2:3")
        assert (steps[0].event, steps[0].at, steps[0].lasts) == (event, 2.0, 3.0)
    with pytest.raises(FaultError):
        apply_fault(DeviceConfig(), "stall@tea+2")
