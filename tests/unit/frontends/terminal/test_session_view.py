"""What the terminal shows: everything at a glance, nothing that matters cut off, at any size."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.frontends.terminal.pictures import SIZES, STATUS, TELEMETRY

from massager_ctl.frontends.terminal.bindings import View, help_text
from massager_ctl.frontends.terminal.layout import ASCII, PAGE_S, Line, cells, painted, text_of
from massager_ctl.frontends.terminal.manual_input import ManualInput
from massager_ctl.frontends.terminal.session_ui import HEAT_QUESTION
from massager_ctl.frontends.terminal.session_view import page, view
from massager_ctl.model.outcome import DEVICE_SAYS
from massager_ctl.model.requests import PainKind
from massager_ctl.model.status import GuidedStep, LinkState, Phase, Status
from massager_ctl.safety import pain

MESSAGES = [
    *DEVICE_SAYS.values(),
    *(pain.classify(kind).text for kind in PainKind),
    "the device did not confirm the stop. Take it off, then unplug it or switch it off at its button.",
]


def shown(status: Status, width: int = 80, height: int = 24) -> str:
    return text_of(view(status, width, height))


def letters(text: str) -> str:
    """The text without spaces and breaks, which a narrow screen moves."""
    return re.sub(r"\s", "", text)


def all_pages(status: Status, size: tuple[int, int], **more: object) -> str:
    """What a person has seen after a while."""
    return turned(lambda t: view(status, *size, t=t, **more))  # type: ignore[arg-type]


def turned(rows: Callable[[float], list[Line]]) -> str:
    """All pages of a text, one after the other, until they have come twice."""
    pages: list[str] = []
    while len(pages) < 2000 and (
        len(pages) < 16 or pages[: len(pages) // 2] != pages[len(pages) // 2 :]
    ):
        pages.append(text_of(rows(PAGE_S * len(pages))))
    if len(set(pages)) == 1:
        return letters(pages[0])
    return letters("".join(pages))


def test_a_session_at_a_glance() -> None:
    text = shown(STATUS)
    for part in (
        "Restorative session",
        "SIM-00000001 (simulated)",
        "2 min 31 s of 10 min",
        "7 min 29 s left",
        "ramp · kneading, both ways",
        "18.2 → 25.0",
        "12.0 → 15.0",
        "Lean in gently and let your shoulders drop. (12 s)",
        "trapezius, left: 18 % now, 25 % in 2 min 50 s; it climbs slowly",
        "eased by 5 points; session 1 of 3: capped at 25",
        "battery 87 %",
        "pad 31 °C",
        "link up",
        "space stop",
        "! it hurts",
        "q fade out and quit",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"phase": Phase.PAUSED}, "p goes on"),
        ({"phase": Phase.PAUSED}, "p go on"),
        ({"phase": Phase.PAUSED, "pause_left_s": 95.0}, "In 1 min 35 s it ends the session."),
        ({"phase": Phase.FADING}, "fading out"),
        ({"phase": Phase.ARMING}, "getting ready"),
        ({"link": LinkState.LOST}, "If it still runs, unplug it."),
        ({"link": LinkState.LOST, "info": None}, "The device is not connected."),
        ({"presence_due_in_s": 20.0}, "Are you all right? Press any key within 20 s."),
        ({"phase": Phase.ENDED, "message": "its button was pressed"}, "its button was pressed"),
        ({"telemetry": None}, "link up"),
        ({"telemetry": msgspec.structs.replace(TELEMETRY, battery=None)}, "mains"),
        ({"telemetry": msgspec.structs.replace(TELEMETRY, battery=12)}, "battery low, 12 %"),
        ({"telemetry": msgspec.structs.replace(TELEMETRY, pad_c=40.1)}, "pad too warm, 40 °C"),
        ({"dose_left_s": 600.0}, "10 min left today"),
    ],
)
def test_what_changes_is_said(change: dict[str, object], part: str) -> None:
    assert letters(part) in letters(shown(msgspec.structs.replace(STATUS, **change)))


def test_a_countdown_of_the_whole_session_is_not_repeated() -> None:
    whole = GuidedStep("Breathe.", STATUS.remaining_s, STATUS.duration_s)
    assert shown(msgspec.structs.replace(STATUS, guided=whole)).count("7 min 29 s") == 1


def test_a_target_above_the_cap_is_shown_as_the_cap() -> None:
    high = msgspec.structs.replace(STATUS, target=(60.0,) * 6)
    assert "25.0" in shown(high)
    assert "60.0" not in shown(high)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("message", MESSAGES)
def test_no_message_is_ever_cut_off(size: tuple[int, int], message: str) -> None:
    said = re.sub(r" ?\(R\d+\)", "", message)
    over = Status(phase=Phase.ENDED, message=message)
    assert letters(said) in all_pages(over, size)
    for hand in (None, ManualInput()):
        assert letters(said) in all_pages(STATUS, size, said=[message], hand=hand)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("hand", [None, ManualInput()])
@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.in_session])
def test_stop_and_pain_are_on_every_screen(
    size: tuple[int, int], hand: ManualInput | None, phase: Phase
) -> None:
    status = msgspec.structs.replace(STATUS, phase=phase, presence_due_in_s=10.0)
    seen = all_pages(status, size, hand=hand, said=["something happened"])
    assert "spacestop" in seen
    assert "!ithurts" in seen


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "text", [pain.QUESTION, help_text(View.PROFILE), help_text(View.MANUAL), HEAT_QUESTION]
)
def test_a_page_is_never_cut_off(size: tuple[int, int], text: str) -> None:
    assert letters(text) in turned(lambda t: page(text, *size, t))


def test_no_rule_id_and_no_raw_id_is_shown() -> None:
    for hand in (None, ManualInput()):
        status = msgspec.structs.replace(STATUS, notes=("capped at 20 (R1)",))
        text = text_of(view(status, hand=hand, said=["too long (R8, R9)"]))
        assert not re.search(r"\bR\d|_left|_right|none", text)


@given(
    width=st.integers(1, 200),
    height=st.integers(1, 60),
    title=st.text(max_size=80),
    text=st.text(max_size=300),
    levels=st.tuples(*[st.floats(0, 100)] * 6),
    elapsed=st.floats(0, 3000),
    t=st.floats(0, 1e6),
    manual=st.booleans(),
)
def test_it_fits_any_terminal(
    width: int,
    height: int,
    title: str,
    text: str,
    levels: tuple[float, ...],
    elapsed: float,
    t: float,
    manual: bool,
) -> None:
    status = msgspec.structs.replace(
        STATUS,
        title=title,
        elapsed_s=elapsed,
        target=levels,
        guided=GuidedStep(text, 1.0, 2.0),
        notes=(text,),
    )
    rows = view(status, width, height, hand=ManualInput() if manual else None, said=[text], t=t)
    assert len(rows) <= height
    for row in rows:
        bare = painted(row, colour=False)
        # A letter of two columns has no smaller part.
        assert cells(bare) <= max(2, width - 1)
        assert "\x1b" not in bare
        assert "\n" not in bare


def test_without_colour_there_are_no_codes_and_nothing_is_lost() -> None:
    rows = view(STATUS)
    assert all("\x1b" not in painted(row, colour=False) for row in rows)
    assert any("\x1b[" in painted(row, colour=True) for row in rows)


def test_ascii_alone() -> None:
    status = msgspec.structs.replace(STATUS, telemetry=None)
    for hand in (None, ManualInput()):
        assert text_of(view(status, glyphs=ASCII, hand=hand)).isascii()


def test_a_guided_step_shows_the_breath_to_take_and_what_comes_next() -> None:
    step = GuidedStep("Tilt your head.", 12.0, 30.0, cue="Breathe in.", following="Sit upright.")
    text = shown(msgspec.structs.replace(STATUS, guided=step))
    assert "Tilt your head. Breathe in." in text
    assert "then: Sit upright." in text
