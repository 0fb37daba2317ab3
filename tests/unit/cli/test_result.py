"""Exit codes and last words of a session."""

from __future__ import annotations

import json

import pytest

from massager_ctl.cli.result import Outcome, tell
from massager_ctl.errors import (
    DeviceNotFound,
    ExitCode,
    LinkLost,
    MassagerError,
    Refused,
    StopUnconfirmed,
)
from massager_ctl.model.device import Cause
from massager_ctl.model.outcome import SessionEnd

UNCONFIRMED = StopUnconfirmed("the device did not confirm the stop", "Unplug it.")


def ended(cause: Cause, error: MassagerError | None = None) -> SessionEnd:
    return SessionEnd(cause, f"because of {cause}", 12.0, 11.0, error)


@pytest.mark.parametrize(
    ("outcome", "code", "reason"),
    [
        (Outcome("p", "sim:", end=ended(Cause.FINISHED)), 0, "finished"),
        (Outcome("p", "sim:", end=ended(Cause.PERSON)), 0, "person"),
        (Outcome("p", "sim:", end=ended(Cause.PAIN)), 0, "pain"),
        (Outcome("p", "sim:", end=ended(Cause.BUTTON)), 3, "button"),
        (Outcome("p", "sim:", end=ended(Cause.DEAD_MAN)), 3, "dead_man"),
        (Outcome("p", "sim:", end=ended(Cause.LINK_LOST, LinkLost("gone"))), 4, "link_lost"),
        (Outcome("p", "sim:", end=ended(Cause.PERSON), interrupted=True), 130, "interrupted"),
        (Outcome("p", "sim:", interrupted=True), 130, "interrupted"),
        (Outcome("p", "sim:", end=ended(Cause.BUTTON), interrupted=True), 3, "button"),
        (
            Outcome("p", "sim:", end=ended(Cause.PERSON, UNCONFIRMED), interrupted=True),
            5,
            "person",
        ),
        (Outcome("p", "sim:", end=ended(Cause.FINISHED), error=UNCONFIRMED), 5, "stop_unconfirmed"),
        (Outcome("p", "x", error=DeviceNotFound("nothing there")), 4, "not_found"),
        (Outcome("p", "x", error=Refused("no")), 3, "refused"),
        (Outcome("p", "x", error=Refused("before it began"), interrupted=True), 130, "interrupted"),
    ],
)
def test_codes(
    outcome: Outcome, code: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(outcome, as_json=True) == code
    document = json.loads(capsys.readouterr().out)
    assert (document["exit_code"], document["end_reason"]) == (code, reason)
    assert document["confirmed"] is (outcome.end is not None and outcome.trouble is None)
    assert tell(outcome, as_json=False) == code
    said = capsys.readouterr()
    if code in (0, 130):
        assert said.err == ""
        assert "confirmed at zero" in said.out or "Nothing was started." in said.out
    else:
        assert said.out == ""
        assert said.err.startswith("error: ")
        assert "confirmed that it is at zero" not in said.err or code == 3


def test_an_unconfirmed_stop_says_unplug_it(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome("p", "sim:", end=ended(Cause.PERSON, UNCONFIRMED))
    assert tell(outcome, as_json=False) is ExitCode.UNCONFIRMED
    assert "Unplug it." in capsys.readouterr().err
