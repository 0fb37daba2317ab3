"""R20: no random valid profile leaves the rules, and every random invalid one is refused with a line number."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.devices import device_info

from massager_ctl.errors import ProfileError, Refused
from massager_ctl.model.device import DeviceInfo, Sensing
from massager_ctl.model.units import DIRECTIONS, ZONES, Direction, Motion, Zone
from massager_ctl.profile.format.load import load_text
from massager_ctl.profile.plan.make import Plan, make_plan, to_json
from massager_ctl.profile.plan.prove import prove
from massager_ctl.safety.governor import Governor
from massager_ctl.safety.limits import BOUNDS, CapLayer, Limits, combine

PLACES = ("all", "trapezius", "neck", "suboccipital", "left", "right", *ZONES)
PROBLEM = re.compile(r"^random:[1-9]\d*:[1-9]\d*: [A-Z]+\d+: .+", re.DOTALL)


@st.composite
def patterns(draw: st.DrawFn, motions: tuple[Motion, ...]) -> dict[str, str]:
    motion = draw(st.sampled_from(motions))
    direction = draw(st.sampled_from(sorted(DIRECTIONS[motion])))
    return {"motion": str(motion), "direction": str(direction)}


MOVING = (Motion.VIBRATE, Motion.KNEAD, Motion.GLIDE, Motion.CIRCLE)


@st.composite
def powered(draw: st.DrawFn, cap: float) -> dict[str, Any]:
    places = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))
    step: dict[str, Any] = {"zones": places, "period": draw(st.floats(1, 60))}
    step |= draw(patterns(MOVING))
    kind = draw(st.sampled_from(["level", "share", "nothing", "gentle keyframes"]))
    lowest = min(35.0, cap)
    if kind == "level":
        step["level"] = draw(st.floats(0.1, lowest))
    elif kind == "share":
        step["share"] = draw(st.floats(0.01, 1))
    elif kind == "gentle keyframes":
        levels = draw(st.lists(st.floats(0, min(9.0, cap)), min_size=1, max_size=5))
        step["keyframes"] = [[9 * (index + 1), level] for index, level in enumerate(levels)]
        step["duration"] = 9 * len(levels) + draw(st.integers(0, 30))
        return step
    step["duration"] = draw(st.integers(10, 120))
    step["each_side"] = draw(st.booleans())
    if draw(st.booleans()):
        step["say"] = "Breathe, {side}."
        step["breathe"] = {"in": 4, "out": 6}
    return step


guided = st.fixed_dictionaries(
    {"guide": st.just("Turn your head to the {side}."), "duration": st.integers(1, 60)},
    optional={"bell": st.booleans(), "zones": st.just(["scm"]), "each_side": st.booleans()},
)
rests = st.fixed_dictionaries({"rest": st.integers(1, 60)})


@st.composite
def holds(draw: st.DrawFn, cap: float) -> dict[str, Any]:
    return {
        "zones": draw(st.sampled_from(PLACES)),
        "motion": "hold",
        "duration": draw(st.integers(10, 60)),
        "level": draw(st.floats(0.1, min(35.0, cap))),
    }


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    """A profile that keeps the rules by what it says; times are kept under 26 and a half minutes."""
    cap = draw(st.floats(1, 70))
    before = draw(st.lists(guided, max_size=2))
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 5))):
        one = draw(st.one_of(powered(cap), guided, rests, holds(cap)))
        if draw(st.booleans()):
            one = {"repeat": draw(st.integers(1, 3)), "steps": [one]}
        steps.append(one)
    last = {"zones": "all", "duration": 30} | draw(patterns(MOVING))
    after = draw(st.lists(st.one_of(guided, rests), max_size=2))
    warm = {
        "zones": "all",
        "duration": draw(st.integers(140, 300)),
        "level": draw(st.floats(0.1, min(10, cap))),
    }
    document: dict[str, Any] = {
        "title": "Random",
        "cap": cap,
        "ramp": draw(st.integers(300, 600)),
        "fade": draw(st.integers(5, 10)),
        "steps": [*before, warm, *steps, last, *after],
    }
    total = sum(seconds(step) for step in document["steps"])
    assume(total <= 1590)
    return document | {"duration": total}


def seconds(step: dict[str, Any]) -> float:
    if "steps" in step:
        return step["repeat"] * sum(seconds(inner) for inner in step["steps"])
    return (step.get("duration") or step["rest"]) * (2 if step.get("each_side") else 1)


def limits() -> st.SearchStrategy[Limits]:
    layer = st.tuples(*[st.floats(0.5, 70)] * 6).map(
        lambda caps: CapLayer("user", caps, "your cap")
    )
    return st.builds(combine, st.lists(layer, max_size=2), st.floats(5, 300))


@st.composite
def devices(draw: st.DrawFn) -> DeviceInfo:
    def some(values: Any) -> frozenset[Any]:
        return draw(st.frozensets(st.sampled_from(list(values))))

    return device_info(
        zones=some(Zone),
        vibration=some(Zone),
        kneading=some(Zone),
        motions=some(Motion),
        directions=some(Direction),
        caps=draw(st.tuples(*[st.integers(0, 255).map(float)] * 6)),
        sum_cap=draw(st.floats(1, 255)),
        sensing=some(Sensing),
        mains=True,
        heat=draw(st.booleans()),
    )


def text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1)


def assert_obeys(plan: Plan, allowed: Limits) -> None:
    """Play the plan into a governor: an oracle that knows nothing of plans finds nothing to hold back."""
    governor = Governor(allowed, plan.ramp_s)
    cursor = plan.cursor()
    assert cursor.at(0.0).levels == (0.0,) * 6
    assert cursor.at(plan.duration_s).levels == (0.0,) * 6
    for tick in range(int(plan.duration_s) + 1):
        levels = cursor.levels(float(tick))
        guide = cursor.guided_at(float(tick))
        if guide is not None and guide.motors_off:
            assert levels == (0.0,) * 6
        assert all(0 <= level <= bound + 1e-6 for level, bound in zip(levels, BOUNDS, strict=True))
        sent = governor.admit(float(tick), levels, driven=True, may_rise=True)
        # The governor counts a second late where levels begin to rise, and rounds down to 0.1.
        for wanted, got in zip(levels, sent, strict=True):
            assert wanted <= got + 0.1 + 1.0 * 0.26 * 2, (tick, wanted, got)


@given(profiles(), limits())
def test_no_valid_profile_leaves_the_rules(document: dict[str, Any], allowed: Limits) -> None:
    profile = load_text(text_of(document), "random")
    plan = make_plan(profile, allowed)
    assert prove(plan) == ()
    assert prove(make_plan(profile, combine(()))) == ()
    assert plan.duration_s == pytest.approx(document["duration"])
    assert plan.running_s <= plan.duration_s + 1e-6
    assert_obeys(plan, plan.limits)
    assert json.loads(json.dumps(to_json(plan)))["hash"] == plan.hash


@given(profiles(), limits(), devices())
def test_a_weaker_device_gets_a_plan_that_keeps_the_rules_or_none(
    document: dict[str, Any], allowed: Limits, info: DeviceInfo
) -> None:
    profile = load_text(text_of(document), "random")
    whole = make_plan(profile, combine(()))
    try:
        plan = make_plan(profile, allowed, info)
    except Refused:
        return
    assert prove(plan) == ()
    for zone, points in plan.zones.items():
        assert zone in info.zones
        assert max(level for _, level in points) <= info.caps[zone.index] + 1e-6
        for segment in plan.motions:
            pattern = segment.patterns[zone.index]
            assert pattern.direction in DIRECTIONS[pattern.motion]
    mine, theirs = plan.cursor(), whole.cursor()
    for tick in range(0, int(plan.duration_s), 7):
        lower, higher = mine.levels(float(tick)), theirs.levels(float(tick))
        assert all(low <= high + 1e-6 for low, high in zip(lower, higher, strict=True))


NONSENSE: list[Any] = [
    float("nan"), float("inf"), 1e308, -1, True, "50 percent", None, [], {}, "1:30", "\u0000", 10**30,
]  # fmt: skip


def with_value(document: dict[str, Any], step: dict[str, Any], draw: st.DrawFn) -> None:
    """One number, name or list that cannot be."""
    where, keys = draw(
        st.sampled_from(
            [
                (document, ["cap", "ramp", "fade", "duration", "steps", "heat"]),
                (step, ["level", "duration", "period", "heat", "repetitions", "share"]),
            ]
        )
    )
    where[draw(st.sampled_from(keys))] = draw(st.sampled_from(NONSENSE))


def with_name(document: dict[str, Any], step: dict[str, Any], draw: st.DrawFn) -> None:
    """A key, a zone or a motion that there is not."""
    kind = draw(st.sampled_from(["key", "zones", "motion"]))
    if kind == "key":
        document[draw(st.sampled_from(["intensity", "Title", "include", "zones"]))] = 1
    elif kind == "zones":
        names = ["front", "side", "spine", "scm", "scalene", "nose", "scm_left"]
        step["zones"] = draw(st.sampled_from(names))
    else:
        step["motion"] = draw(st.sampled_from(["percussion", "hammer", "", 3, "KNEAD"]))


def with_limit(document: dict[str, Any], step: dict[str, Any], draw: st.DrawFn) -> None:
    """A number beyond a bound: R1, R2, R8."""
    match draw(st.sampled_from(["cap", "ramp", "duration", "level"])):
        case "cap":
            document["cap"] = draw(st.floats(70.1, 1e6))
        case "ramp":
            document["ramp"] = draw(st.one_of(st.floats(0, 299), st.floats(601, 1e6)))
        case "duration":
            document["duration"] += draw(st.floats(1, 5000))
        case _:
            step["level"] = draw(st.floats(35.1, 1e6))


def with_curve(document: dict[str, Any], step: dict[str, Any], draw: st.DrawFn) -> None:
    """A spike between keyframes, or a hold on cold tissue."""
    if draw(st.booleans()):
        document["cap"] = 70
        del step["level"]
        step["keyframes"] = [[0, 0], [30, 0], [31, draw(st.floats(1.2, 35.0))], [40, 0]]
    else:
        step["motion"] = "hold"
        step["duration"] = draw(st.sampled_from([10, 60, 61, 9]))


BREAKERS = [with_value, with_name, with_limit, with_curve]
SWAPS = [
    ('"title"', '"cap": 3, "title"'),
    ('"Random"', "&a x"),
    ('"Random"', "*a"),
    ('"Random"', "!!int 3"),
    ('"steps": [', '"steps": [3, '),
    ('"steps": [', '"steps": {'),
]


@st.composite
def broken(draw: st.DrawFn) -> str:
    document = draw(profiles())
    if draw(st.integers(0, 4)) == 0:
        old, new = draw(st.sampled_from(SWAPS))
        return text_of(document).replace(old, new, 1)
    steps = document["steps"]
    step = next(step for step in steps if step.get("zones") == "all" and "level" in step)
    draw(st.sampled_from(BREAKERS))(document, step, draw)
    return text_of(document)


@given(broken())
def test_every_invalid_profile_is_refused_with_a_line(text: str) -> None:
    with pytest.raises(ProfileError) as caught:
        make_plan(load_text(text, "random"), combine(()))
    assert caught.value.exit_code == 2
    assert caught.value.problems
    for problem in caught.value.problems:
        assert PROBLEM.match(problem), problem


@given(st.text(max_size=200), st.sampled_from(["yaml", "toml"]))
def test_any_text_gives_a_profile_or_a_profile_error(text: str, fmt: Any) -> None:
    problems: tuple[str, ...] = ()
    try:
        assert load_text(text, "random", fmt).steps
    except ProfileError as error:
        problems = error.problems
    assert all(PROBLEM.match(problem) for problem in problems)
