"""R25: what a table trial sends, in which order, and how it leaves a device on each way out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiDialect, AsciiPeer
from tests.support.marks import running_loop, simulated_time
from tests.unit.runtime.at_the_table import Noted, Somebody, tried

from massager_ctl.control.run import STOP_LATE_S
from massager_ctl.drivers.dialect import DriverSpec
from massager_ctl.errors import DriverFault, Refused, StopUnconfirmed
from massager_ctl.model.device import Channel
from massager_ctl.model.units import Zone
from massager_ctl.runtime.table_trial import LONGEST_S, TableTrial
from massager_ctl.safety.assurance import DeadMan, OnDisconnect, Shown
from massager_ctl.testing.peers import PeerLink

TIMER_MIN = 5.0


class RunsOn(AsciiPeer):
    """Goes on when its link is dropped; `left` counts that."""

    left = 0

    def link_down(self, now: float) -> None:
        self.left += 1


def declared(**changes: object) -> DriverSpec:
    return msgspec.structs.replace(
        ASCII, assurance=msgspec.structs.replace(ASCII.assurance, **changes)
    )


def timed(asked_for: list[float], **changes: object) -> DriverSpec:
    class Timed(AsciiDialect):
        def timer(self, minutes: float, now: float) -> Sequence[bytes]:
            asked_for.append(minutes)
            return [b"\n"]

    spec = declared(**{"own_timer": True, **changes})
    return msgspec.structs.replace(spec, dialect=Timed, timer_min=(15.0, TIMER_MIN))


@simulated_time
async def test_every_change_follows_its_own_press() -> None:
    class Watches(Somebody):
        seen: list[tuple[str, tuple[int, ...]]]

        async def press(self, text: str) -> None:
            self.seen = [*getattr(self, "seen", []), (text, self.link.peer.steps)]
            await super().press(text)

    async with PeerLink(AsciiPeer()) as link:
        person = Watches(link)
        await TableTrial(Noted(link), person).run()
    levels = [
        entry
        for step, percent in ((1, 5), (2, 10), (3, 15), (4, 20))
        for entry in ((f"step {step}, {percent} %, is sent", (0,)), ("the stop is sent", (step,)))
    ]
    levels.insert(2, ("the stop is sent once more", (0,)))
    left = [("step 1, 5 %, is sent", (0,)), ("the link is dropped", (1,))]
    assert person.seen == levels + left
    assert [text.partition(" while")[0] for text in person.said] == ["Next the link is dropped"]


@simulated_time
async def test_no_channel_goes_above_25_percent_whatever_another_has() -> None:
    class Two(AsciiDialect):
        sent: list[tuple[int, ...]] = []  # noqa: RUF012

        def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
            self.sent.append(steps)
            return super().levels(steps, now)

        def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
            super().feed(data, now)
            return None

    channels = (
        Channel((Zone.TRAPEZIUS_LEFT,), (5.0, 10.0, 15.0)),
        Channel((Zone.TRAPEZIUS_RIGHT,), (10.0, 40.0)),
        Channel((Zone.SUBOCCIPITAL_LEFT,), (60.0,)),
    )
    spec = msgspec.structs.replace(ASCII, channels=channels, dialect=Two)
    await tried(spec)
    assert [steps for steps, _ in groupby(Two.sent)] == [
        *((1, 1, 0), (2, 1, 0), (3, 1, 0)),
        (1, 1, 0),
    ]


@simulated_time
async def test_a_level_that_is_wrong_is_stopped_by_a_press_and_looked_at() -> None:
    async with PeerLink(AsciiPeer()) as link:
        person = Somebody(link, {"no stronger": False})
        with pytest.raises(Refused):
            await TableTrial(Noted(link), person).run()
        assert [text for text, _ in person.pressed] == ["step 1, 5 %, is sent", "the stop is sent"]
        assert person.asked[-1] == "Is it at rest?"


@simulated_time
@pytest.mark.parametrize("where", ["Does it run", "Is it at rest", "is dropped", "is sent"])
@pytest.mark.parametrize("mute", [False, True])
async def test_who_leaves_leaves_it_stopped_and_its_link_closed(where: str, mute: bool) -> None:
    class Leaves(Somebody):
        async def press(self, text: str) -> None:
            await super().press(text)
            if where in text and "step 1" not in text:
                raise Refused("they left", "")

        async def sees(self, question: str) -> bool:
            if where in question:
                raise Refused("they left", "")
            return await super().sees(question)

    async with PeerLink(RunsOn(mute=mute)) as link:
        driver = Noted(link)
        with pytest.raises(Refused, match="they left"):
            await TableTrial(driver, Leaves(link)).run()
        count = len(driver.notes)
        await asyncio.sleep(2 * LONGEST_S)
        assert link.peer.steps == (0,)
        assert isinstance(link.peer, RunsOn)
        assert link.peer.left == 1
        assert driver.notes[count:] == [], "it is asked for more after the end"


@simulated_time
@pytest.mark.parametrize("mute", [False, True])
async def test_nothing_is_asked_of_the_driver_after_a_stop_or_after_the_end(mute: bool) -> None:
    async with PeerLink(AsciiPeer(mute=mute)) as link:
        driver = Noted(link)

        class Slow(Somebody):
            async def sees(self, question: str) -> bool:
                if question != "Is it at rest?":
                    return await super().sees(question)
                count = driver.notes.count("send"), driver.notes.count("stop")
                await asyncio.sleep(10.0)
                assert (driver.notes.count("send"), driver.notes.count("stop")) == count
                return await super().sees(question)

        _, shown = await TableTrial(driver, Slow(link)).run()
        assert shown.reads_back is not mute
        assert driver.notes.count("at rest") == 5
        assert driver.notes[-1] == "close"
        count = len(driver.notes)
        await asyncio.sleep(2 * LONGEST_S)
        assert len(driver.notes) == count


@simulated_time
async def test_a_stop_that_is_in_vain_is_sent_once_more_on_the_way_out() -> None:
    class DeafTillAsked(AsciiPeer):
        hears = False

        def take(self, data: bytes, now: float) -> Sequence[bytes]:
            return super().take(data if self.hears else data.replace(b"OFF", b"WHO"), now)

    class SeesItRun(Somebody):
        async def sees(self, question: str) -> bool:
            answer = await super().sees(question)
            if question == "Is it at rest?":
                assert isinstance(self.link.peer, DeafTillAsked)
                self.link.peer.hears = True
            return answer

    async with PeerLink(DeafTillAsked()) as link:
        with pytest.raises(StopUnconfirmed, match="a person sees"):
            await TableTrial(Noted(link), SeesItRun(link)).run()
        assert link.history[-1][1] == (0,)


@pytest.mark.parametrize("silent_about", ["levels", "zeros", "wrong"])
@simulated_time
async def test_what_is_told_counts_only_where_each_level_and_each_zero_is(
    silent_about: str,
) -> None:
    class Tells(AsciiPeer):
        def take(self, data: bytes, now: float) -> Sequence[bytes]:
            answers = super().take(data, now)
            if silent_about == "wrong":
                return [
                    b"=1\n" if answer[:1] == b"=" and answer != b"=0\n" else answer
                    for answer in answers
                ]
            zero = silent_about == "zeros"
            return [one for one in answers if one[:1] != b"=" or (one == b"=0\n") is not zero]

    shown, _, _ = await tried(make=Tells)
    assert shown == Shown(levels_seen=True, stops_when_left=True, no_remote=True)


@simulated_time
@pytest.mark.parametrize(
    ("dead_man", "on_disconnect", "left"),
    [
        (DeadMan.NONE, OnDisconnect.UNKNOWN, False),
        (DeadMan.NONE, OnDisconnect.STOPS, True),
        (DeadMan.OWN, OnDisconnect.UNKNOWN, True),
    ],
)
async def test_it_is_left_only_where_it_is_said_to_stop_then(
    dead_man: DeadMan, on_disconnect: OnDisconnect, left: bool
) -> None:
    spec = declared(dead_man=dead_man, on_disconnect=on_disconnect)
    shown, person, _ = await tried(spec)
    assert ("the link is dropped" in [text for text, _ in person.pressed]) is left
    assert shown.stops_when_left is left


@simulated_time
async def test_what_it_does_when_left_is_seen_without_its_guardian() -> None:
    async with PeerLink(RunsOn()) as link:
        guarded, alone = Noted(link, name="guarded"), Noted(link, name="alone")
        alone.notes = guarded.notes
        person = Somebody(link)
        _, shown = await TableTrial(guarded, person, alone).run()
        assert not shown.stops_when_left
        notes = [note for note, _ in groupby(guarded.notes)]
        levels = ["guarded send", "guarded stop", "guarded at rest"]
        assert notes == [
            "guarded open",
            *levels,
            *("guarded stop", "guarded at rest"),
            *3 * levels,
            "guarded close",
            *("alone open", "alone send", "alone close"),
            *("alone open", "alone stop", "alone close"),
            *("guarded open", "guarded stop", "guarded close"),
        ]


@simulated_time
@pytest.mark.parametrize(
    ("spec", "wanted", "asked"),
    [
        (timed([], own_timer=False), True, False),
        (declared(own_timer=True), True, False),
        (timed([]), False, True),
    ],
)
async def test_no_timer_is_waited_for_that_is_not_there_or_not_wanted(
    spec: DriverSpec, wanted: bool, asked: bool
) -> None:
    shown, person, link = await tried(spec, lies={"Do you want": wanted})
    assert not shown.ends_by_timer
    assert any("Do you want" in question for question in person.asked) is asked
    assert not any("with its timer" in text for text, _ in person.pressed)
    assert link.history[-1][0] < 60.0


@simulated_time
async def test_its_shortest_timer_runs_at_the_gentlest_level_and_is_stopped_where_it_fails() -> (
    None
):
    class Asks(Somebody):
        async def sees(self, question: str) -> bool:
            if "no remote" in question:
                assert self.link.peer.steps == (0,)
            return await super().sees(question)

    asked_for: list[float] = []
    spec = timed(asked_for)
    async with PeerLink(AsciiPeer()) as link:
        person = Asks(link)
        _, shown = await TableTrial(Noted(link, spec), person).run()
        assert not shown.ends_by_timer
        assert person.pressed[-1][0] == "step 1 is sent, with its timer at 5 min"
        (began, level), (ended, rest) = link.history[-2:]
        assert (level, rest) == ((1,), (0,))
        assert TIMER_MIN * 60 < ended - began < TIMER_MIN * 60 + 30
        assert asked_for[-1] == TIMER_MIN


@simulated_time
async def test_a_level_that_nobody_judges_is_stopped_once_and_that_is_said() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = Noted(link)

        class Slow(Somebody):
            async def sees(self, question: str) -> bool:
                if "Does it run" not in question:
                    return await super().sees(question)
                await asyncio.sleep(LONGEST_S - 2.0)
                assert self.link.peer.steps == (1,)
                await asyncio.sleep(5.0)
                assert self.link.peer.steps == (0,)
                assert driver.notes.count("stop") == 1
                return False

        person = Slow(link)
        with pytest.raises(Refused):
            await TableTrial(driver, person).run()
        assert person.said == [f"No one answered for {LONGEST_S:g} s: it was stopped."]


@simulated_time
@pytest.mark.parametrize(("late", "stops"), [(STOP_LATE_S - 0.2, False), (STOP_LATE_S + 0.3, True)])
async def test_r24_a_loop_that_is_late_stops_it(late: float, stops: bool) -> None:
    class Late(Somebody):
        async def sees(self, question: str) -> bool:
            if "Does it run" in question:
                await asyncio.sleep(2.0)
                running_loop().clock.advance(late)
                await asyncio.sleep(1.0)
                assert (self.link.peer.steps == (0,)) is stops
                return False
            return await super().sees(question)

    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(Refused, match="not what it should be"):
            await TableTrial(Noted(link), Late(link)).run()


@simulated_time
@pytest.mark.parametrize("left", [False, True])
async def test_a_driver_that_fails_while_it_runs_ends_it(left: bool) -> None:
    """At once where the level is stopped, and before its link is dropped."""

    class Fails(AsciiDialect):
        fails = False

        def due(self, now: float) -> Sequence[bytes]:
            if type(self).fails:
                raise RuntimeError("no keep-alive")
            return []

    class Breaks(Somebody):
        async def sees(self, question: str) -> bool:
            if "Does it run" in question and not left:
                Fails.fails = True
            return await super().sees(question)

        async def press(self, text: str) -> None:
            Fails.fails = Fails.fails or text == "the link is dropped"
            await super().press(text)

    async with PeerLink(RunsOn()) as link:
        person = Breaks(link)
        spec = msgspec.structs.replace(ASCII, dialect=Fails)
        with pytest.raises(DriverFault, match="no keep-alive"):
            await TableTrial(Noted(link, spec), person).run()
        last = "the link is dropped" if left else "the stop is sent"
        assert person.pressed[-1][0] == last
        assert "rest" not in person.asked[-1] or left
        assert not any("Look at it for" in question for question in person.asked)
        assert link.peer.steps == (0,)
