"""What one run decides on its own: no device, no loop, times by hand (R8, R9, R15, R23)."""

from __future__ import annotations

import pytest
from tests.devices import device_info, telemetry

from massager_ctl.control.run import DEAD_MAN_MARGIN_S, Checkpoints, Run
from massager_ctl.control.session import Ended
from massager_ctl.control.setpoint_source import ManualSource
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import InputError
from massager_ctl.model.device import Cause, DeviceState, Setpoint
from massager_ctl.model.requests import Origin, Pause, Presence, SetHeat, SetLevel, Start
from massager_ctl.model.status import Phase
from massager_ctl.model.units import ZERO
from massager_ctl.safety.limits import combine
from massager_ctl.safety.presence import EVERY_S, PresenceTimer, Watcher

BEGAN = 100.0
EPOCH = 1
AT_ZERO = telemetry(epoch=EPOCH, state=DeviceState.RUNNING, running_s=0.0)


def not_armed(source: ManualSource | None = None, dead_man_s: float = 1.0) -> Run:
    attempt = StartAttempt(Start(), Origin.LOCAL, BEGAN - 1.0)
    source = source or ManualSource(600.0)
    return Run(attempt, source, combine(()), device_info(), dead_man_s=dead_man_s)


def armed(
    source: ManualSource | None = None,
    *,
    dead_man_s: float = 1.0,
    entry: Checkpoints | None = None,
    presence: PresenceTimer | None = None,
) -> Run:
    run = not_armed(source, dead_man_s)
    run.armed(BEGAN, 0.0, entry, presence)
    return run


def ask(run: Run, percent: float) -> None:
    run.request(SetLevel(percent), BEGAN, Origin.LOCAL, Watcher.PERSON)


def play(run: Run, begin: float, end: float, *, told: bool = True) -> None:
    """Five turns a second, from `begin` to `end` seconds after ARM; `told`: the device says each time that it is at
    zero, which is no lie below 2 %."""
    for turn in range(round(begin * 5) + 1, round(end * 5) + 1):
        now = BEGAN + turn / 5
        if told:
            run.telemetry(now, AT_ZERO, EPOCH)
        run.tick(now, 0.0, 0.0, AT_ZERO)


# What it charges.


def test_r9_what_was_sent_counts_from_the_first_level_above_zero_to_the_confirmed_stop() -> None:
    run = armed()
    ask(run, 1.5)
    play(run, 0.0, 10.0)
    assert run.delivered_s == pytest.approx(9.6)  # 0.2 s in which nothing may rise, and one turn
    assert run.charged_s(BEGAN + 10.1, confirmed=True) == pytest.approx(9.7)


def test_r9_without_a_confirmation_it_may_have_run_until_the_dead_man() -> None:
    run = armed()
    ask(run, 1.5)
    play(run, 0.0, 10.0)
    expected = 9.6 + 1.0 + DEAD_MAN_MARGIN_S
    assert run.charged_s(BEGAN + 10.1, confirmed=False) == pytest.approx(expected)


@pytest.mark.parametrize("dead_man_s", [0.3, 1.0])
def test_r9_what_was_sent_to_a_device_that_says_nothing_counts_until_its_dead_man(
    dead_man_s: float,
) -> None:
    run = armed(dead_man_s=dead_man_s)
    ask(run, 1.5)
    play(run, 0.0, 10.0)
    play(run, 10.0, 11.2, told=False)
    assert run.session.ended is not None
    assert run.session.ended.cause is Cause.TELEMETRY_LOST
    assert run.tick(BEGAN + 11.4, 0.0, 0.0, AT_ZERO) is None
    expected = 9.6 + dead_man_s + DEAD_MAN_MARGIN_S
    assert run.charged_s(BEGAN + 15.0, confirmed=True) == pytest.approx(expected)


def test_r9_in_a_pause_nothing_is_sent_and_what_ran_before_may_have_run_on() -> None:
    run = armed()
    ask(run, 1.5)
    play(run, 0.0, 10.0)
    run.governor.running_s = 30.0
    run.request(Pause(), BEGAN + 10.0, Origin.LOCAL, Watcher.PERSON)
    play(run, 10.0, 20.0)
    assert run.sent.levels == ZERO
    assert run.delivered_s == 30.0
    expected = 30.0 + 1.0 + DEAD_MAN_MARGIN_S
    assert run.charged_s(BEGAN + 20.1, confirmed=False) == pytest.approx(expected)


@pytest.mark.parametrize(("told_at", "more"), [(9.9, 0.1), (5.0, 1.0 + DEAD_MAN_MARGIN_S)])
def test_r9_a_confirmed_stop_is_charged_from_the_last_report_on_and_no_longer_than_the_dead_man(
    told_at: float, more: float
) -> None:
    run = armed()
    running = telemetry(epoch=EPOCH, state=DeviceState.RUNNING, running_s=40.0)
    run.telemetry(BEGAN + told_at, running, EPOCH)
    assert run.charged_s(BEGAN + 10.0, confirmed=True) == pytest.approx(40.0 + more)


def test_r9_a_level_that_no_report_has_shown_yet_is_charged_since_the_last_report() -> None:
    run = armed()
    ask(run, 1.5)
    play(run, 0.0, 0.4, told=False)
    assert any(run.sent.levels)
    assert run.charged_s(BEGAN + 0.5, confirmed=True) == pytest.approx(0.5)


def test_r9_delivered_is_the_largest_of_what_was_governed_reported_and_reported_at_its_end() -> (
    None
):
    run = armed()
    running = telemetry(epoch=EPOCH, state=DeviceState.RUNNING, running_s=4.0)
    run.telemetry(BEGAN + 5.0, running, EPOCH)
    assert run.delivered_s == 4.0
    over = telemetry(epoch=EPOCH + 1, state=DeviceState.IDLE, running_s=6.0, cause=Cause.BUTTON)
    assert run.telemetry(BEGAN + 7.0, over, EPOCH) is not None
    assert run.delivered_s == 6.0
    may_have_run_on_s = 1.0 + DEAD_MAN_MARGIN_S
    assert run.charged_s(BEGAN + 7.0, confirmed=True) == pytest.approx(6.0 + may_have_run_on_s)
    run.governor.running_s = 10.0
    assert run.delivered_s == 10.0


def test_r9_a_report_from_before_the_arm_counts_for_nothing() -> None:
    run = armed()
    earlier = telemetry(epoch=EPOCH, state=DeviceState.IDLE, running_s=500.0)
    assert run.telemetry(BEGAN + 0.1, earlier, EPOCH) is None
    assert run.delivered_s == 0.0
    assert run.charged_s(BEGAN + 0.2, confirmed=True) == 0.0


class Overdue:
    """A ledger entry whose last checkpoint is too old."""

    def keep(self, now: float, running_s: float) -> bool:
        return False


def test_r9_a_ledger_that_cannot_be_written_fades_it_or_ends_it_at_zero() -> None:
    run = armed(entry=Overdue())
    assert run.tick(BEGAN + 0.2, 0.0, 0.0, AT_ZERO) is None
    assert run.session.ended is not None
    assert (run.session.ended.cause, run.session.phase) == (Cause.SAFETY, Phase.ENDED)
    assert "R9" in run.session.ended.text
    run = armed()
    ask(run, 1.5)
    play(run, 0.0, 2.0)
    run._entry = Overdue()
    assert run.tick(BEGAN + 2.2, 0.0, 0.0, AT_ZERO) is not None
    assert run.session.phase is Phase.FADING


# What the device says.


@pytest.mark.parametrize(
    ("said", "left_s", "cause"),
    [
        (Cause.TIME_LIMIT, 0.9, Cause.FINISHED),
        (Cause.TIME_LIMIT, 1.1, Cause.TIME_LIMIT),
        (Cause.BUTTON, 0.9, Cause.BUTTON),
    ],
)
def test_r8_a_time_limit_in_the_last_second_is_its_end(
    said: Cause, left_s: float, cause: Cause
) -> None:
    run = armed(ManualSource(10.0))
    run.session.step(BEGAN + 10.0 - left_s)
    over = telemetry(epoch=EPOCH + 1, cause=said)
    ended = run.telemetry(BEGAN + 10.0 - left_s, over, EPOCH)
    assert ended is not None
    assert ended.cause is cause


def test_r15_before_its_arm_and_after_its_end_no_report_ends_it() -> None:
    other, another = telemetry(epoch=EPOCH + 1), device_info(serial="OTHER")
    waiting, over = not_armed(), armed()
    over.session.end(Ended(Cause.PERSON, "you stopped it"))
    for run in (waiting, over):
        assert run.telemetry(BEGAN + 0.1, other, EPOCH) is None
        assert run.info_heard(another) is None
    assert armed().info_heard(another) is not None


def test_what_is_told_is_told_once() -> None:
    simulated = PresenceTimer(BEGAN, Watcher.SIMULATED)
    run = armed(presence=simulated)
    for now in (BEGAN + EVERY_S - 1.0, BEGAN + EVERY_S):
        run.telemetry(now, AT_ZERO, EPOCH)
        run.tick(now, 0.0, 0.0, AT_ZERO)
        assert [name for name, _ in run.news] == ["presence_due"] * (now < BEGAN + EVERY_S)
    assert simulated.due_in(BEGAN + EVERY_S) == EVERY_S - 1.0
    run = armed(presence=PresenceTimer(BEGAN, Watcher.SIMULATED, 0.0))
    run.tick(BEGAN + 0.2, 0.0, 0.0, AT_ZERO)
    assert run.news
    assert run.info_heard(device_info()) is None
    assert run.news == ()


class Starting(ManualSource):
    """Its motors start after twelve seconds by hand."""

    def next_motor_start(self, t: float) -> float | None:
        return 12.0 if t < 12.0 else None


def test_a_start_of_motors_is_announced_once() -> None:
    run = armed(Starting(600.0))
    told: list[tuple[int, str]] = []
    for turn in range(1, 70):
        play(run, (turn - 1) / 5, turn / 5)
        told += [(turn, name) for name, _ in run.news]
    assert told == [(10, "announcement")]


class Broken(ManualSource):
    """It asks for levels that are no levels."""

    def at(self, t: float) -> Setpoint:
        return Setpoint((float("nan"),) * 6)  # type: ignore[arg-type]


def test_r19_a_level_that_is_none_sends_zero_and_is_told() -> None:
    run = armed(Broken())
    sent = run.tick(BEGAN + 0.2, 0.0, 0.0, AT_ZERO)
    assert sent is not None
    assert sent.levels == ZERO
    assert [name for name, _ in run.news] == ["problem"]


# Requests.


def test_r23_from_elsewhere_a_request_shows_no_one_unless_it_says_so() -> None:
    run = armed(presence=PresenceTimer(BEGAN))
    later = BEGAN + 100.0

    def due_in() -> float:
        assert run.presence is not None
        return run.presence.due_in(later)

    for request in (SetLevel(5.0), SetHeat(35.0)):
        run.request(request, later, Origin.REMOTE, Watcher.PERSON)
        assert due_in() == EVERY_S - 100.0
    run.request(Presence(), later - 50.0, Origin.REMOTE, Watcher.PERSON)
    assert due_in() == EVERY_S - 50.0
    run.request(SetLevel(5.0), later, Origin.LOCAL, Watcher.PERSON)
    assert due_in() == EVERY_S


def test_r23_heat_needs_presence_and_what_is_off_needs_none() -> None:
    run = armed()
    run.request(SetHeat(None), BEGAN, Origin.LOCAL, Watcher.PERSON)
    assert run.presence is None
    run.request(SetHeat(35.0), BEGAN, Origin.LOCAL, Watcher.PERSON)
    assert run.presence is not None


def test_r19_a_level_above_100_is_refused_and_changes_nothing() -> None:
    run = armed()
    with pytest.raises(InputError):
        ask(run, 101.0)
    assert run.aims == ZERO
