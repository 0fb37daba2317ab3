"""The page's files, read and compressed once; no content from other sites."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from massager_ctl.frontends.web.headers import SECURITY

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_STOPS: Final = "<!-- stops -->"
_PACK_MIN: Final = 600


class PageFile(Struct, frozen=True):
    """One file as it is served. `etag`: of its content."""

    content: bytes
    packed: bytes
    media_type: str
    etag: str


class Page:
    """All files by their path below the root; the page itself is `index.html`."""

    def __init__(self, devices: Iterable[str]) -> None:
        """`devices`: each gets a stop form in the HTML, which works without JavaScript."""
        self.files: dict[str, PageFile] = {}
        for entry in (Path(__file__).parent / "static").iterdir():
            media_type = _TYPES.get(entry.suffix)
            if media_type is None:
                continue
            content = entry.read_bytes()
            if entry.name == "index.html":
                content = content.replace(_STOPS.encode(), stop_forms(devices).encode())
            self.files[entry.name] = PageFile(
                content,
                gzip.compress(content, 9, mtime=0),
                media_type,
                f'"{hashlib.sha256(content).hexdigest()[:20]}"',
            )

    def answer(self, name: str, asked: Request) -> Response | None:
        """The file of that name, or None if there is none; compressed if the browser accepts that."""
        file = self.files.get(name)
        if file is None:
            return None
        headers = {
            **SECURITY,
            "cache-control": "no-cache",
            "etag": file.etag,
            "vary": "accept-encoding",
        }
        if asked.headers.get("if-none-match") == file.etag:
            return Response(None, 304, headers)
        content = file.content
        if len(content) >= _PACK_MIN and "gzip" in asked.headers.get("accept-encoding", ""):
            content, headers["content-encoding"] = file.packed, "gzip"
        return Response(content, 200, headers, file.media_type)


def stop_forms(devices: Iterable[str]) -> str:
    """One form per device that stops it without JavaScript."""
    names = list(devices)
    return "".join(
        f'<form method="post" action="/v1/devices/{escape(name)}/stop" data-device="{escape(name)}">'
        f'<button class="stop">STOP{"" if len(names) == 1 else f" {escape(name)}"}</button></form>'
        for name in names
    )
