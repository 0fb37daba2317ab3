"""When a message was there, floods of commands, the echo, and who says that the service is there."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.frontends.mqtt.availability import (
    ANSWER_EVERY_S,
    CONFLICT_S,
    CORRECT_EVERY_S,
    OFFLINE,
    Availability,
)
from massager_ctl.frontends.mqtt.connection import TURN_S, Message, Receipt, _Client
from massager_ctl.frontends.mqtt.echo import Echo
from massager_ctl.frontends.mqtt.rejections import BURST, Rejections


def test_r5_what_lies_behind_others_was_there_with_the_first_of_them() -> None:
    receipt = Receipt(0.0)
    for number in range(1, 50):
        now = number / 10
        receipt.turned(now)
        assert receipt.read(now) == 0.1
        receipt.left(unread=True, read_at=0.1)
    assert receipt.read(5.0) == 0.1
    receipt.left(unread=False, read_at=0.1)
    receipt.turned(6.0)
    assert receipt.read(6.1) == 6.1


def test_r5_what_came_while_the_loop_was_busy_may_have_been_there_all_the_time() -> None:
    receipt = Receipt(10.0)
    assert receipt.read(10.0 + 2 * TURN_S) == 10.0 + 2 * TURN_S
    assert receipt.read(12.5) == 10.0


@given(st.lists(st.floats(0.001, 3.0), max_size=200))
def test_a_flood_is_counted_whole_and_logged_once_a_second(gaps: list[float]) -> None:
    flood, now = Rejections(), 0.0
    published = counted = logged = lines = 0
    for number, gap in enumerate(gaps):
        now += gap
        found = flood.take(now, {"n": number})
        published += found is not None
        counted += (flood.summary(now) or {}).get("count", 0)
        line = flood.line(now)
        if line is not None:
            lines += 1
            logged += line.get("count", 1)
    counted += (flood.summary(now + 1) or {}).get("count", 0)
    logged += (flood.line(now + 1) or {"count": 0}).get("count", 1) if gaps else 0
    assert published + counted == len(gaps)
    assert published <= BURST + now
    assert lines <= now + 1


def test_the_first_of_them_are_published_one_by_one() -> None:
    flood = Rejections()
    assert [flood.take(0.0, {"n": n}) for n in range(BURST)] == [{"n": n} for n in range(BURST)]
    assert flood.take(0.0, {"n": 99}) is None
    assert flood.summary(0.0) == {"n": 99, "count": 1}
    assert flood.line(0.0) == {"n": 99, "count": BURST + 1}
    assert flood.line(0.5) is None


def test_r18_an_echo_counts_once_it_was_heard_on_both_connections_and_in_time() -> None:
    echo = Echo(("a", "b"))
    content = echo.next(0.0)
    assert echo.heard("a", content, 0.25)
    assert echo.lost(0.25)
    assert not echo.heard("b", b"someone else's", 0.1)
    assert echo.heard("b", content, 0.5)
    assert not echo.lost(4.0)
    assert echo.lost(4.25)  # 4 s after a heard it
    late = echo.next(5.0)
    assert not echo.heard("a", late, 9.0)
    fresh = echo.next(10.0)
    echo.begin()
    assert not echo.heard("a", fresh, 10.1)  # of a connection that is gone


def said(state: str, session: int) -> bytes:
    return json.dumps({"state": state, "session": session}).encode()


def test_a_will_of_a_connection_that_is_gone_is_put_right() -> None:
    mine = Availability()
    will = json.loads(mine.begin())
    assert will["state"] == OFFLINE
    mine.heard(said("offline", 1), 0.0, retained=True)  # what lay there before
    assert not mine.due(100.0)  # said in a moment, after state and nonce
    online = mine.online(0.0)
    assert json.loads(online) == {"state": "online", "session": will["session"]}
    mine.heard(online, 0.1, retained=False)
    assert not mine.due(100.0)
    for late in (said("offline", 1), mine.payload(OFFLINE), b"offline", b"\xff", b""):
        mine.heard(late, 20.0, retained=False)
        assert mine.due(20.0)
        mine.heard(late, 20.0, retained=False)
        mine.online(20.0)
        mine.heard(late, 20.1, retained=False)  # however often it comes
        assert not mine.due(20.1)
        assert mine.due(20.0 + CORRECT_EVERY_S)
        mine.online(0.0)
    assert not mine.conflict(20.0)


def test_two_services_of_one_id_notice_each_other() -> None:
    one, other = Availability(), Availability()
    one.begin()
    other.begin()
    first = one.online(0.0)
    other.heard(first, 5.0, retained=True)
    second = other.online(5.0)
    assert not other.conflict(5.0)  # it lay there: whoever said it may be gone
    one.heard(second, 5.0, retained=False)
    assert one.conflict(5.0)
    assert not one.due(5.1)
    assert one.due(ANSWER_EVERY_S)
    other.heard(one.online(ANSWER_EVERY_S), ANSWER_EVERY_S, retained=False)
    assert other.conflict(ANSWER_EVERY_S)
    assert not one.conflict(5.0 + CONFLICT_S)  # the other one is gone


@pytest.mark.parametrize("text", ["online", "[]", "{}", '{"state":"online"}', "\x00"])
def test_what_makes_no_sense_is_no_other_service(text: str) -> None:
    mine = Availability()
    mine.begin()
    mine.online(0.0)
    mine.heard(text.encode(), 2.0, retained=False)
    assert mine.due(2.0)
    assert not mine.conflict(2.0)


@pytest.mark.asyncio
async def test_r6_a_message_at_which_this_program_fails_does_not_end_the_reading_of_the_next() -> (
    None
):
    faults: list[str] = []
    heard: list[str] = []

    def take(message: Message) -> None:
        if not message.payload:
            raise RuntimeError(message.topic)
        heard.append(message.topic)

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(context["message"]))
    client = _Client("localhost")
    client.receipt, client.on_arrival = Receipt(loop.time()), take
    for topic, payload in (("a\x1b[2J", b""), ("b", b"PRESS")):
        client._on_message(None, None, SimpleNamespace(topic=topic, payload=payload, retain=False))
    assert heard == ["b"]
    assert len(faults) == 1
    assert "\x1b" not in faults[0]
