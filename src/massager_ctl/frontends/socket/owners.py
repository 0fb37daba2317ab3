"""Finds the programs that own devices here, and the one that is meant: a name is matched whole or not at all (R6).

A card beside each control socket has the names of its device, so that a frozen owner is known too. Only the standard
library, so that `stop` starts fast.
"""

from __future__ import annotations

import os

from massager_ctl.frontends.socket import paths
from massager_ctl.transports.address_identity import canonical, is_address, resolved
from massager_ctl.transports.runtime_folder import (
    RUNTIME_ENV,
    distrust,
    others_dirs,
    runtime_dir,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, cast
else:

    def cast(_: object, value: object) -> object:
        """Like typing's, without the import."""
        return value


_CARD_MAX = 16_384
"""Maximum bytes of a card."""


class Distrusted(Exception):
    """The runtime folder cannot be trusted: it was not made by this user."""


class Card:
    """The names of a device: each is valid in a command."""

    __slots__ = ("address", "identity", "name", "port", "serial")

    def __init__(
        self, identity: str, address: str = "", port: str = "", name: str = "", serial: str = ""
    ) -> None:
        """`address`: as it was given. `port`: where that led when the link was opened, empty without a link.

        `name`: from the settings or `serve --device NAME=…`. `serial`: the number in INFO, empty before the first INFO.
        """
        self.identity = identity
        self.address = address or identity
        self.port = port
        self.name = name
        self.serial = serial

    def is_called(self, text: str) -> bool:
        """Whether this is one of its whole names."""
        text = text.strip()
        if not is_address(text):
            return bool(text) and text in (self.name, self.serial)
        if text == self.identity:
            return True
        wanted = canonical(text)
        # A path that was given to another process began in that one's folder, and its identity names it whole.
        own = canonical(self.address) if self.identity.startswith("sim:") else self.identity
        if wanted in (own, self.port):
            return True
        if wanted == "sim:":
            return own.startswith("sim:")
        return resolved(wanted) == (self.port or resolved(own))

    def resembles(self, text: str) -> bool:
        """Whether a short form may mean it: for reading only, never for acting."""
        part = text.strip().lower()
        return any(
            part in name.lower()
            for name in (self.identity, self.address, self.port, self.name, self.serial)
        )

    @property
    def exact(self) -> str:
        """The name in a request, so that any other owner refuses it."""
        return self.serial or self.identity

    def __str__(self) -> str:
        """Its display name: name, address and serial number."""
        from massager_ctl.model.text import visible

        where = self.identity if self.address.startswith("sim:") else self.address
        head = f"{visible(self.name)}, {visible(where)}" if self.name else visible(where)
        return f"{head} ({visible(self.serial)})" if self.serial else head

    def document(self) -> dict[str, str]:
        """The card as a document, in its file and in every answer."""
        return {
            "identity": self.identity,
            "address": self.address,
            "port": self.port,
            "name": self.name,
            "serial": self.serial,
        }


def card_from(document: object, identity: str) -> Card:
    """The card in a document, empty if it cannot be read."""
    fields: dict[str, Any] = cast("dict[str, Any]", document if isinstance(document, dict) else {})
    known = {
        key: value
        for key in ("address", "port", "name", "serial")
        if isinstance(value := fields.get(key), str)
    }
    named = fields.get("identity")
    return Card(named if isinstance(named, str) and named else identity, **known)


def write_card(socket: str, card: Card) -> None:
    """Write the card beside a control socket, atomically. Raises OSError."""
    import json

    path = paths.card_path(socket)
    temporary = f"{path}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps(card.document()).encode())
    finally:
        os.close(descriptor)
    os.rename(temporary, path)


def read_card(socket: str) -> Card:
    """The card of a control socket; without one, the name of its file."""
    import json

    unknown = paths.device_name(socket)
    try:
        descriptor = os.open(
            paths.card_path(socket), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        )
    except OSError:
        return Card(unknown)
    try:
        return card_from(json.loads(os.read(descriptor, _CARD_MAX)), unknown)
    except (OSError, ValueError, RecursionError):
        return Card(unknown)
    finally:
        os.close(descriptor)


def unseen() -> str:
    """What root, who sees the owners of every user, does not see; empty for anybody else."""
    if os.getuid():
        return ""
    if not os.environ.get(RUNTIME_ENV):
        return f"Programs that were started with {RUNTIME_ENV} are seen only where it is set as they have it."
    if any(paths.socket_paths(folder) for folder in others_dirs(named=False)):
        return (
            f"Programs of other users are there, and are seen only where {RUNTIME_ENV} is not set."
        )
    return ""


def sockets() -> list[str]:
    """Every control socket that this user may trust; for root also those of other users.

    Raises Distrusted if the runtime folder belongs to another user or can be written by others.
    """
    own = runtime_dir()
    why = distrust(own)
    if why:
        raise Distrusted(why)
    return [path for folder in (own, *others_dirs()) for path in paths.socket_paths(folder)]
