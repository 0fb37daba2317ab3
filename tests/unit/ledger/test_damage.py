"""R9, fault 36: whatever happens to the ledger's bits is seen, and the way on gives nothing away."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.ledger.looked_at import change, known

from massager_ctl.ledger import repair, rows, salvage
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import Damaged, open_file
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.ledger.sqlite import FILE
from massager_ctl.model.requests import PainKind
from massager_ctl.safety.screening import QUESTIONS

PAGE = 4096


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


def test_r9_a_row_that_is_changed_while_the_ledger_is_open_is_not_read(lived_in: Path) -> None:
    connection = open_file(lived_in / FILE)
    change(lived_in / FILE, "UPDATE session SET charged_s = 0, delivered_s = 0 WHERE id = 41")
    assert rows.get(connection, rows.SessionRow, 40) is not None
    with pytest.raises(rows.RowDamaged, match="session 41 does not match its checksum"):
        rows.get(connection, rows.SessionRow, 41)
    with pytest.raises(rows.RowDamaged, match="session 41"):
        rows.select(connection, rows.SessionRow)
    connection.close()


def test_r9_nothing_is_written_into_a_table_whose_seal_is_gone(lived_in: Path) -> None:
    connection = open_file(lived_in / FILE)
    change(lived_in / FILE, "DELETE FROM seal WHERE name = 'pain'")
    with pytest.raises(rows.RowDamaged, match="seal of the table 'pain' is missing"):
        rows.put(connection, rows.PainRow(77, "mild", 0.0, 0.0, locks=False))
    assert rows.get(connection, rows.PainRow, 77) is None
    connection.close()


def test_r9_a_later_version_that_no_seal_bears_out_is_damage(
    lived_in: Path, readings: ClockReader
) -> None:
    change(lived_in / FILE, "DROP TABLE seal")
    change(lived_in / FILE, "PRAGMA user_version = 99")
    with pytest.raises(Damaged, match="its version was changed"):
        known(lived_in, readings)


def test_a_ledger_that_is_no_database_at_all_is_charged_and_locked(
    scratch: Path, readings: ClockReader
) -> None:
    (scratch / FILE).write_bytes(random.Random(1).randbytes(3 * PAGE))
    repair.replace_ledger(scratch, readings)
    after = known(scratch, readings)
    assert (after.sessions, after.answers, after.dose.used_s) == (1, 0, 1800.0)
    assert after.lock is not None
    assert not after.lock.readable


def test_a_ledger_that_was_cut_short_is_not_opened_and_stays_as_it_is(lived_in: Path) -> None:
    path = lived_in / FILE
    rest = path.read_bytes()[:-PAGE]
    path.write_bytes(rest)
    with pytest.raises(Damaged, match=f"it has {len(rest)} bytes instead of {len(rest) + PAGE}"):
        open_file(path)
    assert path.read_bytes() == rest


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


def test_keys_and_numbers_of_every_size_are_read_as_they_were_written(lived_in: Path) -> None:
    keys = (3, 200, 40_000, 10**7, 2**33, 2**50, 2**62)
    times = (0.5, -0.25, 1e300, 7.0, -70_000.0, 2.0**40, 1.0)
    pains = {
        key: rows.PainRow(key, "mild" * (key % 7), at, -at, locks=bool(key % 2))
        for key, at in zip(keys, times, strict=True)
    }
    connection = open_file(lived_in / FILE)
    for row in pains.values():
        rows.put(connection, row)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    found = salvage.read(lived_in / FILE)
    assert {key: found.pains.get(key) for key in keys} == pains
    assert (found.pain_is_whole, found.dose_is_whole) == (True, True)
