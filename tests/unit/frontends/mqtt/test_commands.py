"""What comes at a command's topic: read, or an error; and what it then needs (R18, R19)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.control.setpoint_source import ManualSource
from massager_ctl.errors import InputError, MassagerError
from massager_ctl.frontends.mqtt.commands import (
    PAYLOAD_MAX,
    ChooseDirection,
    ChooseDuration,
    ChooseHeat,
    ChooseProfile,
    need_of,
    read_command,
    read_stamp,
)
from massager_ctl.frontends.mqtt.topics import COMMANDS, Name
from massager_ctl.model.requests import (
    Ease,
    Fade,
    Pain,
    Pause,
    Presence,
    Resume,
    SetLevel,
    Start,
    Stop,
    Undo,
)
from massager_ctl.model.units import ZERO, ZONES, Direction, Levels, Zone
from massager_ctl.safety.remote_start import Need, Stamp

PROFILES = {"manual": "By hand", "gentle": "A gentle one", "restorative": "Restorative"}


def order_of(named: str, value: Any) -> Any:
    payload = json.dumps({"v": value}).encode()
    return read_command(named, payload, retained=False, titles=PROFILES).order


@pytest.mark.parametrize(
    ("named", "value", "order"),
    [
        ("start", "PRESS", Start()),
        ("start", None, Start()),
        ("start", "gentle", Start("gentle")),
        ("start", "manual", Start("manual")),
        ("start", {"profile": "gentle", "cap": 20}, Start("gentle", 20.0)),
        ("start", {"cap": 20}, Start(None, 20.0)),
        ("stop", None, Stop()),
        ("pain", "PRESS", Pain()),
        ("pause", "PRESS", Pause()),
        ("resume", "PRESS", Resume()),
        ("ease", "PRESS", Ease()),
        ("ease", 10, Ease(10.0)),
        ("ease", True, Ease()),
        ("undo_ease", "PRESS", Undo()),
        ("fade", "PRESS", Fade()),
        ("presence", "PRESS", Presence()),
        ("level/neck_left", 12, SetLevel(12.0, Zone.NECK_LEFT)),
        ("level/all", 0, SetLevel(0.0)),
        ("profile", "gentle", ChooseProfile("gentle")),
        ("profile", "manual", ChooseProfile("manual")),
        ("duration", 7.5, ChooseDuration(7.5)),
        ("direction", "ccw", ChooseDirection(Direction.CCW)),
        ("direction", "vibration", ChooseDirection(Direction.NONE)),
        ("direction", "counterclockwise", ChooseDirection(Direction.CCW)),
        ("profile", "A gentle one", ChooseProfile("gentle")),
        ("profile", "By hand", ChooseProfile("manual")),
        ("heat", "36 °C", ChooseHeat(36.0)),
        ("heat", "off", ChooseHeat(None)),
        ("heat", "37", ChooseHeat(37.0)),
        ("heat", 37, ChooseHeat(37.0)),
    ],
)
def test_an_order_is_read(named: str, value: Any, order: Any) -> None:
    assert order_of(named, value) == order


@pytest.mark.parametrize(
    ("named", "value"),
    [
        ("start", "ON"),
        ("start", 1),
        ("start", True),
        ("start", "../gentle"),
        ("start", {"profile": "gentle", "speed": 60}),
        ("start", {"profile": "gentle", "cap": "20"}),
        ("start", {"cap": -1}),
        ("ease", 101),
        ("level", 10),
        ("level/", 10),
        ("level/front", 10),
        ("level/spine", 10),
        ("level/neck_left", None),
        ("level/neck_left", "50"),
        ("level/neck_left", True),
        ("level/neck_left", -1),
        ("level/neck_left", 256),
        ("level/neck_left", 1e308),
        ("profile", "PRESS"),
        ("profile", None),
        ("duration", 0),
        ("duration", 16),
        ("duration", "5"),
        ("duration", True),
        ("direction", "up"),
        ("direction", 1),
        ("heat", "40"),
        ("heat", 60),
        ("heat", True),
        ("heat", None),
        ("reset", "PRESS"),
        ("start/now", "PRESS"),
        ("stop/now", "PRESS"),
        ("", "PRESS"),
    ],
)
def test_what_makes_no_sense_is_an_error(named: str, value: Any) -> None:
    with pytest.raises(MassagerError):
        order_of(named, value)


@pytest.mark.parametrize("payload", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"inf", b"1e308"])
def test_numbers_that_are_none_are_refused(payload: bytes) -> None:
    with pytest.raises(MassagerError):
        read_command("level/all", payload, retained=False, titles=PROFILES)


@given(payload=st.binary(max_size=200), name=st.sampled_from([Name.STOP, Name.PAIN]))
def test_a_stop_is_read_from_anything(payload: bytes, name: Name) -> None:
    order = read_command(name, payload, retained=False, titles={}).order
    assert order == (Stop() if name is Name.STOP else Pain())


@given(
    payload=st.one_of(st.binary(max_size=60), st.text().map(str.encode)),
    named=st.one_of(st.text(max_size=12), st.sampled_from(list(COMMANDS))),
)
def test_reading_raises_our_own_errors_only(payload: bytes, named: str) -> None:
    try:
        read_command(named, payload, retained=False, titles=PROFILES)
    except MassagerError:
        pass


def test_a_stamp_is_taken_as_it_came() -> None:
    payload = b'{"v":5,"n":"abc","t":12.5,"more":1}'
    assert read_stamp(payload, retained=True) == (5, Stamp("abc", 12.5, retained=True))
    assert read_stamp(b"20", retained=False) == (20, Stamp())
    assert read_stamp(b"ON", retained=False) == ("ON", Stamp())
    assert read_stamp(b"\xff", retained=False)[1] == Stamp()
    assert read_stamp(b"[" * 3000, retained=False)[1] == Stamp()
    assert read_stamp(b"1" * (PAYLOAD_MAX + 1), retained=False) == (None, Stamp())


@pytest.mark.parametrize(
    ("order", "need"),
    [
        (Stop(), Need.FREE),
        (Pain(), Need.FREE),
        (Pause(), Need.FREE),
        (Ease(), Need.FREE),
        (Fade(), Need.FREE),
        (ChooseHeat(None), Need.FREE),
        (ChooseHeat(35.0), Need.RAISE),
        (Resume(), Need.RAISE),
        (Undo(), Need.RAISE),
        (Presence(), Need.RAISE),
        (ChooseProfile("gentle"), Need.RAISE),
        (ChooseDuration(5), Need.RAISE),
        (ChooseDirection(Direction.NONE), Need.RAISE),
        (Start(), Need.START),
        (Start("gentle", 5.0), Need.START),
    ],
)
def test_what_an_order_needs(order: Any, need: Need) -> None:
    assert need_of(order, ZERO) is need


LEVEL = st.floats(0, 100).map(lambda level: round(level, 1))
LEVELS = st.tuples(LEVEL, LEVEL, LEVEL, LEVEL, LEVEL, LEVEL)


@given(aims=LEVELS, percent=LEVEL, zone=st.one_of(st.none(), st.sampled_from(ZONES)))
def test_r18_a_level_that_needs_nothing_raises_nothing(
    aims: Levels, percent: float, zone: Zone | None
) -> None:
    by_hand = ManualSource()
    for place in ZONES:
        by_hand.take(SetLevel(aims[place.index], place))
    order = SetLevel(percent, zone)
    need = need_of(order, by_hand.at(0.0).levels)
    by_hand.take(order)
    raised = any(new > old for new, old in zip(by_hand.at(0.0).levels, aims, strict=True))
    assert need is (Need.RAISE if raised else Need.FREE)


def test_the_table_says_no_less_than_what_is_asked_for() -> None:
    samples: dict[Name, Any] = {
        Name.LEVEL: SetLevel(100.0),
        Name.PROFILE: ChooseProfile("gentle"),
        Name.DURATION: ChooseDuration(5),
        Name.DIRECTION: ChooseDirection(Direction.CW),
        Name.HEAT: ChooseHeat(39.0),
    }
    for name, form in COMMANDS.items():
        order = samples[name] if name in samples else order_of(name, "PRESS")
        assert need_of(order, ZERO) is form.need, name
        assert form.qos == (1 if form.need is Need.FREE else 0)


def test_a_level_without_a_zone_is_told_how_to_name_one() -> None:
    with pytest.raises(InputError) as caught:
        read_command("level", b"10", retained=False, titles={})
    assert caught.value.remedy == "Use `level/ZONE` or `level/all`."
