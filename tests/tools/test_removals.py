"""The removal test itself: what it can take away, which tests it runs, and that it goes on where it was cut short."""

from __future__ import annotations

import ast
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import removals
from removal_map import Map
from removal_points import points, taken_away
from removal_record import ARGUED, Journal, Outcome, argued, summary
from removals import Laboratory, Settings, chosen_by, run

pytestmark = pytest.mark.slow

SOURCE = '''"""A rule."""


def allowed(wanted, cap, running, latched=False):
    """Not above the cap."""
    if latched:
        return 0
    level = min(wanted, cap)
    if (
        running < 60
        and level > 10
    ):
        level = 10
    return level
'''


def removed(source: str) -> dict[str, str]:
    """What each removal takes away, and what is left."""
    raw = source.encode()
    return {
        f"{point.first} {point.removed}": taken_away(raw, point).decode()
        for point in points("rule.py", raw)
    }


def test_statements_guards_conditions_and_parts_of_min_go() -> None:
    found = removed(SOURCE)
    assert list(found) == [
        "6 if latched: return 0",
        "7 return 0",
        "8 wanted",
        "8 cap",
        "9 if ( running < 60 and level > 10 ): level = 10",
        "9 running < 60",
        "9 level > 10",
        "14 return level",
    ]
    assert "    level = (cap)\n" in found["8 wanted"]
    assert "    level = (wanted)\n" in found["8 cap"]


def test_what_is_left_is_a_program_with_the_same_lines() -> None:
    for name, left in removed(SOURCE).items():
        ast.parse(left)
        assert left.count("\n") == SOURCE.count("\n"), name
        assert left != SOURCE


def test_three_conditions_lose_one_at_a_time() -> None:
    source = b"def f(a, b, c):\n    return a and b and c, max(a, b, c), [x for x in a if b]\n"
    lines = [taken_away(source, point).decode().splitlines()[1] for point in points("f.py", source)]
    assert len(lines) == 1 + 3 + 3 + 1
    assert "    return True and b and c, max(a, b, c), [x for x in a if b]" in lines
    assert "    return a and b and c, max(a, a, c), [x for x in a if b]" in lines
    assert "    return a and b and c, max(a, b, c), [x for x in a if True]" in lines


def test_a_name_in_a_nested_place_keeps_it_when_lines_move() -> None:
    source = b"class A:\n    def b(self):\n        self.c = 1\n"
    (point,) = points("x/y.py", source)
    (moved,) = points("x/y.py", b"\n\n" + source)
    assert point.where == moved.where == "x/y.py::A.b"
    assert point.removed == moved.removed == "self.c = 1"


CAP_TESTS = """from rules.cap import allowed, steps


def test_cap():
    assert allowed(50, 40, 100) == 40
    assert allowed(30, 40, 100) == 30


def test_envelope():
    assert allowed(50, 40, 10) == 10
    assert allowed(5, 40, 10) == 5


def test_latch():
    allowed(50, 40, 10, latched=True)


def test_steps():
    assert steps(3) == 0


def test_broken():
    assert allowed(1, 1, 1) == 2
"""
WIDER_TESTS = """from rules.cap import outside, unused


def test_never_right():
    assert False


def test_outside():
    assert outside(5) == 5
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one rule: a test for the cap, none for the latch, one that would wait for ever, a wider one."""
    # Its runs of pytest need no plugin, and begin four times as fast without.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(removals, "START_S", 5.0)
    (tmp_path / "src" / "rules").mkdir(parents=True)
    (tmp_path / "src" / "rules" / "__init__.py").write_text("")
    (tmp_path / "src" / "rules" / "cap.py").write_text(
        SOURCE + "\n\ndef steps(left):\n    while left > 0:\n        left -= 1\n    return left\n"
        "\n\ndef unused(a):\n    a.b = 1\n\n\ndef outside(a):\n    return a\n"
    )
    (tmp_path / "tests" / "wide").mkdir(parents=True)
    (tmp_path / "tests" / "test_cap.py").write_text(CAP_TESTS)
    (tmp_path / "tests" / "wide" / "test_wide.py").write_text(WIDER_TESTS)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.removals]\ntests = ["tests"]\ntests_without = ["tests/wide/*.py"]\n'
        'without = ["**/__init__.py"]\n'
        '[tool.removals.rules]\nhost = ["src/rules/*.py", "moves/later/**/*.py"]\n'
        '[[tool.removals.wider]]\nrules = ["src/**/*.py"]\ntests = ["tests/wide"]\n'
    )
    (tmp_path / ".gitignore").write_text("/.removals/\n__pycache__/\n")
    (tmp_path / ARGUED).parent.mkdir(parents=True)
    (tmp_path / ARGUED).write_text(
        "| place | removed | why |\n|---|---|---|\n"
        "| `src/rules/cap.py::unused` | `` a.b = 1 `` | nothing calls it |\n"
        "| `src/rules/cap.py::A.b` | `` c: int \\| None = 1 `` | it is set again before it is read |\n"
    )
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def laboratory(project: Path) -> Laboratory:
    made = Laboratory(project, Settings.read(project))
    made.learn()
    return made


def test_it_runs_the_tests_of_the_line_then_the_wider_ones_and_names_what_lives(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(removals, "START_S", 2.0)
    lab = laboratory(project)
    assert "1 tests did not pass here and do not count" in capsys.readouterr().out
    wanted = ("if latched: return 0", "cap", "left -= 1", "a.b = 1", "return a")
    chosen = [point for point in lab.points("host") if point.removed in wanted]
    journal = Journal(lab.store / "journal.jsonl")
    results = {each.point.removed: each for each in run(lab, chosen, journal, None)}
    outcomes = {removed: each.outcome for removed, each in results.items()}
    assert outcomes == {
        "if latched: return 0": Outcome.SURVIVED,
        "cap": Outcome.KILLED,
        "left -= 1": Outcome.HUNG,
        "a.b = 1": Outcome.SURVIVED,
        "return a": Outcome.KILLED,
    }
    assert results["cap"].by == "tests/test_cap.py::test_cap"
    assert results["left -= 1"].tests == 1
    # No quick test runs it. The wider test that fails with nothing taken away has noticed nothing.
    assert results["return a"].tests == 0
    assert results["return a"].by == "tests/wide/test_wide.py::test_outside"
    tree = lab.copy.tree
    assert (tree / "src/rules/cap.py").read_text() == (project / "src/rules/cap.py").read_text()

    said, ok = summary(results.values(), argued(project))
    assert not ok
    assert "5 tried, 3 noticed, 2 survived, 1 of them equivalent" in said
    assert "survived: src/rules/cap.py:6 in allowed" in said

    # The second time nothing is looked at and nothing tried.
    lab.copy.close()
    monkeypatch.delattr(Map, "_look")
    monkeypatch.delattr(Laboratory, "attempt")
    again = laboratory(project)
    assert list(run(again, chosen, journal, None)) == list(results.values())


def test_a_run_that_is_cut_short_goes_on_where_it_was(project: Path) -> None:
    lab = laboratory(project)
    chosen = lab.points(None)
    journal = Journal(lab.store / "journal.jsonl")
    assert list(run(lab, chosen, journal, minutes=0.0)) == []
    first = next(iter(run(lab, chosen[:1], journal, None)))
    written = (lab.store / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["point"]["removed"] for line in written] == [first.point.removed]
    assert journal.read(lab.copy) == {first.point.name: first}


def test_what_a_killed_run_took_away_is_put_back(project: Path) -> None:
    lab = Laboratory(project, Settings.read(project))
    path = lab.copy.tree / "src/rules/cap.py"
    whole = path.read_bytes()
    (lab.store / "original").write_bytes(whole)
    (lab.store / "removed-from").write_text("src/rules/cap.py")
    path.write_bytes(b"broken(")
    lab.copy.close()
    assert Laboratory(project, Settings.read(project)).copy.key == lab.copy.key
    assert path.read_bytes() == whole


def test_two_runs_do_not_share_a_copy(project: Path) -> None:
    first = Laboratory(project, Settings.read(project))
    with pytest.raises(SystemExit, match="another run uses"):
        Laboratory(project, Settings.read(project))
    first.copy.close()


def test_settings_that_name_tests_which_are_not_there_are_an_error(project: Path) -> None:
    (project / "tests" / "wide" / "test_wide.py").unlink()
    (project / "tests" / "wide").rmdir()
    with pytest.raises(SystemExit, match="tests/wide"):
        Settings.read(project)


def test_the_map_follows_lines_that_move_and_looks_again_at_tests_that_change(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    laboratory(project).copy.close()
    rules = project / "src/rules/cap.py"
    capsys.readouterr()
    rules.write_text(
        rules.read_text().replace("    level = min", "    new = 0\n    new += 1\n    level = min")
    )
    lab = laboratory(project)
    assert "looking at what tests run" not in capsys.readouterr().out
    (new,) = (point for point in lab.points("host") if point.removed == "new += 1")
    (moved,) = (point for point in lab.points("host") if point.removed == "return level")
    names = ["tests/test_cap.py::test_cap", "tests/test_cap.py::test_envelope"]
    assert sorted(lab.map.tests_of(new)) == [*names, "tests/test_cap.py::test_latch"]
    assert sorted(lab.map.tests_of(moved)) == names
    lab.copy.close()

    tests = project / "tests/test_cap.py"
    tests.write_text(tests.read_text().replace("def test_envelope", "def test_renamed"))
    lab = laboratory(project)
    assert "looking at what tests run: 0 of 1 files" in capsys.readouterr().out
    assert "tests/test_cap.py::test_renamed" in lab.map.tests_of(moved)


def test_a_survivor_is_tried_again_on_another_tree_and_what_was_noticed_is_not(
    project: Path,
) -> None:
    lab = laboratory(project)
    wanted = ("a.b = 1", "cap")
    chosen = [point for point in lab.points("host") if point.removed in wanted]
    journal = Journal(lab.store / "journal.jsonl")
    assert len(list(run(lab, chosen, journal, None))) == 2
    lab.copy.close()
    (project / "README.md").write_text("More.\n")
    again = Laboratory(project, Settings.read(project))
    assert [each.point.removed for each in journal.read(again.copy).values()] == ["cap"]


def test_the_wider_tests_can_be_left_for_later(project: Path) -> None:
    lab = laboratory(project)
    chosen = [point for point in lab.points("host") if point.removed == "return a"]
    journal = Journal(lab.store / "journal.jsonl")
    (near,) = run(lab, chosen, journal, None, wider=False)
    assert (near.outcome, near.by) == (Outcome.SURVIVED, "the wider tests are to be tried")
    (after,) = run(lab, chosen, journal, None)
    assert after.by == "tests/wide/test_wide.py::test_outside"


def test_tests_of_the_line_for_which_there_was_no_time_come_with_the_wider_ones(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = laboratory(project)
    (point,) = (point for point in lab.points("host") if point.removed == "cap")
    names = sorted(lab.map.tests, key=lambda name: not name.endswith("test_envelope"))
    for place, name in enumerate(names):
        known = lab.map.tests[name]
        lab.map.tests[name] = type(known)(float(place), known.breadth)
    monkeypatch.setattr(removals, "NEAR_S", 0.0)
    assert lab._near(point) == ["tests/test_cap.py::test_envelope"]
    assert lab.attempt(point, wider=False).outcome is Outcome.SURVIVED
    assert lab.attempt(point).outcome is Outcome.KILLED


def test_a_test_is_known_by_all_of_its_name_also_with_a_dash_in_it(project: Path) -> None:
    tests = project / "tests" / "test_cap.py"
    tests.write_text(
        f"import pytest\n{CAP_TESTS}\n\n@pytest.mark.parametrize('text', ['', 'a - b'])\n"
        "def test_latched(text):\n    assert allowed(50, 40, 10, latched=bool(text)) == (0 if text else 10)\n"
    )
    lab = laboratory(project)
    (point,) = (point for point in lab.points("host") if point.removed == "return 0")
    lab.map.tests = {name: replace(known, seconds=2.0) for name, known in lab.map.tests.items()}
    found = lab.attempt(point)
    assert (found.outcome, found.by) == (Outcome.KILLED, "tests/test_cap.py::test_latched[a - b]")


def test_a_seed_keeps_its_order_when_others_come_and_go() -> None:
    found = points("rule.py", SOURCE.encode())
    order = [point.removed for point in chosen_by("a", found)]
    assert order != [point.removed for point in found]
    fewer = [point.removed for point in chosen_by("a", found[1:])]
    assert fewer == [removed for removed in order if removed != found[0].removed]


def test_files_can_be_named(project: Path) -> None:
    (project / "src" / "rules" / "latch.py").write_text("def latch(a):\n    return a.b\n")
    points = Laboratory(project, Settings.read(project)).points(None, ["*/latch.py"])
    assert [(point.path, point.removed) for point in points] == [
        ("src/rules/latch.py", "return a.b")
    ]


def test_a_bar_in_the_code_is_escaped_in_the_table(project: Path) -> None:
    assert ("src/rules/cap.py::A.b", "c: int | None = 1") in argued(project)


def test_the_copy_follows_the_tree(project: Path) -> None:
    before = Laboratory(project, Settings.read(project)).copy
    before.close()
    (project / "src" / "rules" / "cap.py").write_text("x = 1\n")
    (project / "tests" / "wide" / "test_wide.py").unlink()
    after = Laboratory(project, Settings.read(project)).copy
    assert after.key != before.key
    assert (after.tree / "src/rules/cap.py").read_text() == "x = 1\n"
    assert not (after.tree / "tests/wide/test_wide.py").exists()


@pytest.mark.checkout
def test_the_rules_of_both_sides_are_found_here() -> None:
    settings = Settings.read(removals.ROOT)
    assert set(settings.rules) == {"host", "device"}
    for side, patterns in settings.rules.items():
        found = removals.all_points(removals.ROOT, patterns, settings.without)
        assert len(found) > 500, side
        assert len({point.path for point in found}) > 10, side
