"""R9, fault 36: whatever happens to the ledger's bits is seen, and the way on gives nothing away."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import DoseSpent, StoreError
from massager_ctl.ledger import process as owner
from massager_ctl.ledger import repair, rows, salvage
from massager_ctl.ledger.base import EntryKind, Lock, Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import Damaged, open_file
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.ledger.sqlite import FILE, open_store
from massager_ctl.model.requests import PainKind
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.dose_time import DAY_S
from massager_ctl.safety.screening import QUESTIONS, Answer, Answered

PAGE = 4096


class Known(Struct, frozen=True):
    """What a ledger says, in the order in which a start asks for it."""

    lock: Lock | None
    answers: int
    dose: DoseState
    mild: int
    sessions: int


async def ask(folder: Path, readings: ClockReader) -> Known:
    store = open_store(folder, readings)
    try:
        return Known(
            await store.lock(),
            len(await store.answers()),
            await store.recent(),
            len(await store.mild_ages_s()),
            len(await store.history()),
        )
    finally:
        await store.close()


def known(folder: Path, readings: ClockReader) -> Known:
    return asyncio.run(ask(folder, readings))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1000.0)


@pytest.fixture
def readings(clock: VirtualClock) -> ClockReader:
    return ClockReader(clock, "boot")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of ledgers are made in it, each fsynced."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=memory, prefix="massager-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def lived_in(scratch: Path, clock: VirtualClock, readings: ClockReader) -> Path:
    """A ledger of some weeks: two sessions today, mild pain, a warning sign that locks, every answer."""
    folder = scratch / "lived-in"

    async def live() -> None:
        store = open_store(folder, readings)
        await store.record_external_use("MS-1", 5000.0)
        for number in range(40):
            session = await store.reserve(Reservation("MS-1", f"profile-{number}", 300.0))
            clock.advance(300.0)
            await store.settle(session, 300.0, "finished")
            clock.advance(DAY_S / 2)
        clock.advance(-DAY_S / 2 + 1200.0)
        session = await store.reserve(Reservation("MS-1", "gentle", 400.0))
        await store.settle(session, 380.0, "finished")
        given = [Answered(question.id, Answer.NO, readings.now()) for question in QUESTIONS]
        await store.answer(given)
        await store.report_pain(PainKind.MILD)
        await store.report_pain(PainKind.WARNING_SIGN)
        await store.close()

    asyncio.run(live())
    return folder


def flip(content: bytearray, chance: random.Random) -> str:
    """One bit; every other time in a byte that is not empty, since most of a page is."""
    at, bit = chance.randrange(len(content)), chance.randrange(8)
    if bit % 2:
        while not content[at]:
            at = chance.randrange(len(content))
    content[at] ^= 1 << bit
    return f"bit {bit} of byte {at}"


def swap(content: bytearray, chance: random.Random) -> str:
    one, other = chance.sample(range(len(content) // PAGE), 2)
    first, second = slice(one * PAGE, one * PAGE + PAGE), slice(other * PAGE, other * PAGE + PAGE)
    content[first], content[second] = content[second], content[first]
    return f"pages {one} and {other}"


def hurt(
    lived_in: Path,
    scratch: Path,
    readings: ClockReader,
    damage: Callable[[bytearray, random.Random], str],
    times: int,
) -> tuple[int, int]:
    """Damage copies of the ledger, and go the way on. Returns how often it was seen, and how often nothing was lost."""
    before = known(lived_in, readings)
    assert before.lock is not None
    whole = (lived_in / FILE).read_bytes()
    chance = random.Random(20_251)
    seen, kept = 0, 0
    for number in range(times):
        folder = scratch / str(number)
        folder.mkdir()
        content = bytearray(whole)
        what = damage(content, chance)
        (folder / FILE).write_bytes(content)
        refusal = None
        try:
            after = known(folder, readings)
        except Damaged as error:
            refusal = error
            aside = repair.replace_ledger(folder, readings)
            after = known(folder, readings)
            kept += after == before
            assert aside.read_bytes() == content, f"{what}: it was changed"
        if refusal is None:
            assert after == before, f"{what} changed what it says, unseen"
        else:
            seen += 1
            assert "doctor --renew-ledger" in refusal.remedy, what
        assert after.lock is not None, f"{what} lost the lock"
        assert after.dose.used_s >= before.dose.used_s, f"{what} was undercharged"
        assert after.dose.sessions_ever <= before.dose.sessions_ever, what
        assert after.mild >= 1, f"{what} lost the lower cap"
        if after.dose.used_s < 1800.0:
            assert after.sessions == before.sessions, what
        shutil.rmtree(folder)
    return seen, kept


@pytest.mark.slow
def test_600_flipped_bits_are_seen_or_change_nothing(
    lived_in: Path, scratch: Path, readings: ClockReader
) -> None:
    seen, kept = hurt(lived_in, scratch, readings, flip, 600)
    assert seen > 200, "the flips must reach what is written"
    assert kept > seen / 4, "damage beside the rows costs nothing"


@pytest.mark.slow
def test_60_swapped_pages_are_seen_or_change_nothing(
    lived_in: Path, scratch: Path, readings: ClockReader
) -> None:
    seen, kept = hurt(lived_in, scratch, readings, swap, 60)
    assert seen == 60
    assert kept > 30, "rows are found wherever their page stands"


def test_r9_doctors_words_name_the_row(lived_in: Path, readings: ClockReader) -> None:
    before = known(lived_in, readings)
    content = bytearray((lived_in / FILE).read_bytes())
    at = content.index(b"profile-7")
    content[at] ^= 1
    (lived_in / FILE).write_bytes(content)
    with pytest.raises(Damaged, match="session 8 does not match its checksum"):
        known(lived_in, readings)
    foreseen = repair.preview(lived_in)
    assert foreseen.lost == ("40 of 41 rows of the table 'session' are there",)
    assert foreseen.kept == f"40 sessions, {len(QUESTIONS)} answers, 2 pain reports"
    assert (foreseen.charges_day, foreseen.locks) == (True, False)
    repair.replace_ledger(lived_in, readings)
    after = known(lived_in, readings)
    assert (after.sessions, after.dose.used_s) == (41, before.dose.used_s + 1800.0)


def change(path: Path, statement: str) -> None:
    """Change the ledger past its own program."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@pytest.mark.parametrize(
    ("statement", "says", "charges", "locks"),
    [
        ("UPDATE pain SET locks = 0", "pain report 2 does not match", False, True),
        ("DELETE FROM pain", "0 of 2 rows of the table 'pain'", False, True),
        ("DELETE FROM session WHERE id = 41", "40 of 41 rows of the table 'session'", True, False),
        (
            "UPDATE session SET charged_s = 400 WHERE id = 41",
            "session 41 does not match",
            True,
            False,
        ),
        ("UPDATE device SET lifetime_s = 9000", "device 'MS-1' does not match", True, False),
        ("DELETE FROM device", "0 of 1 rows of the table 'device'", True, False),
        ("UPDATE mark SET at_s = at_s + 90000", "dose clock does not match", True, False),
        ("DELETE FROM mark", "the dose clock is missing", True, False),
        (
            "DELETE FROM answer WHERE question = 'stroke'",
            "rows of the table 'answer'",
            False,
            False,
        ),
        ("UPDATE answer SET answer = 'nein'", "12 more", False, False),
        ("DELETE FROM seal WHERE name = 'pain'", "the seal 'pain' is missing", False, True),
        ("DELETE FROM seal WHERE name = 'schema'", "the seal 'schema' is missing", False, False),
        ("UPDATE pain SET id = 7 WHERE id = 2", "pain report 7 does not match", False, True),
        ("DROP TABLE pain", "its tables were changed", False, True),
        ("PRAGMA user_version = 2", "its tables were changed", False, False),
        ("PRAGMA user_version = 77", "its version was changed", False, False),
    ],
)
def test_r9_each_kind_of_damage_costs_what_it_may_have_taken(
    lived_in: Path, readings: ClockReader, statement: str, says: str, charges: bool, locks: bool
) -> None:
    before = known(lived_in, readings)
    change(lived_in / FILE, statement)
    with pytest.raises(Damaged, match=says):
        known(lived_in, readings)
    foreseen = repair.preview(lived_in)
    assert (foreseen.charges_day, foreseen.locks) == (charges, locks)
    repair.replace_ledger(lived_in, readings)
    after = known(lived_in, readings)
    assert after.lock is not None
    assert after.lock.readable or locks
    assert after.dose.used_s >= before.dose.used_s
    assert (after.dose.used_s >= 1800.0) == charges


def test_a_row_that_was_exchanged_for_an_older_one_of_its_own_is_seen(
    lived_in: Path, readings: ClockReader
) -> None:
    connection = open_file(lived_in / FILE)
    row = rows.get(connection, rows.SessionRow, 41)
    assert row is not None
    values = (*rows.stored(row)[:10], 390.0, *rows.stored(row)[11:])
    connection.execute("DELETE FROM session WHERE id = 41")
    marks = ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO session VALUES ({marks}, ?)",
        (*values, rows.checksum(rows.SessionRow, values)),
    )
    connection.close()
    with pytest.raises(Damaged, match="a row of the table 'session' was exchanged"):
        known(lived_in, readings)


@pytest.mark.parametrize("seconds", ["'many'", "X'00FF'", "9e999", "7"])
def test_a_number_that_is_another_one_or_none_costs_its_own_row_alone(
    lived_in: Path, seconds: str
) -> None:
    before = salvage.read(lived_in / FILE)
    assert before.dose_is_whole
    change(lived_in / FILE, f"UPDATE session SET seen_s = {seconds} WHERE id = 41")
    found = salvage.read(lived_in / FILE)
    assert found.sessions == {key: row for key, row in before.sessions.items() if key != 41}
    assert (found.dose_is_whole, found.pain_is_whole) == (False, True)
    assert found.lost == ("40 of 41 rows of the table 'session' are there",)
    rest = (found.devices, found.answers, found.pains, found.clock)
    assert rest == (before.devices, before.answers, before.pains, before.clock)


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


def test_a_ledger_that_is_no_database_at_all_is_charged_and_locked(
    scratch: Path, readings: ClockReader
) -> None:
    (scratch / FILE).write_bytes(random.Random(1).randbytes(3 * PAGE))
    repair.replace_ledger(scratch, readings)
    after = known(scratch, readings)
    assert (after.sessions, after.answers, after.dose.used_s) == (1, 0, 1800.0)
    assert after.lock is not None
    assert not after.lock.readable


def test_a_second_copy_does_not_take_the_place_of_the_first(
    lived_in: Path, readings: ClockReader
) -> None:
    names: set[Path] = set()
    for _ in range(2):
        change(lived_in / FILE, "UPDATE device SET lifetime_s = 1")
        names.add(repair.replace_ledger(lived_in, readings))
    assert len(names) == 2
    assert all(name.exists() for name in names)


@pytest.mark.asyncio
async def test_a_row_is_kept_as_sqlite_gives_it_back(readings: ClockReader) -> None:
    """Enums, whole numbers in a column of reals and a negative zero match their checksum afterwards."""
    store = MemoryStore(readings)
    session = await store.reserve(Reservation("MS-ü", "gentle", 600))
    await store.settle(session, -0.0, PainKind.MILD)
    entry = (await store.history())[0]
    assert (entry.end_reason, entry.delivered_s, entry.device) == ("mild", 0.0, "MS-ü")
    await store.close()


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
    ],
)
def test_of_two_copies_of_a_row_the_stricter_one_is_kept(strict: rows.Row, mild: rows.Row) -> None:
    assert salvage._stricter(strict, mild) == salvage._stricter(mild, strict) == strict
