"""Runs the suite: in simulated time each check on a fresh device, in real time one after the other on one device."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from massager_ctl.errors import InputError, MassagerError
from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.benchfile import BenchFile
from massager_hil.client import Client
from massager_hil.clock import run_simulated
from massager_hil.device_clock import MEASURED_FOR_S, DeviceClock, rate_of
from massager_hil.devices import in_simulated_time, simulated_dut
from massager_hil.dut import Dut, ExternalDut
from massager_hil.equipment import Equipment
from massager_hil.hooks import HookFailed
from massager_hil.model import (
    CannotMeasure,
    Check,
    Finding,
    LinkGone,
    Need,
    NotHere,
    Outcome,
    Tier,
    Verdict,
)
from massager_hil.needs import unmet
from massager_hil.rig import Say, at_rest, leave
from massager_hil.signals import heeded
from massager_hil.tables import Feature

LATE_S: Final = 0.1
"""A check that failed while this computer or the link was this late may be done again,"""
REPEATS: Final = 3
"""so often at most."""
_SPOILS: Final = "memory"
_LIMIT_S: Final = {Tier.QUICK: 240.0, Tier.FULL: 5000.0}
"""Seconds after which a check is given up."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asked for."""

    address: str
    checks: tuple[Check, ...]
    full: bool = False
    bench_serial: str = ""
    """The serial number of a device that lies on a bench, so that its motors may move."""
    bench: BenchFile | None = None
    """What can be done to it there."""
    witness: tuple[str, ...] = ()
    """A program that measures its outputs from outside."""
    full_power: bool = False
    interactive: bool = False
    seed: int = 1
    repeat: int = 1
    first_failure: bool = False
    """End after the first check that fails."""
    clock_rate: float | None = None
    """Seconds of the device's clock in one of this computer's, where an earlier run has measured it."""


@dataclass(slots=True)
class Session:
    """One run of the suite."""

    address: str
    info: wire.Info | None = None
    simulated_time: bool = False
    full: bool = False
    seed: int = 1
    clock_rate: float | None = None
    """Seconds of the device's clock in one second of this computer's; None until it was measured."""
    began: float = field(default_factory=time.time)
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    wall_s: float = 0.0
    lost: str = ""
    """Why the device could not be reached any more, or at all."""
    interrupted: bool = False
    """By Ctrl-C or a signal."""
    stopped: bool = True
    """The device confirmed STOP at the end; True if it is in simulated time."""
    bench_failed: str = ""
    """What the bench did not do at the end of the run."""

    def count(self, verdict: Verdict) -> int:
        """How many checks came out so."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def flaky(self) -> list[Outcome]:
        """Checks that passed, but not at the first try."""
        return [outcome for outcome in self.outcomes if outcome.flaky]

    @property
    def rules_broken(self) -> list[str]:
        """Every rule that a finding says is broken, in the order of their numbers."""
        rules = {rule for outcome in self.outcomes for rule in outcome.rules_broken}
        return sorted(rules, key=lambda rule: (len(rule), rule))


Tell = Callable[[Outcome], None]


def run(order: Order, tell: Tell, say: Say) -> Session:
    """Run what `order` asks for. Raises `InputError` if that is wrong; a lost device is recorded in the session."""
    began = time.monotonic()
    embedded = in_simulated_time(order.address)
    session = Session(order.address, None, embedded, full=embedded or order.full, seed=order.seed)
    session.clock_rate = order.clock_rate
    checks = [check for _ in range(order.repeat) for check in order.checks]

    def done(outcome: Outcome) -> bool:
        session.outcomes.append(outcome)
        tell(outcome)
        return order.first_failure and outcome.verdict is Verdict.FAILED

    if embedded and (order.witness or order.bench is not None):
        raise InputError(
            f"{order.address} is in simulated time: hooks and a witness need a device over a link",
            "Leave out --witness and a bench's file, or name a link.",
        )
    try:
        if embedded:
            for check in checks:
                if done(run_simulated(lambda check=check: _embedded(order, check, session))):
                    break
        else:
            # A memory that was spoilt is charged with the whole hour, so that nothing can run after it.
            checks.sort(key=lambda check: check.id == _SPOILS)
            _on_its_link(order, session, say, lambda external: external.run(checks, done))
    except InputError:
        raise
    except (KeyboardInterrupt, asyncio.CancelledError):
        session.interrupted = True
    except (LinkGone, CannotMeasure, HookFailed, MassagerError, OSError) as problem:
        session.lost = str(problem)
    if session.lost or session.interrupted:
        why = "the device was lost before" if session.lost else "the run was interrupted before"
        for check in checks[len(session.outcomes) :]:
            done(Outcome(check, Verdict.NOT_RUN, why))
    session.wall_s = time.monotonic() - began
    return session


def _on_its_link(
    order: Order,
    session: Session,
    say: Say,
    procedure: Callable[[_External], Coroutine[Any, Any, None]],
) -> None:
    """Run a procedure with a device at the other end of a link, and switch it off after it, however that ended."""
    external = _External(order, session, say)
    try:
        asyncio.run(procedure(external))
    finally:
        session.bench_failed = external.kit.switch_off()


async def _embedded(order: Order, check: Check, session: Session) -> Outcome:
    """One check on a device of its own, fresh from power-on."""
    dut = simulated_dut(order.address)
    try:
        if session.clock_rate is None:
            session.clock_rate = await _rate_of_another(order)
        bench = await make_bench(dut, order, session.clock_rate)
        session.info = session.info or bench.info
        bench.fresh = lambda: _another(order, bench.clock.measured)
        missing = check.needs - bench.operator.can - {Need.FULL_POWER}
        if missing:
            return Outcome(check, Verdict.SKIPPED, "; ".join(need.value for need in missing))
        return await judged(bench, check)
    except CannotMeasure as problem:
        return not_reached(check, problem)
    finally:
        dut.end()


@asynccontextmanager
async def _another(order: Order, rate: float) -> AsyncGenerator[Bench]:
    """One more device, fresh from power-on, beside the one that a check began with."""
    dut = simulated_dut(order.address)
    try:
        yield await make_bench(dut, order, rate)
    finally:
        dut.end()


async def _rate_of_another(order: Order) -> float:
    """How fast the clock of such a device runs, seen on one of its own; 1 where it does not talk."""
    dut = simulated_dut(order.address)
    try:
        return await _clock_rate(await dut.connect())
    except CannotMeasure:
        return 1.0
    finally:
        dut.end()


async def _clock_rate(client: Client) -> float:
    await client.next()
    await client.until(lambda: False, MEASURED_FOR_S)
    return rate_of(client.heard)


async def make_bench(dut: Dut, order: Order, rate: float | None = None) -> Bench:
    """A bench with the device on it; `rate` is that of its clock, measured here where it is not known.

    Raises `CannotMeasure` if the device does not talk.
    """
    client = await dut.connect()
    await client.next()
    if rate is None:
        rate = await _clock_rate(client)
        client.forget()
        await client.next()
    client.clock = DeviceClock(rate)
    info = await client.info()
    second = dut.connect_second if dut.can_open_second else None
    bench = Bench(
        client,
        info,
        kind=dut.kind,
        operator=dut.operator,
        slack_s=dut.slack_s,
        connect=second,
        reconnect=dut.connect,
    )
    bench.connect_poor = getattr(dut, "connect_poor", None)
    bench.seed, bench.full = order.seed, order.full
    simulated = bool(info.flags & Feature.SIMULATED)
    bench.limit_power(None if simulated or order.full_power else 100)
    return bench


class _External:
    """A device at the other end of a link, in real time."""

    def __init__(self, order: Order, session: Session, say: Say) -> None:
        self._order = order
        self._session = session
        self._say = say
        self._bench: Bench | None = None
        self.kit = Equipment(order.bench, order.witness, say, interactive=order.interactive)

    async def run(self, checks: list[Check], done: Callable[[Outcome], bool]) -> None:
        """All checks; the device is left at rest whatever happens. Raises what says that it was lost."""
        task = asyncio.current_task()
        if task is not None:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                for number in heeded():
                    asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        dut = ExternalDut(self._order.address, self.kit.operator)
        try:
            await self.kit.prepare(dut)
            self._bench = bench = await make_bench(dut, self._order, self._order.clock_rate)
            self.kit.attach(bench, self._order.address)
            self._session.info = bench.info
            self._session.clock_rate = bench.clock.measured
            bench.fresh = self._rested
            self._warn(bench)
            for check in checks:
                self.kit.check()
                outcome = unmet(bench, check, self._order) or await self._patiently(bench, check)
                if done(outcome):
                    break
        finally:
            if not self.kit.locks.refused:
                self._session.stopped = await leave(self._bench, self._say)
            await self.kit.stop()
            if self._bench is not None and self._bench.lateness is not None:
                self._bench.lateness.stop()
            dut.end()

    @asynccontextmanager
    async def _rested(self) -> AsyncGenerator[Bench]:
        if self._bench is None:
            raise LinkGone("there is no device")
        await at_rest(self._bench, self._say)
        yield self._bench

    def _warn(self, bench: Bench) -> None:
        self._say(
            "No one may wear the device during this run, and nothing may lie in it. It uses no dose ledger."
        )
        if self._order.full:
            self._say(
                "This takes over three hours, and spends the device's running time for the next hour."
            )
        asked = self._order.bench_serial
        if asked and asked != bench.info.serial:
            raise InputError(
                f"--bench names {asked}, and the device at {self._order.address} is {bench.info.serial}",
                "Look which device lies on the bench, and name that one.",
            )

    async def _patiently(self, bench: Bench, check: Check) -> Outcome:
        """One check; done again where it failed by this computer's clock, and that was late."""
        tries: list[Outcome] = []
        while True:
            try:
                await at_rest(bench, self._say)
                bench.info = await bench.client.info()
            except CannotMeasure as problem:
                outcome = not_reached(check, problem)
                outcome.tries = tries
                return outcome
            outcome = await judged(bench, check)
            outcome.late_s = bench.lateness.worst if bench.lateness is not None else 0.0
            outcome.tries = tries
            mine = any(not finding.device_clock for finding in outcome.broken)
            only_mine = not any(finding.device_clock for finding in outcome.broken)
            failed = outcome.verdict is Verdict.FAILED
            if not (failed and mine and only_mine) or outcome.late_s < LATE_S:
                return outcome
            if len(tries) == REPEATS:
                return outcome
            tries = [*tries, outcome]
            said = "; ".join(str(finding) for finding in outcome.broken[:2])
            late = f"this computer or the link was {outcome.late_s:.2f} s late"
            self._say(f"{check.id}: {late}; once more. The first time: {said}")
            await asyncio.sleep(0.5)


async def judged(bench: Bench, check: Check) -> Outcome:
    """Run one check, and judge what it and the oracle found. Whatever happens in it is a finding."""
    loop = asyncio.get_running_loop()
    bench.findings, bench.rule = [], check.rules[0]
    bench.watch()
    began = loop.time()
    reason = ""
    verdict = Verdict.PASSED
    try:
        async with asyncio.timeout(bench.patience_s or _LIMIT_S[check.tier]):
            await check.procedure(bench)
    except CannotMeasure as problem:
        reason = problem.what
        bench.findings.append(_stopped_short(check, problem))
    except NotHere as problem:
        reason, verdict = str(problem), Verdict.SKIPPED
    except HookFailed as problem:
        reason, verdict = str(problem), Verdict.NOT_RUN
        bench.forget_what_was_not_done()
    except TimeoutError:
        reason = f"gave up after {_LIMIT_S[check.tier]:.0f} s"
        bench.findings.append(
            Finding(check.rules[0], "the check ends", reason, "in time", ok=False)
        )
    except (MassagerError, OSError) as problem:
        reason = f"the link was lost: {problem}"
        bench.findings.append(Finding("R15", "the link holds", str(problem), "it does", ok=False))
    except Exception as problem:  # noqa: BLE001 - a device may say anything: that is a finding, and no end
        where = traceback.extract_tb(sys.exc_info()[2])[-1]
        reason = f"{type(problem).__name__}: {problem} ({where.name}, line {where.lineno})"
        what = "what the device said could be made sense of"
        bench.findings.append(Finding(check.rules[0], what, reason, "it could", ok=False))
    unheard = await bench.heard_out()
    bench.findings += bench.verdict_of_the_oracle()
    if any(not finding.ok for finding in bench.findings):
        verdict = Verdict.FAILED
    elif unheard:
        reason, verdict = unheard, Verdict.NOT_RUN
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
    if bench.oracle is not None:
        outcome.samples = bench.oracle.sheet.samples
    if verdict is Verdict.FAILED:
        outcome.frames = bench.frames
    bench.close_others()
    return outcome


def _stopped_short(check: Check, problem: CannotMeasure) -> Finding:
    what = "what this check builds on"
    return Finding(problem.rule or check.rules[0], what, problem.what, "it holds", ok=False)


def not_reached(check: Check, problem: CannotMeasure) -> Outcome:
    """A check that could not begin, and why."""
    return Outcome(check, Verdict.FAILED, problem.what, [_stopped_short(check, problem)])
