"""Shipped and personal profiles are found by name, hide nothing, and are all sound."""

# ruff: noqa: E501 (a table of one-line cases)

from __future__ import annotations

import json
import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import InputError, ProfileError
from massager_ctl.model.units import Motion, Zone
from massager_ctl.profile import library, reference
from massager_ctl.profile.advice import advise
from massager_ctl.profile.format.load import load_profile, load_text
from massager_ctl.profile.format.schema import ProfileFile, StepFile, json_schema, keys_of
from massager_ctl.profile.new import MOTIONS, STRENGTHS, compose, save
from massager_ctl.profile.plan.make import make_plan
from massager_ctl.profile.plan.timeline import Plan
from massager_ctl.profile.reference import (
    breathe_keys,
    profile_keys,
    schema_text,
    shipped,
    shipped_plans,
    step_keys,
)
from massager_ctl.safety.limits import combine

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
TECHNIQUES = {
    "restorative": "K1",
    "gentle": "K2",
    "myofascial": "K3",
    "ball-release": "K4",
    "upper-trapezius": "K5",
    "suboccipital": "K6",
    "back-of-neck": "K7",
    "full-routine": "K5, K6, K7, K8, K9",
    "posture": "K10",
    "desk-break": "K1",
    "wind-down": "K1, K9",
}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's config folder that is empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = library.personal_folder()
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    return {plan.id: plan for plan in shipped_plans()}


def test_every_technique_is_shipped(plans: dict[str, Plan]) -> None:
    assert {name: plan.technique for name, plan in plans.items()} == TECHNIQUES


@pytest.mark.parametrize("name", TECHNIQUES)
def test_every_shipped_profile_names_what_it_rests_on(name: str, plans: dict[str, Plan]) -> None:
    plan = plans[name]
    assert plan.summary
    assert plan.rules
    assert plan.tags
    assert plan.not_for
    assert plan.cap <= 40.0  # P2, and the cap that a person has by default (R1)
    assert plan.duration_s <= 1590.0


@pytest.mark.parametrize("name", sorted(set(TECHNIQUES) - {"full-routine"}))
def test_shipped_profiles_need_no_advice(name: str) -> None:
    profile = load_profile(name)
    assert advise(profile, make_plan(profile, combine(()))) == ()


def test_the_times_are_those_of_the_techniques(plans: dict[str, Plan]) -> None:
    assert (plans["restorative"].duration_s, plans["restorative"].ramp_s) == (600.0, 300.0)
    assert (plans["desk-break"].duration_s, plans["wind-down"].duration_s) == (300.0, 600.0)
    assert plans["gentle"].duration_s <= 300.0
    assert not plans["posture"].powered
    routine = plans["full-routine"]
    front = [g for g in routine.guided if "collarbone" in g.text or "windpipe" in g.text]
    assert front
    assert all(guided.motors_off for guided in front)


def test_left_and_right_get_the_same(plans: dict[str, Plan]) -> None:
    for plan in plans.values():
        for zone, points in plan.zones.items():
            other = plan.zones[zone.mirror]
            assert max(v for _, v in points) == pytest.approx(max(v for _, v in other), abs=1.0)


@pytest.mark.slow
def test_work_grows_in_line_with_the_steps() -> None:
    def calls(count: int) -> int:
        text = (
            "title: T\ncap: 30\nduration: 1590\nsteps:\n"
            f"  - repeat: {count // 4}\n    steps:\n"
            f"      - zones: neck\n        level: 5\n        duration: {1400 / count}\n"
            f"      - zones: trapezius\n        keyframes: [[0.05, 0]]\n        duration: {1400 / count}\n"
            f"      - guide: x\n        duration: {1400 / count}\n"
            f"      - rest: {1400 / count}\n"
            "  - zones: neck\n"
        )
        seen = 0

        def count_call(*_: object) -> None:
            nonlocal seen
            seen += 1

        sys.setprofile(count_call)
        try:
            plan = make_plan(load_text(text, "many.yaml"), combine(()))
        finally:
            sys.setprofile(None)
        assert len(plan.steps) == count + 1
        return seen

    assert calls(9_996) < 11 * calls(1_000)


def test_profiles_are_found_by_name_and_by_path(mine: Path) -> None:
    own = mine / "evening.yaml"
    own.write_text("title: T\ncap: 5\nsteps:\n  - rest: 5\n", encoding="utf-8")
    (mine / "notes.txt").write_text("no profile", encoding="utf-8")
    assert library.find("evening") == own
    assert library.find(str(own)) == own
    assert library.find("restorative") == library.shipped_folder() / "restorative.yaml"
    names = [(entry.name, entry.origin) for entry in library.entries()]
    assert ("evening", "personal") in names
    assert [name for name, origin in names if origin == "shipped"] == sorted(TECHNIQUES)


def test_a_personal_profile_hides_nothing(mine: Path) -> None:
    own = mine / "gentle.toml"
    own.write_text('title = "T"\ncap = 5\nsteps = [{rest = 5}]\n', encoding="utf-8")
    with pytest.raises(ProfileError, match="'gentle' names more than one profile") as caught:
        library.find("gentle")
    assert str(own) in str(caught.value)
    assert load_profile(str(own)).cap == 5.0


def test_a_name_that_nothing_has(mine: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        library.find("restorativ")
    assert caught.value.remedy == "Did you mean 'restorative'?"
    with pytest.raises(ProfileError, match="profile file not found:"):
        library.find(str(mine / "gone.yaml"))
    with pytest.raises(ProfileError, match="profile file not found:"):
        library.find("gone.yaml")


def test_without_a_config_folder_there_are_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert {entry.origin for entry in library.entries()} == {"shipped"}


def test_an_installed_copy_brings_its_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "massager_ctl"
    (package / "profiles_data").mkdir(parents=True)
    monkeypatch.setattr(library, "__file__", str(package / "profile" / "library.py"))
    assert library.shipped_folder() == package / "profiles_data"


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("minutes", [2.0, 7.5, 26.5])
def test_a_composed_profile_is_sound_at_once(motion: str, strength: str, minutes: float) -> None:
    text = compose("my-own", minutes, ["trapezius", "neck"], strength, motion)
    assert len(text.splitlines()) < 15
    plan = make_plan(load_text(text, "my-own.yaml"), combine(()))
    assert plan.duration_s == minutes * 60
    assert plan.motions[0].patterns[0].motion is Motion(motion)
    assert Zone.NECK_LEFT in plan.zones


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (("My Own", 5, ["neck"], "light"), "is not a plain name"),
        (("x" * 41, 5, ["neck"], "light"), "is not a plain name"),
        (("own", 1, ["neck"], "light"), "1 minutes is outside 2 to 26.5"),
        (("own", float("nan"), ["neck"], "light"), "outside 2 to 26.5"),
        (("own", 5, ["front"], "light"), "unknown answer 'front'"),
        (("own", 5, [], "light"), "no place given"),
        (("own", 5, ["neck"], "brutal"), "unknown answer 'brutal'"),
        (("own", 5, ["neck"], "light", "percussion"), "unknown answer 'percussion'"),
    ],
)
def test_answers_that_do_not_fit(answers: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        compose(*answers)


def test_a_new_profile_is_saved_once(mine: Path) -> None:
    text = compose("evening", 5, ["neck"], "light")
    path = save("evening", text)
    assert path == mine / "evening.yaml"
    assert load_profile("evening").cap == 25.0
    with pytest.raises(InputError, match="a profile named 'evening' exists already"):
        save("evening", text)
    with pytest.raises(InputError, match="a profile named 'gentle' exists already"):
        save("gentle", text)


def test_a_new_profile_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    text = compose("evening", 5, ["neck"], "light")
    assert save("evening", text, tmp_path / "new").read_text(encoding="utf-8") == text
    with pytest.raises(InputError, match="already"):
        save("evening", text, tmp_path / "new")
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot write"):
        save("other", text, blocked)


def test_what_the_schema_allows_is_what_is_read() -> None:
    """One table: a range at its ends is taken, and beyond it is not, whichever key it is."""
    head = {"title": "T", "cap": 30, "steps": [{"zones": "neck", "duration": 400}]}
    for key in keys_of(ProfileFile).values():
        if not key.high or key.name == "duration":
            continue
        for value, fits in ((key.low, True), (key.high, True), (key.high * 1.01, False)):
            text = json.dumps({**head, key.name: value})
            if fits:
                msgspec.json.decode(text, type=ProfileFile)
                load_text(text, "t.yaml")
            else:
                with pytest.raises(ProfileError, match=f"{key.rule}: {key.name} is"):
                    load_text(text, "t.yaml")


def test_every_key_is_for_some_step() -> None:
    for key in keys_of(StepFile).values():
        assert key.kinds
        assert key.for_steps


def test_shipped_profiles_fit_the_schema() -> None:
    import yaml

    for entry in library.entries():
        if entry.origin == "shipped":
            msgspec.convert(yaml.safe_load(entry.path.read_text(encoding="utf-8")), ProfileFile)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"title": "T", "cap": 71, "steps": []}, ProfileFile)
    assert json_schema()["$defs"]["ProfileFile"]["additionalProperties"] is False


def test_the_documents_are_current(plans: dict[str, Plan]) -> None:
    """`make docs` writes them; a picture names the plan that it was drawn from."""
    reference = DOCS / "reference"
    assert (reference / "profile.schema.json").read_text(encoding="utf-8") == schema_text()
    for name, plan in plans.items():
        picture = (reference / "profiles" / f"{name}.svg").read_text(encoding="utf-8")
        assert f"plan {plan.hash}" in picture, f"{name}.svg is out of date: run `make docs`"
    page = (reference / "profile-format.md").read_text(encoding="utf-8")
    for table in (profile_keys(), step_keys(), breathe_keys()):
        assert table in page
    assert shipped().strip() in (reference / "profiles.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_build_writes_schema_and_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = reference.__file__
    monkeypatch.setattr(sys, "argv", [program, str(tmp_path)])
    runpy.run_path(program, run_name="__main__")
    schema = tmp_path / "profile.schema.json"
    assert json.loads(schema.read_text(encoding="utf-8")) == json_schema()
    pictures = {path.name for path in (tmp_path / "profiles").iterdir()}
    assert pictures == {f"{name}.svg" for name in TECHNIQUES}
    assert f"{schema}: written" in capsys.readouterr().out


def test_the_examples_of_the_how_to_page_are_sound() -> None:
    page = (DOCS / "how-to" / "write-a-profile.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```(yaml|toml)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    for kind, text in examples:
        profile = load_text(text, f"example.{kind}", kind)
        assert advise(profile, make_plan(profile, combine(()))) == ()


ADVICE: list[tuple[str, str]] = [
    ("cap: 30\nsteps:\n  - zones: neck\n    duration: 60\n", "1:1: advice: no summary"),
    ("cap: 30\nsteps:\n  - zones: neck\n    duration: 60\n", "1:1: advice: no not_for"),
    ("cap: 30\nsteps:\n  - zones: neck\n    duration: 60\n", "1:1: advice: no tags"),
    ("cap: 51\nsteps:\n  - zones: neck\n    duration: 60\n", "1:1: P2: cap 51"),
    ("cap: 30\nsteps:\n  - zones: neck\n    duration: 601\n", "1:1: T1: the motors run for 601 s"),
    ("cap: 30\nsteps:\n  - zones: neck_left\n    duration: 60\n", "advice: neck_left without its other side"),
    ("cap: 30\nsteps:\n  - zones: neck_right\n    duration: 60\n", "advice: neck_right without its other side"),
    ("cap: 30\nsteps:\n  - zones: neck\n    each_side: true\n    duration: 200\n", "advice: neck_left reaches 21.7 and neck_right 30"),
    ("cap: 30\nsteps:\n  - zones: neck\n    duration: 3\n  - zones: neck\n    duration: 60\n", "4:5: advice: a step of 3 s"),
    ("cap: 30\nsteps:\n  - zones: neck\n    level: 20\n    duration: 60\n", "4:5: R2: level 20 is not reached in this step: at most 10"),
    ("cap: 30\nsteps:\n  - guide: Read all of these many words in one second.\n    duration: 1\n", "4:5: advice: 43 characters in 1 s"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ADVICE)
def test_advice_breaks_nothing(text: str, expected: str) -> None:
    profile = load_text(f"title: T\n{text}", "p.yaml")
    found = [str(advice) for advice in advise(profile, make_plan(profile, combine(())))]
    assert any(expected in advice for advice in found), found


def test_advice_is_given_once_a_line() -> None:
    text = "title: T\ncap: 30\nsteps:\n  - repeat: 3\n    steps:\n      - guide: A long, long sentence to read.\n        duration: 1\n"
    profile = load_text(text, "p.yaml")
    found = [str(advice) for advice in advise(profile, make_plan(profile, combine(())))]
    assert sum("characters in" in advice for advice in found) == 1


def test_a_pipe_in_the_folder_keeps_nobody_waiting(mine: Path) -> None:
    os.mkfifo(mine / "pipe.yaml")
    assert "pipe" not in {entry.name for entry in library.entries()}
    with pytest.raises(ProfileError):
        library.find("pipe")


def test_a_short_hands_only_step_before_motors_is_advised_on() -> None:
    text = "title: T\ncap: 20\nsteps:\n  - {guide: Turn., duration: 5}\n  - {zones: neck, duration: 60}\n"
    profile = load_text(text, "t.yaml")
    found = [str(one) for one in advise(profile, make_plan(profile, combine(())))]
    assert any("motors start after 5 s of hands-only time" in one for one in found)


def test_a_name_that_stands_for_two_files_cannot_be_started_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "title: T\ncap: 20\nsteps:\n  - {zones: neck, duration: 60}\n"
    for name in ("gentle", "Not An Id", "mine"):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(library, "personal_folder", lambda: tmp_path)
    names = library.playable()
    assert "mine" in names
    assert "restorative" in names
    assert "gentle" not in names
    assert "Not An Id" not in names


def test_a_folder_that_cannot_be_read_takes_no_shipped_profile_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/" + "x" * 300)
    assert "gentle" in library.playable()
    with pytest.raises(ProfileError, match="cannot be read"):
        library.entries()
    monkeypatch.setenv("MASSAGER_CTL_CONFIG", os.devnull)
    assert run_command_line(["profiles", "show", "y" * 300]) == 2
    assert "File name too long" in " ".join(capsys.readouterr().err.split())
