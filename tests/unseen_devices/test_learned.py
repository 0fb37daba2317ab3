"""What `learn` makes of devices that its authors had not seen, and of those that showed what it could not do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.unseen_devices import phone
from tests.unseen_devices.judge import Verdict, judge

FIRST: Final = (
    10461348, 15595915, 5226293, 6243781, 10110236, 4583616, 906034, 14623752, 13412644, 13522506,
)  # fmt: skip
"""Drawn from the commit that brought the devices, when nobody who had worked on `learn` had seen them: then six were
sure and right, two not sure, and two a fault of the program. They count no more, as `learn` was mended since.
"""

SECOND: Final = (
    16148907, 9291422, 12681777, 9381613, 11810070, 6976238, 2382244, 8901703, 685978, 10394011,
)  # fmt: skip
"""Drawn from the commit that mended `learn`, after it."""


def test_ten_unseen_devices_are_driven_or_left_alone(tmp_path: Path) -> None:
    judged = [judge(seed, tmp_path) for seed in SECOND]
    counted = Counter(one.verdict for one in judged)
    others = "\n".join(map(str, (one for one in judged if one.verdict is not Verdict.RIGHT)))
    assert len(judged) == 10
    assert not counted[Verdict.WRONG], others
    assert not counted[Verdict.FAULT], others
    assert counted[Verdict.RIGHT] >= 9, others


@pytest.mark.parametrize("seed", FIRST)
def test_the_first_ten_are_learned_since(seed: int, tmp_path: Path) -> None:
    judged = judge(seed, tmp_path)
    assert judged.verdict is Verdict.RIGHT, judged


@pytest.mark.parametrize(
    ("seed", "verdict"),
    [
        pytest.param(17, Verdict.RIGHT, id="it is switched on before the first level"),
        pytest.param(56, Verdict.RIGHT, id="level 1 was always the first after off"),
        pytest.param(84, Verdict.RIGHT, id="each zone has a frame of its own"),
        pytest.param(140, Verdict.RIGHT, id="a level was pressed in an even rhythm"),
        pytest.param(158, Verdict.RIGHT, id="the second stop is like the first"),
        pytest.param(75, Verdict.RIGHT, id="its answer has the minutes that are left"),
        pytest.param(82, Verdict.RIGHT, id="it answers with what it was sent"),
        pytest.param(134, Verdict.RIGHT, id="the last command again, by a clock of its own"),
        pytest.param(13, Verdict.RIGHT, id="the last command again, so long after any"),
        pytest.param(221, Verdict.RIGHT, id="a keep-alive so long after any frame"),
        pytest.param(20, Verdict.RIGHT, id="a keep-alive that counts besides"),
        pytest.param(85, Verdict.RIGHT, id="a keep-alive alone counts, and has a checksum"),
        pytest.param(122, Verdict.RIGHT, id="a level seems to go on into the next"),
        pytest.param(261, Verdict.NOT_SURE, id="half a byte counts under a half that stands still"),
    ],
)
def test_what_once_was_not_learned(seed: int, verdict: Verdict, tmp_path: Path) -> None:
    judged = judge(seed, tmp_path)
    assert judged.verdict is verdict, judged


def test_a_keep_alive_that_counts_past_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its 256 frames comes evenly, every 256 s: it is one that counts, and not so many slow ones."""
    monkeypatch.setattr(phone, "REST_S", 90.0)
    judged = judge(20, tmp_path)
    assert judged.verdict is Verdict.RIGHT, judged
