"""Made-up devices, learned from a log of their app alone, and then driven; or an honest 'not sure'."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.learn_devices.capture import capture
from tests.learn_devices.checksums import SUMS
from tests.learn_devices.device import Device, make
from tests.learn_devices.peer import play

from massager_ctl.drivers.described.load import load_text
from massager_ctl.drivers.described.model import Description
from massager_ctl.learn.labels import parse_labels, read_labels
from massager_ctl.learn.propose import Proposal, propose, public_name
from massager_ctl.learn.read import read_capture
from massager_ctl.learn.rehearse import rehearse
from massager_ctl.learn.study import Study, study

ZONES = ("trapezius_left", "trapezius_right")


def learned(
    device: Device, folder: Path, plan: list[int] | None = None
) -> tuple[Study, Proposal, Description]:
    log, marks = capture(device, folder, plan)
    found = read_capture(log)
    result = study(found, found.connections[0], read_labels(marks, found.started))
    proposal = propose(result, ident="made-up", title="Made up", zones=ZONES, of=None)
    return result, proposal, load_text(proposal.text, "made-up.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_made_up_device_is_driven_or_left_alone(seed: int, tmp_path: Path) -> None:
    device = make(seed)
    result, _, description = learned(device, tmp_path)
    if result.sure:
        assert description.sure
        assert play(description, device) == []
        assert rehearse(description).complaints == ()
    else:
        assert description.file.unsure


@pytest.mark.slow
def test_most_made_up_devices_are_learned(tmp_path: Path) -> None:
    sure = [learned(make(seed), tmp_path)[0].sure for seed in range(16, 24)]
    assert sum(sure) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 104))
def test_a_capture_with_each_level_once_is_never_wrong_but_sure(seed: int, tmp_path: Path) -> None:
    device = make(seed)
    plan = [*range(1, min(device.levels, 4) + 1), 0]
    result, _, description = learned(device, tmp_path, plan)
    if result.sure:
        assert play(description, device) == []


def counting(checksum: str) -> Device:
    """A device of which every frame counts, with a keep-alive that shows how."""
    device = make(0)
    device.framing, device.coding, device.alive = "length", "linear", "counted"
    device.checksum, device.counter, device.period = checksum, "all", 0.5
    device.header, device.trailer, device.levels, device.skip = b"\xaa", b"", 4, 0
    device.counter_first, device.counter_low, device.stop = 3, False, "level0"
    return device


@pytest.mark.parametrize("checksum", [name for name in SUMS if name != "sum16"])
def test_every_family_of_checksums_is_found(checksum: str, tmp_path: Path) -> None:
    device = counting(checksum)
    result, _, description = learned(device, tmp_path)
    assert result.sure, result.doubts
    assert play(description, device) == []
    assert bool(description.file.fields.get("sum")) == (checksum != "none")


def test_only_captured_levels_are_in_the_description(tmp_path: Path) -> None:
    device = counting("crc8")
    _, _, description = learned(device, tmp_path, [1, 2, 0, 2, 1, 0])
    assert [level.level for level in description.file.levels] == [1, 2]


def test_nothing_personal_is_written(tmp_path: Path) -> None:
    device = make(3)
    log, marks = capture(device, tmp_path)
    found = read_capture(log)
    found.connections[0].name = "Anna's Relax-1A2B"
    result = study(found, found.connections[0], read_labels(marks, found.started))
    text = propose(result, ident="x", title="x", zones=ZONES, of=None).text
    for secret in ("Anna", "1A2B", "C0:FF:EE", "C0FFEE", str(tmp_path), "17000"):
        assert secret not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Relax-1A2B", "Relax*"),
        ("Relax 12345", "Relax*"),
        ("Anna's Relax", "*Relax*"),
        ("Relax", "Relax"),
        ("1A2B3C", None),
        (None, None),
    ],
)
def test_a_name_without_serial_number_or_owner(name: str | None, shown: str | None) -> None:
    assert public_name(name) == shown


def doubts(device: Device, folder: Path, labels: str) -> str:
    log, _ = capture(device, folder)
    found = read_capture(log)
    given = parse_labels(labels.splitlines(), found.started)
    return " ".join(
        f"{doubt.part}: {doubt.why}"
        for doubt in study(found, found.connections[0], given).doubts
        if doubt.stands
    )


def test_a_level_that_is_sent_as_another_is_told(tmp_path: Path) -> None:
    """As with keys for more and less, or with a wrong label."""
    device = counting("crc8")
    log, marks = capture(device, tmp_path, [1, 2, 0, 1, 2, 0])
    found = read_capture(log)
    text = marks.read_text().replace("level 2", "level 3", 1)
    given = parse_labels(text.splitlines(), found.started)
    result = study(found, found.connections[0], given)
    assert not result.sure
    assert "relative" in " ".join(doubt.why for doubt in result.doubts)


def test_a_stop_that_is_sent_as_a_level_is_a_toggle(tmp_path: Path) -> None:
    device = counting("crc8")
    log, marks = capture(device, tmp_path, [1, 2, 1, 2])
    found = read_capture(log)
    given = parse_labels(marks.read_text().replace("level 2", "stop").splitlines(), found.started)
    capture(device, tmp_path, [1, 1, 1, 1])
    same = read_capture(log)
    result = study(same, same.connections[0], given)
    assert not result.sure
    del found


def test_without_a_stop_it_is_not_sure(tmp_path: Path) -> None:
    assert "no stop was labelled" in doubts(counting("crc8"), tmp_path, "3.0 level 1\n")


def test_labels_may_lie_two_seconds_off(tmp_path: Path) -> None:
    device = counting("crc8")
    log, marks = capture(device, tmp_path)
    found = read_capture(log)
    labels = read_labels(marks, found.started)
    late = tuple(label._replace(time=label.time + 1.4) for label in labels)
    result = study(found, found.connections[0], late)
    assert result.sure, result.doubts
    text = propose(result, ident="x", title="x", zones=ZONES, of=None).text
    assert play(load_text(text, "x.yaml"), device) == []


def test_percent_is_never_too_small(tmp_path: Path) -> None:
    """Of an unknown number of levels the highest that was seen counts as everything (R25)."""
    device = counting("crc8")
    result, _, description = learned(device, tmp_path)
    assert [level.percent for level in description.file.levels] == [25.0, 50.0, 75.0, 100.0]
    text = propose(result, ident="x", title="x", zones=ZONES, of=10).text
    assert [level.percent for level in load_text(text, "x").file.levels] == [10, 20, 30, 40]
