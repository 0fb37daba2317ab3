"""The runner of the formal models must not take an unfinished or empty search for a proof."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

FORMAL = Path(__file__).resolve().parents[2] / "formal"


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """The script `formal/run`, loaded as a module."""
    loader = importlib.machinery.SourceFileLoader("formal_run", str(FORMAL / "run"))
    spec = importlib.util.spec_from_loader("formal_run", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["formal_run"] = module
    write = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = write
    return module


FINISHED = (
    "seen: it drives\nState-vector 92 byte, depth reached 42, errors: 0\n     7 states, stored\n"
)


def test_a_finished_search_that_reached_its_situations_is_a_proof(runner: ModuleType) -> None:
    job = runner.Job("x", "link", (), reach=frozenset({"it drives"}))
    passed, line = runner.report(job, runner.read_verdict(FINISHED))
    assert passed
    assert line == "proved  x: 7 states, 1 expected situations reached"


def test_a_search_in_which_nothing_happens_proves_nothing(runner: ModuleType) -> None:
    job = runner.Job("x", "link", (), reach=frozenset({"it drives", "it stops"}))
    passed, line = runner.report(job, runner.read_verdict(FINISHED))
    assert not passed
    assert line.endswith("never reached: it stops")


@pytest.mark.parametrize(
    "text",
    [
        "error: max search depth too small\n" + FINISHED,
        "pan:1: depth limit reached (at depth 9)\n" + FINISHED,
        "pan: reached -DMEMLIM bound\npan: out of memory\n" + FINISHED,
        "Warning: Search not completed\n" + FINISHED,
        "",
    ],
)
def test_an_unfinished_search_proves_nothing(runner: ModuleType, text: str) -> None:
    job = runner.Job("x", "link", ())
    passed, _ = runner.report(job, runner.read_verdict(text))
    assert not passed


@pytest.mark.parametrize(("broken", "caught"), [("slew", True), ("caps", False), (None, False)])
def test_a_mutant_is_caught_only_by_its_property(
    runner: ModuleType, broken: str | None, caught: bool
) -> None:
    text = f"pan:1: assertion violated {broken} (at depth 9)\n" if broken else FINISHED
    job = runner.Job("x", "link", (), caught_by=frozenset({"slew"}))
    assert runner.report(job, runner.read_verdict(text))[0] is caught


def test_every_property_has_a_mutant_and_every_mutant_is_in_its_model(runner: ModuleType) -> None:
    for model in ("link", "ledger"):
        text = (FORMAL / f"{model}.pml").read_text(encoding="utf-8")
        head = text[text.index("---- properties") :]
        properties = set(re.findall(r"^bool (\w+) = 1;", head, re.M))
        mutants = [job for job in runner.MUTANTS if job.model == model]
        assert properties
        assert properties == set().union(*(job.caught_by for job in mutants))
        macros = {d for job in mutants for d in job.defines if d.startswith("M_")}
        assert macros == set(re.findall(r"\bM_[A-Z_]+\b", text.replace("M_...", "")))


def test_every_situation_that_a_model_can_report_is_expected(runner: ModuleType) -> None:
    for model in ("link", "ledger"):
        text = (FORMAL / f"{model}.pml").read_text(encoding="utf-8")
        reported = set(re.findall(r'seen\("([^"]+)"\)', text))
        expected = set().union(*(job.reach for job in runner.PROOFS if job.model == model))
        assert reported == expected
