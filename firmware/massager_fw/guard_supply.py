"""Too little battery starts nothing and fades what runs; a charging device does not run (R13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.frames import MAINS
from massager_fw.shim import micropython
from massager_fw.states import Result

if TYPE_CHECKING:
    from massager_fw.board import Board

ARM_PERCENT = 15
STOP_PERCENT = 8
FADE_FRAMES = 8
"""0.8 s from detection to zero, so that it is over within the second that R13 allows."""


class Supply:
    """What the supply allows a running session."""

    FIT = 0
    LOW = 1
    CHARGING = 2
    BROWN_OUT = 3


class SupplyGuard:
    """Looks at the battery ten times a second; mains devices are exempt."""

    __slots__ = ("_board", "_mains")

    def __init__(self, board: Board, *, mains: bool) -> None:
        self._board = board
        self._mains = mains

    def look(self) -> int:
        """Whether what runs may go on: a `Supply`."""
        board = self._board
        if self._mains:
            return Supply.FIT
        if board.supply_mv < board.brown_out_mv:
            return Supply.BROWN_OUT
        if board.charging:
            return Supply.CHARGING
        return Supply.LOW if board.battery_percent < STOP_PERCENT else Supply.FIT

    def may_arm(self) -> int:
        """A `Result`: OK, CHARGING or BATTERY."""
        if self._mains:
            return Result.OK
        if self._board.charging:
            return Result.CHARGING
        return Result.OK if self._board.battery_percent >= ARM_PERCENT else Result.BATTERY

    @property
    @micropython.native
    def charging(self) -> bool:
        """The charger is plugged in."""
        return not self._mains and self._board.charging

    @property
    @micropython.native
    def percent(self) -> int:
        """State of charge as TELEMETRY tells it."""
        return MAINS if self._mains else self._board.battery_percent
