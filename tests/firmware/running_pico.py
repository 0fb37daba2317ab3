"""What tests of the pico_w ask for, and what they read from its pins and its flash."""

from __future__ import annotations

from pathlib import Path

from massager_ctl.flash.info import read_info
from massager_ctl.flash.repl import open_repl
from tests.firmware.pico import BLOCKS, Pico
from tests.firmware.unix_board import unix_board

VIBRATE = (1, 1, 1, 1, 1, 1)

KNEAD = (0x12, 0x12, 1, 1, 1, 1)

LEVELS = (100, 100, 0, 0, 0, 0)

START = 14417  # 22 % of 65535

LIGHT = 15

BUTTON, DEAD_MAN, BROWN_OUT, WATCHDOG, STALL, STUCK = 32, 16, 23, 24, 50, 52


def boots(flash: Path) -> list[str]:
    with unix_board(flash, BLOCKS) as board, open_repl(board.port) as repl:
        return read_info(repl).boots


def duties(board: Pico, pin: int) -> list[int]:
    return [value for _, _, number, value in board.noted("pwm") if number == pin]
