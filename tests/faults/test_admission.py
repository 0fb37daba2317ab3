"""Faults 28 to 38: what comes from another place, from files and from the ledger must never start or raise anything."""

from __future__ import annotations

import asyncio
import math
import resource
import signal
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from unittest import mock

import pytest

from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.control.session import Ended
from massager_ctl.errors import ConfigError, IntensityError, ProfileError, StoreError
from massager_ctl.ledger import process as owner
from massager_ctl.ledger.base import Store
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import FILE, open_store
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetLevel
from massager_ctl.model.units import Intensity
from massager_ctl.profile.format.load import load_profile
from massager_ctl.safety.remote_start import (
    ECHO_LOST_S,
    LOST_FADE_S,
    EchoWatch,
    Need,
    RemoteGate,
    Stamp,
    Why,
)
from massager_ctl.safety.screening import QUESTIONS, SYMPTOMS, Answer, Answered
from tests.faults.by_hand import VIBRATE, authentic, on_the_line
from tests.faults.ground import MEMORY, Ground
from tests.support.marks import simulated_time

pytestmark = simulated_time

# Remote requests. The broker itself is in tests/e2e; here is the gate that every such request has to pass.


def _gate(g: Ground) -> RemoteGate:
    gate = RemoteGate()
    gate.renew("now", g.loop.clock.wall())
    return gate


def _judged(g: Ground, gate: RemoteGate, need: Need, stamp: Stamp) -> Why | None:
    clock = g.loop.clock
    rejected = gate.judge(need, stamp, now=clock.monotonic(), wall=clock.wall())
    return None if rejected is None else rejected.why


@pytest.mark.fault(28)
@pytest.mark.laid(on=MEMORY)
async def test_broker_down(g: Ground) -> None:
    """No echo for 4 s: lost; with a fade of 3 s that is zero within 8. A stop needs no broker."""
    await g.controller.connect()
    await g.run()
    watch = EchoWatch(g.loop.clock.monotonic())
    for _ in range(3):
        await asyncio.sleep(1.0)
        watch.heard(g.loop.clock.monotonic())
    g.strike()
    await asyncio.sleep(ECHO_LOST_S - 0.1)
    assert not watch.lost(g.loop.clock.monotonic())
    await g.goes_on(0.2)
    assert watch.lost(g.loop.clock.monotonic())
    g.controller.fade(Ended(Cause.SAFETY, "the broker was lost (R18)"), LOST_FADE_S)
    await g.over(within=10)
    g.zero_by(8.0)
    await g.ledger()


@pytest.mark.fault(29)
@pytest.mark.laid(on=MEMORY)
async def test_retained_start(g: Ground) -> None:
    gate = _gate(g)
    gate.let(g.loop.clock.monotonic())
    stamp = Stamp("now", g.loop.clock.wall(), retained=True)
    assert _judged(g, gate, Need.START, stamp) is Why.RETAINED
    assert gate.ready_for_s(g.loop.clock.monotonic()) > 0, "it used nothing up"
    assert gate.nonce == "now"


@pytest.mark.fault(30)
@pytest.mark.laid(on=MEMORY)
async def test_queued_backlog(g: Ground) -> None:
    """What a broker kept while this program was away: old nonces, old times, and the same one twice."""
    gate = _gate(g)
    gate.let(g.loop.clock.monotonic())
    wall = g.loop.clock.wall()
    assert _judged(g, gate, Need.START, Stamp("before", wall)) is Why.NONCE
    assert _judged(g, gate, Need.RAISE, Stamp("now", wall - 3.1)) is Why.SKEW
    assert _judged(g, gate, Need.RAISE, Stamp("now", wall)) is None
    assert _judged(g, gate, Need.RAISE, Stamp("now", wall)) is Why.REPLAYED
    assert _judged(g, gate, Need.START, Stamp("now", wall + 0.1)) is None
    assert _judged(g, gate, Need.START, Stamp("now", wall + 0.2)) is Why.NONCE


@pytest.mark.fault(31)
@pytest.mark.laid(on=MEMORY)
async def test_retained_stop(g: Ground) -> None:
    """A stop needs nothing, so a retained one stops; once, as the surface clears it."""
    await g.controller.connect()
    await g.run()
    gate = RemoteGate()
    assert _judged(g, gate, Need.FREE, Stamp(retained=True)) is None
    g.strike()
    await g.controller.stop()
    g.zero_by(0.1)
    await g.over()
    await g.ledger()


# Numbers and files.

NOT_NUMBERS = [math.nan, math.inf, -math.inf, 1e308, -1, 256, True, "50", None, [50]]


@pytest.mark.fault(32)
async def test_not_a_number(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    wanted = g.controller.status.target
    for bad in NOT_NUMBERS:
        with pytest.raises(IntensityError):
            Intensity(bad)
        with pytest.raises(IntensityError):
            g.controller.request(SetLevel(bad))  # type: ignore[arg-type]
    await g.goes_on(0.5)
    assert g.controller.status.target == wanted, "an error, and nothing changes"
    # The same on the wire, fresh and authentic: zero, and never the value before.
    for level, pattern in (
        ((1001, 0, 0, 0, 0, 0), VIBRATE),
        ((65535,) * 6, VIBRATE),
        ((100,) * 6, (255,) * 6),
        ((100,) * 6, (0,) * 6),
    ):
        g.strike()
        g.tap.inner.write(on_the_line(authentic(g, ahead=1, level=level, pattern=pattern)))
        await asyncio.sleep(0.02)
        assert not g.is_up, level
        await asyncio.sleep(1.0)
        assert g.is_up, "the session goes on from zero"
        assert max(g.out.values()) <= 2.2, "by the device's own slew"
    g.strike()
    await g.controller.stop()
    g.zero_by(0.1)
    await g.over()
    await g.ledger(slack_s=2.0)  # R9 charges what was sent, also while the device stood at zero


@pytest.mark.fault(32)
@pytest.mark.laid(on=MEMORY)
async def test_not_a_number_at_the_governor(g: Ground) -> None:
    """A fault within the host: what it wants is not a number, so it sends zero."""
    await g.controller.connect()
    await g.run()
    g.strike()
    assert g.controller._open is not None
    session = g.controller._open.run
    wanted = session.source.at(0.0)
    bad = type(wanted)((math.nan,) * 6, wanted.patterns)  # type: ignore[arg-type]
    with mock.patch.object(type(session.source), "at", return_value=bad):
        await asyncio.sleep(0.5)
        g.zero_by(0.3, state="armed")
        assert g.heard("problem")
    await g.controller.stop()
    await g.over()
    await g.ledger()


async def _nothing_started(g: Ground) -> None:
    """Refused before any frame could move anything."""
    await asyncio.sleep(0.5)
    assert not g.seen("arm")
    assert not g.is_up
    assert g.state == "idle"


@pytest.mark.fault(33)
@pytest.mark.laid(on=MEMORY)
async def test_spike_between_keyframes(g: Ground) -> None:
    """Every point of the curve is proved, not the keyframes alone; and what is only personal is lowered."""
    await g.controller.connect()
    text = "title: A spike\nsummary: For a test.\ntechnique: K1\nrules: [P1]\n"
    text += "cap: 50\n"
    curve = "[[0, 5], [200, 20], [201, 45], [202, 20], [600, 0]]"
    step = f"zones: neck, motion: vibrate, duration: 600, keyframes: {curve}"
    points = f"steps:\n  - {{{step}}}\n"
    path = g.folder / "spike.yaml"
    path.write_text(text + points)
    with pytest.raises(ProfileError) as caught:
        await g.controller.play(load_profile(str(path)))
    assert "R3" in " ".join((caught.value.message, *caught.value.problems))
    await _nothing_started(g)
    assert await g.entries() == []


YAML_BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ntitle: *c\n"
DUPLICATE = "title: One\nsummary: s.\ntitle: Two\n"


@pytest.mark.fault(34)
@pytest.mark.laid(on=MEMORY)
async def test_yaml_bomb_and_duplicate_keys(g: Ground) -> None:
    await g.controller.connect()
    for text, said in (
        (YAML_BOMB, "anchor"),
        (DUPLICATE, "duplicate key"),
        ("# " + "x" * 65_600, "64 KiB"),
    ):
        path = g.folder / "bad.yaml"
        path.write_text(text)
        with pytest.raises(ProfileError) as caught:
            await g.controller.play(load_profile(str(path)))
        whole = " ".join((caught.value.message, *caught.value.problems))
        assert said in whole, whole
        assert "bad.yaml" in whole
    await _nothing_started(g)


@pytest.mark.fault(35)
@pytest.mark.laid(on=MEMORY)
async def test_limits_file_named_but_missing_or_corrupt(g: Ground) -> None:
    """No cap is safe to assume, so there is no configuration to start with; no file at all means the defaults."""
    path = g.folder / "limits.toml"
    with pytest.raises(ConfigError, match="settings file not found") as caught:
        load(path, env={})
    assert "every cap is 0" in caught.value.remedy
    for text in (
        "[limits",
        "[limits]\nuser_cap = 71\n",
        "[limits]\nuser_cap = -1\n",
        "[limit]\n",
        '[limits]\nuser_cap = "40"\n',
        "[limits]\nuser_cap = true\n",
        "[limits]\nuser_cap = nan\n",
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"limits\.toml") as caught:
            load(path, env={})
        assert "every cap is 0" in caught.value.remedy
    path.write_bytes(b"\xff\xfe[limits]")
    with pytest.raises(ConfigError):
        load(path, env={})
    assert load(env={"HOME": str(g.folder)}).limits.user_cap == 40.0


# The ledger.


async def _with_ledger(g: Ground, store: Store) -> Controller:
    """The ground's host, but with this ledger, in a file."""
    moments = ClockReader(g.loop.clock, boot="this boot")
    admission = AdmissionPolicy(store, load(env={}), moments, subject=Subject.REAL)
    controller = Controller(g.driver, admission, clock=g.loop.clock)
    await controller.connect()
    return controller


async def _screened(g: Ground) -> Store:
    moments = ClockReader(g.loop.clock, boot="this boot")
    store = open_store(g.folder, moments)
    now = moments.now()
    await store.answer(Answered(q.id, Answer.NO, now) for q in (*QUESTIONS, SYMPTOMS))
    return store


@pytest.mark.fault(36)
@pytest.mark.laid(on=MEMORY)
async def test_ledger_truncated(g: Ground) -> None:
    store = await _screened(g)
    await store.close()
    path = g.folder / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    store = open_store(g.folder, ClockReader(g.loop.clock, boot="this boot"))
    controller = await _with_ledger(g, store)
    with pytest.raises(StoreError) as caught:
        await controller.manual(60)
    assert "doctor" in caught.value.remedy, "it says how to recover"
    await _nothing_started(g)
    assert path.stat().st_size == len(whole) // 2, "and changes nothing"
    await controller.close()
    await store.close()


@contextmanager
def _full_disk() -> Generator[None]:
    """No file of this process may grow: the error that a full disk gives."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.fault(37)
@pytest.mark.laid(on=MEMORY)
async def test_disk_full_at_the_start(g: Ground) -> None:
    store = await _screened(g)
    controller = await _with_ledger(g, store)
    with _full_disk(), pytest.raises(StoreError, match="disk full"):
        await controller.manual(60)
    await _nothing_started(g)
    assert await store.history() == ()
    await controller.close()
    await store.close()


@pytest.mark.fault(37)
@pytest.mark.laid(on=MEMORY)
async def test_disk_full_in_a_session(g: Ground) -> None:
    """Checkpoints can no longer be written: reported, and faded before more is delivered than a crash would charge."""
    store = await _screened(g)
    controller = await _with_ledger(g, store)
    await controller.manual(600)
    controller.request(SetLevel(20.0))
    await asyncio.sleep(12.0)
    assert g.is_up
    problems: list[str] = []
    controller.add_event_listener(lambda event: problems.append(event.name))
    g.strike()
    with _full_disk():
        end = await controller.ended()
    assert end.cause is Cause.SAFETY
    assert "ledger" in end.text
    assert "problem" in problems
    g.zero_by(5.0 + 12.0 + 6.0 + 0.5)
    await controller.close()
    await store.close()
    with mock.patch.object(owner, "alive", return_value=False):
        left = open_store(g.folder, ClockReader(g.loop.clock, boot="this boot"))
        charged = (await left.recent()).used_s
        await left.close()
    assert charged >= g.delivered_s


@pytest.mark.fault(38)
@pytest.mark.laid(on=MEMORY)
async def test_killed_between_reserve_and_arm(g: Ground) -> None:
    """The reservation is on the disk before ARM is sent; what is left of it is charged by the rule."""
    store = await _screened(g)
    controller = await _with_ledger(g, store)
    reserved: list[float] = []
    arming = asyncio.Event()

    async def dies(cap: float, limit_s: int) -> None:
        with closing(sqlite3.connect(g.folder / FILE)) as other:
            reserved.extend(row[0] for row in other.execute("SELECT charged_s FROM session"))
        arming.set()
        await asyncio.Event().wait()

    with mock.patch.object(g.driver, "arm", dies):
        starting = asyncio.ensure_future(controller.manual(300))
        await arming.wait()
    assert reserved == [300.0]
    assert not g.seen("arm")
    with mock.patch.object(owner, "alive", return_value=False):
        next_program = open_store(g.folder, ClockReader(g.loop.clock, boot="this boot"))
        assert (await next_program.recent()).used_s == 20.0
        await next_program.close()
    starting.cancel()
    await asyncio.wait({starting})
    await _nothing_started(g)
    await controller.close()
    await store.close()
