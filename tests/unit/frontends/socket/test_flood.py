"""A client that floods delays no one's stop, takes no room, and is answered once (R6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time
from tests.unit.frontends.socket.served import DEVICE, Line, dial, served

from massager_ctl.frontends.socket import conversation, intake
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.frontends.socket.turns import PER_TURN, Noise, Turns
from massager_ctl.model.requests import Change
from massager_ctl.model.status import Phase

pytestmark = pytest.mark.usefixtures("runtime")

SET = b'{"request":"set","zone":"all","percent":5}\n'
STOP = b'{"request":"stop"}\n'


class Order:
    """What the controller was asked, in order; it does it all the same."""

    def __init__(self, bench: Bench) -> None:
        self.asked: list[str] = []
        controller: Any = bench.controller
        request, stop = controller.request, controller.stop_now

        def requested(change: Change, **more: Any) -> None:
            self.asked.append("change")
            request(change, **more)

        def stopped(*more: Any) -> Any:
            self.asked.append("stop")
            return stop(*more)

        controller.request, controller.stop_now = requested, stopped


@asynccontextmanager
async def flooded(
    **more: Any,
) -> AsyncGenerator[tuple[Bench, ControlServer, Line, Order]]:
    async with served(**more) as (bench, server, line):
        yield bench, server, line, Order(bench)


@simulated_time
async def test_r6_the_stop_of_another_client_passes_what_a_flood_has_brought() -> None:
    async with flooded() as (bench, server, line, order):
        other = await dial(server.path)
        line.writer.write(SET * 3000)
        other.writer.write(STOP)
        assert (await other.hear())["ok"] is True
        assert not any(bench.out.values())
        assert order.asked.index("stop") <= 4 * PER_TURN
        await other.close()


@simulated_time
async def test_r6_a_stop_passes_what_the_same_client_sent_before_it() -> None:
    async with flooded() as (bench, _, line, order):
        line.writer.write(SET * 200 + STOP)
        await asyncio.sleep(0.5)
        assert order.asked[0] == "stop"
        assert bench.controller.status.phase is Phase.ENDED


@pytest.mark.parametrize("word", [rb"\u0073top", rb"sto\u0070"])
@simulated_time
async def test_r6_a_stop_with_letters_written_as_escapes_passes_as_well(word: bytes) -> None:
    async with flooded() as (_, _, line, order):
        line.writer.write(SET * 200 + b'{"request":"' + word + b'"}\n')
        await asyncio.sleep(0.5)
        assert order.asked[0] == "stop"


@simulated_time
async def test_r6_every_stop_is_done_however_many_come_at_once() -> None:
    many = 3 * conversation.URGENT_MAX

    async with flooded() as (_, _, line, order):
        line.writer.write(STOP * many)
        answers = [await line.hear() for _ in range(many)]
        assert all(answer["ok"] for answer in answers)
        assert order.asked.count("stop") == many


@pytest.mark.parametrize("junk", [b'{"x":"stop"}\n', b'{"x":"pain\xff"}\n', b'"\\u0073top"\n'])
@simulated_time
async def test_r6_no_number_of_lines_that_only_look_like_stops_holds_one_up(junk: bytes) -> None:
    async with flooded() as (bench, _, line, order):
        line.writer.write(SET * 250)
        await asyncio.sleep(0)
        line.writer.write(junk * 200 + STOP)
        await asyncio.sleep(0.15)
        assert order.asked.count("stop") == 1
        assert order.asked.index("stop") <= 4 * PER_TURN
        assert bench.controller.status.phase is Phase.ENDED


@pytest.mark.parametrize("word", [b"start", rb"\u0073tart", rb"st\u0061rt"])
@simulated_time
async def test_r6_no_start_outlives_a_stop_that_came_after_it(word: bytes) -> None:
    start = b'{"request":"' + word + b'","profile":"manual"}\n'
    async with flooded(start_s=None) as (bench, _, line, _order):
        # More starts than are recorded, and enough between them for the first ones to be over.
        line.writer.write(start * conversation.SLOW_MAX + SET * 100 + start * 40 + STOP)
        await asyncio.sleep(2.0)
        assert not bench.controller.status.phase.in_session
        assert bench.controller.status.phase is not Phase.ARMING
        assert not [line for line in bench.trace if line.get("event") == "arm"]


@simulated_time
async def test_a_start_that_waits_behind_a_flood_is_cancelled_by_the_stop_that_follows_it() -> None:
    async with flooded(start_s=None) as (bench, server, line, _):
        other = await dial(server.path)
        line.writer.write(SET * 100 + b'{"request":"start","profile":"manual","id":1}\n')
        await asyncio.sleep(0)
        other.writer.write(STOP)
        assert (await other.hear())["ok"] is True
        while (answer := await line.hear()).get("id") != 1:
            pass
        assert "cancelled" in answer["error"]["message"]
        assert not bench.controller.status.phase.in_session
        await other.close()


@simulated_time
async def test_junk_is_counted_and_told_once_a_second() -> None:
    noise: list[int] = []

    async with served(on_noise=noise.append) as (bench, _, line):
        many = 2000
        for _ in range(many // 100):  # no more at once than may wait
            line.writer.write(b"what?\n" * 100)
            await line.writer.drain()
            await asyncio.sleep(0.02)
        await asyncio.sleep(2.5)
        line.writer.write(b'{"request":"status","id":"last"}\n')
        heard: list[dict[str, Any]] = []
        while (answer := await line.hear()).get("id") != "last":
            heard.append(answer)
        assert len(heard) <= 2 * (conversation.JUNK_SHOWN + 1)
        shown = [one for one in heard if one["error"]["code"] == "bad_input"]
        refusals = [one for one in heard if one["error"]["code"] == "refused"]
        assert "had no effect" in refusals[0]["error"]["message"]
        assert sum(noise) + len(shown) == many
        assert 1 <= len(noise) <= 2
        assert bench.controller.status.phase is Phase.RUNNING


@simulated_time
async def test_more_than_may_wait_is_dropped_counted_and_told() -> None:
    noise: list[int] = []

    async with served(on_noise=noise.append) as (_, _, line):
        many = 20 * intake.WAITING_MAX
        line.writer.write(b'{"request":"ease","points":0}\n' * many)
        await asyncio.sleep(4.0)
        line.writer.write(b'{"request":"status","id":"last"}\n')
        done = 0
        while (answer := await line.hear()).get("id") != "last":
            done += answer["ok"]
        assert done + sum(noise) == many
        assert done <= 4 * intake.WAITING_MAX


@simulated_time
async def test_who_asks_for_too_much_that_takes_time_is_told_so() -> None:
    async with served(start_s=None) as (_, _, line):
        many = 3 * conversation.SLOW_MAX
        line.writer.write(b'{"request":"ready","symptoms":"no"}\n' * many)
        answers = [await line.hear() for _ in range(many)]
        assert not any(answer["ok"] for answer in answers)
        assert DEVICE in {answer["device"]["identity"] for answer in answers}


@pytest.mark.asyncio
async def test_clients_take_turns_and_reading_comes_in_between() -> None:
    order: list[str] = []
    turns = Turns()

    class Client:
        def __init__(self, name: str, left: int) -> None:
            self.name, self.left = name, left

        def take_next(self) -> bool:
            order.append(self.name)
            self.left -= 1
            return self.left > 0

    for client in (Client("a", 100), Client("b", 2)):
        turns.add(client)
        turns.add(client)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert order[:2] == ["a", "b"]
    assert len(order) <= 2 * PER_TURN
    for _ in range(100):
        await asyncio.sleep(0)
    assert (order.count("a"), order.count("b")) == (100, 2)


@pytest.mark.asyncio
async def test_a_client_at_which_this_program_fails_keeps_no_other_waiting() -> None:
    taken: list[str] = []
    turns = Turns()

    class Client:
        def __init__(self, name: str) -> None:
            self.name = name

        def take_next(self) -> bool:
            taken.append(self.name)
            if self.name == "faulty":
                raise RuntimeError(self.name)
            return False

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    for name in ("faulty", *"abcd"):
        turns.add(Client(name))
    for _ in range(5):
        await asyncio.sleep(0)
    assert taken == ["faulty", *"abcd"]


@pytest.mark.asyncio
async def test_noise_that_ends_with_its_client_is_told_at_once() -> None:
    refusals: list[int] = []
    noise = Noise(refusals.append, shown=1)
    assert noise.count()
    assert not noise.count()
    noise.close()
    assert refusals == [1]
    noise.close()
    assert refusals == [1]
