"""A question at the terminal: what was typed comes back, and Ctrl-C is heeded whenever it comes."""

from __future__ import annotations

import _thread
import os
import pty
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from massager_ctl.cli.prompt import typed_line

Step = str | Callable[[], None]


@contextmanager
def person(monkeypatch: pytest.MonkeyPatch, *steps: Step) -> Generator[None]:
    """Someone at the program's terminal, who does each step in turn once the prompt is on the screen."""
    ours, theirs = pty.openpty()

    def do() -> None:
        while b"name? " not in os.read(ours, 1024):
            pass
        for step in steps:
            if callable(step):
                step()
            else:
                os.write(ours, step.encode())

    def hurry() -> None:
        missed.append("what the person did")
        os.write(ours, b"too late\n")

    missed: list[str] = []
    thread = threading.Thread(target=do)
    late = threading.Timer(10, hurry)  # so that a miss fails, and hangs nothing
    with (
        os.fdopen(theirs, encoding="utf-8", closefd=False) as stdin,
        os.fdopen(theirs, "w", encoding="utf-8") as stdout,
        monkeypatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", stdin)
        patch.setattr(sys, "stdout", stdout)
        thread.start()
        late.start()
        try:
            yield
        finally:
            late.cancel()
            late.join()
            thread.join()
            os.close(ours)
    assert not missed


def test_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with person(monkeypatch, "Ada\n"):
        assert typed_line("name? ") == "Ada"


def test_the_end_of_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with person(monkeypatch, "\x04"), pytest.raises(EOFError):
        typed_line("name? ")


def test_a_signal_that_interrupts_no_read_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Ctrl-C had come just before the read: its flag is set, and no system call returns early."""
    with person(monkeypatch, _thread.interrupt_main), pytest.raises(KeyboardInterrupt):
        typed_line("name? ")


def test_a_question_of_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset is asked for beside an event loop, whose thread alone may hear signals."""
    with person(monkeypatch, "Ada\n"), ThreadPoolExecutor() as pool:
        assert pool.submit(typed_line, "name? ").result() == "Ada"
