"""The picture for home automation: what is, and which changes are reported at once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.devices import telemetry

from massager_ctl.control.outlook import Hindrance, Outlook
from massager_ctl.errors import LinkLost, MedicalLock, Refused, ScreeningNeeded
from massager_ctl.frontends.mqtt.choices import Choices, RemoteState
from massager_ctl.frontends.mqtt.state import (
    NOTHING_TO_DO,
    REASON_WORDS,
    TEXT_MAX,
    Advice,
    Remote,
    advise,
    clip,
    link_word,
    presence_due,
    significant,
    state_document,
)
from massager_ctl.model.device import Cause, DeviceState, Pattern, Setpoint
from massager_ctl.model.status import LinkState, Phase, Status
from massager_ctl.model.units import ZERO, Direction, Levels, Motion

CAPS: Levels = (40.0, 40.0, 40.0, 40.0, 35.0, 35.0)
TELEMETRY = telemetry(heat_on=True, levels=(9.5, 0, 0, 0, 0, 0), pad_c=31.0, motor_c=None)
KNEAD = Setpoint(
    patterns=(Pattern(Motion.KNEAD, Direction.CW),) * 6,  # type: ignore[arg-type]
    heat_c=37.0,
)
BY_HAND = Status(
    link=LinkState.UP,
    telemetry=TELEMETRY,
    phase=Phase.RUNNING,
    profile="manual",
    title="Manual control",
    target=(65.0, 10.0, 0, 0, 0, 0),
    sent=KNEAD,
    elapsed_s=10.4,
    remaining_s=889.6,
)


def document(
    status: Status,
    choices: Choices | None = None,
    remote: Remote | None = None,
    advice: Advice | None = None,
    **known: Any,
) -> dict[str, Any]:
    state = RemoteState()
    state.choices = choices or Choices()
    for name, value in known.items():
        setattr(state, name, value)
    return state_document(status, state, remote or Remote(), advice or Advice(), CAPS)


def test_a_target_is_shown_clamped_and_a_level_as_the_device_reports_it() -> None:
    found = document(BY_HAND)
    assert found["targets"]["trapezius_left"] == 40
    assert found["targets"]["trapezius_right"] == 10
    assert found["levels"]["trapezius_left"] == 10
    assert (found["elapsed_s"], found["remaining_s"]) == (10, 890)
    assert (found["battery"], found["pad_c"], found["motor_c"]) == (80, 31.0, None)


@pytest.mark.parametrize(
    ("level", "shown"), [(0.0, 0), (0.04, 0), (0.44, 0.4), (1.0, 1), (13.437, 13), (39.6, 40)]
)
def test_levels_are_whole_percent_and_what_runs_is_never_shown_as_zero(
    level: float, shown: float
) -> None:
    telemetry = msgspec.structs.replace(TELEMETRY, levels=(level, 0, 0, 0, 0, 0))
    found = document(msgspec.structs.replace(BY_HAND, telemetry=telemetry))
    assert found["levels"]["trapezius_left"] == shown


def test_direction_and_heat_are_the_running_ones_by_hand_else_the_chosen_ones() -> None:
    choices = Choices(direction=Direction.ALTERNATE, heat=None)
    running = document(BY_HAND, choices)
    assert (running["direction"], running["heat"]) == ("clockwise", "37 °C")
    idle = document(Status(), choices)
    assert (idle["direction"], idle["heat"]) == ("alternating", "off")
    assert document(Status())["direction"] == "vibration"  # `none` would be "unknown"


def test_levels_can_be_set_in_a_session_by_hand_alone() -> None:
    for phase in Phase:
        status = msgspec.structs.replace(BY_HAND, phase=phase)
        assert document(status)["settable"] is (phase in (Phase.RUNNING, Phase.PAUSED))
    assert document(msgspec.structs.replace(BY_HAND, profile="gentle"))["settable"] is False


def test_an_end_is_idle_with_a_reason_in_words() -> None:
    ended = Status(phase=Phase.ENDED, end_reason="dead_man", title="x", profile="manual")
    found = document(ended)
    assert (found["phase"], found["running"]) == ("idle", False)
    assert (found["stop_reason"], found["title"]) == ("dead_man", "")
    assert found["stop_reason_text"] == "The device received nothing"
    assert REASON_WORDS.keys() == {cause.value for cause in Cause}
    assert len(set(REASON_WORDS.values())) == len(REASON_WORDS)
    assert not any("(R" in words or "_" in words for words in REASON_WORDS.values())


def test_a_latch_is_a_phase() -> None:
    for state in (DeviceState.LATCHED, DeviceState.FAULT):
        telemetry = msgspec.structs.replace(TELEMETRY, state=state, cause=Cause.STALL)
        assert document(Status(telemetry=telemetry))["phase"] == state


LOCK = MedicalLock("locked after a report of a warning sign (R22)", "Please seek medical care.")
NO_ANSWER = ScreeningNeeded("the questions are not answered (R21)", "Answer them.")
UNCONFIRMED = Hindrance(Refused("the last stop was not confirmed", "Unplug it."), locks=True)
NO_LINK = Hindrance(LinkLost("there is no link", "Check the cable."))
FLAT = Hindrance(Refused("its battery is at 9 %", "Charge it first."))


@pytest.mark.parametrize(
    ("hindrance", "refusal", "problem", "text", "locked", "wrong"),
    [
        (None, None, "", "", False, False),
        (None, None, "odd (R14)", "odd", False, True),
        (None, NO_ANSWER, "", "the questions are not answered", False, False),
        (None, NO_ANSWER, "odd", "odd", False, True),
        (None, LOCK, "odd", "locked after a report of a warning sign", True, True),
        (UNCONFIRMED, LOCK, "odd", "the last stop was not confirmed", True, True),
        (NO_LINK, None, "odd", "there is no link", False, True),
        (FLAT, None, "", "its battery is at 9 %", False, False),
    ],
)
def test_the_most_urgent_comes_first_and_a_lock_is_a_problem(
    hindrance: Hindrance | None,
    refusal: Refused | None,
    problem: str,
    text: str,
    locked: bool,
    wrong: bool,
) -> None:
    advice = advise(hindrance, Outlook(CAPS, refusal=refusal), problem)
    assert (advice.text, advice.locked, advice.problem) == (text, locked, wrong)
    found = document(Status(), advice=advice)
    assert (found["locked"], found["problem"]) == (locked, wrong)
    assert found["problem_text"] == (text if wrong else "")
    if text:
        assert found["advice"].startswith(text[:1].upper() + text[1:])
        assert advice.remedy in found["advice"]
    else:
        assert found["advice"] == NOTHING_TO_DO  # Home Assistant ignores an empty one


def test_a_text_fits_into_a_state_of_home_assistant() -> None:
    long = document(Status(), advice=Advice("x" * 300, "y" * 300))
    assert len(long["advice"]) == TEXT_MAX
    assert clip("two\nlines  and\tmore") == "two lines and more"


def test_clocks_readiness_and_what_is_left_of_the_day() -> None:
    found = document(Status(), remote=Remote(5.0, 61.0, 1799.6), skew_s=-7.26)
    assert found["ready"] is True
    assert found["ready_in_min"] == 2
    assert found["dose_left_s"] == 1800
    assert (found["clock_problem"], found["clock_skew_s"]) == (True, -7.3)
    assert document(Status())["dose_left_s"] is None


def test_a_presence_is_wanted_thirty_seconds_before_it_is_due() -> None:
    assert not presence_due(Status())
    assert not presence_due(Status(presence_due_in_s=31.0))
    assert presence_due(Status(presence_due_in_s=30.0))


def test_what_flows_is_not_told_at_once() -> None:
    before = significant(document(BY_HAND))
    later = msgspec.structs.replace(BY_HAND, elapsed_s=20.0, remaining_s=880.0)
    assert significant(document(later)) == before
    aimed = msgspec.structs.replace(BY_HAND, target=ZERO)
    assert significant(document(aimed)) != before
    played = msgspec.structs.replace(BY_HAND, profile="gentle")
    falling = msgspec.structs.replace(played, target=ZERO)
    assert significant(document(played)) == significant(document(falling))
    assert significant({}) == {}


def test_the_link_in_a_word() -> None:
    assert link_word(Status(link=LinkState.UP)) == "online"
    for link in (LinkState.CLOSED, LinkState.CONNECTING, LinkState.LOST):
        assert link_word(Status(link=link)) == "offline"
