"""The massager, simulated: an independent device to run a controller against.

It is written from docs/protocol.md alone and shares no code and no constant with `massager_ctl`;
the two meet at bytes.
"""
