"""On the bench, behind the door: turn one motor for a moment and say what it draws. Never with a person in reach."""

import time

import pins
from hardware import PicoBoard
from motors import place_of

from massager_fw.board import ACTUATORS, FULL, RELEASED

LONGEST_MS = 2000
_TICK_MS = 20
_SETTLES_MS = 200


def pulse(index, percent, milliseconds):
    """Drive actuator `index` of pins.py at a duty in percent; the mean of its milliamperes once it has settled.

    ValueError for a duty or a time out of range, or while the button is pressed, which opens the motor supply.
    """
    if not 0 <= percent <= 100 or not _SETTLES_MS < milliseconds <= LONGEST_MS:
        raise ValueError("0 to 100 percent, 220 to 2000 ms")
    board = PicoBoard(pins, None)
    if board.button != RELEASED:
        raise ValueError("the button is pressed, or its cable is open")
    board.test_itself()
    place = place_of(pins.ACTUATORS[index])
    duty = [0] * ACTUATORS
    total = count = 0
    try:
        board.power(True)
        board.feed_watchdog()
        duty[place] = int(percent * FULL / 100)
        board.drive(duty)
        for passed in range(0, milliseconds, _TICK_MS):
            time.sleep_ms(_TICK_MS)
            board.feed_watchdog()
            board.sense()
            if passed >= _SETTLES_MS:
                total += board.current_ma[place]
                count += 1
    finally:
        duty[place] = 0
        board.drive(duty)
        board.power(False)
    return total // count


def rest():
    """The supply and both temperatures, as the board reads them: millivolts, hundredths of a degree."""
    board = PicoBoard(pins, None)
    return board.supply_mv, board.pad_sensor.hundredths, board.motor_sensor.hundredths
