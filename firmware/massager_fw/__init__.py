"""The massager's firmware: the device's rules and its protocol, pure, for CPython and MicroPython alike.

It is written from docs/protocol.md alone and shares no code and no constant with `massager_ctl`; the two
meet at bytes. Everything that touches hardware is behind `massager_fw.board.Board`.
"""
