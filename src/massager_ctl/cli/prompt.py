"""A line typed by the person at the terminal, for every question of the program."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from typing import Any


def typed_line(prompt: str) -> str:
    """What was typed, like `input`; Ctrl-C is heeded whenever it comes. Raises EOFError, KeyboardInterrupt.

    `input` may miss a signal that arrives between the prompt and its read, and then waits for a key. Here the signal
    also writes to a pipe, which is watched together with the keyboard. Inside an event loop, whose handlers
    would only be called after the answer, any signal ends the question. In another thread it is `input`: there the main
    thread with its event loop heeds signals.
    """
    if not sys.stdin.isatty() or threading.current_thread() is not threading.main_thread():
        return input(prompt)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        sys.stdout.write(prompt)
        sys.stdout.flush()
        ready: list[Any] = []
        while sys.stdin not in ready:
            ready = select.select([sys.stdin, woken], [], [])[0]
            if woken in ready and before >= 0:
                raise KeyboardInterrupt  # a loop's own: it would hear of it only after the answer
            if woken in ready:
                os.read(woken, 64)  # a signal whose handler let us go on
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")
