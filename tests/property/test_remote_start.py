"""R18 as properties: whatever comes over the network, in whatever order, nothing old starts or raises."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from massager_ctl.safety.remote_start import (
    READY_S,
    STAMP_AHEAD_S,
    STAMP_BEHIND_S,
    EchoWatch,
    Need,
    RemoteGate,
    Stamp,
)

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["n0", "n1"]),
)
GATED = st.sampled_from([Need.RAISE, Need.START])


@given(nonce=ANYTHING, t=ANYTHING, retained=st.booleans(), renewed=st.booleans())
def test_what_only_lowers_always_passes(nonce: Any, t: Any, retained: bool, renewed: bool) -> None:
    gate = RemoteGate()
    if renewed:
        gate.renew("n0", 1000.0)
    assert gate.judge(Need.FREE, Stamp(nonce, t, retained), now=0.0, wall=1000.0) is None


@given(need=GATED, nonce=ANYTHING, t=ANYTHING, wall=st.floats(0, 2e9))
def test_only_the_current_nonce_and_a_time_near_now_pass(
    need: Need, nonce: Any, t: Any, wall: float
) -> None:
    gate = RemoteGate()
    gate.renew("n0", wall)
    gate.let(0.0)
    if gate.judge(need, Stamp(nonce, t), now=0.0, wall=wall) is None:
        assert nonce == "n0"
        assert isinstance(t, (int, float))
        assert not isinstance(t, bool)
        assert -STAMP_AHEAD_S <= wall - t <= STAMP_BEHIND_S


@given(need=GATED, t=ANYTHING)
def test_nothing_retained_passes(need: Need, t: Any) -> None:
    gate = RemoteGate()
    gate.renew("n0", 1000.0)
    gate.let(0.0)
    assert gate.judge(need, Stamp("n0", t, retained=True), now=0.0, wall=1000.0) is not None


# Multiples of 1/1024 s, whose sums and differences are exact: at 4 s sharp a rounding would decide.
@given(times=st.lists(st.integers(0, 5 * 1024).map(lambda n: n / 1024), min_size=1, max_size=20))
def test_the_broker_is_lost_four_seconds_after_its_last_echo(times: list[float]) -> None:
    watch = EchoWatch(0.0)
    now = 0.0
    for step in times:
        now += step
        assert watch.lost(now) == (step >= 4.0)
        watch.heard(now)


@given(
    opens_in_s=st.integers(0, 43_200),
    lasts_s=st.integers(1, 1200),
    at=st.integers(0, 60_000),
    stopped=st.booleans(),
)
def test_a_window_that_somebody_named_opens_and_closes_and_is_good_for_one_start(
    opens_in_s: int, lasts_s: int, at: int, stopped: bool
) -> None:
    gate = RemoteGate()
    gate.let(0.0, opens_in_s=opens_in_s, lasts_s=lasts_s)
    opened = opens_in_s <= at < opens_in_s + lasts_s
    waits = gate.ready_in_s(at)
    assert waits == (opens_in_s - at if at < opens_in_s else None)
    assert (gate.ready_for_s(at) > 0) is opened
    for number in range(3):  # the first is let through; refused before it began, it is given back
        gate.renew(f"n{number}", 1000.0)
        stamp = Stamp(f"n{number}", 1000.0 + number / 8)
        let_through = gate.judge(Need.START, stamp, now=at, wall=1000.0) is None
        assert let_through is (opened and (number == 0 or not stopped))
        assert gate.ready_for_s(at) == 0
        if not stopped:
            gate.give_back()
            assert (gate.ready_for_s(at) > 0) is opened


def test_what_was_revoked_is_not_given_back() -> None:
    gate = RemoteGate()
    gate.let(0.0)
    gate.renew("n", 1000.0)
    assert gate.judge(Need.START, Stamp("n", 1000.0), now=0.0, wall=1000.0) is None
    gate.revoke()  # a symptom was reported meanwhile
    gate.give_back()
    assert gate.ready_for_s(0.0) == 0


class Sender(RuleBasedStateMachine):
    """A sender, a network that keeps and repeats everything, and two clocks. The oracle is a plain list of facts."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = RemoteGate()
        self.now = 0.0
        self.wall = 1_800_000_000.0
        self.renewals = 0
        self.sent: list[tuple[Need, Stamp]] = []
        self.taken: list[Stamp] = []
        self.void: set[str] = set()
        """Nonces that a renewal or a start has ended."""
        self.ready_until = -1.0

    def renew(self) -> None:
        if self.gate.nonce is not None:
            self.void.add(self.gate.nonce)
        self.renewals += 1
        self.gate.renew(f"n{self.renewals}", self.wall)

    @rule()
    def renewal(self) -> None:
        self.renew()

    @rule()
    def somebody_is_ready(self) -> None:
        self.gate.let(self.now)
        self.ready_until = self.now + READY_S

    @rule(seconds=st.one_of(st.floats(0, 4), st.sampled_from([0.0, 599.0, 601.0])))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    @rule(seconds=st.sampled_from([-86_400.0, -2.5, 2.0, 3.5, 86_400.0]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.wall += seconds

    @rule(need=GATED, skew=st.floats(-4, 5), retained=st.booleans())
    def a_command_is_sent_and_arrives(self, need: Need, skew: float, retained: bool) -> None:
        stamp = Stamp(self.gate.nonce, self.wall - skew, retained)
        self.sent.append((need, stamp))
        self.arrives(need, stamp)

    @rule(need=GATED)
    def a_command_is_sent_and_kept(self, need: Need) -> None:
        self.sent.append((need, Stamp(self.gate.nonce, self.wall)))

    @precondition(lambda self: bool(self.sent))
    @rule(data=st.data())
    def the_network_delivers_an_old_one(self, data: st.DataObject) -> None:
        self.arrives(*data.draw(st.sampled_from(self.sent)))

    def arrives(self, need: Need, stamp: Stamp) -> None:
        nonce_before = self.gate.nonce
        if self.gate.judge(need, stamp, now=self.now, wall=self.wall) is not None:
            assert self.gate.nonce == nonce_before
            return
        assert not stamp.retained
        assert isinstance(stamp.nonce, str)
        assert stamp.nonce not in self.void
        assert isinstance(stamp.t, float)
        assert -STAMP_AHEAD_S <= self.wall - stamp.t <= STAMP_BEHIND_S
        assert stamp not in self.taken
        assert all(stamp.t > old.t for old in self.taken if old.nonce == stamp.nonce)  # type: ignore[operator]
        self.taken.append(stamp)
        if need is Need.START:
            assert self.now < self.ready_until
            self.ready_until = -1.0
            self.void.add(stamp.nonce)

    @invariant()
    def ready_is_what_was_given(self) -> None:
        assert self.gate.ready_for_s(self.now) == max(0.0, self.ready_until - self.now)


TestSender = Sender.TestCase
