"""R19, R20: every problem of a profile at once, with file, line, column, rule and the nearest fix."""

# ruff: noqa: E501 (a table of one-line cases)

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from massager_ctl.errors import ProfileError
from massager_ctl.model.units import Direction, Motion, Zone
from massager_ctl.profile.format.load import load_file, load_profile, load_text, load_with_content
from massager_ctl.profile.model import (
    Breath,
    HandsOn,
    Keyframes,
    Percent,
    Place,
    Powered,
    Profile,
    Rest,
    Share,
)

HEAD = "title: T\ncap: 30\nsteps:\n"


def step(text: str) -> str:
    return (
        HEAD
        + "  - zones: neck\n    duration: 60\n"
        + "".join(f"    {line}\n" for line in text.splitlines())
    )


def problems(text: str, source: str = "p.yaml", fmt: str = "yaml") -> tuple[str, ...]:
    with pytest.raises(ProfileError) as caught:
        load_text(text, source, fmt)  # type: ignore[arg-type]
    assert caught.value.problems
    return caught.value.problems


CASES: list[tuple[str, str]] = [
    # Structure
    ("", "1:1: R20: the file is empty"),
    ("3", "1:1: R20: the profile is 3; write it as 'key: value' lines"),
    ("[a]", "1:1: R20: the profile is a list"),
    ("cap: 30\nsteps:\n  - rest: 5\n", "1:1: R20: 'title' is missing"),
    ("title: T\nsteps:\n  - rest: 5\n", "1:1: R20: 'cap' is missing"),
    ("title: T\ncap: 30\n", "1:1: R20: 'steps' is missing"),
    (HEAD + "  - rest: 5\nrampe: 300\n", "5:1: R20: unknown key 'rampe' in the profile; did you mean 'ramp'?"),
    (HEAD + "  - rest: 5\nxyzzy: 3\n", "5:1: R20: unknown key 'xyzzy' in the profile; known are id, title"),
    ("title: T\ntitle: U\ncap: 30\nsteps:\n  - rest: 5\n", "2:1: R20: duplicate key 'title' (first defined on line 1)"),
    ("title: T\ncap: 30\nsteps: 5\n", "3:8: R20: steps is not a list of steps"),
    ("title: T\ncap: 30\nsteps: []\n", "3:8: R20: steps is not a list of steps"),
    (HEAD + "  - 7\n", "4:5: R20: a step is not a mapping"),
    (HEAD + "  - title: x\n", "4:5: R20: the step has neither zones, guide, rest nor steps"),
    (HEAD + "  - zone: neck\n", "4:5: R20: unknown key 'zone' in a powered step; did you mean 'zones'?"),
    # YAML itself
    ("title: [", "2:1: R20: not YAML"),
    ("a: b: c", "1:5: R20: not YAML"),
    ("title: \x00", "1:1: R20: not YAML"),
    ("title: T\ncap: &a 30\n", "2:6: R20: anchor '&a'"),
    ("title: T\ncap: *a\n", "2:6: R20: alias '*a'"),
    ("title: T\ncap: !!int 30\n", "2:6: R20: tag"),
    ("? [a]\n: b\n", "1:3: R20: a key that is not plain text"),
    ("title: T\n---\ntitle: U\n", "2:1: R20: a second document"),
    ("[" * 20, "1:14: R20: nested too deeply"),
    ("title: \ud800", "1:1: R20: invalid character at position 8"),
    ("- " * 30000, "1:27: R20: nested too deeply"),
    ("cap: " + "9" * 400, "1:6: R19: cap is inf"),
    ("title: " + "x" * 65536, "1:1: R20: 65543 bytes; the maximum is 65536 (64 KiB)"),
    # What is not a number (R19)
    (HEAD.replace("30", ".nan") + "  - rest: 5\n", "2:6: R19: cap is nan; give a number from 1 to 70"),
    (HEAD.replace("30", ".inf") + "  - rest: 5\n", "2:6: R19: cap is inf"),
    (HEAD.replace("30", "-.inf") + "  - rest: 5\n", "2:6: R19: cap is -inf"),
    (HEAD.replace("30", "true") + "  - rest: 5\n", "2:6: R19: cap is true, not a number"),
    (HEAD.replace("30", "false") + "  - rest: 5\n", "2:6: R19: cap is false, not a number"),
    (HEAD.replace("30", "'30'") + "  - rest: 5\n", "2:6: R19: cap is '30', not a number"),
    (HEAD.replace("30", "") + "  - rest: 5\n", "2:5: R19: cap is empty, not a number"),
    (HEAD.replace("30", "{a: 1}") + "  - rest: 5\n", "2:6: R19: cap is a mapping, not a number"),
    (HEAD.replace("30", "1e308") + "  - rest: 5\n", "2:6: R1: cap is 1e+308, outside 1 to 70; nearest: 70"),
    (HEAD.replace("30", "-1") + "  - rest: 5\n", "2:6: R1: cap is -1, outside 1 to 70; nearest: 1"),
    (HEAD.replace("30", "71") + "  - rest: 5\n", "2:6: R1: cap is 71, outside 1 to 70; nearest: 70"),
    # Times
    (HEAD + "  - rest: 5\nramp: 299\n", "5:7: R2: ramp is 299, outside 300 to 600; nearest: 300"),
    (HEAD + "  - rest: 5\nramp: 11 min\n", "5:7: R2: ramp is 660, outside 300 to 600; nearest: 600"),
    (HEAD + "  - rest: 5\nfade: 4\n", "5:7: R8: fade is 4, outside 5 to 10; nearest: 5"),
    (HEAD + "  - rest: 5\nduration: 31 min\n", "5:11: R8: duration is 1860, outside 1 to 1590; nearest: 1590"),
    (HEAD + "  - rest: 5\nduration: 10\n", "5:11: R8: duration is 10 s and the steps add up to 5 s; write 'duration: 5'"),
    (HEAD + "  - rest: 1:30\n", "4:11: R19: rest '1:30' is not a duration; write '1 min 30 s'"),
    (HEAD + "  - rest: soon\n", "4:11: R19: rest 'soon' is not a duration; write '90', '90 s' or '1 min 30 s'"),
    (HEAD + "  - rest: ' '\n", "4:11: R19: rest ' ' is not a duration"),
    (HEAD + "  - rest: 0\n", "4:11: R8: rest is 0, outside 0.1 to 1590"),
    (HEAD + "  - zones: neck\n", "4:5: R8: this step has no duration"),
    (HEAD + "  - rest: 60\n  - zones: neck\nduration: 60\n", "5:5: R8: the other steps leave no time for this one"),
    (HEAD + "  - rest: 5\nwarm_up: 60\n", "5:10: P5: warm_up is 60, outside 120 to 600"),
    (HEAD + "  - rest: 5\nwarm_up: 120\n", "5:1: P5: warm_up without a powered step"),
    (step("repetitions: 3"), "6:5: R20: both duration and repetitions"),
    (HEAD + "  - zones: neck\n    repetitions: 2.5\n", "5:18: R19: repetitions is 2.5, not a whole number; write 2"),
    (HEAD + "  - zones: neck\n    repetitions: 0\n", "5:18: R20: repetitions is 0, outside 1 to 600"),
    (step("period: 0.5"), "6:13: R20: period is 0.5, outside 1 to 60"),
    (step("motion: hold").replace("60", "61"), "5:15: K3: the hold lasts 61 s; holds take 10 to 60 s; nearest: 60"),
    (step("motion: hold").replace("60", "9"), "5:15: K3: the hold lasts 9 s; holds take 10 to 60 s; nearest: 10"),
    (HEAD + "  - zones: neck\n    motion: hold\n", "4:5: K3: the hold names no duration"),
    # Zones and motions
    (HEAD + "  - zones: front\n    duration: 9\n", "4:12: Z1: zone 'front' is never powered: the throat"),
    (HEAD + "  - zones: side_left\n    duration: 9\n", "4:12: Z1: zone 'side_left' is never powered: the carotid"),
    (HEAD + "  - zones: [neck, spine]\n    duration: 9\n", "4:19: Z2: zone 'spine' is never powered: soft tissue only"),
    (HEAD + "  - zones: scm\n    duration: 9\n", "4:12: Z1: zone 'scm' is never powered: the front of the neck"),
    (HEAD + "  - zones: nek\n    duration: 9\n", "4:12: R20: unknown zone 'nek'; did you mean 'neck'?"),
    (HEAD + "  - zones: []\n    duration: 9\n", "4:12: R20: no zone"),
    (step("motion: percussion"), "6:13: D3: motion 'percussion' is refused: percussion is far too intense"),
    (step("motion: rest"), "6:13: R20: 'rest' is a step of its own"),
    (step("motion: kneed"), "6:13: R20: unknown motion 'kneed'; did you mean 'knead'?"),
    (step("motion: 3"), "6:13: R20: unknown motion '3'"),
    (step("motion: knead\ndirection: up"), "7:16: R20: knead does not have the direction 'up'; it takes alternate or ccw or cw"),
    (step("motion: glide\ndirection: dwn"), "7:16: R20: unknown direction 'dwn'; did you mean 'down'?"),
    # Levels
    (step("level: .nan"), "6:12: R19: level is nan"),
    (step("level: -1"), "6:12: R19: level is -1"),
    (step("level: 256"), "6:12: R19: level is 256"),
    (step("level: true"), "6:12: R19: level is true"),
    (step("level: 60"), "6:12: R1: level 60 at neck_left, where the maximum is 50; nearest: 50"),
    (step("level: 60").replace("neck", "[trapezius, neck, suboccipital]"), "6:12: R1: level 60 at suboccipital_left, where the maximum is 35; nearest: 35"),
    (step("level: 31"), "6:12: R1: level 31 is above this profile's cap 30; nearest: 30, or raise the cap"),
    (step("level: 5\nshare: 0.5"), "7:5: R20: both level and share"),
    (step("level: {neck_left: 5}"), "6:12: R20: no level for neck_right"),
    (step("level: {neck: 5, trapezius: 5}"), "6:22: R20: trapezius is not among this step's zones"),
    (step("level: {neck: 99}"), "6:19: R1: level 99 at neck_left"),
    (step("level: {front: 9}"), "6:13: Z1: zone 'front' is never powered"),
    (step("share: 80"), "6:12: R19: share is 80, outside 0.01 to 1; write '80%'"),
    (step("share: 0"), "6:12: R19: share is 0, outside 0.01 to 1"),
    (step("share: lots"), "6:12: R19: share is 'lots', not a number"),
    (step("intensity: 5"), "6:5: R20: unknown key 'intensity' in a powered step; did you mean 'level' (percent) or 'share'"),
    (step("heat: 40"), "6:11: R11: heat is 40, outside 30 to 39"),
    (HEAD + "  - rest: 5\nheat: 41\n", "5:7: R11: heat is 41, outside 30 to 39"),
    # Keyframes
    (step("keyframes: 5"), "6:16: R20: keyframes is not a list of [seconds, percent]"),
    (step("keyframes: []"), "6:16: R20: keyframes is not a list of [seconds, percent]"),
    (step("keyframes: [5]"), "6:17: R20: a keyframe is [seconds, percent]"),
    (step("keyframes: [[5]]"), "6:17: R20: a keyframe is [seconds, percent]"),
    (step("keyframes: [[5, 1], [5, 2]]"), "6:25: R20: keyframe at 5 s is not after the one before"),
    (step("keyframes: [[5, -1]]"), "6:21: R19: level is -1"),
    (step("keyframes: [[-5, 1]]"), "6:18: R8: keyframe time is -5"),
    (step("keyframes: [[5, 1], [61, 2]]"), "6:16: R20: the last keyframe is at 61 s and the step ends at 60 s; nearest: 'duration: 61'"),
    # Words
    (HEAD.replace("T", "[]", 1) + "  - rest: 5\n", "1:8: R20: title is a list"),
    (HEAD.replace("T", "''", 1) + "  - rest: 5\n", "1:8: R20: title is ''"),
    (HEAD.replace("T", "x" * 61, 1) + "  - rest: 5\n", "1:8: R20: title has 61 characters; 60 is the maximum"),
    (HEAD.replace("T", '"a\\e[31m"', 1) + "  - rest: 5\n", "1:8: R20: title has control characters"),
    (HEAD + "  - rest: 5\ntags: [" + "a," * 51 + "]\n", "5:7: R20: tags has 51 entries"),
    (HEAD + "  - rest: 5\ntags: [[x]]\n", "5:8: R20: tags is a list"),
    (HEAD + "  - rest: 5\ntechnique: K11\n", "5:12: R20: unknown technique 'K11'; known are K1 to K10"),
    (HEAD + "  - rest: 5\nrules: [P1, X9]\n", "5:8: R20: unknown rules 'X9'"),
    (HEAD + "  - rest: 5\nid: Not Plain\n", "5:1: R20: id 'Not Plain' is not a plain name"),
    (step("bell: on"), "6:11: R20: bell is 'on'; write true or false"),
    (step("say: 5\nbreathe: 4"), "7:14: R20: breathe is 4"),
    (step("breathe: {in: 4}"), "6:5: R20: breathe needs in and out"),
    (step("breathe: {in: 4, out: 60}"), "6:27: R20: out is 60, outside 1 to 20"),
    # Kinds of step
    (HEAD + "  - guide: x\n    duration: 5\n    level: 3\n", "6:5: R20: 'level' is not allowed in a guided step, where motors are off,"),
    (HEAD + "  - guide: x\n    duration: 5\n    zones: spine\n", "6:12: Z1: zone 'spine': soft tissue only"),
    (HEAD + "  - guide: x\n    duration: 5\n    zones: [scm, nose]\n", "6:18: R20: unknown zone 'nose'"),
    (HEAD + "  - rest: 5\n    level: 3\n", "5:5: R20: 'level' is not allowed in a rest"),
    (HEAD + "  - steps: []\n", "4:12: R20: steps is not a list of steps"),
    (HEAD + "  - repeat: 3\n    level: 3\n    steps:\n      - rest: 1\n", "5:5: R20: 'level' is not allowed in a block of steps"),
    (HEAD + "  - repeat: 0\n    steps:\n      - rest: 1\n", "4:13: R20: repeat is 0, outside 1 to 10000"),
    (HEAD + "  - repeat: 101\n    steps:\n      - repeat: 100\n        steps:\n          - rest: 1\n", "4:5: R20: more than 10000 steps"),
    (HEAD + "  - steps:\n    - repeat: 6000\n      rest: 1\n    - repeat: 6000\n      rest: 1\n", "'repeat' is not allowed in a rest"),
    (
        HEAD + "".join(f"  - repeat: 6000\n    guide: {n}\n    duration: 1\n" for n in "abc"),
        "7:5: R20: more than 10000 steps",
    ),
    (HEAD + "  - steps:\n" + "".join(f"    - repeat: 6000\n      guide: {n}\n      duration: 1\n" for n in "ab"), "8:7: R20: more than 10000 steps"),
    (HEAD + "  - steps:\n    - steps:\n      - steps:\n        - steps:\n          - rest: 1\n", "7:11: R20: blocks are nested too deeply"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[expected for _, expected in CASES])
def test_a_wrong_profile_names_its_place_its_rule_and_the_fix(text: str, expected: str) -> None:
    found = problems(text)
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("p.yaml:") for problem in found)


def test_all_problems_come_at_once_in_the_order_of_the_lines() -> None:
    text = "titel: T\ncap: 90\nsteps:\n  - zones: front\n    motion: percussion\n    level: 400\n    duration: 9\n"
    found = problems(text)
    places = [tuple(int(part) for part in problem.split(":")[1:3]) for problem in found]
    assert places == sorted(places)
    assert [problem.split(": ")[1] for problem in found] == ["R20", "R20", "R1", "Z1", "D3", "R19"]


def test_a_yaml_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    assert problems(bomb) == ("p.yaml:1:4: R20: anchor '&a'; write the value out, or use repeat",)


FULL = """\
id: my-own
title: On the {side}
summary: A try.
technique: [K5, K9]
rules: P1
tags: [desk, on]
not_for: no one
cap: 1e1
ramp: 8 min
fade: 6.5
heat: 37
warm_up: 2 min
steps:
  - zones: [trapezius_left, neck]
    motion: circle
    direction: cw
    level: {trapezius: 9, neck: 8.5}
    period: 2 s
    repetitions: 30
    each_side: true
    heat: 36.5
    say: The {side} side
    breathe: {in: 4, out: 6}
    bell: true
    title: circles {side}
  - repeat: 2
    steps:
      - rest: 1 min 30 s
        say: Wait
        title: wait
  - guide: Hold the {side} side
    zones: [scm_left, scalene, neck]
    duration: 1m
    each_side: true
  - zones: neck
    share: 50%
    duration: 20
  - zones: neck
    share: {neck: 0.5}
    duration: 20
  - zones: neck_left
    keyframes: [[0, 5], [10 s, 0]]
"""


def test_everything_that_a_profile_can_say() -> None:
    profile = load_text(FULL, "folder/named.yaml")
    assert (profile.id, profile.title, profile.cap, profile.ramp_s, profile.fade_s) == (
        "my-own", "On the {side}", 10.0, 480.0, 6.5,
    )  # fmt: skip
    assert profile.tags == ("desk", "on")
    assert (profile.rules, profile.not_for, profile.technique) == (
        ("P1",),
        ("no one",),
        ("K5", "K9"),
    )
    warm, left, right, rest, again, hold_left, hold_right, half, same, curve = profile.steps
    assert isinstance(warm, Powered)
    assert warm.duration_s == 120.0
    assert {part.zone for part in warm.parts} == {
        Zone.TRAPEZIUS_LEFT, Zone.TRAPEZIUS_RIGHT, Zone.NECK_LEFT, Zone.NECK_RIGHT,
    }  # fmt: skip
    assert {part.aim for part in warm.parts} == {Percent(10.0)}
    assert isinstance(left, Powered)
    assert isinstance(right, Powered)
    assert [(part.zone, part.aim) for part in left.parts] == [
        (Zone.TRAPEZIUS_LEFT, Percent(9.0)),
        (Zone.NECK_LEFT, Percent(8.5)),
    ]
    assert [part.zone for part in right.parts] == [Zone.TRAPEZIUS_RIGHT, Zone.NECK_RIGHT]
    assert {part.pattern.direction for part in left.parts} == {Direction.CW}
    assert {part.pattern.direction for part in right.parts} == {Direction.CCW}
    assert (left.period_s, left.duration_s, left.heat_c, left.bell) == (2.0, 60.0, 36.5, True)
    assert (left.title, right.title, right.say) == (
        "circles left",
        "circles right",
        "The right side",
    )
    assert left.breath == Breath(4.0, 6.0)
    assert rest == again == Rest(90.0, "wait", "Wait", rest.place)
    assert isinstance(hold_left, HandsOn)
    assert isinstance(hold_right, HandsOn)
    assert (hold_left.text, hold_right.text) == ("Hold the left side", "Hold the right side")
    assert hold_left.duration_s == 60.0
    assert isinstance(half, Powered)
    assert isinstance(same, Powered)
    assert half.parts == same.parts
    assert {part.aim for part in half.parts} == {Share(0.5)}
    assert half.heat_c == 37.0
    assert half.parts[0].pattern.motion is Motion.VIBRATE
    assert isinstance(curve, Powered)
    assert curve.parts[0].aim == Keyframes(((0.0, 5.0), (10.0, 0.0)))
    assert curve.duration_s == 10.0
    assert (profile.powered, profile.duration_named, profile.limit_s) == (True, False, 900.0)


def test_a_rest_can_be_played_for_each_side_inside_a_block() -> None:
    text = (
        HEAD
        + "  - each_side: true\n    steps:\n      - rest: 5\n        say: The {side} side rests\n"
    )
    steps = load_text(text, "p.yaml").steps
    assert [step.say for step in steps if isinstance(step, Rest)] == [
        "The left side rests",
        "The right side rests",
    ]


def test_steps_without_a_duration_share_what_is_left() -> None:
    text = (
        HEAD
        + "  - zones: neck\n  - rest: 10\n  - guide: x\nduration: 110\nwarm_up: 2 min\n".replace(
            "110", "250"
        )
    )
    profile = load_text(text, "p.yaml")
    assert [step.duration_s for step in profile.steps] == [120.0, 60.0, 10.0, 60.0]
    assert profile.duration_s == 250.0
    assert profile.duration_named
    assert profile.limit_s == 1590.0


def test_the_same_profile_in_toml() -> None:
    toml = 'title = "T"\ncap = 30\n[[steps]]\nzones = "neck"\nduration = 60\nlevel = {neck = 12}\n'
    yaml = HEAD + "  - zones: neck\n    duration: 60\n    level: {neck: 12}\n"
    one, other = load_text(toml, "p.toml", "toml"), load_text(yaml, "p.yaml")
    assert isinstance(one.steps[0], Powered)
    assert isinstance(other.steps[0], Powered)
    assert one.steps[0].parts == other.steps[0].parts


TOML_CASES: list[tuple[str, str]] = [
    ('title = "T"\ncap = 90\n[[steps]]\nrest = 5\n', "p:2:1: R1: cap is 90"),
    ('title = "T"\ncap = 30\n[[steps]]\nrest = 5\n[[steps]]\nzones = "front"\nduration = 9\n', "p:6:1: Z1:"),
    ('title = "T"\ncap = 30\n[[steps]]\nzones = "neck"\nlevel = {neck = 99}\nduration = 9\n', "p:5:1: R1:"),
    ('title = "T"\ntitle = "U"\n', "R20: not TOML"),
    ("title = ", "R20: not TOML"),
    ("title = [", "p:1:1: R20: not TOML"),
    ('title = "T"\ncap = nan\n[[steps]]\nrest = 5\n', "p:2:1: R19: cap is nan"),
    ("a = " + "[" * 60000, "p:1:1: R20: not TOML: nested too deeply; keep it flat and short"),
    ("cap = " + "9" * 5000, "p:1:1: R20: not TOML: a number with too many digits; keep it flat and short"),
    ("cap = -" + "9" * 400, "p:1:1: R19: cap is -inf"),
    ("title = 1979-05-27\n", "p:1:1: R20: 1979-05-27 is a date or a time"),
    ('title = "T"\n# [x]\ntext = """\ncap = 3\n"""\nsteps.rest = 5\n', "p:3:1: R20: unknown key 'text'"),
    ("a = " + "[" * 14 + "]" * 14, "p:1:1: R20: nested too deeply"),
    ('title = "T"\ncap = 30\n[[steps]]\nguide = "x"\nduration = 5\n[steps.breathe]\nin = 4\nout = 99\n', "p:8:1: R20: out is 99"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TOML_CASES)
def test_a_wrong_toml_profile_names_the_line(text: str, expected: str) -> None:
    found = problems(text, "p", "toml")
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize("suffix", ["yaml", "toml"])
def test_the_content_of_a_file_is_the_same_profile_as_json(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"one.{suffix}"
    if suffix == "yaml":
        path.write_text(FULL, encoding="utf-8")
    else:
        path.write_text('title = "T"\ncap = 30\nsteps = [{rest = 5}]\n', encoding="utf-8")
    again = load_text(json.dumps(load_with_content(path)[1]), "one")
    assert strip(again) == strip(load_file(path))


def strip(profile: Profile) -> Profile:
    """The profile without the places in its file."""
    steps = tuple(msgspec.structs.replace(step, place=Place()) for step in profile.steps)
    return msgspec.structs.replace(profile, steps=steps, place=Place())


def test_files_are_read_by_their_suffix(tmp_path: Path) -> None:
    yaml, toml = tmp_path / "one.yaml", tmp_path / "two.TOML"
    yaml.write_text(HEAD + "  - rest: 5\n", encoding="utf-8")
    toml.write_text('title = "T"\ncap = 30\nsteps = [{rest = 5}]\n', encoding="utf-8")
    profiles: list[Profile] = [load_file(yaml), load_profile(str(toml))]
    assert [profile.id for profile in profiles] == ["one", "two"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"cannot read .*gone\.yaml: No such file"):
        load_file(tmp_path / "gone.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"title: \xff\xfe")
    with pytest.raises(ProfileError, match="not UTF-8 text at byte 7"):
        load_file(binary)
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ProfileError, match="1000001 bytes"):
        load_file(huge)
    with pytest.raises(ProfileError, match=r"binary\.yaml"):
        load_profile(str(binary))
