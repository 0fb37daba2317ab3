"""What a running session allocates on MicroPython: nothing, over 1,000 ticks and 300 frames. Prints what it found."""

from __future__ import annotations

import gc

import session

from massager_fw.states import State

mem_alloc = getattr(gc, "mem_alloc")  # noqa: B009 - CPython has none


def main() -> None:
    firmware = session.running()
    gc.collect()
    booted = mem_alloc()
    gc.disable()
    before_frames = session.Sent.frames
    before = mem_alloc()
    session.play(firmware, 1000, 300)
    after = mem_alloc()
    assert firmware.core.state == State.RUNNING, firmware.core.state
    assert firmware.rejected == 0, firmware.rejected
    assert firmware.core.levels.level[0] > 0
    print(after - before, session.Sent.frames - before_frames, booted)


main()
