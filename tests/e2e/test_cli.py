"""The command line over a real serial link: how a session is stopped, by signals, a pulled plug or pain."""

from __future__ import annotations

import signal
import time

import pytest

from massager_ctl.frontends.socket.client import Owner
from massager_ctl.transports.runtime_folder import stem
from tests.e2e.programs import PATIENCE_S, Workstation
from tests.e2e.run_words import run_arguments


def test_stop_from_a_third_terminal(desk: Workstation) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        stopped = desk.ctl("stop")
        assert (stopped.returncode, stopped.stderr) == (0, "")
        assert stopped.stdout == f"{desk.device} (SIM-00000001): stopped, confirmed at zero\n"
        out, error = run.communicate(timeout=PATIENCE_S)
        assert (run.returncode, error) == (0, "")
        assert "it was stopped from another program" in out
        assert desk.ctl("stop").returncode == 0  # no one owns it now: it opens the device last used
    assert desk.moved()
    assert desk.at_zero()


def test_a_stop_is_quick(desk: Workstation) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)):
        desk.wait_until_it_moves()
        name = stem(f"serial:{desk.port}")
        with Owner(str(desk.folder / "run" / f"{name}.sock")) as owner:
            began = time.monotonic()
            answer = owner.ask({"request": "stop"})
            took = time.monotonic() - began
    assert answer["ok"] is True
    assert not any(answer["status"]["actual"].values())
    # Some 25 ms where nothing else runs; the bound leaves room for a busy machine.
    assert took < 1.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_confirms_and_leaves_with_130(
    desk: Workstation, number: signal.Signals
) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        run.send_signal(number)
        run.send_signal(number)  # the second one must not break the confirmation
        out, error = run.communicate(timeout=PATIENCE_S)
        assert (run.returncode, error) == (130, "")
        assert "confirmed at zero" in out
    assert desk.moved()
    assert desk.at_zero()


def test_a_pulled_plug_is_exit_4_at_once(desk: Workstation) -> None:
    with desk.simulator() as simulator, desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        simulator.kill()
        began = time.monotonic()
        _, error = run.communicate(timeout=PATIENCE_S)
        took = time.monotonic() - began
    assert run.returncode == 4
    assert error.startswith("error: the session ended after ")
    assert "Traceback" not in error
    assert took < 3.0  # a few milliseconds where nothing else runs
    desk.port.unlink()  # as a system does; the system's own name for it may be another device's by now
    stopped = desk.ctl("stop")
    assert (stopped.returncode, stopped.stdout) == (4, "")


def test_a_killed_host_leaves_a_device_at_zero_and_free(desk: Workstation) -> None:
    with desk.simulator():
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            run.kill()
        assert desk.ctl("stop").returncode == 0
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            assert desk.ctl("stop").returncode == 0
    assert desk.at_zero()


def test_the_button_latches_until_a_reset_in_two_steps(desk: Workstation) -> None:
    with desk.simulator() as simulator:
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            simulator.send_signal(signal.SIGUSR1)
            _, error = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 3
        assert "button" in error
        again = desk.ctl(*run_arguments(desk))
        assert again.returncode == 3
        assert "reset" in again.stderr
        refused = desk.ctl("reset", "--device", desk.device, stdin="yes\n")
        assert refused.returncode == 3
        assert "nothing was cleared" in refused.stderr
        cleared = desk.ctl("reset", stdin="reset\n")  # the device last used
        assert (cleared.returncode, cleared.stderr) == (0, "")
        with desk.running(*run_arguments(desk)):
            desk.wait_until_it_moves()


def test_a_frozen_owner_is_a_stop_that_is_not_confirmed(desk: Workstation) -> None:
    with desk.simulator(), desk.running(*run_arguments(desk)) as run:
        desk.wait_until_it_moves()
        run.send_signal(signal.SIGSTOP)
        stopped = desk.ctl("stop")
        assert stopped.returncode == 5
        assert "unplug" in stopped.stderr.lower()
        run.send_signal(signal.SIGCONT)
        run.communicate(timeout=PATIENCE_S)
        # The device ended it long ago on its own (R4), so a rule's end it is.
        assert run.returncode in (0, 3)
    assert desk.at_zero()


def test_a_reader_that_goes_away_stops_the_session(desk: Workstation) -> None:
    with desk.running("run", "restorative", "--speed", "60", "--trace", str(desk.trace)) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert "Restorative session" in run.stdout.readline()
        run.stdout.close()
        assert (run.wait(PATIENCE_S), run.stderr.read()) == (0, "")
    assert desk.at_zero()
    assert desk.samples()[-1]["t"] < 300, "it stopped long before its end"


def test_pain_with_nothing_running_stops_the_last_device_and_locks(desk: Workstation) -> None:
    with desk.simulator():
        with desk.running(*run_arguments(desk)) as run:
            desk.wait_until_it_moves()
            run.kill()
        hurt = desk.ctl("pain", stdin="w\n")
        assert hurt.returncode == 0
        assert "stopped, confirmed at zero." in hurt.stdout
        assert "medical care" in hurt.stdout
        locked = desk.ctl("run", "restorative", "--device", desk.device)
        assert locked.returncode == 3
        assert "warning sign" in locked.stderr


def test_pain_after_everything_is_recorded_and_no_failure(desk: Workstation) -> None:
    hurt = desk.ctl("pain", stdin="mld\nm\n")
    assert hurt.returncode == 0
    assert "'mld' is not one of the answers" in hurt.stdout, "a slip of the key is asked about"
    assert "Nothing runs from this computer" in hurt.stdout
    assert "Your report is recorded" in hurt.stdout


def test_stop_needs_no_sound_settings(desk: Workstation) -> None:
    (desk.folder / "config" / "massager-ctl").mkdir(parents=True)
    (desk.folder / "config" / "massager-ctl" / "config.toml").write_text("device = 5")
    with desk.simulator():
        assert desk.ctl("run", "restorative").returncode == 2
        stopped = desk.ctl("stop", "--device", desk.device)
        assert (stopped.returncode, stopped.stderr) == (0, "")
