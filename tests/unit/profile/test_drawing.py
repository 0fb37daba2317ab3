"""A plan drawn as characters, SVG and PNG: lanes, envelope, cap and bands."""

from __future__ import annotations

import builtins
import struct
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from massager_ctl.errors import InputError
from massager_ctl.model.units import Zone
from massager_ctl.profile.draw.chart import chart
from massager_ctl.profile.draw.drawing import draw, running
from massager_ctl.profile.draw.plot import render, save_plot
from massager_ctl.profile.format.load import load_profile, load_text
from massager_ctl.profile.plan.make import Plan, make_plan
from massager_ctl.safety.limits import combine


def planned(name: str) -> Plan:
    return make_plan(load_profile(name), combine(()))


def test_the_envelope_of_a_lane_counts_running_time() -> None:
    text = (
        "title: T\ncap: 30\nsteps:\n  - zones: neck_left\n    duration: 60\n    level: 5\n"
        "  - guide: x\n    duration: 40\n  - zones: neck_left\n    duration: 300\n"
    )
    plan = make_plan(load_text(text, "p.yaml"), combine(()))
    assert running(plan) == [
        (0.0, 0.0), (5.0, 5.0), (59.0, 59.0), (60.0, 60.0), (100.0, 60.0), *running(plan)[5:]
    ]  # fmt: skip
    drawing = draw(plan)
    (lane,) = drawing.lanes
    assert (lane.zone, lane.name, lane.cap, drawing.top) == (
        Zone.NECK_LEFT,
        "neck left",
        30.0,
        30.0,
    )
    assert dict(lane.envelope)[100.0] == 10.0
    assert dict(lane.envelope)[340.0] == 30.0  # 300 s of running
    assert [band.t for band in drawing.bands] == [60.0]


def test_running_time_reaches_to_the_end_of_a_session() -> None:
    text = "title: T\ncap: 30\nsteps:\n  - guide: x\n    duration: 40\n"
    assert running(make_plan(load_text(text, "p.yaml"), combine(()))) == [(0.0, 0.0), (40.0, 0.0)]


@pytest.mark.parametrize(
    ("duration", "tick"), [(300, 60), (720, 60), (721, 120), (1440, 120), (1590, 300)]
)
def test_the_axis_has_whole_minutes(duration: int, tick: int) -> None:
    text = f"title: T\ncap: 30\nduration: {duration}\nsteps:\n  - zones: neck\n"
    assert draw(make_plan(load_text(text, "p.yaml"), combine(()))).tick_s == tick


def test_a_chart_fits_its_width_and_shows_each_zone() -> None:
    plan = planned("full-routine")
    lines = chart(draw(plan), 80).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert len(lines) == 3 * 6 + 3
    assert lines[0].startswith("trapezius left     │░─")
    assert "peak 18 %" in lines[1]
    assert "cap 35 %" in lines[2]
    assert "·" in lines[1]
    assert lines[-2].startswith("minutes ")
    assert lines[-2].endswith(" 18")


def test_a_plain_chart_is_ascii() -> None:
    for name in ("gentle", "posture"):
        assert chart(draw(planned(name)), 60, plain=True).isascii()


def test_a_session_by_hand_says_so() -> None:
    text = chart(draw(planned("posture")), 10)
    assert text.startswith("every motor stays off")


def test_pictures_are_the_same_each_time() -> None:
    plan = planned("gentle")
    first = render(plan, "svg")
    assert first == render(plan, "svg")
    root = ET.fromstring(first)
    assert root.tag.endswith("svg")
    text = "".join(root.itertext())
    assert "neck left" in text
    assert plan.hash in text


def test_a_png_is_a_png(tmp_path: Path) -> None:
    path = tmp_path / "posture.PNG"
    save_plot(planned("posture"), path)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 960
    assert height > 100


def test_what_a_picture_cannot_be(tmp_path: Path) -> None:
    plan = planned("posture")
    with pytest.raises(InputError, match=r"neither \.svg nor \.png"):
        save_plot(plan, tmp_path / "x.jpg")
    with pytest.raises(InputError, match="cannot write"):
        save_plot(plan, tmp_path / "no folder" / "x.svg")


def test_without_matplotlib_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned("posture")
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match="not installed") as caught:
        render(plan, "svg")
    assert "pip install 'massager-ctl[plot]'" in caught.value.remedy


def test_a_low_lane_has_no_label_for_its_cap() -> None:
    text = "title: T\ncap: 30\nduration: 300\nsteps:\n  - zones: neck\n"
    from massager_ctl.safety.limits import CapLayer

    low = CapLayer("local", (30.0, 30.0, 2.5, 30.0, 30.0, 30.0), "a sore spot")
    svg = render(make_plan(load_text(text, "p.yaml"), combine((low,))), "svg").decode()
    assert svg.count(">30<") == 1
    assert ">2.5<" not in svg


def test_a_plan_of_nothing_but_rest_is_drawn_without_a_legend() -> None:
    text = "title: T\ncap: 20\nsteps:\n  - rest: 30\n"
    plan = make_plan(load_text(text, "t.yaml"), combine(()))
    assert b"<svg" in render(plan, "svg")
