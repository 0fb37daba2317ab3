"""Keeps `availability` right at the broker, and detects another service with the same id."""

from __future__ import annotations

import secrets
from typing import Final

import msgspec
from msgspec import Struct

from massager_ctl.model.json_reading import NotJson, read_json

ONLINE: Final = "online"
OFFLINE: Final = "offline"

CORRECT_EVERY_S: Final = 1.0
"""Minimum seconds between two corrections."""

ANSWER_EVERY_S: Final = 30.0
"""Seconds between two answers to another service with this id, so that both notice."""

CONFLICT_S: Final = 75.0
"""Seconds after its last message for which another service with this id counts as present."""


class Said(Struct, frozen=True):
    """The content of `availability`. `session`: of one connection of one service."""

    state: str
    session: int


class Availability:
    """Watches `availability` and corrects it.

    MQTT keeps order only within a topic, so the will of a dead connection may arrive after the next connection has
    published `online`. So both carry the number of their connection, and the service corrects what is not its own.
    """

    def __init__(self) -> None:
        self._session = 0
        self._said_at: float | None = None
        self._answer_at: float | None = None
        self._conflict_until: float | None = None

    def begin(self) -> bytes:
        """A new connection; returns its will."""
        self._session = 1 + secrets.randbelow(2**31)
        self._said_at = self._answer_at = None
        return self.payload(OFFLINE)

    def payload(self, state: str) -> bytes:
        return msgspec.json.encode(Said(state, self._session))

    def online(self, now: float) -> bytes:
        """What to publish once state and nonce are published, and whenever `due` says so."""
        self._said_at, self._answer_at = now, None
        return self.payload(ONLINE)

    def heard(self, payload: bytes, now: float, *, retained: bool) -> None:
        """Take a message from the topic. `retained`: it is an old one, so its sender may be gone."""
        try:
            found = read_json(payload, Said)
        except NotJson:
            found = Said(OFFLINE, 0)
        if found.session == self._session and found.state == ONLINE:
            self._answer_at = None
            return
        another = found.state == ONLINE and not retained
        if another:
            self._conflict_until = now + CONFLICT_S
        if self._said_at is not None:
            wait_s = ANSWER_EVERY_S if another else CORRECT_EVERY_S
            self._answer_at = max(now, self._said_at + wait_s)

    def due(self, now: float) -> bool:
        """Whether to publish `online` again."""
        return self._answer_at is not None and now >= self._answer_at

    def conflict(self, now: float) -> bool:
        """Whether another service with this id is there."""
        return self._conflict_until is not None and now < self._conflict_until
