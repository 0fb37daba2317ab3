"""R1 to R9, R16, R17, R24: two controllers, two lossy links, a button, clocks and one device, in any order.

After each step: caps, envelope, slew; latched or stopped means zero; nothing moves but between an ARM and the end of
its session; what moves was fed lately by its owner; no host sends after its end; charged is never below delivered.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.faults.world import Host, Weather, World

from massager_ctl.errors import StopUnconfirmed
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    PainKind,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Undo,
)
from massager_ctl.model.units import ZONES, Direction, Motion
from massager_fw.states import Cause

pytestmark = pytest.mark.slow

EXAMPLES: Final = max(200, settings.default.max_examples if settings.default else 0)
"""At least 200 in every run; the nightly profile has 2000."""

WHO = st.sampled_from([0, 1])
SHARE = st.sampled_from([0.0, 0.0, 0.1, 0.4])
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(SetLevel, st.sampled_from([0.0, 3.0, 20.0, 100.0]), st.sampled_from([None, *ZONES])),
    st.builds(
        SetMotion,
        st.sampled_from([Motion.KNEAD, Motion.CIRCLE]),
        st.sampled_from([Direction.CW, Direction.ALTERNATE]),
    ),
    st.sampled_from(
        [Pause(), Resume(), Ease(), Undo(), Fade(), Presence(), SetMotion(Motion.VIBRATE)]
    ),
    st.builds(SetHeat, st.sampled_from([None, 30.0, 39.0])),
)


class TwoHosts(RuleBasedStateMachine):
    """The machine; each rule is one thing that a person, a program, a radio or the world may do."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.pressed = False

    @initialize(seed=st.integers(0, 2**16), level=st.sampled_from([5.0, 30.0, 100.0]))
    def power_on(self, seed: int, level: float) -> None:
        self.world = World(seed)
        self.start(0, level)

    def host(self, who: int) -> Host:
        return self.world.hosts[who]

    @rule(who=WHO, level=st.sampled_from([5.0, 30.0, 100.0]))
    def start(self, who: int, level: float) -> None:
        host = self.host(who)
        if self.world.attempt(host.controller.manual()) is None:
            self.change(who, SetLevel(level))

    @rule(who=WHO, change=CHANGES)
    def change(self, who: int, change: Change) -> None:
        async def ask() -> None:
            self.host(who).controller.request(change)

        self.world.attempt(ask())

    @rule(seconds=st.sampled_from([0.02, 0.25, 1.0, 1.0, 5.0, 5.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule()
    def long_time_passes(self) -> None:
        self.world.wait(75.0)

    @rule(who=WHO)
    def stop(self, who: int) -> None:
        error = self.world.attempt(self.host(who).controller.stop())
        self.world.check()
        if error is None:
            assert not any(self.world.out.values()), "confirmed, and not at zero"
        else:
            assert isinstance(error, StopUnconfirmed)

    @rule(who=WHO, kind=st.sampled_from(PainKind))
    def pain(self, who: int, kind: PainKind) -> None:
        async def report() -> None:
            await self.host(who).controller.pain(kind)

        self.world.attempt(report())

    @rule()
    def press(self) -> None:
        self.pressed = True
        self.world.device.press()
        self.world.check()
        assert not any(self.world.out.values())

    @precondition(lambda self: self.pressed)
    @rule(after=st.sampled_from([0.1, 2.5, 5.5]))
    def release(self, after: float) -> None:
        self.world.wait(after)
        self.pressed = False
        self.world.device.release()
        self.world.wait(0.2)

    @rule(who=WHO)
    def reset(self, who: int) -> None:
        core = self.world.device.firmware.core
        open_before = core.session is not None
        self.world.attempt(self.host(who).controller.reset())
        self.world.check()
        assert open_before or not any(self.world.out.values()), "a reset raised something"
        assert open_before or core.session is None, "a reset opened a session"

    @rule(
        who=WHO,
        drop=SHARE,
        duplicate=SHARE,
        reorder=SHARE,
        corrupt=SHARE,
        delay_s=st.sampled_from([0.0, 0.0, 0.02, 0.2, 0.7, 5.0]),
    )
    def weather(
        self,
        who: int,
        drop: float,
        duplicate: float,
        reorder: float,
        corrupt: float,
        delay_s: float,
    ) -> None:
        self.host(who).link.weather = Weather(drop, duplicate, reorder, corrupt, delay_s)

    @rule(who=WHO)
    def fair_weather(self, who: int) -> None:
        self.host(who).link.weather = Weather()

    @rule()
    def links_break(self) -> None:
        self.world.device.drop_links("a rule broke it")
        self.world.wait(0.1)
        assert self.world.device.firmware.core.session is None

    @rule(who=WHO)
    def connect_again(self, who: int) -> None:
        host = self.host(who)
        if not host.is_up:
            self.world.attempt(host.controller.connect())

    @rule()
    def device_restarts(self) -> None:
        async def restart() -> None:
            device = self.world.device
            device._turn()
            device.firmware.core.restart(Cause.NONE)
            device._plan()

        self.world.run(restart())
        self.world.wait(0.1)

    @rule(seconds=st.sampled_from([0.1, 0.3, 0.45, 2.0]))
    def loop_is_blocked(self, seconds: float) -> None:
        self.world.loop.clock.advance(seconds)
        self.world.wait(0)

    @rule(seconds=st.sampled_from([1.0, 3600.0]))
    def machine_sleeps(self, seconds: float) -> None:
        self.world.loop.clock.suspend(seconds)

    @rule(seconds=st.sampled_from([-86_400.0, -2.0, 2.0, 172_800.0]))
    def wall_clock_is_set(self, seconds: float) -> None:
        clock = self.world.loop.clock
        clock.set_wall(clock.wall() + seconds)

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        if self.pressed:
            self.world.device.release()
        self.world.close()


TwoHosts.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=15)
test_r1_to_r9_hold_whatever_two_hosts_do = TwoHosts.TestCase


def test_the_machine_does_run_motors() -> None:
    """Its invariants would hold as well where nothing ever moved."""
    world = World(1)
    machine = TwoHosts()
    machine.world = world
    machine.start(0, 30.0)
    machine.time_passes(5.0)
    machine.everything_holds()
    assert world.ran > 20
    machine.stop(1)
    assert world.delivered_s > 4.0
    machine.teardown()
