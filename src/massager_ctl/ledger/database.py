"""Runs jobs on the ledger's file (R9): a write is on disk when it returns; a damaged file is refused."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol, TypeVar

from massager_ctl.errors import StoreError
from massager_ctl.ledger import rows, schema
from massager_ctl.ledger.transaction import transaction

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

BUSY_S: Final = 2.0
"""Seconds to wait for another process that is writing."""

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
"""Bytes that every SQLite file begins with."""
_WAL_FORMAT: Final = b"\2\2"
"""The file format versions for writing and reading: SQLite opens a file of another version read-only."""
_SECOND_LOOK_S: Final = 0.05

_Identity = tuple[int, int]
"""Device and number of a file, which stay while its name may pass to another one."""

_EXCHANGED: Final = (
    "Put it back, or end this program and start it again; then the ledger that is there counts."
)

_RENEW: Final = (
    "Nothing was changed. `massager-ctl doctor --renew-ledger` keeps a copy of the damaged file and begins a new one"
    " from all that can still be read; what cannot be read counts as used up, and as locked."
)


class Damaged(StoreError):
    """The file cannot be trusted; only a new one helps (fault 36)."""


class Database(Protocol):
    """Runs jobs on one connection, one after the other."""

    async def write(self, job: Job[T]) -> T:
        """Run `job` in a transaction that is on disk when this returns. Raises StoreError."""
        ...

    async def read(self, job: Job[T]) -> T:
        """Run `job`, which only reads. Raises StoreError."""
        ...

    def afterwards(self, job: Job[object]) -> None:
        """Queue `job` to write after what is under way, without waiting."""
        ...

    async def close(self) -> None: ...


class FileDatabase:
    """A file, in a thread of its own, so that a slow disk never holds up the loop."""

    def __init__(self, path: Path, *, busy_s: float = BUSY_S) -> None:
        self.path = path
        self._busy_s = busy_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None
        self._opened: _Identity | None = None

    async def write(self, job: Job[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, job)

    async def read(self, job: Job[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, job)

    def afterwards(self, job: Job[object]) -> None:
        self._thread.submit(self._write, job)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _write(self, job: Job[T]) -> T:
        with translated(self.path):
            connection = self._open()
            with transaction(connection):
                result = job(connection)
            # Into the main file at once: a bit that flips in a log would end the log there, and nothing would show it.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if _identity(self.path) != self._opened:
                raise StoreError(
                    f"{self.path}: the dose ledger was exchanged while it was written", _EXCHANGED
                )
            return result

    def _read(self, job: Job[T]) -> T:
        with translated(self.path):
            return job(self._open())

    def _open(self) -> sqlite3.Connection:
        """The connection to the file that has this name now; one that was replaced is not read (R9)."""
        there = _identity(self.path)
        if self._connection is not None and there != self._opened:
            if there is None:
                raise StoreError(f"{self.path}: the dose ledger was removed", _EXCHANGED)
            self._close()
        if self._connection is None:
            self._connection = open_file(self.path, self._busy_s)
            self._opened = there or _identity(self.path)
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with translated(self.path):
                connection.close()


class MemoryDatabase:
    """No file and no thread: for a simulated device."""

    def __init__(self) -> None:
        # Dropping it without `close` loses nothing, so it closes itself, whichever thread collects it.
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )
        weakref.finalize(self, self._connection.close)
        schema.migrate(self._connection)

    async def write(self, job: Job[T]) -> T:
        with transaction(self._connection):
            return job(self._connection)

    async def read(self, job: Job[T]) -> T:
        return job(self._connection)

    def afterwards(self, job: Job[object]) -> None:
        with transaction(self._connection):
            job(self._connection)

    async def close(self) -> None:
        self._connection.close()


def open_file(path: Path, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open the ledger, checked from end to end; create it if there is none. Raises StoreError, sqlite3.Error."""
    path = behind_links(path)
    log = path.with_name(f"{path.name}-wal")
    if not path.exists():
        if log.exists():
            raise damaged(path, "its main file is gone, and its log is still there")
        create_file(path)
    else:
        if _cut_short(path, log):
            time.sleep(_SECOND_LOOK_S)  # another process may just be closing it
            if why := _cut_short(path, log):
                raise damaged(path, why)
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
    # Damaged text is left for the checksum to find.
    connection.text_factory = _text
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(
                f"{path}: this file system offers no write-ahead log (it says '{mode}')",
                "Choose a folder on a local disk with MASSAGER_CTL_DATA.",
            )
        connection.execute("PRAGMA synchronous = FULL")
        _check(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """Check every page, table and row; bring an older file up to date. Raises StoreError, sqlite3.Error."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, " ".join(str(found).split()))
    if schema.version(connection) > schema.VERSION:
        raise schema.newer(connection) or damaged(path, "its version was changed")
    if schema.altered(connection):
        raise damaged(path, "its tables were changed")
    schema.migrate(connection)
    with transaction(connection):  # no other program writes in the middle of it
        rows.verify(connection, schema.VERSION)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _cut_short(path: Path, log: Path) -> str:
    """Why the file cannot be whole, if so; SQLite would take a few bytes for a new database and overwrite them."""
    head, size = _head(path)
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        return f"{size} bytes that do not begin as a database does"
    if int.from_bytes(head[68:72], "big") != schema.APPLICATION_ID:
        return "it is a database of another program"
    if head[18:20] != _WAL_FORMAT:
        return "its format was changed"
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    log_is_empty = not log.exists() or log.stat().st_size == 0
    if log_is_empty and size != page * pages:
        return f"it has {size} bytes instead of {page * pages}"
    return ""


_KEPT: Final[dict[_Identity, int]] = {}
_KEEPING: Final = threading.Lock()


def _head(path: Path) -> tuple[bytes, int]:
    """The first bytes of the file, and its size, through a descriptor that stays open as long as the file has a name.

    POSIX locks are the process's, not the descriptor's: closing one would drop every lock that this process has on the
    file. Another process that closes the ledger would then remove its log under a connection of this one, and both
    would write at once.
    """
    with _KEEPING:
        found = _identity(path)
        if found is None or found not in _KEPT:
            for gone in [name for name, kept in _KEPT.items() if not os.fstat(kept).st_nlink]:
                os.close(_KEPT.pop(gone))
            opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            there = os.fstat(opened)
            found = there.st_dev, there.st_ino
            _KEPT[found] = opened
        return os.pread(_KEPT[found], _HEADER, 0), os.fstat(_KEPT[found]).st_size


def _identity(path: Path) -> _Identity | None:
    """Which file has this name; None if there is none."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino


def behind_links(path: Path) -> Path:
    """The file itself: its log is beside it, not beside a link. Raises StoreError for a link that leads nowhere."""
    if path.is_symlink() and not path.exists():
        raise StoreError(
            f"{path}: the dose ledger is a link to {path.readlink()}, and there is no file",
            "Make that file reachable again, or remove the link to begin a new ledger.",
        )
    return path.resolve()


def create_file(
    path: Path,
    fill: Callable[[sqlite3.Connection], None] = lambda _: None,
    replace: Callable[[Path], None] | None = None,
) -> None:
    """Make the file complete under another name first, so that an empty ledger always means damage (fault 36).

    `fill`: writes its first rows. `replace`: called right before it takes the place of the file that is there; without
    it a file that is there stays.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    try:
        new.touch(mode=0o600)
        connection = sqlite3.connect(new, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            schema.migrate(connection)
            with transaction(connection):
                fill(connection)
        finally:
            connection.close()
        if replace is not None:
            replace(path)
            new.replace(path)
        else:
            with contextlib.suppress(FileExistsError):  # another process was quicker
                os.link(new, path)
    finally:
        new.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def damaged(path: Path, why: str) -> Damaged:
    """The refusal for a ledger that cannot be trusted."""
    return Damaged(f"{path}: the dose ledger is damaged ({why})", _RENEW)


_CHECK: Final = "Check its permissions and those of its folder, or choose another folder with MASSAGER_CTL_DATA."


@contextlib.contextmanager
def translated(path: Path) -> Generator[None]:
    """What the database or the system raises, as a StoreError with the way out (fault 37)."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path}: the dose ledger cannot be opened ({error.strerror})", _CHECK
        ) from error
    except rows.RowDamaged as error:
        raise damaged(path, str(error)) from None
    except UnicodeDecodeError as error:  # SQLite's own message quotes what it could not understand
        raise damaged(path, "its tables were changed") from error
    except sqlite3.Error as error:
        code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
        match code:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise StoreError(
                    f"{path}: another program keeps the dose ledger locked",
                    "Wait for it to finish, or end it: `fuser` with this path shows which one it is.",
                ) from error
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                raise damaged(path, str(error)) from error
            case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
                raise StoreError(
                    f"{path}: the dose ledger cannot be written ({error}); is the disk full?",
                    "Free some space. No session starts before it can be written.",
                ) from error
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                raise StoreError(
                    f"{path}: the dose ledger cannot be written ({error})", _CHECK
                ) from error
            case _:
                raise StoreError(
                    f"{path}: the dose ledger failed ({error})",
                    "`massager-ctl doctor` says more. No session starts without it.",
                ) from error
