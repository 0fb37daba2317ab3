"""R1 to R3, R8, R20: cursors read a plan forwards and backwards, and its curves and JSON say the same."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.profile.planned import ONE, planned

from massager_ctl.model.device import OFF, Pattern
from massager_ctl.model.units import ZERO, Direction, Motion, Zone
from massager_ctl.profile.plan.curve import Curve, fall, follow, lower, value_at
from massager_ctl.profile.plan.make import to_json
from massager_ctl.profile.plan.timeline import rows
from massager_ctl.safety.limits import RISE_PER_S


def test_a_cursor_reads_forwards_and_backwards() -> None:
    plan = planned(
        "  - zones: neck\n    duration: 60\n    say: Lean in.\n"
        "  - zones: neck\n    motion: glide\n    direction: up\n    duration: 60\n    title: up\n"
        "  - guide: Breathe\n    duration: 20\n    breathe: {in: 4, out: 6}\n"
        "  - guide: Sit\n    duration: 20\n"
    )
    times = [0.0, 0.1, 5.0, 61.0, 100.0, 115.9, 116.0, 121.0, 127.0, 159.9, 160.0, 400.0]
    forwards = plan.cursor()
    once = [(forwards.at(t), forwards.guided_at(t), forwards.phase_at(t)) for t in times]
    again = [(forwards.at(t), forwards.guided_at(t), forwards.phase_at(t)) for t in reversed(times)]
    assert once == again[::-1]
    assert once[2][0].levels[Zone.NECK_LEFT.index] == 5.0
    assert once[3][0].patterns[Zone.NECK_LEFT.index] == Pattern(Motion.GLIDE, Direction.UP)
    assert [phase for _, _, phase in once[:5]] == ["warm-up", "warm-up", "warm-up", "up", "up"]
    assert (once[6][2], once[7][2]) == ("fade", "by hand")
    assert once[-1][0] == OFF
    assert once[-1][1] is None
    assert forwards.at(-1.0) == OFF
    texts = [
        (guided.text, guided.cue_at(t))
        for t, (_, guided, _) in zip(times, once, strict=True)
        if guided
    ]
    breaths = [("Breathe", "Breathe in."), ("Breathe", "Breathe out.")]
    assert texts == [("Lean in.", "")] * 3 + breaths + [("Sit", "")]
    assert [forwards.following(t) for t in (0.0, 121.0, 159.9)] == ["Breathe", "Sit", ""]
    assert forwards.guided_at(90.0) is None


def test_an_empty_plan_can_be_read() -> None:
    empty = msgspec.structs.replace(planned(ONE), zones={}, motions=(), phases=(), guided=())
    cursor = empty.cursor()
    assert (cursor.at(1.0), cursor.levels(1.0), cursor.phase_at(1.0)) == (OFF, ZERO, "")
    assert cursor.guided_at(1.0) is None


def test_a_level_that_drops_at_once_is_read_after_the_drop() -> None:
    plan = msgspec.structs.replace(
        planned(ONE),
        zones={
            Zone.NECK_LEFT: ((0.0, 0.0), (10.0, 10.0), (20.0, 10.0), (20.0, 4.0), (30.0, 0.0)),
            Zone.NECK_RIGHT: ((0.0, 0.0), (25.0, 5.0)),
        },
    )
    cursor = plan.cursor()
    left = [cursor.levels(t)[2] for t in (19.9, 20.0, 25.0, 30.0, 99.0)]
    assert left == pytest.approx([10.0, 4.0, 2.0, 0.0, 0.0])
    assert cursor.levels(12.5)[3] == 2.5


def test_the_json_is_what_the_reference_page_says() -> None:
    plan = planned(
        "  - zones: neck\n    duration: 30\n"
        "  - guide: Sit\n    duration: 20\n    breathe: {in: 4, out: 6}\n"
        "  - zones: neck\n    duration: 30\n    heat: 38\n",
        "cap: 30\ntechnique: [K1, K9]\ntags: desk\nrules: P1\nnot_for: no one\nsummary: S",
    )
    found = to_json(plan)
    assert found["technique"] == "K1, K9"
    assert found["zones"]["neck_left"][:2] == [[0.0, 0.0], [10.0, 10.0]]
    assert found["motions"][0] == {
        "t": 0.0,
        "period_s": 5.0,
        "heat_c": None,
        "zones": {
            "neck_left": {"motion": "vibrate", "direction": "none"},
            "neck_right": {"motion": "vibrate", "direction": "none"},
        },
    }
    assert (found["motions"][1]["zones"], found["motions"][2]["heat_c"]) == ({}, 38.0)
    assert found["guided"] == [
        {
            "t": 30.0, "duration_s": 20.0, "text": "Sit", "motors_off": True, "bell": False,
            "breath": {"in_s": 4.0, "out_s": 6.0},
        }
    ]  # fmt: skip
    assert len(found["hash"]) == 64


def test_curves_merge_points_on_a_line_but_keep_exact_zeros() -> None:
    curve = Curve()
    curve.extend(
        [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 0.0), (4.0, 0.0), (5.0, 0.0), (14.0, 1e-30)]
    )
    assert curve.points == [(0.0, 0.0), (2.0, 2.0), (3.0, 0.0), (5.0, 0.0), (14.0, 1e-30)]
    curve.add(14.0, 0.0)
    curve.add(15.0, 0.0)
    assert curve.points[-3:] == [(14.0, 1e-30), (14.0, 0.0), (15.0, 0.0)]


def test_curve_pieces() -> None:
    goal = [(0.0, 10.0), (60.0, 10.0)]
    assert follow(10.0, goal) == goal
    assert follow(0.0, [(0.0, 10.0), (5.0, 10.0)]) == [(0.0, 0.0), (5.0, 5.0 * RISE_PER_S)]
    assert fall(0.0, 3.0, 9.0) == [(3.0, 0.0), (9.0, 0.0)]
    assert fall(10.0, 3.0, 4.0) == [(3.0, 10.0), (4.0, 0.0), (4.0, 0.0)]
    assert [value_at([(1.0, 2.0), (3.0, 4.0)], t) for t in (0.0, 1.0, 2.0, 3.0, 9.0)] == [
        2,
        2,
        3,
        4,
        4,
    ]
    crossing = lower([(0.0, 0.0), (10.0, 10.0)], [(0.0, 5.0), (10.0, 5.0)])
    assert crossing == [(0.0, 0.0), (5.0, 5.0), (10.0, 5.0)]


def test_a_level_is_exact_at_its_point_and_may_jump_at_the_first_one() -> None:
    """The way between two points is off in its last bits where it arrives: 30.5 to 0.1 in 127.7 s, for one."""
    way = ((44.5, 30.5), (172.2, 0.1), (200.0, 0.0))
    assert value_at(way, 172.2) == 0.1
    table = rows({Zone.NECK_LEFT: way})
    assert [(t, before[2], after[2]) for t, before, after in table][1] == (172.2, 0.1, 0.1)
    jump = rows({Zone.NECK_LEFT: ((0.0, 0.0), (0.0, 5.0), (10.0, 5.0))})
    (first, _) = [(t, before[2], after[2]) for t, before, after in jump]
    assert first == (0.0, 0.0, 5.0)


def test_a_curve_never_goes_back_and_keeps_a_jump() -> None:
    curve = Curve()
    curve.add(10.0, 5.0)
    curve.add(10.0 - 1e-12, 7.0)  # as a sum of times may be off in its last bits
    assert curve.points == [(0.0, 0.0), (10.0, 5.0), (10.0, 7.0)]


def test_a_way_that_meets_its_goal_at_a_point_ends_there_once() -> None:
    """Within what a last bit may be off, it is there, and not behind it."""
    level = 20.0 - 10.0 * RISE_PER_S - 5e-10
    assert follow(level, [(0.0, 20.0), (10.0, 20.0)]) == [(0.0, level), (10.0, 20.0)]
