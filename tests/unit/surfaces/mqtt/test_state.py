"""The picture for home automation: what is, and which changes are told at once."""

from __future__ import annotations

import msgspec
from tests.devices import telemetry

from massager_ctl.device import Cause, DeviceState, Pattern, Setpoint
from massager_ctl.status import LinkState, Phase, Status
from massager_ctl.surfaces.mqtt.state import (
    Choices,
    Remote,
    link_word,
    significant,
    state_document,
    wants_attention,
)
from massager_ctl.units import ZERO, Direction, Levels, Motion

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


def test_a_target_is_shown_clamped_and_a_level_as_the_device_reports_it() -> None:
    document = state_document(BY_HAND, Choices(), Remote(), CAPS)
    assert document["targets"]["trapezius_left"] == 40.0
    assert document["targets"]["trapezius_right"] == 10.0
    assert document["levels"]["trapezius_left"] == 9.5
    assert (document["elapsed_s"], document["remaining_s"]) == (10, 890)
    assert (document["battery"], document["pad_c"], document["motor_c"]) == (80, 31.0, None)


def test_direction_and_heat_are_the_running_ones_by_hand_else_the_chosen_ones() -> None:
    choices = Choices(direction=Direction.ALTERNATE, heat=None)
    running = state_document(BY_HAND, choices, Remote(), CAPS)
    assert (running["direction"], running["heat"]) == ("cw", "37")
    idle = state_document(Status(), choices, Remote(), CAPS)
    assert (idle["direction"], idle["heat"]) == ("alternate", "off")


def test_an_end_is_idle_with_a_reason() -> None:
    ended = Status(phase=Phase.ENDED, end_reason="dead_man", title="x", profile="manual")
    document = state_document(ended, Choices(), Remote(), CAPS)
    assert (document["phase"], document["running"]) == ("idle", False)
    assert (document["stop_reason"], document["title"]) == ("dead_man", "")


def test_a_latch_is_a_phase_and_a_problem() -> None:
    for state in (DeviceState.LATCHED, DeviceState.FAULT):
        telemetry = msgspec.structs.replace(TELEMETRY, state=state, cause=Cause.STALL)
        document = state_document(Status(telemetry=telemetry), Choices(), Remote(), CAPS)
        assert document["phase"] == state
        assert document["problem"] is True
        assert "stall" in document["problem_text"]
        assert "massager-ctl reset" in document["problem_text"]


def test_clocks_and_readiness() -> None:
    document = state_document(Status(), Choices(), Remote(5.0, -7.26, "odd"), CAPS)
    assert document["ready"] is True
    assert (document["clock_problem"], document["clock_skew_s"]) == (True, -7.3)
    assert (document["problem"], document["problem_text"]) == (True, "odd")


def test_a_sign_of_life_is_wanted_thirty_seconds_before_it_is_due() -> None:
    assert not wants_attention(Status())
    assert not wants_attention(Status(attention_in_s=31.0))
    assert wants_attention(Status(attention_in_s=30.0))


def test_what_flows_is_not_told_at_once() -> None:
    before = state_document(BY_HAND, Choices(), Remote(), CAPS)
    later = msgspec.structs.replace(BY_HAND, elapsed_s=20.0, remaining_s=880.0)
    assert significant(state_document(later, Choices(), Remote(), CAPS)) == significant(before)
    aimed = msgspec.structs.replace(BY_HAND, target=ZERO)
    assert significant(state_document(aimed, Choices(), Remote(), CAPS)) != significant(before)
    played = msgspec.structs.replace(BY_HAND, profile="gentle")
    falling = msgspec.structs.replace(played, target=ZERO)
    assert significant(state_document(played, Choices(), Remote(), CAPS)) == significant(
        state_document(falling, Choices(), Remote(), CAPS)
    )
    assert significant({}) == {}


def test_the_link_in_a_word() -> None:
    assert link_word(Status(link=LinkState.UP)) == "online"
    for link in (LinkState.CLOSED, LinkState.CONNECTING, LinkState.LOST):
        assert link_word(Status(link=link)) == "offline"
