"""The board's memory, on a real littlefs over a flash that only clears bits: whole or not, no erase in a session."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from massager_ctl.flash.boards import find_board
from tests.firmware.unix_board import ON_UNIX, micropython, needs_micropython

pytestmark = [needs_micropython, pytest.mark.unmeasured]

RULES = Path(__file__).resolve().parents[2] / "firmware"


def tried(what: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        micropython(
            "-X",
            "heapsize=16M",
            str(ON_UNIX / "try_nvm.py"),
            str(RULES),
            str(find_board("pico_w").folder),
            str(RULES / "boards" / "common"),
            str(folder / "flash"),
            what,
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Before it may stand what a power cut in a finaliser looks like.
    return json.loads(done.stdout.splitlines()[-1])


def test_what_was_stored_is_there_at_the_next_boot(tmp_path: Path) -> None:
    found = tried("keeps", tmp_path)
    assert found == {"new": [True] * 5, "same": [True] * 5, "lost": False}


def test_the_longest_session_erases_nothing_and_wear_is_even(tmp_path: Path) -> None:
    found = tried("session", tmp_path)
    assert found["in_session"] == 0
    assert found["worst_pages"] == 1
    assert found["blocks"] == 20
    assert found["most"] - found["least"] <= 0.2 * found["most"] + 2
    assert found["boot"]


def test_the_power_fails_at_each_operation_in_turn(tmp_path: Path) -> None:
    found = tried("cuts", tmp_path)
    assert found["bad"] == []
    assert found["tried"] >= 20


def test_the_power_fails_at_the_first_boot(tmp_path: Path) -> None:
    assert tried("first_boot_cut", tmp_path) == {"bad": []}


def test_r7_r8_the_power_fails_while_a_lost_memory_is_made_anew(tmp_path: Path) -> None:
    assert tried("anew_cut", tmp_path) == {"bad": []}


def test_a_map_that_is_none_is_a_loss(tmp_path: Path) -> None:
    assert tried("odd_maps", tmp_path) == {"lost": [True] * 8}


def test_damage_fails_closed_and_is_mended(tmp_path: Path) -> None:
    found = tried("damage", tmp_path)
    assert found == {"older": True, "lost": True, "again": True, "files": True}


def test_fault_48_a_flipped_bit_brings_no_state_from_before_a_fault_back(tmp_path: Path) -> None:
    assert tried("latch_flips", tmp_path) == {"back": []}


def test_storing_allocates_nothing(tmp_path: Path) -> None:
    grown = tried("allocates", tmp_path)["bytes"]
    assert max(grown) < 60 + 64, "not a byte for each of 60"
    assert grown[1] == grown[2]
