"""The judge notices a description that is wrong: else its verdicts would be worth nothing."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.drivers.described.load import load_text
from tests.unseen_devices.device import make_device
from tests.unseen_devices.drive import drive
from tests.unseen_devices.judge import Verdict, judge

SEED = 85
"""A keep-alive that counts, without which the device falls silent."""


def faults(seed: int, text: str) -> list[str]:
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(drive(make_device(seed), load_text(text, "changed.yaml")))


def changed(text: str, old: str, new: str) -> str:
    assert len(re.findall(old, text)) == 1
    return re.sub(old, new, text)


def test_a_wrong_description_is_noticed(tmp_path: Path) -> None:
    assert judge(SEED, tmp_path).verdict is Verdict.RIGHT
    text = (tmp_path / f"{SEED}.yaml").read_text()
    levels = re.findall(r"  - \{level: [12], .*\n", text)
    values = [re.findall(r"value: .*(?=\})|send: .*(?=\})", level)[0] for level in levels]
    swapped = text.replace(levels[0], levels[0].replace(values[0], values[1]))
    swapped = swapped.replace(levels[1], levels[1].replace(values[1], values[0]))
    for wrong, told in (
        (changed(text, r"keep_alive:\n  - .*\n", ""), "fell silent"),
        (changed(text, r"every: [\d.]+", "every: 20"), "fell silent"),
        (changed(text, r"percent: 20.0", "percent: 15.0"), "is worth more"),
        (swapped, "not at 1"),
    ):
        assert any(told in fault for fault in faults(SEED, wrong)), told
