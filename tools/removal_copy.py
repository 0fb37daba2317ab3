"""The copy of the tree in which `make removals` takes lines away and runs the tests."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

from removal_points import Point, taken_away

MEMORY: Final = 4 << 30
"""Bytes that a run may use: a loop that lost its end must not take the machine."""


class Copy:
    """A copy of what git tracks below `root`, kept from run to run. One process uses it at a time."""

    def __init__(self, root: Path, store: Path) -> None:
        self.tree = store / "tree"
        self._store = store
        self.tree.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(store / "lock", os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise SystemExit(
                f"removals: another run uses {store}. Wait for it, or end it, and try again."
            ) from None
        self._restore()
        self.key = self._follow(root)

    def close(self) -> None:
        """Let another process use it."""
        os.close(self._lock)

    def _follow(self, root: Path) -> str:
        """Make the copy equal to the tree; returns a name for what is in it."""
        digest = hashlib.blake2b(digest_size=6)
        names = _tracked(root)
        for name in names:
            content = (root / name).read_bytes()
            digest.update(name.encode() + b"\0" + content + b"\0")
            target = self.tree / name
            if not target.is_file() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, target)
                _forget_bytecode(target)
        listed = self._store / "copied"
        before = set(listed.read_text("utf-8").split("\0")) if listed.exists() else set[str]()
        for name in before - set(names) - {""}:
            (self.tree / name).unlink(missing_ok=True)
        listed.write_text("\0".join(names), encoding="utf-8")
        return digest.hexdigest()

    def digest(self, name: str) -> str:
        """A name for what is in a file, which need not be there."""
        path = self.tree / name
        return digest_of(path.read_bytes() if path.is_file() else b"")

    @contextlib.contextmanager
    def without(self, point: Point) -> Generator[None]:
        """While it is taken away."""
        path = self.tree / point.path
        source = path.read_bytes()
        (self._store / "original").write_bytes(source)
        (self._store / "removed-from").write_text(point.path, encoding="utf-8")
        try:
            path.write_bytes(taken_away(source, point))
            _forget_bytecode(path)
            yield
        finally:
            self._restore()

    def _restore(self) -> None:
        """Put back what was taken away, also by a run that was killed."""
        marker = self._store / "removed-from"
        if marker.exists():
            path = self.tree / marker.read_text(encoding="utf-8")
            path.write_bytes((self._store / "original").read_bytes())
            _forget_bytecode(path)
            marker.unlink()

    def pytest(
        self, arguments: Sequence[str], more: Mapping[str, str], limit_s: float | None
    ) -> subprocess.CompletedProcess[str] | None:
        """Run it in the copy; None if it takes longer than `limit_s`."""
        ways = [
            *(str(self.tree / name) for name in ("src", "", "tools")),
            str(Path(__file__).parent),
        ]
        # Bytecode is kept: without it, compiling the plugins takes most of a run's time.
        kept = {key: of for key, of in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        with subprocess.Popen(
            [
                sys.executable,
                *("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"),
                *arguments,
            ],
            cwd=self.tree,
            env={**kept, "PYTHONPATH": os.pathsep.join(ways), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as child:
            if sys.platform == "linux":
                resource.prlimit(child.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
            try:
                said, _ = child.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                return None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(child.args, child.returncode, said)


def digest_of(content: bytes) -> str:
    """A short name for it."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _forget_bytecode(path: Path) -> None:
    """Python takes a source of the same second and size for the one that it compiled."""
    for each in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        each.unlink(missing_ok=True)


def _tracked(root: Path) -> list[str]:
    """Every file that git tracks, or would."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(name for name in listing.split("\0") if name and (root / name).is_file())
