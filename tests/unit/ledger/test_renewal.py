"""R9, fault 36: what a damaged ledger costs, and that a renewal that is cut short gives nothing away."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.ledger.looked_at import change, known

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import DoseSpent, StoreError
from massager_ctl.ledger import process as owner
from massager_ctl.ledger import repair, rows, salvage
from massager_ctl.ledger.base import EntryKind, Lock, Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import Damaged
from massager_ctl.ledger.sqlite import FILE, open_store
from massager_ctl.model.requests import PainKind
from massager_ctl.safety.dose_time import DAY_S


def test_an_unreadable_lock_is_locked_until_you_screen(
    lived_in: Path, readings: ClockReader, clock: VirtualClock
) -> None:
    change(lived_in / FILE, "DELETE FROM pain")
    repair.replace_ledger(lived_in, readings)

    async def look() -> None:
        store = open_store(lived_in, readings)
        lock = await store.lock()
        assert lock == Lock(PainKind.WARNING_SIGN, clock.wall(), readable=False)
        await store.report_pain(PainKind.MILD)
        assert await store.lock() == lock, (
            "a mild report answers an unclassified one, not a lost one"
        )
        assert len(await store.mild_ages_s()) == 2, "it may have been a mild one as well"
        assert [report.kind for report in await store.pain_reports()] == [PainKind.MILD, None]
        await store.unlock()
        assert await store.lock() is None
        await store.close()

    asyncio.run(look())


def test_what_was_charged_is_freed_a_day_later_and_a_session_can_start(
    lived_in: Path, readings: ClockReader, clock: VirtualClock
) -> None:
    change(lived_in / FILE, "DELETE FROM mark")
    repair.replace_ledger(lived_in, readings)

    async def start() -> None:
        store = open_store(lived_in, readings)
        with pytest.raises(DoseSpent):
            await store.reserve(Reservation("MS-1", "gentle", 300.0))
        clock.advance(DAY_S)
        session = await store.reserve(Reservation("MS-1", "gentle", 300.0))
        await store.settle(session, 300.0, "finished")
        assert (await store.history())[1].kind is EntryKind.RENEWAL
        await store.close()

    asyncio.run(start())


def test_nothing_is_renewed_while_a_session_runs(
    lived_in: Path, readings: ClockReader, clock: VirtualClock
) -> None:
    clock.advance(2 * DAY_S)

    async def begin() -> None:
        store = open_store(lived_in, readings)
        await store.reserve(Reservation("MS-1", "gentle", 300.0))
        await store.close()

    asyncio.run(begin())
    change(lived_in / FILE, "DELETE FROM device")
    before = (lived_in / FILE).read_bytes()
    with pytest.raises(StoreError, match="a session is running"):
        repair.replace_ledger(lived_in, readings)
    assert (lived_in / FILE).read_bytes() == before


def test_a_crashed_session_is_kept_and_charged_by_the_rule(
    lived_in: Path, readings: ClockReader, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(2 * DAY_S)

    async def begin() -> None:
        store = open_store(lived_in, readings)
        session = await store.reserve(Reservation("MS-1", "gentle", 900.0))
        await store.checkpoint(session, 65.0)
        await store.close()

    with monkeypatch.context() as patched:
        patched.setattr(owner, "mine", lambda boot: "boot 4194305 1")
        asyncio.run(begin())
    change(lived_in / FILE, "DELETE FROM answer")
    repair.replace_ledger(lived_in, readings)
    after = known(lived_in, readings)
    assert (after.dose.used_s, after.dose.open) == (85.0, False)


def test_a_log_that_may_be_cut_short_leaves_nothing_certain(
    lived_in: Path, readings: ClockReader
) -> None:
    """Killed between the commit and its way into the file, and a bit of the log flips: the log ends there, silently."""
    path, log = lived_in / FILE, lived_in / f"{FILE}-wal"
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        before = path.read_bytes()
        rows.put(connection, rows.PainRow(3, "warning_sign", 1.0, 1.0, True))
        logged = log.read_bytes()
    connection.close()
    path.write_bytes(before)
    log.write_bytes(logged)
    assert salvage.read(path).pains[3].locks, "what the log holds is found as well"
    (path.parent / f"{FILE}-shm").unlink(missing_ok=True)
    content = bytearray(before)
    content[100 + 3] ^= 0x40
    path.write_bytes(content)
    foreseen = repair.preview(lived_in)
    assert "the log may be cut short" in foreseen.lost
    assert (foreseen.charges_day, foreseen.locks) == (True, True)


@pytest.mark.slow
def test_a_renewal_that_is_cut_short_leaves_the_damaged_ledger_or_the_new_one(
    lived_in: Path, scratch: Path, readings: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each call that changes the folder, in turn."""
    change(lived_in / FILE, "UPDATE pain SET locks = 0")
    whole = (lived_in / FILE).read_bytes()

    class Killed(BaseException):
        pass

    outcomes: set[str] = set()
    for step in range(40):
        folder = scratch / f"cut-{step}"
        folder.mkdir()
        (folder / FILE).write_bytes(whole)
        (folder / f"{FILE}-wal").write_bytes(b"")
        left = [step]

        def counted(real: Callable[..., object], left: list[int] = left) -> Callable[..., object]:
            def call(*args: object, **kwargs: object) -> object:
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patched:
            for owner_, name in (
                (os, "fsync"),
                (os, "link"),
                (Path, "unlink"),
                (Path, "replace"),
                (Path, "open"),
                (shutil, "copy2"),
            ):
                patched.setattr(owner_, name, counted(getattr(owner_, name)))
            try:
                repair.replace_ledger(folder, readings)
                outcomes.add("done")
            except Killed:
                pass
        try:
            assert known(folder, readings).lock is not None
            outcomes.add("new")
        except Damaged:
            outcomes.add("damaged")
            repair.replace_ledger(folder, readings)
            assert known(folder, readings).lock is not None
        shutil.rmtree(folder)
    assert outcomes == {"done", "new", "damaged"}


def test_a_renewal_cut_short_without_its_log_does_not_go_back_to_what_was_before_the_log(
    lived_in: Path, readings: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file alone is whole, and older: it must never be taken for the ledger once its damaged log is gone."""
    path, log = lived_in / FILE, lived_in / f"{FILE}-wal"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    before = path.read_bytes()
    connection.execute("UPDATE pain SET kind = 'mild', locks = 0")
    logged = log.read_bytes()
    connection.close()
    path.write_bytes(before)
    log.write_bytes(logged)
    with pytest.raises(Damaged, match="pain report 2 does not match"):
        known(lived_in, readings)
    path.write_bytes(before)
    log.write_bytes(logged)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            repair.replace_ledger(lived_in, readings)
    assert not log.exists()
    with pytest.raises(Damaged):
        known(lived_in, readings)
    repair.replace_ledger(lived_in, readings)
    assert known(lived_in, readings).lock is not None


def test_what_spoils_the_damaged_file_is_on_the_disk_before_its_log_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / FILE
    path.write_bytes(bytes(4096))
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    repair._spoil(path)
    assert synced == [path.read_bytes()]
    assert synced[0].startswith(repair._SPOILT)


def _session_charged(charged_s: float) -> rows.SessionRow:
    return rows.SessionRow(
        1, "session", "open", "", "MS-1", "gentle", 0.0, 0.0, 600.0, 100.0, charged_s
    )


@pytest.mark.parametrize(
    ("strict", "mild"),
    [
        (rows.DeviceRow("MS-1", 100.0), rows.DeviceRow("MS-1", 200.0)),
        (_session_charged(300.0), _session_charged(200.0)),
        (
            rows.DoseClockRow(1, "b", 5.0, 5.0, 10.0, 5.0, 10.0),
            rows.DoseClockRow(1, "b", 9.0, 9.0, 20.0, 9.0, 20.0),
        ),
        (
            rows.PainRow(1, "mild", 5.0, 5.0, locks=True),
            rows.PainRow(1, "mild", 5.0, 5.0, locks=False),
        ),
        (
            rows.AnswerRow("fever", "yes", False, "b", 9.0, 9.0),
            rows.AnswerRow("fever", "no", False, "b", 5.0, 5.0),
        ),
    ],
)
def test_of_two_copies_of_a_row_the_stricter_one_is_kept(strict: rows.Row, mild: rows.Row) -> None:
    assert salvage._stricter(strict, mild) == salvage._stricter(mild, strict) == strict


def test_of_two_copies_of_a_seal_the_later_one_is_kept() -> None:
    first, later = rows.SealRow("pain", 1, 7), rows.SealRow("pain", 2, 9)
    assert salvage._stricter(first, later) == later


@pytest.mark.parametrize(
    ("code", "content"), [(10, 8), (11, 8), (12, 8), (14, 8), (7, 4), (6, 7), (4, 3), (19, 2)]
)
def test_a_value_of_no_type_or_past_the_end_of_its_page_is_none(code: int, content: int) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        salvage._value(bytes(content), code, 0)


def test_the_copy_of_a_damaged_ledger_is_on_the_disk_before_anything_goes(
    lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fsync, list[tuple[int, int]]()

    def sync(descriptor: int) -> None:
        found = os.fstat(descriptor)
        synced.append((found.st_ino, found.st_size))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    path = lived_in / FILE
    path.with_name(f"{FILE}-wal").write_bytes(b"its log")
    aside = repair._copy(path, "now")
    for part in (aside, aside.with_name(f"{aside.name}-wal")):
        assert (part.stat().st_ino, part.stat().st_size) in synced
    assert synced[-1][0] == lived_in.stat().st_ino, "and their names after them"


def test_r10_where_the_dose_clock_is_lost_it_goes_on_from_the_latest_time_that_any_row_has(
    readings: ClockReader,
) -> None:
    now = readings.now()
    pain = rows.PainRow(1, "mild", 70.0, now.wall + 100.0, locks=False)
    answer = rows.AnswerRow("fever", "no", False, now.boot, 9.0, now.wall + 200.0)
    clock = repair._clock(salvage.Salvage(pains={1: pain}), now)
    assert (clock.at_s, clock.high_wall) == (70.0, now.wall + 100.0)
    clock = repair._clock(salvage.Salvage(pains={1: pain}, answers={"fever": answer}), now)
    assert (clock.at_s, clock.high_wall) == (70.0, now.wall + 200.0)
    assert repair._clock(salvage.Salvage(), now).high_wall == now.wall


def test_a_page_gives_no_row_past_those_that_its_header_counts(lived_in: Path) -> None:
    looked_at = 0
    for page, start in salvage._pages((lived_in / FILE).read_bytes()):
        found = list(salvage._rows(page, start))
        place = slice(start + 3, start + 5)
        if found and len(found) == int.from_bytes(page[place], "big"):
            fewer = bytearray(page)
            fewer[place] = (len(found) - 1).to_bytes(2, "big")
            assert list(salvage._rows(bytes(fewer), start)) == found[:-1]
            looked_at += 1
    assert looked_at
