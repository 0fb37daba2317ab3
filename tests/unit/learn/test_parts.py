"""Labels, counters, checksums and rhythms, each on its own."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.learn_devices.checksums import SUMS

from massager_ctl.drivers.described.checksum import Checksum
from massager_ctl.drivers.described.encoding import Encoding, unwrap, wrap
from massager_ctl.errors import CaptureError
from massager_ctl.learn.answers import Notification, find_state
from massager_ctl.learn.counters import find_counters
from massager_ctl.learn.fields import Spot
from massager_ctl.learn.labels import Action, Label, parse_labels
from massager_ctl.learn.sums import find_sums


def test_labels_by_seconds_by_clock_and_by_date() -> None:
    started = 1_700_000_000.0
    lines = ["# mine", "12.5 level 2", "3,stop", "1700000020 on", "14\tother", "13 4"]
    assert parse_labels(lines, started) == (
        Label(3.0, Action.STOP),
        Label(12.5, Action.LEVEL, 2),
        Label(13.0, Action.LEVEL, 4),
        Label(14.0, Action.OTHER),
        Label(20.0, Action.ON),
    )
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(started + 61, UTC).astimezone()
    for text in (moment.isoformat(), f"{moment:%H:%M:%S}"):
        ((time, action, level),) = parse_labels([f"{text} level 1"], started)
        assert (time, action, level) == (pytest.approx(61.0), Action.LEVEL, 1)


@pytest.mark.parametrize(
    "line", ["soon level 1", "1.0 level 0x1", "nan stop", "5", "1.0 level 101"]
)
def test_a_label_that_cannot_be_read_names_its_line(line: str) -> None:
    with pytest.raises(CaptureError, match="line 2"):
        parse_labels(["1.0 level 1", line], 0.0)


@given(st.lists(st.binary(min_size=4, max_size=12), min_size=6, max_size=12, unique=True))
@pytest.mark.parametrize("name", [name for name in SUMS if name != "none"])
def test_the_checksum_that_was_used_is_among_those_that_fit(name: str, bodies: list[bytes]) -> None:
    work, size = SUMS[name]
    frames = [b"\xaa" + body for body in bodies]
    frames = [frame + work(frame).to_bytes(size, "big") for frame in frames]
    values = {frame[-size:] for frame in frames}
    fits = find_sums(frames, Spot(-size, size))
    if len({value[0] for value in values}) > 1 and len({value[-1] for value in values}) > 1:
        assert fits
    from massager_ctl.drivers.described.template import checksum_bytes

    for fit in fits:
        for frame in frames:
            assert checksum_bytes(fit.field, frame, len(frame) - size) == frame[-size:]


def test_sum_and_exclusive_or_both_fit_where_no_bit_carries() -> None:
    frames = [bytes((0x80, 1 << n, 0x80 + (1 << n))) for n in range(5)]
    families = {fit.field.algorithm for fit in find_sums(frames, Spot(-1, 1))}
    assert {"sum", "xor"} <= families


@pytest.mark.parametrize(
    ("checksum", "check"),
    [
        (Checksum("crc", 8, 0x07), 0xF4),
        (Checksum("crc", 8, 0x31, 0, True, True), 0xA1),
        (Checksum("crc", 16, 0x1021, 0xFFFF), 0x29B1),
        (Checksum("crc", 16, 0x8005, 0xFFFF, True, True), 0x4B37),
        (
            Checksum("crc", 32, 0x04C11DB7, 0xFFFFFFFF, True, True, False, 0xFFFFFFFF),
            zlib.crc32(b"123456789"),
        ),
        (Checksum("sum"), sum(b"123456789") & 0xFF),
        (Checksum("sum", negate=True), -sum(b"123456789") & 0xFF),
        (Checksum("xor", init=0xFF), 0xFF ^ 0x31),
    ],
)
def test_checksums_against_their_published_check_values(checksum: Checksum, check: int) -> None:
    assert checksum(b"123456789") == check


@given(st.binary(min_size=1, max_size=40), st.sampled_from(list(Encoding)))
def test_every_encoding_gives_back_what_went_in(content: bytes, encoding: Encoding) -> None:
    before, after = (
        (b":", b"\r\n") if encoding in (Encoding.HEX, Encoding.HEX_LOWER) else (b"", b"")
    )
    assert unwrap(wrap(content, encoding, before, after), encoding, before, after) == content


@given(st.binary(max_size=40), st.sampled_from(list(Encoding)))
def test_foreign_bytes_never_break_an_encoding(frame: bytes, encoding: Encoding) -> None:
    content = unwrap(frame, encoding)
    assert content is None or wrap(content, encoding) == frame


def test_a_counter_that_starts_over_is_found_with_its_ends() -> None:
    for low, high in ((0, 255), (1, 255), (0, 15), (0, 99)):
        count = high - 3
        frames: list[bytes] = []
        for _ in range(2 * (high - low) if high < 20 else 300):
            frames.append(bytes((0xAA, count, 0x55)))
            count = count + 1 if count < high else low
        found = find_counters(frames)[0]
        assert (found.spot.at, found.field.low, found.field.high) == (1, low, high)


def test_half_a_byte_counts_beside_other_bits() -> None:
    frames = [bytes((0xAA, (0x30, 0x50, 0x90)[n % 3] | n % 16, 0x55)) for n in range(40)]
    (found,) = [one for one in find_counters(frames) if one.spot.at == 1]
    assert (found.field.high, found.field.shift) == (15, 0)


def test_what_does_not_count_is_no_counter() -> None:
    frames = [bytes((0xAA, value, 0x55)) for value in (1, 2, 3, 5, 6, 7, 8, 9)]
    assert find_counters(frames) == []


def test_an_answer_that_tells_the_level() -> None:
    changes = [(10.0, 1), (20.0, 2), (30.0, 0), (40.0, 1), (50.0, 0)]
    notifications: list[Notification] = []
    for moment in range(0, 60, 3):
        level = [0, *(level for at, level in changes if at <= moment)][-1]
        notifications.append(
            Notification(float(moment), 7, bytes((0xAA, 0x40 + moment % 5, level * 3, 0x55)))
        )
    state = find_state(notifications, changes, {})
    assert state is not None
    assert state.levels == {0: b"\x00", 1: b"\x03", 2: b"\x06"}
    assert state.after_stop


def test_an_answer_that_counts_is_no_level() -> None:
    changes = [(10.0, 1), (20.0, 2), (30.0, 0), (40.0, 1)]
    notifications = [
        Notification(at + 0.05, 7, bytes((0xAA, n))) for n, (at, _) in enumerate(changes)
    ]
    assert find_state(notifications, changes, {}) is None
