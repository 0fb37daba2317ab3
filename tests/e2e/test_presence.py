"""R23 with real programs: who keeps a session going, on each surface that can be killed."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.e2e.programs import PATIENCE_S, Terminal, Workstation


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def end_reason(desk: Workstation) -> str:
    status = desk.status()
    return status["end_reason"] if status else ""


def test_r23_a_run_that_shows_a_service_and_is_killed_takes_its_session_with_it(
    desk: Workstation,
) -> None:
    serve = ("serve", "--no-web", "--simulated", "--device", desk.device)
    with desk.simulator(), desk.running(*serve) as service:
        wait_until(lambda: (desk.status() or {}).get("link") == "up")
        with desk.running("run", "restorative", "--device", desk.device) as view:
            desk.wait_until_it_moves()
            view.kill()
            view.wait()
            wait_until(lambda: end_reason(desk))
        status = desk.status()
        assert status is not None
        assert status["end_reason"] == "safety"
        assert "terminal" in status["message"]
        service.terminate()
        assert service.wait(PATIENCE_S) == 0
    assert desk.moved()
    assert desk.at_zero()


def test_a_run_that_owns_its_device_and_is_killed_leaves_it_to_the_device(
    desk: Workstation,
) -> None:
    with desk.simulator():
        with desk.running("run", "restorative", "--device", desk.device, "--simulated") as owner:
            desk.wait_until_it_moves()
            owner.kill()
            owner.wait()
        time.sleep(2.0)  # several times what the device allows, also on a busy machine
    assert desk.moved()
    assert desk.at_zero()


def test_no_option_is_dropped_where_another_program_owns_the_device(desk: Workstation) -> None:
    serve = ("serve", "--no-web", "--simulated", "--device", desk.device)
    with desk.simulator(), desk.running(*serve):
        wait_until(lambda: (desk.status() or {}).get("link") == "up")
        by_hand = ("manual", "--minutes", "7", "--cap", "20", "--device", desk.device)
        with Terminal(desk, *by_hand) as view:
            wait_until(lambda: (desk.status() or {}).get("phase") == "running")
            status = desk.status()
            assert status is not None
            assert (status["profile"], status["duration_s"]) == ("manual", 420.0)
            assert set(status["caps"].values()) == {20.0}
            view.type(" ")
            wait_until(lambda: end_reason(desk))
        with desk.running("run", "gentle", "--cap", "9", "--device", desk.device):
            wait_until(lambda: (desk.status() or {}).get("profile") == "gentle")
            wait_until(lambda: (desk.status() or {}).get("phase") == "running")
            status = desk.status()
            assert status is not None
            assert max(status["caps"].values()) == 9.0
        for option in (
            ("--speed", "10"),
            ("--trace", str(desk.folder / "t")),
            ("--seed", "1"),
            ("--simulated",),
            ("--on-bench",),
        ):
            refused = desk.ctl("run", "gentle", "--device", desk.device, *option)
            assert refused.returncode == (4 if len(option) == 1 else 2)
            assert option[0] in refused.stderr
        for option in ("--simulated", "--on-bench"):
            refused = desk.ctl("manual", "--plain", option, "--device", desk.device)
            assert refused.returncode == 4
            assert f"{option} has no effect here" in refused.stderr
        assert not (desk.folder / "t").exists()
