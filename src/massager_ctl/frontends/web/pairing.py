"""Shows how a phone finds the page: the address as a QR code, with a code in the fragment, which is never sent."""

from __future__ import annotations

import io
import socket
from collections.abc import Sequence

import segno


def lan_names() -> tuple[str, ...]:
    """The addresses and names of this machine on its network, the likeliest first."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # nothing is sent: it only finds out which address would be used
            found.append(str(probe.getsockname()[0]))
        except OSError:
            pass
    name = socket.gethostname().lower()
    found += [name] if "." in name else [f"{name}.local", name]
    return tuple(dict.fromkeys(entry for entry in found if entry not in ("0.0.0.0", "127.0.0.1")))


def with_code(address: str, code: str) -> str:
    """The address for pairing: what follows # stays in the browser."""
    return f"{address}#k={code}"


def qr_code(text: str) -> str:
    """A QR code for the terminal, two rows per line."""
    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, compact=True)
    return out.getvalue()


def invitation(addresses: Sequence[str], code: str, fingerprint: str) -> str:
    """The text for the terminal."""
    address = with_code(addresses[0], code)
    others = "".join(f"    or {other}\n" for other in addresses[1:])
    return (
        f"{qr_code(address)}\n"
        f"Open this on your phone, within 10 minutes; the code works once:\n"
        f"    {address}\n{others}"
        "Your phone does not know this machine's certificate and says so. Go on only if it shows this\n"
        f"SHA-256 fingerprint:\n    {fingerprint}\n"
    )
