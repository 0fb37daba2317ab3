"""Opens the page for one service: on which addresses and names, and what the terminal shows about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct, structs

from massager_ctl.aio.clock import Clock
from massager_ctl.frontends.web.access import Access, AccessFile, new_code
from massager_ctl.frontends.web.app import App
from massager_ctl.frontends.web.certificate import own_certificate
from massager_ctl.frontends.web.guard import LOOPBACK_NAMES, Guard
from massager_ctl.frontends.web.offered import OfferedDevice
from massager_ctl.frontends.web.pairing import invitation, lan_names
from massager_ctl.frontends.web.server import Listener, WebServer


class Opened(Struct, frozen=True):
    """The server, and the text for the terminal."""

    server: WebServer
    invitation: str


def open_page(
    devices: Sequence[OfferedDevice],
    listener: Listener,
    clock: Clock,
    data: Path,
    *,
    lan: bool,
    metrics: Callable[[], bytes] | None,
) -> Opened:
    """On loopback for users of this machine; `lan`: with TLS, for paired browsers.

    Raises ConfigError if no certificate can be made, StoreError if the list of paired browsers is damaged.
    """
    if not lan:
        guard = Guard(Access(None, clock.wall), LOOPBACK_NAMES, listener.port, tls=False)
        server = WebServer(App(devices, guard, clock, metrics), listener)
        return Opened(server, f"The page is at http://127.0.0.1:{listener.port}/")
    names = lan_names()
    certificate = own_certificate(data, (*names, "localhost", "127.0.0.1"))
    file = AccessFile(data)
    addresses = tuple(f"https://{name}:{listener.port}/" for name in names)
    file.change(
        lambda book: structs.replace(book, addresses=addresses, fingerprint=certificate.fingerprint)
    )
    guard = Guard(Access(file, clock.wall), (*names, *LOOPBACK_NAMES), listener.port, tls=True)
    server = WebServer(App(devices, guard, clock, metrics), listener, certificate)
    code = new_code(file, clock.wall())
    return Opened(server, invitation(addresses, code, certificate.fingerprint))
