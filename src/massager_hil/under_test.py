"""One device for tests: checks of the suite by name, and procedures of one's own, each with the oracle over it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from massager_hil.devices import in_simulated_time
from massager_hil.model import Check, Need, Outcome, Procedure, Tier, Verdict
from massager_hil.report import line
from massager_hil.runner import Order, Session, run
from massager_hil.suite import all_checks, chosen


class NotConforming(AssertionError):
    """A check failed; the message names rule, measurement and bound of each finding."""


class DeviceUnderTest:
    """What `--massager-device` names. Each check begins with the device at rest, on `sim:` with a new one."""

    def __init__(
        self,
        address: str,
        *,
        full: bool = False,
        bench_serial: str = "",
        full_power: bool = False,
        seed: int = 1,
    ) -> None:
        self._order = Order(
            address,
            (),
            full=full,
            bench_serial=bench_serial,
            full_power=full_power,
            seed=seed,
        )
        self.address = address
        self.in_simulated_time = in_simulated_time(address)
        self.session: Session | None = None
        """The last run: what INFO said, and the rate of the device's clock."""
        self._lost = ""

    def check(self, expression: str) -> list[Outcome]:
        """Run the checks that `expression` chooses, such as `deadman-running` or `R4 and not link`.

        Raises `NotConforming` if one fails, `ValueError` if none is chosen. Those that cannot run are not run.
        """
        checks = [check for check in all_checks() if check.id == expression]
        checks = checks or chosen(expression, all_checks())
        if not checks:
            raise ValueError(f"no check fits {expression!r}; massager-sim hil --list names them")
        outcomes = [self.judge(check) for check in checks]
        self._require(outcomes)
        return outcomes

    def run(
        self,
        procedure: Procedure,
        *rules: str,
        needs: tuple[Need, ...] = (Need.MOTOR,),
        title: str = "",
    ) -> Outcome:
        """Run a coroutine function of your own, which gets a `massager_hil.bench.Bench`, as a check of `rules`.

        Raises `NotConforming` if it, or the oracle, finds something; skips the test where its needs are not met.
        """
        name = procedure.__name__ if hasattr(procedure, "__name__") else "procedure"
        own = Check(name, title or name, rules or ("R16",), Tier.QUICK, frozenset(needs), procedure)
        outcome = self.judge(own)
        self.must_hold(outcome)
        return outcome

    def judge(self, check: Check) -> Outcome:
        """Run one check, whatever comes of it."""
        if self._lost:
            return Outcome(check, Verdict.NOT_RUN, f"the device was lost before: {self._lost}")
        order = replace(self._order, checks=(check,))
        said: list[str] = []
        self.session = session = run(order, lambda _: None, said.append)
        if session.lost:
            self._lost = session.lost
        else:
            self._order = replace(self._order, clock_rate=session.clock_rate)
        return session.outcomes[0]

    def must_hold(self, outcome: Outcome) -> None:
        """Fail or skip the present test as `outcome` says."""
        if outcome.verdict in (Verdict.SKIPPED, Verdict.NOT_COVERED):
            pytest.skip(f"{outcome.verdict.value}: {outcome.reason}")
        self._require([outcome])

    @staticmethod
    def _require(outcomes: list[Outcome]) -> None:
        bad = [o for o in outcomes if o.verdict in (Verdict.FAILED, Verdict.NOT_RUN)]
        if bad:
            raise NotConforming("\n".join(line(outcome) for outcome in bad))
