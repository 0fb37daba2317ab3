"""Checks the broker with the service's own echo: a half-open connection looks alive and delivers nothing (R18)."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from massager_ctl.safety.remote_start import ECHO_LOST_S, EchoWatch


class Echo:
    """Watches every connection of this service; the broker counts as lost if one of them receives nothing."""

    def __init__(self, connections: Collection[str]) -> None:
        """`connections`: names of the connections."""
        self._watches: dict[str, EchoWatch | None] = dict.fromkeys(connections)
        self._sent: dict[bytes, float] = {}

    def begin(self) -> None:
        """A new connection: echoes over the old one no longer count."""
        self._sent.clear()

    def next(self, now: float) -> bytes:
        """What to publish now."""
        self._sent = {text: at for text, at in self._sent.items() if now - at < ECHO_LOST_S}
        content = secrets.token_hex(8).encode()
        self._sent[content] = now
        return content

    def heard(self, connection: str, payload: bytes, now: float) -> bool:
        """Take an echo; one that was sent 4 s ago or more does not count. Returns whether it counts."""
        sent = self._sent.get(payload)
        if sent is None or now - sent >= ECHO_LOST_S:
            return False
        watch = self._watches[connection]
        if watch is None:
            self._watches[connection] = EchoWatch(now)
        else:
            watch.heard(now)
        return True

    def lost(self, now: float) -> bool:
        """Whether one of them has received nothing for 4 s, or nothing yet."""
        return any(watch is None or watch.lost(now) for watch in self._watches.values())
