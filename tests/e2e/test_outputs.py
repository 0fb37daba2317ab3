"""Outputs that cannot be written are found before anything starts, or reported; nothing is written over unasked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.programs import BIN, PATIENCE_S, Workstation

RUN = ("run", "desk-break", "--speed", "max")


def with_output(desk: Workstation, output: str, *arguments: str) -> tuple[int, str]:
    """The exit code and what stderr got, where stdout leads there."""
    with Path(output).open("w") as out:
        done = subprocess.run(
            [BIN / "massager-ctl", *arguments],
            env=desk.env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (*RUN, "--json"),
        (*RUN,),
        ("status",),
        ("status", "--json"),
        ("profiles", "list"),
        ("profiles", "show", "gentle", "--json"),
        ("config", "show"),
        ("history", "--csv"),
        ("scan", "--seconds", "0.1", "--json"),
        ("--help",),
        ("--version",),
        ("completion", "bash"),
    ],
)
def test_a_full_disk_behind_stdout_is_told_and_no_success(
    desk: Workstation, arguments: tuple[str, ...]
) -> None:
    code, said = with_output(desk, "/dev/full", *arguments)
    assert code != 0
    assert "cannot be written" in said
    assert "Traceback" not in said
    assert "fault in this program" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        "profiles list",
        "profiles show restorative",
        "--help",
        "status --json",
        "run --help",
        "config show",
    ],
)
def test_a_reader_that_has_seen_enough_is_no_error(desk: Workstation, arguments: str) -> None:
    done = desk.shell(f"{BIN}/massager-ctl {arguments} | head -c 1")
    assert done.returncode == 0
    assert "rror" not in done.stderr


@pytest.mark.unmeasured
def test_a_trace_is_not_written_over_unasked(desk: Workstation) -> None:
    trace = desk.folder / "kept.jsonl"
    trace.write_text("mine\n")
    refused = desk.ctl(*RUN, "--trace", str(trace))
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert trace.read_text() == "mine\n"
    as_json = desk.ctl(*RUN, "--trace", str(trace), "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)["end_reason"]) == (2, "bad_input")
    assert desk.ctl(*RUN, "--trace", str(trace), "--force").returncode == 0
    assert json.loads(trace.read_text().splitlines()[0])["type"] == "header"


@pytest.mark.parametrize("where", ["absent/trace.jsonl", ".", "/proc/trace.jsonl"])
def test_a_trace_that_cannot_be_written_starts_nothing(desk: Workstation, where: str) -> None:
    done = desk.ctl(*RUN, "--trace", str(desk.folder / where))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr or "is a directory" in done.stderr
    assert "Finished" not in done.stdout


def test_a_picture_is_not_written_over_unasked(desk: Workstation) -> None:
    picture = desk.folder / "p.svg"
    assert desk.ctl("profiles", "plot", "gentle", "-o", str(picture)).returncode == 0
    kept = picture.read_bytes()
    assert desk.ctl("profiles", "plot", "restorative", "-o", str(picture)).returncode == 2
    assert picture.read_bytes() == kept
    assert (
        desk.ctl("profiles", "plot", "restorative", "-o", str(picture), "--force").returncode == 0
    )
    assert picture.read_bytes() != kept


@pytest.mark.parametrize(("output", "expected"), [("/dev/full", 2), ("pipe", 0)])
def test_an_output_that_breaks_while_the_device_is_armed_is_not_a_refusal(
    desk: Workstation, output: str, expected: int
) -> None:
    with desk.simulator("--baud", "19200"):  # ARM takes long enough for the first line to fail
        where = "| true" if output == "pipe" else f"> {output}"
        command = f"{BIN}/massager-ctl run restorative --device {desk.device} --simulated"
        done = desk.shell(f"{command} {where}")
    assert done.returncode == expected, done.stderr
    assert ("cannot be written" in done.stderr) == (output == "/dev/full")
    assert "before it started" not in done.stderr
    assert not desk.moved()


def test_r6_a_stop_whose_answer_cannot_be_written_is_no_traceback(desk: Workstation) -> None:
    with desk.running("run", "gentle", "--device", "sim:"):
        desk.wait_until_it_moves()
        code, err = with_output(desk, "/dev/full", "stop")
    assert code == 2
    assert "confirmed at zero" in err
    assert "cannot be written" in err
    assert "Traceback" not in err
