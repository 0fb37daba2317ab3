"""What the display shows, and that it fits."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.devices import device_info, telemetry

from massager_ctl.device import (
    DeviceState,
    Pattern,
    Setpoint,
)
from massager_ctl.safety.governor import Held
from massager_ctl.status import GuidedStep, LinkState, Phase, Status
from massager_ctl.surfaces.live import difference, text_of
from massager_ctl.surfaces.picture import (
    ASCII,
    LINES,
    bar,
    cells,
    cropped,
    in_ascii,
    minutes,
    painted,
    picture,
    played,
    why_held,
)
from massager_ctl.units import Direction, Motion, Zone

KNEAD = Pattern(Motion.KNEAD, Direction.ALTERNATE)
PATTERNS = (KNEAD, KNEAD, KNEAD, KNEAD, KNEAD, KNEAD)

INFO = device_info(serial="SIM-00000001", dead_man_s=0.5, sensing=frozenset())
TELEMETRY = telemetry(
    epoch=2,
    challenge=3,
    uptime_s=10.0,
    running_s=9.0,
    owner=1,
    seq=1,
    state=DeviceState.RUNNING,
    battery=87,
    levels=(18.2, 18.2, 12.0, 12.0, 0.0, 0.0),
    current_ma=300,
    pad_c=31.2,
    motor_c=33.4,
    allowance_s=900,
)
STATUS = Status(
    address="sim:",
    link=LinkState.UP,
    info=INFO,
    telemetry=TELEMETRY,
    phase=Phase.RUNNING,
    title="Restorative session",
    profile="restorative",
    step="ramp",
    elapsed_s=151.0,
    remaining_s=449.0,
    duration_s=600.0,
    target=(25.0, 25.0, 12.0, 15.0, 0.0, 0.0),
    sent=Setpoint((18.2, 18.2, 12.0, 12.0, 0.0, 0.0), PATTERNS),
    caps=(25.0, 25.0, 25.0, 25.0, 25.0, 25.0),
    held=(
        Held(Zone.TRAPEZIUS_LEFT, 25.0, 18.0, "R2", 170.0),
        Held(Zone.NECK_RIGHT, 15.0, 12.0, "R3", 3.0),
    ),
    guided=GuidedStep("Lean in gently and let your shoulders drop.", 12.0, 30.0),
    notes=("session 1 of 3: capped at 25",),
    eased=5.0,
)


def shown(status: Status, width: int = 80, height: int = 24) -> str:
    return text_of(picture(status, width, height))


def test_a_session_at_a_glance() -> None:
    text = shown(STATUS)
    for part in (
        "Restorative session",
        "SIM-00000001 (simulated)",
        "2:31 of 10:00",
        "7:29 left",
        "ramp · knead alternate",
        "18.2 → 25.0",
        "12.0 → 15.0",
        "Lean in gently and let your shoulders drop.",
        "0:12",
        "trapezius_left: 18 allowed now, your 25 in 2 min 50 s (R2)",
        "eased by 5 points; session 1 of 3: capped at 25",
        "battery 87 %",
        "pad 31 °C",
        "link up",
        "space stop",
        "! it hurts",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"phase": Phase.PAUSED}, "paused, p to go on"),
        ({"phase": Phase.PAUSED}, "p go on"),
        ({"phase": Phase.FADING}, "fading out"),
        ({"phase": Phase.ARMING}, "getting ready"),
        ({"link": LinkState.LOST}, "the link to the device is lost"),
        ({"attention_in_s": 20.0}, "Are you all right? Press any key (0:20)."),
        ({"phase": Phase.ENDED, "message": "its button was pressed"}, "its button was pressed"),
        ({"telemetry": None}, "link up"),
        ({"telemetry": msgspec.structs.replace(TELEMETRY, battery=None)}, "mains"),
        ({"dose_left_s": 600.0}, "10:00 left today"),
    ],
)
def test_what_changes_is_said(change: dict[str, object], part: str) -> None:
    assert part in shown(msgspec.structs.replace(STATUS, **change))


def test_a_countdown_of_the_whole_session_is_not_repeated() -> None:
    whole = GuidedStep("Breathe.", STATUS.remaining_s, STATUS.duration_s)
    assert shown(msgspec.structs.replace(STATUS, guided=whole)).count("7:29") == 1


def test_the_rows_stay_where_they_are() -> None:
    bare = msgspec.structs.replace(
        STATUS, guided=None, held=(), notes=(), eased=0.0, telemetry=None
    )
    assert len(picture(STATUS)) == len(picture(bare)) == 18


@given(
    width=st.integers(1, 200),
    height=st.integers(1, 60),
    title=st.text(max_size=80),
    text=st.text(max_size=300),
    levels=st.tuples(*[st.floats(0, 100)] * 6),
    elapsed=st.floats(0, 3000),
)
def test_it_fits_any_terminal(
    width: int, height: int, title: str, text: str, levels: tuple[float, ...], elapsed: float
) -> None:
    status = msgspec.structs.replace(
        STATUS,
        title=title,
        elapsed_s=elapsed,
        target=levels,
        guided=GuidedStep(text, 1.0, 2.0),
        notes=(text,),
    )
    rows = picture(status, width, height)
    assert len(rows) <= max(1, height - 1)
    for row in rows:
        bare = painted(row, colour=False)
        assert cells(bare) <= max(20, width - 1)
        assert "\x1b" not in bare
        assert "\n" not in bare


def test_a_profile_cannot_steer_the_terminal() -> None:
    line = cropped([("plain", "a\x1b[2Jb\nc\u202ed")], 80)
    assert painted(line, colour=True) == "a [2Jb c d"


def test_without_colour_there_are_no_codes() -> None:
    assert all("\x1b" not in painted(row, colour=False) for row in picture(STATUS))
    assert any("\x1b[" in painted(row, colour=True) for row in picture(STATUS))


def test_ascii_alone() -> None:
    status = msgspec.structs.replace(STATUS, telemetry=None)
    assert text_of(picture(status, glyphs=ASCII)).isascii()


def test_what_stays_of_a_text_in_ascii() -> None:
    assert in_ascii("pad 24.0 °C · 3 → 5 – 日") == "pad 24.0 C | 3 > 5 - ?"


@pytest.mark.parametrize(
    ("share", "mark", "drawn"),
    [
        (0.0, None, "──────────"),
        (0.5, None, "━━━━━─────"),
        (0.55, None, "━━━━━╸────"),
        (0.5, 0.8, "━━━━━───│─"),
        (0.5, 0.5, "━━━━━─────"),
        (2.0, None, "━━━━━━━━━━"),
        (0.0, 1.0, "─────────│"),
    ],
)
def test_bars(share: float, mark: float | None, drawn: str) -> None:
    assert painted(bar(share, mark, 10, "bar", LINES), colour=False) == drawn


def test_times_round_so_that_they_do_not_lie() -> None:
    assert (minutes(0.2), played(0.9)) == ("0:01", "0:00")
    assert (minutes(599.5), played(600.1)) == ("10:00", "10:00")


def test_the_longest_wait_is_the_reason_that_is_given() -> None:
    assert why_held(()) == ""
    assert why_held(STATUS.held).startswith("trapezius_left")


LINE_LISTS = st.lists(st.text("abc ", max_size=6), max_size=8)


def on_screen(rows: list[str], written: str, at: int) -> tuple[list[str], int]:
    """A very small terminal: what is on its rows after `written`, and the row of the cursor."""
    screen = dict(enumerate(rows))
    column = 0
    index = 0
    while index < len(written):
        if written[index] == "\x1b":
            end = index + 2
            while written[end].isdigit():
                end += 1
            count = int(written[index + 2 : end] or 1)
            match written[end]:
                case "A":
                    at -= count
                case "B":
                    at += count
                case _:
                    screen[at] = screen.get(at, "")[:column]
            index = end + 1
            continue
        letter = written[index]
        index += 1
        if letter == "\r":
            column = 0
        elif letter == "\n":
            at += 1
        else:
            screen[at] = (
                screen.get(at, "")[:column].ljust(column)
                + letter
                + screen.get(at, "")[column + 1 :]
            )
            column += 1
    return [screen.get(row, "") for row in range(max([*screen, 0]) + 1)], at


@given(LINE_LISTS.filter(bool), LINE_LISTS)
def test_a_redraw_leaves_exactly_the_new_picture(before: list[str], after: list[str]) -> None:
    screen, at = on_screen([], difference([], before), 0)
    assert screen[: len(before)] == before
    assert at == len(before)
    screen, at = on_screen(screen, difference(before, after), at)
    assert [row.rstrip() for row in screen if row.strip()] == [
        row.rstrip() for row in after if row.strip()
    ]
    assert screen[: len(after)] == after
    assert at == len(after)


def test_a_redraw_writes_only_what_changed() -> None:
    assert difference(["a", "b"], ["a", "b"]) == ""
    assert "a" not in difference(["a", "b"], ["a", "c"])


def test_a_guided_step_shows_the_breath_to_take_and_what_comes_next() -> None:
    step = GuidedStep("Tilt your head.", 12.0, 30.0, cue="Breathe in.", following="Sit upright.")
    text = shown(msgspec.structs.replace(STATUS, guided=step))
    assert "Tilt your head. Breathe in." in text
    assert "then: Sit upright." in text
