"""Requests as lines of JSON (R19)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import InputError, IntensityError
from massager_ctl.frontends.socket.request_line import read_line
from massager_ctl.model.device import Pattern
from massager_ctl.model.request_document import request_document
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    GetStatus,
    LocalRequest,
    Pain,
    PainKind,
    Pause,
    Presence,
    Ready,
    Reset,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Start,
    Stop,
    Undo,
    Watch,
)
from massager_ctl.model.units import Direction, Motion, Zone

KNEAD = Pattern(Motion.KNEAD, Direction.CW)
PATTERNS = (KNEAD, KNEAD, KNEAD, KNEAD, KNEAD, KNEAD)

CHANGES: list[Change] = [
    Pause(),
    Resume(),
    Ease(),
    Ease(points=10.0),
    Undo(),
    Fade(),
    Presence(),
    SetLevel(percent=20.5, zone=Zone.NECK_LEFT),
    SetLevel(percent=0.0),
    SetMotion(motion=Motion.KNEAD, direction=Direction.CW, zone=Zone.NECK_LEFT, period_s=4.0),
    SetMotion(motion=Motion.VIBRATE),
    SetHeat(celsius=38.0),
    SetHeat(celsius=None),
]


@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_a_change_survives_the_socket(change: Change) -> None:
    line = msgspec.json.encode(request_document(change))
    assert read_line(line).asked == change


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ('{"request":"stop"}', Stop()),
        ('{"request":"stop","whatever":1}', Stop()),
        ('{"request":"pain"}', Pain(PainKind.UNCLASSIFIED)),
        ('{"request":"pain","kind":"mild"}', Pain(PainKind.MILD)),
        ('{"request":"status"}', GetStatus()),
        ('{"request":"watch"}', Watch()),
        ('{"request":"reset"}', Reset(None)),
        ('{"request":"reset","confirm":"ab"}', Reset("ab")),
        ('{"request":"ready","symptoms":"no"}', Ready("no")),
        ('{"request":"start"}', Start()),
        ('{"request":"start","profile":null}', Start(None, None, None)),
        ('{"request":"start","profile":"gentle","id":"a"}', Start("gentle", id="a")),
        ('{"request":"pause","id":7}', Pause(id=7)),
        ('{"request":"stop","id":"x"}', Stop(id="x")),
        ('{"request":"stop","id":[]}', Stop()),
        ('{"request":"pain","kind":7,"id":"' + "x" * 65 + '"}', Pain()),
        ('{"request":"start","profile":{"a":1},"cap":20}', Start({"a": 1}, 20.0, None)),
    ],
)
def test_requests(line: str, asked: LocalRequest) -> None:
    assert read_line(line.encode()).asked == asked


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
        '{"request":"start","profile":["restorative"]}',
        '{"request":"start","profile":"restorative","speed":60}',
        '{"request":"pause","id":true}',
        '{"request":"pause","id":{}}',
        '{"request":"pause","id":"' + "x" * 65 + '"}',
        '{"request":"set","percent":10,"zone":null}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:40],
)
def test_a_bad_line_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        read_line(line.encode())


@pytest.mark.parametrize(
    "percent", ["NaN", "Infinity", "1e308", "-1", "256", "true", '"50"', "null"]
)
def test_fault_32_numbers_that_are_none_are_refused(percent: str) -> None:
    with pytest.raises(InputError):
        read_line(f'{{"request":"set","zone":"neck_left","percent":{percent}}}'.encode())


def test_an_intensity_error_keeps_its_class() -> None:
    with pytest.raises(IntensityError):
        read_line(b'{"request":"ease","points":101}')


@given(st.binary(max_size=200))
def test_any_bytes_give_a_request_or_an_input_error(line: bytes) -> None:
    try:
        read_line(line)
    except InputError:
        return
    assert b"request" in line


@pytest.mark.parametrize(
    "line",
    [
        b'{"request":"stop","t":"soon"}',
        b'{"request":"stop","t":-1e300,"why":[]}',
        b'{"request":"pain","kind":"ouch"}',
        b'{"request":"pain","kind":7,"t":{},"how":"badly"}',
        b'{"request":"stop","why":"\xff\xfe"}',
        b'{"request":"pain","kind":"\xc3"}',
    ],
)
def test_r6_r22_nothing_that_stands_beside_a_stop_or_a_pain_holds_it_up(line: bytes) -> None:
    asked = read_line(line).asked
    assert asked in (Stop(), Pain(PainKind.UNCLASSIFIED))


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
        read_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"request":"status","id":"\xff"}',
        b'{"request":"start","profile":"\xc3\x28"}',
        b'{"request":"\xff"}',
        b'"\xff"',
        b"\xff",
    ],
)
def test_r19_text_that_is_none_is_refused_and_is_no_fault(line: bytes) -> None:
    with pytest.raises(InputError, match=r"not JSON|unknown request|a request is a JSON object"):
        read_line(line)
