"""`profiles`: list, show, validate, plot, new; bad profiles are one block on stderr and exit 2."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.profile.plan.make import to_json
from massager_ctl.profile.reference import shipped_plans

BAD = "titel: T\ncap: 90\nsteps:\n  - zones: front\n    motion: percussion\n    duration: 60\n"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def profiles(*arguments: str) -> int:
    return run_command_line(["profiles", *arguments])


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("list") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 11
    assert re.search(r"^restorative +10 min  Restorative session$", out, re.MULTILINE)
    assert "Your own profiles go into" in err


def test_list_by_tag_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("list", "--json", "--tag", "driving") == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["id"] for row in found} == {"back-of-neck", "desk-break", "posture"}
    assert found[0]["technique"] == "K7"
    assert found[0]["origin"] == "shipped"
    assert profiles("list", "--tag", "nothing") == 0


def test_list_names_broken_and_double_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "config" / "massager-ctl" / "profiles"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text(BAD, encoding="utf-8")
    (folder / "gentle.yaml").write_text(
        "title: Mine\ncap: 5\nsteps:\n  - rest: 60\n", encoding="utf-8"
    )
    assert profiles("list") == 0
    out = capsys.readouterr().out
    assert re.search(
        r"^broken +broken  not usable, see 'profiles validate .*broken\.yaml'  \(your own\)$",
        out,
        re.M,
    )
    assert re.search(r"^gentle +1 min  Mine  \(your own\)  \(twice: name it by its path", out, re.M)
    assert profiles("show", "gentle") == 2
    assert "names more than one profile" in capsys.readouterr().err


def test_show_as_json_is_the_proved_time_line(capsys: pytest.CaptureFixture[str]) -> None:
    for plan in shipped_plans():
        assert profiles("show", plan.id, "--json") == 0
        assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(to_json(plan)))


def test_show_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("show", "gentle", "--cap", "15") == 0
    out = capsys.readouterr().out
    assert out.startswith("Gentle neck session  (gentle, 4 min 47 s, cap 20 %)")
    assert "note      --cap: capped at 15" in out
    assert "15 s          6 s  by hand  Tilt your head to the left" in out
    assert "neck left" in out


def test_show_without_any_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = tmp_path / "bare.yaml"
    bare.write_text(
        "title: Bare\ncap: 5\nsteps:\n  - zones: neck\n    duration: 60\n", encoding="utf-8"
    )
    assert profiles("show", str(bare)) == 0
    out = capsys.readouterr().out
    assert "tags" not in out
    assert "0 s        1 min  vibrate" in out


@pytest.mark.parametrize("cap", ["nan", "-1", "101", "0"])
def test_a_cap_that_is_none(cap: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("plot", "gentle", "--cap", cap) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")


def test_validate_all_shipped_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("validate", *(plan.id for plan in shipped_plans())) == 0
    out, err = capsys.readouterr()
    assert out.count(": sound (R1, R2, R3, R8 proved over every point)") == 11
    assert "advice" in out or "T1" in out
    assert err == ""


def test_validate_says_all_that_is_wrong_in_one_block(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD, encoding="utf-8")
    assert (
        profiles("validate", "restorative", str(bad), "nothing", str(tmp_path / "gone.yaml")) == 2
    )
    out, err = capsys.readouterr()
    assert out == "restorative: sound (R1, R2, R3, R8 proved over every point)\n"
    assert err.startswith("error: 7 problems:\n")
    assert f"{bad}:4:12: Z1: zone 'front' is never powered" in err
    assert f"{bad}:5:13: D3: motion 'percussion' is refused" in err
    assert "no profile named 'nothing'" in err
    assert "Traceback" not in err


def test_validate_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spike = tmp_path / "spike.yaml"
    spike.write_text(
        "title: S\ncap: 40\nsteps:\n  - zones: neck\n    keyframes: [[10, 8], [12, 30], [60, 8]]\n",
        encoding="utf-8",
    )
    assert profiles("validate", "--json", "full-routine", str(spike)) == 2
    out, err = capsys.readouterr()
    good, wrong = json.loads(out)
    assert (good["ok"], good["problems"]) == (True, [])
    assert "T1" in good["advice"][0]
    assert not wrong["ok"]
    assert all(problem.startswith(f"{spike}:4:5: R") for problem in wrong["problems"])
    assert err.startswith("error: 4 problems:")


def test_validate_one_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("title: [", encoding="utf-8")
    assert profiles("validate", str(bad)) == 2
    assert capsys.readouterr().err.startswith("error: 1 problem:\n")


def test_plot_on_the_terminal_and_into_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert profiles("plot", "gentle") == 0
    assert "trapezius left" in capsys.readouterr().out
    picture = tmp_path / "gentle.svg"
    assert profiles("plot", "gentle", "-o", str(picture)) == 0
    assert capsys.readouterr().err == f"wrote {picture}\n"
    assert picture.read_bytes().startswith(b"<?xml")
    assert profiles("plot", "gentle", "-o", str(tmp_path / "gentle.gif")) == 2


def test_new_from_options_and_from_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "--name",
        "one",
        "--minutes",
        "5",
        "--where",
        "neck",
        "--strength",
        "gentle",
        "--motion",
        "glide",
    ]
    assert profiles("new", *asked) == 0
    out = capsys.readouterr().out
    assert "Play it with: massager-ctl run one" in out
    assert profiles("new", *asked) == 2
    assert "a profile named 'one' exists already" in capsys.readouterr().err
    answers = iter(["two", "6", "trapezius, neck", "moderate", "knead"])
    monkeypatch.setattr("massager_ctl.cli.root.typed_line", lambda _: next(answers))
    assert profiles("new") == 0
    capsys.readouterr()
    assert profiles("validate", "one", "two") == 0


def test_new_asks_nothing_twice_and_takes_no_nonsense(capsys: pytest.CaptureFixture[str]) -> None:
    rest = ["--name", "one", "--where", "neck", "--strength", "gentle", "--motion", "glide"]
    assert profiles("new", *rest, "--minutes", "0") == 2
    assert "0 minutes is outside 2 to 26.5" in capsys.readouterr().err


def test_a_terminal_that_knows_ascii_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io
    import sys

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert profiles("plot", "gentle") == 0
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    assert b"trapezius left     |" in buffer.getvalue()


def test_the_schema_for_editors_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("schema") == 0
    assert json.loads(capsys.readouterr().out)["$id"].startswith("urn:massager-ctl:")
