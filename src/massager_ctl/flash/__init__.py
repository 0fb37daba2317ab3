"""Firmware onto a board: check the pins, compile, put it there in a way that nothing can leave half done.

A board is a folder of `firmware/boards`. Two slots hold firmware, and one small file says which of them boots; it is
renamed last, so that a cable that is pulled leaves the firmware that was there before.
"""
