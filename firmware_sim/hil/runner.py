"""Runs the suite: on `sim:` each check on a fresh device in simulated time, elsewhere one by one in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from firmware_sim import wire
from firmware_sim.hil.bench import Bench
from firmware_sim.hil.client import Client
from firmware_sim.hil.dut import Dut, EmbeddedDut, ExternalDut, is_embedded
from firmware_sim.hil.hands import AskingHands, Hands, NoHands
from firmware_sim.hil.model import (
    CannotMeasure,
    Check,
    Finding,
    Need,
    NotHere,
    Outcome,
    Tier,
    Verdict,
)
from firmware_sim.simulated_time import run_simulated
from firmware_sim.states import Result, State
from massager_ctl.errors import LinkError

LATE_S: Final = 0.1
"""A check that failed while this computer or the link was this late is done again,"""
REPEATS: Final = 2
"""so often at most."""
_SIMULATED: Final = 1

_HINTS: Final = {
    Need.MOTOR: "run with --on-bench",
    Need.HAND: "run with --interactive",
    Need.CHARGER: "run with --interactive",
    Need.SECOND_LINK: "this kind of link is the only one",
    Need.POWER: "only a simulated device in this process can do it",
    Need.FAULT: "run it on sim:",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asked for."""

    address: str
    checks: tuple[Check, ...]
    full: bool = False
    on_bench: bool = False
    interactive: bool = False


@dataclass(slots=True)
class Session:
    """One run of the suite."""

    address: str
    info: wire.Info | None = None
    simulated_time: bool = False
    full: bool = False
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    wall_s: float = 0.0
    lost: str = ""
    """Why the device could not be reached any more, in the middle of the run."""

    def count(self, verdict: Verdict) -> int:
        """How many checks came out so."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def rules_broken(self) -> list[str]:
        """Every rule that a finding says is broken, in the order of their numbers."""
        rules = {rule for outcome in self.outcomes for rule in outcome.rules_broken}
        return sorted(rules, key=lambda rule: (len(rule), rule))


class LinkGone(Exception):
    """The device cannot be reached any more."""


Tell = Callable[[Outcome], None]
Say = Callable[[str], None]


def run(order: Order, tell: Tell, say: Say) -> Session:
    """Run what `order` asks for. Raises `MassagerError` of the transports where the device cannot be reached."""
    began = time.monotonic()
    if is_embedded(order.address):
        session = Session(order.address, simulated_time=True, full=True)
        for check in order.checks:
            outcome = run_simulated(lambda check=check: _embedded(order.address, check, session))
            session.outcomes.append(outcome)
            tell(outcome)
    else:
        session = Session(order.address, full=order.full)
        asyncio.run(_external(order, session, tell, say))
    session.wall_s = time.monotonic() - began
    return session


async def _embedded(address: str, check: Check, session: Session) -> Outcome:
    """One check on a device of its own, fresh from power-on."""
    dut = EmbeddedDut(address)
    try:
        bench = await _bench(dut)
        session.info = session.info or bench.info
        return await _judged(bench, check)
    except CannotMeasure as problem:
        return _not_reached(check, problem)
    finally:
        dut.end()


async def _bench(dut: Dut) -> Bench:
    client = await dut.connect()
    await client.next()
    info = await client.info()
    second = dut.connect_second if dut.can_open_second else None
    return Bench(
        client,
        info,
        kind=dut.kind,
        hands=dut.hands,
        slack_s=dut.slack_s,
        connect=second,
        reconnect=dut.connect,
    )


async def _external(order: Order, session: Session, tell: Tell, say: Say) -> None:
    hands: Hands = AskingHands(say) if order.interactive else NoHands()
    dut = ExternalDut(order.address, hands)
    try:
        bench = await _bench(dut)
        session.info = bench.info
        simulated = bool(bench.info.flags & _SIMULATED)
        say(
            "No one may wear the device during this run, and nothing may lie in it. "
            "It uses no dose ledger."
        )
        if order.full:
            say(
                "This takes over two hours, and spends the device's running time for the next hour."
            )
        for check in order.checks:
            outcome = _unmet(bench, check, order, simulated) or await _patiently(bench, check, say)
            session.outcomes.append(outcome)
            tell(outcome)
        await _at_rest(bench, say)
    except LinkGone as gone:
        session.lost = str(gone)
    finally:
        dut.end()


def _unmet(bench: Bench, check: Check, order: Order, simulated: bool) -> Outcome | None:
    """Why a check is not run here; None if it can be."""
    if check.tier is Tier.FULL and not order.full:
        return Outcome(check, Verdict.NOT_COVERED, "takes minutes to an hour: run with --full")
    can = set(bench.hands.can)
    if simulated or order.on_bench:
        can.add(Need.MOTOR)
    if bench.has_second_link:
        can.add(Need.SECOND_LINK)
    for need in sorted(check.needs - can, key=lambda need: list(Need).index(need)):
        return Outcome(check, Verdict.SKIPPED, f"{need.value}: {_HINTS[need]}")
    return None


async def _patiently(bench: Bench, check: Check, say: Say) -> Outcome:
    """One check; done again where this computer was late, since then it measured itself."""
    repeats = 0
    while True:
        try:
            await _at_rest(bench, say)
        except CannotMeasure as problem:
            return _not_reached(check, problem)
        stall = _Stall()
        outcome = await _judged(bench, check)
        late = max(stall.stop(), bench.client.lag_s)
        outcome.repeats = repeats
        if outcome.verdict is not Verdict.FAILED or late < LATE_S or repeats == REPEATS:
            return outcome
        repeats += 1
        say(f"{check.id}: this computer or the link was {late:.2f} s late; once more")


class _Stall:
    """How late the event loop was at worst."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.02
            await asyncio.sleep(0.02)
            self._worst = max(self._worst, loop.time() - due)

    def stop(self) -> float:
        """Stop looking; the worst lateness in seconds."""
        self._task.cancel()
        return self._worst


async def _at_rest(bench: Bench, say: Say) -> None:
    """`_calm`, on a new link where the old one is gone. Raises `LinkGone` if there is none to be had."""
    try:
        await _calm(bench, say)
    except CannotMeasure:
        if bench.client.lost is None:
            raise
        try:
            await _calm(bench, say)
        except (CannotMeasure, LinkError) as problem:
            raise LinkGone(str(problem)) from problem
    except LinkError as problem:
        raise LinkGone(str(problem)) from problem


async def _calm(bench: Bench, say: Say) -> None:
    """Everything at rest, whatever the check before left behind."""
    bench.close_others()
    if bench.client.lost is not None or bench.client.pipe is None:
        await bench.reopen()
    client = bench.client
    _forget(client)
    await client.stop()
    told = await client.settle()
    if told.flags & 1:
        await bench.hands.release(client)
    if told.flags & 4:
        say("Unplug the charger.")
        await client.until(lambda: not client.told.flags & 4, 60.0)
    if told.state in (State.LATCHED, State.FAULT):
        result = await client.reset()
        if result is not Result.OK:
            raise CannotMeasure("the device stays latched, and RESET does not clear it", "R7")
        await client.next()
    client.owner ^= 0x01010101
    _forget(client)
    await client.next()


def _forget(client: Client) -> None:
    """Start a new sheet: what was heard before belongs to another check."""
    client.heard.clear()
    client.marks.clear()
    client.acks.clear()
    client.infos.clear()
    client.garbled = 0
    client.lag_s = 0.0


async def _judged(bench: Bench, check: Check) -> Outcome:
    """Run one check, and judge what it found."""
    loop = asyncio.get_running_loop()
    bench.findings, bench.rule = [], check.rules[0]
    began = loop.time()
    reason = ""
    verdict = Verdict.PASSED
    try:
        await check.story(bench)
    except CannotMeasure as problem:
        reason = problem.what
        rule = problem.rule or check.rules[0]
        bench.findings.append(Finding(rule, "could be measured", problem.what, "yes", ok=False))
    except NotHere as problem:
        reason, verdict = str(problem), Verdict.SKIPPED
    if any(not finding.ok for finding in bench.findings):
        verdict = Verdict.FAILED
    client = bench.client
    outcome = Outcome(
        check,
        verdict,
        reason,
        bench.findings,
        list(client.heard),
        list(client.marks),
        loop.time() - began,
    )
    bench.close_others()
    return outcome


def _not_reached(check: Check, problem: CannotMeasure) -> Outcome:
    finding = Finding(
        problem.rule or check.rules[0], "could be measured", problem.what, "yes", ok=False
    )
    return Outcome(check, Verdict.FAILED, problem.what, [finding])
