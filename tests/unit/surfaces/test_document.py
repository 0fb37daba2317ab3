"""Requests and statuses as JSON (R19)."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.device import Pattern, Setpoint
from massager_ctl.errors import InputError, IntensityError
from massager_ctl.requests import (
    Change,
    Ease,
    Fade,
    PainKind,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    SignOfLife,
    UndoEase,
)
from massager_ctl.safety.governor import Held
from massager_ctl.status import GuidedStep, Phase, Status
from massager_ctl.surfaces.control import document
from massager_ctl.surfaces.control.document import read_request
from massager_ctl.units import Direction, Motion, Zone

KNEAD = Pattern(Motion.KNEAD, Direction.CW)
PATTERNS = (KNEAD, KNEAD, KNEAD, KNEAD, KNEAD, KNEAD)

CHANGES: list[Change] = [
    Pause(),
    Resume(),
    Ease(),
    Ease(points=10.0),
    UndoEase(),
    Fade(),
    SignOfLife(),
    SetLevel(percent=20.5, zone=Zone.NECK_LEFT),
    SetLevel(percent=0.0),
    SetMotion(motion=Motion.KNEAD, direction=Direction.CW, zone=Zone.NECK_LEFT, period_s=4.0),
    SetMotion(motion=Motion.VIBRATE),
    SetHeat(celsius=38.0),
    SetHeat(celsius=None),
]


@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_a_change_survives_the_socket(change: Change) -> None:
    line = msgspec.json.encode(document.request_document(change))
    assert read_request(line).asked == change


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ('{"request":"stop"}', document.Stop()),
        ('{"request":"stop","whatever":1}', document.Stop()),
        ('{"request":"pain"}', document.Pain(PainKind.UNCLASSIFIED)),
        ('{"request":"pain","kind":"mild"}', document.Pain(PainKind.MILD)),
        ('{"request":"status"}', document.Query(watch=False)),
        ('{"request":"watch"}', document.Query(watch=True)),
        ('{"request":"reset"}', document.Reset(None)),
        ('{"request":"reset","confirm":"ab"}', document.Reset("ab")),
        ('{"request":"ready","symptoms":"no"}', document.Ready("no")),
        ('{"request":"start","profile":null}', document.Start(None, None, None)),
        ('{"request":"start","profile":{"a":1},"cap":20}', document.Start({"a": 1}, 20.0, None)),
    ],
)
def test_requests(line: str, asked: document.Asked) -> None:
    assert read_request(line.encode()).asked == asked


@pytest.mark.parametrize(
    "line",
    [
        "",
        "stop",
        "[]",
        '"stop"',
        "{}",
        '{"request":7}',
        '{"request":"percussion"}',
        '{"request":"pause","now":true}',
        '{"request":"pause","t":"now"}',
        '{"request":"set","zone":"front","percent":10}',
        '{"request":"set","percent":10}',
        '{"request":"motion","motion":"percussion"}',
        '{"request":"motion","motion":"knead","direction":"sideways"}',
        '{"request":"heat","celsius":"38"}',
        '{"request":"heat","celsius":true}',
        '{"request":"reset","confirm":1}',
        '{"request":"ready"}',
        '{"request":"ready","symptoms":"maybe"}',
        '{"request":"start","profile":"restorative"}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:40],
)
def test_a_bad_line_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        read_request(line.encode())


@pytest.mark.parametrize(
    "percent", ["NaN", "Infinity", "1e308", "-1", "256", "true", '"50"', "null"]
)
def test_fault_32_numbers_that_are_none_are_refused(percent: str) -> None:
    with pytest.raises(InputError):
        read_request(f'{{"request":"set","zone":"neck_left","percent":{percent}}}'.encode())


def test_an_intensity_error_keeps_its_class() -> None:
    with pytest.raises(IntensityError):
        read_request(b'{"request":"ease","points":101}')


@given(st.binary(max_size=200))
def test_any_bytes_give_a_request_or_an_input_error(line: bytes) -> None:
    try:
        read_request(line)
    except InputError:
        return
    assert b"request" in line


def test_a_status_survives_the_socket() -> None:
    status = Status(
        address="sim:",
        phase=Phase.RUNNING,
        target=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
        sent=Setpoint((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), PATTERNS),
        held=(Held(Zone.NECK_LEFT, 40.0, 18.0, "R2", 170.0),),
        guided=GuidedStep("Breathe.", 3.0, 10.0),
    )
    plain = json.loads(json.dumps(document.status_document(status)))
    assert plain["target"]["neck_left"] == 3.0
    assert plain["sent"]["levels"]["suboccipital_right"] == 6.0
    assert document.status_from(plain) == status


@pytest.mark.parametrize("broken", [{}, {"target": 5}, {"target": {"neck_left": 1}}])
def test_a_status_that_makes_no_sense_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(InputError):
        document.status_from(broken)


@pytest.mark.parametrize(
    "line",
    [
        b'{"request":"stop","t":"soon"}',
        b'{"request":"stop","t":-1e300,"why":[]}',
        b'{"request":"pain","kind":"ouch"}',
        b'{"request":"pain","kind":7,"t":{},"how":"badly"}',
    ],
)
def test_r6_r22_nothing_that_stands_beside_a_stop_or_a_pain_holds_it_up(line: bytes) -> None:
    asked = read_request(line).asked
    assert asked in (document.Stop(), document.Pain(PainKind.UNCLASSIFIED))


HUGE = b"1" + b"0" * 400


@pytest.mark.parametrize(
    "line",
    [
        b'{"request":"set","zone":"all","percent":' + HUGE + b"}",
        b'{"request":"set","zone":"all","percent":1e400}',
        b'{"request":"start","profile":null,"duration_s":' + HUGE + b"}",
        b'{"request":"heat","celsius":-' + HUGE + b"}",
    ],
)
def test_r19_a_number_beyond_all_range_is_refused_and_is_no_fault(line: bytes) -> None:
    with pytest.raises(InputError):
        read_request(line)
