"""Makes a self-signed certificate with `openssl`, so that a phone on the network gets TLS."""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from massager_ctl.errors import ConfigError

FILE: Final = "web-certificate.pem"
KEY: Final = "web-key.pem"
DAYS: Final = 800
"""Days for which it is valid; phones refuse more than 825."""

_RENEW_S: Final = 30 * 86_400


class Certificate(Struct, frozen=True):
    """Its path, and the fingerprint by which you recognise it."""

    path: Path
    key_path: Path
    fingerprint: str


def own_certificate(folder: Path, names: Sequence[str]) -> Certificate:
    """This machine's certificate, made if it is missing or expires soon. Raises ConfigError.

    `names`: addresses and names that it is for, as far as they are known when it is made.
    """
    path, key = folder / FILE, folder / KEY
    if not _good(path, key):
        _make(path, key, names)
    return Certificate(path, key, fingerprint(path))


def fingerprint(path: Path) -> str:
    """SHA-256 of the certificate, as browsers show it."""
    content = hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii")))
    digits = content.hexdigest().upper()
    return ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))


def _good(path: Path, key: Path) -> bool:
    if not path.is_file() or not key.is_file():
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(path, key)
    except (OSError, ssl.SSLError):
        return False
    return _openssl("x509", "-checkend", str(_RENEW_S), "-noout", "-in", str(path)).returncode == 0


def _make(path: Path, key: Path, names: Sequence[str]) -> None:
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        fresh, fresh_key = Path(place) / FILE, Path(place) / KEY
        done = _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", str(DAYS), "-subj", "/CN=massager-ctl"),
            *("-addext", f"subjectAltName={','.join(kinds)}"),
            *("-addext", "extendedKeyUsage=serverAuth"),
            *("-keyout", str(fresh_key), "-out", str(fresh)),
        )
        if done.returncode != 0:
            raise ConfigError(
                f"no certificate could be made: {done.stderr.strip()[-200:]}",
                "Check that OpenSSL 1.1.1 or newer is installed.",
            )
        fresh_key.chmod(0o600)
        fresh_key.replace(key)
        fresh.replace(path)


def _is_address(name: str) -> bool:
    return name.replace(".", "").isdigit()


def _openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["openssl", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(
            f"no certificate could be made: {error}",
            "Install openssl: the page is offered on the network with TLS only.",
        ) from None
