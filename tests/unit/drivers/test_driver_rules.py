"""Which drivers of another make may be, and what they must say of themselves (R25)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Listener

from massager_ctl.drivers.dialect import Act, Dialect, LevelsAre, RelativeDialect, check_spec
from massager_ctl.drivers.foreign import _in_words
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DriverFault
from massager_ctl.model.device import Channel
from massager_ctl.model.units import Zone
from massager_ctl.testing.peers import PeerLink
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.gatt import Gatt


def _raises(*_: object) -> Dialect:
    raise RuntimeError("no")


@simulated_time
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_raises, "failed in `__init__`: RuntimeError: no"),
        (dict, "its dialect is a dict and no Dialect"),
    ],
)
async def test_what_is_no_dialect_is_refused(make: Callable[[], Any], said: str) -> None:
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(DriverFault, match=said):
            await PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=make)).open(
                Listener()
            )
        assert link.heard == []


class Counting(RelativeDialect):
    def more(self, channel: int, now: float) -> Sequence[bytes]:
        return [b"+%d" % channel]

    def stop(self, now: float) -> Sequence[bytes]:
        return [b"off"]


def test_relative_levels_are_counted_up_from_off() -> None:
    dialect = Counting()
    assert dialect.levels((1, 0), 0.0) == [b"off", b"+0"]
    assert dialect.levels((2, 1), 0.0) == [b"+0", b"+1"]
    assert dialect.levels((1, 1), 0.0) == [b"off", b"+0", b"+1"]
    dialect.forget()
    assert dialect.levels((1, 1), 0.0) == [b"off", b"+0", b"+1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scheme": "serial"}, "scheme"),
        ({"scheme": "A-B"}, "scheme"),
        ({"acts": frozenset({Act.PERCUSSION})}, "too intense"),
        ({"acts": frozenset({Act.VIBRATION, Act.EMS})}, "electric"),
        ({"levels_are": LevelsAre.TOGGLED}, "toggled"),
        ({"links": ()}, "link"),
        ({"links": (LinkKind.MEMORY,)}, "link"),
        ({"links": (LinkKind.BLE,)}, "characteristic"),
        ({"channels": ()}, "zone"),
        ({"channels": (Channel((Zone.NECK_LEFT, Zone.NECK_LEFT), (1.0,)),)}, "zone"),
        ({"channels": (Channel((Zone.NECK_LEFT,), ()),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (0.0, 5.0)),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (5.0, 5.0)),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (5.0, 101.0)),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (float("nan"),)),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (5.0,)), Channel((), (5.0,)))}, "steps"),
        ({"timer_min": (0.0,)}, "timer"),
        ({"timer_min": (5.0, 240.5)}, "timer"),
        ({"links": (LinkKind.SERIAL, LinkKind.MEMORY)}, "link"),
        ({"gatt": Gatt(service="FFF0", write="no UUID")}, "makes no sense"),
        ({"gatt": Gatt(service="no UUID", write="FFF2")}, "makes no sense"),
        ({"gatt": Gatt(service="1800", write="FFF2")}, "many kinds of devices share"),
        ({"gatt": Gatt(service="FFF0", write="2A00")}, "many kinds of devices share"),
    ],
)
def test_a_driver_that_may_not_be_is_refused_with_the_reason(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(DriverFault, match=said):
        check_spec(msgspec.structs.replace(ASCII, **change), "made-up 1.0")
    assert check_spec(ASCII, "made-up 1.0") is ASCII


def test_an_entry_point_that_is_no_driver_is_refused() -> None:
    with pytest.raises(DriverFault, match="a dict and no DriverSpec"):
        check_spec({}, "made-up 1.0")


def test_a_drivers_error_without_a_trace_is_told_without_a_place() -> None:
    assert _in_words(ValueError("no\nmore")) == "ValueError: no"


def test_r25_a_driver_is_for_the_bench_if_either_place_says_so() -> None:
    replace = msgspec.structs.replace
    careful = replace(ASCII.assurance, bench_only=True)
    assert not replace(ASCII, bench_only=False).declared.bench_only
    assert replace(ASCII, bench_only=True).declared.bench_only
    assert replace(ASCII, bench_only=False, assurance=careful).declared.bench_only


def test_what_a_dialect_leaves_out_is_an_error_and_not_an_empty_answer() -> None:
    for call in (lambda: Dialect().levels((1,), 0.0), lambda: Dialect().stop(0.0)):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.raises(NotImplementedError):
        RelativeDialect().more(0, 0.0)


def test_a_driver_for_bluetooth_is_taken_with_its_characteristics() -> None:
    gatt = Gatt(service="FFF0", write="FFF2")
    spec = msgspec.structs.replace(ASCII, links=(LinkKind.BLE,), gatt=gatt)
    assert check_spec(spec, "made-up 1.0") is spec


def test_what_a_dialect_need_not_have_is_empty() -> None:
    dialect = Dialect()
    for frames in (dialect.start(0.0), dialect.timer(5.0, 0.0), dialect.alive(0.0)):
        assert frames == ()
    assert dialect.feed(b"what came", 0.0) is None
