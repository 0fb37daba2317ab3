"""The wire's numbers in the product's words, and back (protocol sections 4 to 7)."""

from __future__ import annotations

import pytest
from tests.unit.drivers.scripted_peer import info, telemetry

from massager_ctl.drivers import reference_tables as tables
from massager_ctl.model.device import Sensing
from massager_ctl.transports.base import LinkKind


@pytest.mark.parametrize(
    ("mask", "senses"),
    [
        (0, set()),
        (0b00_0001, {Sensing.CURRENT}),
        (0b00_0110, {Sensing.SPEED, Sensing.PAD_TEMPERATURE}),
        (0b10_0000, {Sensing.POWER_SWITCH}),
        (0xFF, set(Sensing)),
    ],
)
def test_r12_a_device_senses_what_its_mask_says_and_nothing_else(
    mask: int, senses: set[Sensing]
) -> None:
    assert tables.device_info(info(1, sensing=mask), LinkKind.SERIAL).sensing == senses


def test_r3_levels_and_drives_are_told_in_percent_each_in_its_zone() -> None:
    told = tables.telemetry(
        telemetry(
            levels=(1, 20, 300, 400, 500, 1000),
            vibration=(2, 0, 0, 0, 0, 5),
            kneading=(0, 0, 7, 0, 0, 0),
        )
    )
    assert told.levels == (0.1, 2.0, 30.0, 40.0, 50.0, 100.0)
    assert told.vibration == (0.2, 0.0, 0.0, 0.0, 0.0, 0.5)
    assert told.kneading == (0.0, 0.0, 0.7, 0.0, 0.0, 0.0)
