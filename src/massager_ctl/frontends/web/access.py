"""Sessions of the page by cookie or bearer token, and the pairing code for a new one (R17, R18).

Only SHA-256 hashes of secrets are stored; they are compared in constant time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, structs

from massager_ctl.errors import StoreError
from massager_ctl.model.json_reading import NotJson, read_json

FILE: Final = "web-access.json"
"""The file in the data folder with sessions and the open code."""

CODE_S: Final = 600.0
"""Seconds for which a code is valid."""

CODE_TRIES: Final = 5
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH: Final = 12
SESSIONS_MAX: Final = 64
NAME_MAX: Final = 60


class Session(Struct, frozen=True):
    """One browser or script with a session. `made`: unix seconds; `digest`: of its token."""

    id: str
    name: str
    digest: str
    made: float


class Code(Struct, frozen=True):
    """A code that can be used once, until `until` (unix seconds), with `tries` attempts left."""

    digest: str
    until: float
    tries: int = CODE_TRIES


class Book(Struct, frozen=True):
    """The content of the file. `addresses` and `fingerprint`: of the running service."""

    sessions: tuple[Session, ...] = ()
    code: Code | None = None
    addresses: tuple[str, ...] = ()
    fingerprint: str = ""


class AccessFile:
    """The file on disk, shared by the service and `massager-ctl access`. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._read: tuple[tuple[int, int, int], Book] | None = None

    def book(self) -> Book:
        """The current content; read again only when the file has changed."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return Book()
        except OSError as error:
            raise self._unreadable(error) from None
        # Two changes may have the same time: a clock's step is some milliseconds. Each is a file of its own.
        version = found.st_mtime_ns, found.st_ino, found.st_size
        if self._read is None or self._read[0] != version:
            try:
                book = read_json(self.path.read_bytes(), Book)
            except (OSError, NotJson) as error:
                raise self._unreadable(error) from None
            self._read = (version, book)
        return self._read[1]

    def change(self, change: Callable[[Book], Book]) -> Book:
        """Apply `change` and write the result atomically."""
        with self._locked():
            book = change(self.book())
            fresh = self.path.with_suffix(f".{os.getpid()}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(book))
            fresh.replace(self.path)
        self._read = None
        return book

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unreadable(error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise self._unreadable(error) from None
        finally:
            os.close(descriptor)

    def _unreadable(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self.path}: the list of paired browsers cannot be read or written ({error})",
            "Move that file away, then pair your browsers again.",
        )


class Access:
    """Checks tokens and makes new ones. `wall`: unix seconds."""

    def __init__(self, file: AccessFile | None, wall: Callable[[], float]) -> None:
        """`file`: None on loopback, where anyone who reaches the page gets a session that ends with the service."""
        self._file = file
        self._wall = wall
        self._here: list[Session] = []
        """The least recently used one first."""
        self._used: set[str] = set()

    @property
    def by_code(self) -> bool:
        """Whether a session needs a code."""
        return self._file is not None

    def session(self, token: str) -> Session | None:
        """The session of a token, if any."""
        found = next((one for one in self._sessions() if _same(one.digest, token)), None)
        if found is not None:
            self._use(found)
        return found

    def holds(self, session: Session) -> bool:
        """Whether that session is still valid."""
        found = next((one for one in self._sessions() if one.id == session.id), None)
        if found is not None:
            self._use(found)
        return found is not None

    def issue(self, name: str) -> str:
        """Make a session; returns its token, which is not stored."""
        token = secrets.token_urlsafe(32)
        label = "".join(letter for letter in name if letter.isprintable())[:NAME_MAX]
        session = Session(secrets.token_hex(4), label, digest(token), self._wall())
        if self._file is None:
            self._make_room()
            self._here.append(session)
        else:
            self._file.change(
                lambda book: structs.replace(
                    book, sessions=(*book.sessions, session)[-SESSIONS_MAX:]
                )
            )
        return token

    def pair(self, code: str, name: str) -> str | None:
        """A token for the right code, which is then used up; None for a wrong, old or used one."""
        if self._file is None or self._file.book().code is None:
            return None
        matched = False

        def use(book: Book) -> Book:
            nonlocal matched
            waiting = book.code
            if waiting is None or waiting.until < self._wall() or waiting.tries <= 0:
                return structs.replace(book, code=None)
            matched = _same(waiting.digest, plain(code))
            left = None if matched else structs.replace(waiting, tries=waiting.tries - 1)
            return structs.replace(book, code=left)

        self._file.change(use)
        return self.issue(name) if matched else None

    def _use(self, session: Session) -> None:
        if session in self._here:
            self._here.remove(session)
            self._here.append(session)
            self._used.add(session.id)

    def _make_room(self) -> None:
        """Forget the first unused one, else the least recently used: visits log no open page out."""
        while len(self._here) >= SESSIONS_MAX:
            unused = (one for one in self._here if one.id not in self._used)
            dropped = next(unused, self._here[0])
            self._here.remove(dropped)
            self._used.discard(dropped.id)

    def _sessions(self) -> tuple[Session, ...]:
        return tuple(self._here) if self._file is None else self._file.book().sessions


def new_code(file: AccessFile, wall: float) -> str:
    """Make a code for one more page; it replaces the last one."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    waiting = Code(digest(code), wall + CODE_S)
    file.change(lambda book: structs.replace(book, code=waiting))
    return "-".join(code[start : start + 4] for start in range(0, _CODE_LENGTH, 4))


def plain(code: str) -> str:
    """A typed code in its normal form."""
    return "".join(letter for letter in code.upper() if letter in _LETTERS)


def digest(secret: str) -> str:
    """The stored hash of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _same(expected: str, secret: str) -> bool:
    return hmac.compare_digest(expected, digest(secret))
