"""A log that takes nothing holds nothing up, and what was lost is counted."""

from __future__ import annotations

import os

from massager_ctl.frontends.log_stream import LogStream


def test_what_nobody_reads_is_dropped_and_counted_once_somebody_reads() -> None:
    reading, writing = os.pipe()
    stream = LogStream(writing, lambda dropped: f"dropped {dropped}", kept=10)
    lines = [f"{number} {'x' * 5000}\n" for number in range(100)]  # more than a pipe holds
    for line in lines:
        stream.write(line)
        stream.flush()
    found: list[str] = []
    with os.fdopen(reading) as reader:
        while not found or found[-1] != "the end\n":
            found.append(reader.readline())
            if len(found) == 1:
                stream.write("the end\n")
    stream.close()
    os.close(writing)
    notes = [line for line in found if line.startswith("dropped")]
    assert sum(int(note.split()[1]) for note in notes) + len(found) - len(notes) == len(lines) + 1
    assert notes


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = LogStream(writing, str)
    assert stream.write("line\n") == 5
    assert not stream.isatty()
    stream.close()
    os.close(writing)
