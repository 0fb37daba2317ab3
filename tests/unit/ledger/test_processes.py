"""R9, fault 38: which process has a session, whether it lives, and two that share one ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.ledger.looked_at import TEN_MINUTES, used

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import DoseSpent
from massager_ctl.ledger import database
from massager_ctl.ledger import process as owner
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import open_file
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.ledger.sqlite import FILE, open_store
from massager_ctl.model.requests import PainKind


@pytest.mark.asyncio
async def test_fault_38_a_session_whose_process_is_gone_is_charged_by_the_rule(
    tmp_path: Path, readings: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path, readings)
    gone = f"boot {2**22 + 1} 12345"
    with monkeypatch.context() as patched:
        patched.setattr(owner, "mine", lambda boot: gone)
        session = await store.reserve(TEN_MINUTES)
    await store.checkpoint(session, 65.0)
    state = await store.recent()
    assert (state.open, state.used_s) == (False, 85.0)
    assert (await store.history())[0].end_reason == "crashed"
    # It was only thought to be gone: what it still says is charged, and its settling counts.
    await store.checkpoint(session, 200.0)
    assert (await store.recent()).used_s == 220.0
    await store.settle(session, 205.0, "finished")
    assert (await store.recent()).used_s == 205.0
    await store.close()


@pytest.mark.asyncio
async def test_fault_38_the_next_start_and_the_next_look_at_a_device_count_a_crashed_session_as_over(
    readings: ClockReader, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore(readings)
    monkeypatch.setattr(owner, "mine", lambda boot: f"boot {2**22 + 1} 12345")
    await store.record_external_use("MS-1", 5000.0)
    session = await store.reserve(TEN_MINUTES)
    clock.advance(100.0)
    await store.checkpoint(session, 100.0)
    assert await store.record_external_use("MS-1", 5100.0) == 0.0, "it was this program's own"
    await store.reserve(Reservation("MS-1", "gentle", 60.0, enforced=False))
    clock.advance(3600.0)
    await store.reserve(TEN_MINUTES)
    assert [entry.open for entry in await store.history()] == [True, False, False]
    await store.close()


@pytest.mark.asyncio
async def test_two_programs_share_one_ledger(tmp_path: Path, readings: ClockReader) -> None:
    first, second = open_store(tmp_path, readings), open_store(tmp_path, readings)
    session = await first.reserve(TEN_MINUTES)
    with pytest.raises(DoseSpent, match="already running"):
        await second.reserve(TEN_MINUTES)
    await second.report_pain(PainKind.WARNING_SIGN)
    assert await first.lock() is not None
    await first.settle(session, 10.0, "pain")
    assert (await second.recent()).used_s == 10.0
    await first.close()
    await second.close()


def test_this_process_lives_and_others_do_not() -> None:
    here = owner.mine("boot")
    assert owner.alive(here, "boot")
    assert not owner.alive(here, "next boot")
    assert not owner.alive(f"boot {os.getpid()} 1", "boot")
    assert not owner.alive(f"boot {2**22 + 1} 1", "boot")
    assert not owner.alive(f"boot {2**22 + 1} ", "boot"), "of neither is known when it began"
    assert owner.alive(here.replace("boot", "this boot"), "this boot")
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        theirs = f"boot {child.pid} {owner._begun(child.pid)}"
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not owner.alive(theirs, "boot"), "a zombie plays no session"


def test_without_proc_a_process_is_asked_for_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "_PROC", tmp_path / "nothing")
    here = owner.mine("boot")
    assert here == f"boot {os.getpid()} "
    assert owner.alive(here, "boot")
    assert not owner.alive(f"boot {2**22 + 1} ", "boot")


def test_a_process_that_may_not_be_asked_is_taken_for_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(owner.os, "kill", forbidden)
    assert owner._answers(1)


@pytest.mark.asyncio
async def test_two_that_create_it_at_once_end_with_one(
    tmp_path: Path, readings: ClockReader
) -> None:
    path = tmp_path / FILE
    open_file(path).close()
    before = path.stat().st_ino
    database.create_file(path)
    assert path.stat().st_ino == before
    assert await used(tmp_path, readings) == 0.0


def test_a_process_of_somebody_else_is_alive_too() -> None:
    """Asked for as another user, who may not signal process 1."""
    code = (
        "import os; from massager_ctl.ledger import process\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "print(process._answers(1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "True\n"
