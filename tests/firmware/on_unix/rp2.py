"""Stands in for the board's `rp2`: the flash is the file that boot_board.py has mounted."""

flash = None


def Flash():
    return flash
