"""Whatever a front end does with the news, the others have them, and a session never notices."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.marks import simulated_time

from massager_ctl.control.status_feed import StatusFeed
from massager_ctl.model.status import Event, Status


class Made:
    """A feed whose statuses tell how often one was made."""

    def __init__(self) -> None:
        self.count = 0
        self.feed = StatusFeed(self.build, lambda: 100.0)

    def build(self) -> Status:
        self.count += 1
        return Status(message=str(self.count))


def broken(_: object) -> None:
    raise RuntimeError("the front end broke")


@simulated_time
async def test_a_listener_that_fails_is_told_to_the_loop_and_keeps_nothing_from_the_others() -> (
    None
):
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    feed, heard = Made().feed, list[Event | Status]()
    for add in (feed.add_listener, feed.add_event_listener):
        add(broken)
        add(heard.append)
    feed.event("name", "text")
    feed.changed()
    assert heard == [Event("name", "text", 100.0), feed.status]
    assert ["the front end broke" in context["message"] for context in told] == [True, True]
    assert all(isinstance(context["exception"], RuntimeError) for context in told)


def test_a_status_is_made_once_for_all_and_again_after_a_change() -> None:
    made, heard = Made(), list[str]()
    for _ in range(2):
        made.feed.add_listener(lambda status: heard.append(status.message))
    assert made.feed.status is made.feed.status
    made.feed.changed()
    assert (heard, made.count) == (["2", "2"], 2)
    made.feed.outdated()
    assert heard == ["2", "2"]
    assert made.feed.status.message == "3"


def test_who_has_left_is_told_nothing_more() -> None:
    feed, heard = Made().feed, list[object]()
    leave = [feed.add_listener(heard.append), feed.add_event_listener(heard.append)]
    for each in leave:
        each()
    feed.changed()
    feed.event("name", "text")
    assert heard == []


@simulated_time
async def test_who_watches_slowly_has_the_newest_alone_and_leaves_nothing_behind() -> None:
    made = Made()
    watching = made.feed.watch()
    assert (await anext(watching)).message == "1"
    for _ in range(3):
        made.feed.changed()
    assert (await anext(watching)).message == "4"
    waiting = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(1.0)
    assert not waiting.done()
    made.feed.changed()
    assert (await waiting).message == "5"
    await watching.aclose()  # type: ignore[attr-defined]
    made.feed.changed()
    assert made.count == 5, "nobody listens, so none is made"
