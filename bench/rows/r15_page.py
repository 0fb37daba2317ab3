"""The page in a browser at a quarter of the processor, and its server under 50 pages and 100 requests a second."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import wsproto
from wsproto.events import AcceptConnection, BytesMessage, Ping, TextMessage
from wsproto.events import Request as Handshake

from bench.figures import Goal, Rounds, Row, Scale, at_most, percentile
from bench.processes import ROOT, Child, child

NUMBER = 15
TITLE = "page and its server"

CHROMIUM = "/usr/bin/chromium"
STATIC = ROOT / "src" / "massager_ctl" / "frontends" / "web" / "static"
SLOWER = 4
OURS = ("link", "button.stop", "stopped")
THEIRS = ("live", "#stop", "done")
"""The id of what shows that data are live, the button, and the id of what shows that it acted."""

WATCHED = """
const word = (id) => {{
    const at = document.getElementById(id);
    return at ? at.dataset.state ?? at.textContent : "";
}};
const drawn = (name, from) =>
    requestAnimationFrame(() => setTimeout(() => (window[name] = performance.now() - from)));
let live = false, tapped = 0, before = "";
const look = () => {{
    if (!live && word("{live}") === "live") {{
        live = true;
        drawn("seen", 0);
    }}
    const done = word("{done}");
    if (tapped && done !== before && /^(confirmed|stopped)/.test(done)) {{
        drawn("acted", tapped);
        tapped = 0;
    }}
}};
new MutationObserver(look).observe(
    document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
addEventListener("pointerdown", (event) => {{
    window.acted = 0;
    tapped = event.timeStamp;
    before = word("{done}");
}}, true);
"""
"""Keeps when the frame was drawn that first shows live data, and how long after the finger came down the one that shows
the end of a stop, by the page's own clock: waiting for it from outside takes longer, at a quarter of the processor."""

CLEAR = "{ const at = document.getElementById('stopped'); if (at) at.dataset.state = ''; }"
"""Takes the last confirmation away, so that the next one shows."""

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


def measure(scale: Scale) -> Row:
    figures: dict[str, float] = {"page_bytes": sum(f.stat().st_size for f in STATIC.iterdir())}
    with child("bench.children.page") as served:
        port, token, pid = served.ready.split()
        figures["import_ms"] = _import_ms("massager_ctl.frontends.web.server", scale)
        _in_browser(f"http://127.0.0.1:{port}/", scale, figures, "", OURS)
        figures["server_mb"] = _rss_mb(int(pid))
        _say(served, "run")
        asyncio.run(_crowd(int(port), token, scale, figures))
        late = [max(0.0, one) * 1000 for one in _say(served, "late")] or [float("nan")]
        figures["late_ms_p99"] = percentile(late, 99)
    _peer(scale, figures)
    note = "" if "nicegui_live_ms" in figures else "NiceGUI is not installed"
    return Row(NUMBER, TITLE, _goals(figures), figures, note)


def _goals(of: dict[str, float]) -> tuple[Goal, ...]:
    return (
        at_most("bytes", of["page_bytes"] / 1000, 60, "kB"),
        at_most("load to live data, CPU/4", of.get("live_ms"), 600, "ms"),
        at_most("beside NiceGUI", _beside(of, "live_ms"), 1),
        at_most("STOP tap to zero p95, CPU/4", of.get("tap_ms_p95"), 250, "ms"),
        at_most("beside NiceGUI", _beside(of, "tap_ms_p95"), 1),
        at_most("tick late p99, 50 pages and 100 requests/s", of["late_ms_p99"], 20, "ms"),
        at_most("STOP p99 under them", of["stop_ms_p99"], 50, "ms"),
        at_most("server with one page", of["server_mb"], 45, "MB"),
        at_most("beside NiceGUI", _beside(of, "server_mb"), 1),
        at_most("import", of["import_ms"], 150, "ms"),
        at_most("beside NiceGUI", _beside(of, "import_ms"), 1),
    )  # fmt: skip


def _beside(of: dict[str, float], name: str) -> float | None:
    """Ours as a part of the peer's, measured in the same run; None if one of them could not be."""
    if name not in of or f"nicegui_{name}" not in of:
        return None
    return of[name] / of[f"nicegui_{name}"]


def _say(served: Child, line: str) -> list[float]:
    assert served.process.stdin is not None
    served.process.stdin.write(f"{line}\n".encode())
    served.process.stdin.flush()
    return json.loads(served.stamps()[0].data)


def _import_ms(module: str, scale: Scale) -> float:
    code = (
        f"import time; t = time.perf_counter(); import {module};"
        " print((time.perf_counter() - t) * 1000)"
    )

    def once() -> float:
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, capture_output=True, check=True).stdout)

    return Rounds([[once() for _ in range(scale.of(5))]]).p(50)


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def _page(**options: Any) -> Generator[Any]:
    api: Any = import_module("playwright.sync_api")
    with api.sync_playwright() as playing:
        browser = playing.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        context = browser.new_context(**playing.devices["Pixel 7"], **options)
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        yield page
        browser.close()


def _in_browser(
    url: str, scale: Scale, figures: dict[str, float], prefix: str, at: tuple[str, str, str]
) -> None:
    """Load and tap, again and again, each time from an empty cache. `at`: as OURS."""
    if find_spec("playwright") is None or not Path(CHROMIUM).exists():
        return
    live, stop, done = at
    loads: list[float] = []
    taps: list[float] = []
    for _ in range(scale.of(7)):
        with _page() as page:
            page.add_init_script(WATCHED.format(live=live, done=done))
            page.goto(url)
            loads.append(_once(page, "seen"))
            for _ in range(scale.of(5)):
                page.evaluate(CLEAR)
                page.locator(stop).tap()
                taps.append(_once(page, "acted"))
    figures[f"{prefix}live_ms"] = percentile(loads, 50)
    figures[f"{prefix}tap_ms_p95"] = percentile(taps, 95)


def _once(page: Any, name: str) -> float:
    while not (value := page.evaluate(f"window.{name}")):
        page.wait_for_timeout(250)
    return value


def _peer(scale: Scale, figures: dict[str, float]) -> None:
    if find_spec("nicegui") is None:
        return
    with child("bench.peers.nicegui_page") as served:
        _in_browser(
            f"http://127.0.0.1:{served.ready}/",
            scale,
            figures,
            "nicegui_",
            THEIRS,
        )
        figures["nicegui_server_mb"] = _rss_mb(served.process.pid)
    figures["nicegui_import_ms"] = _import_ms("nicegui", scale)


# The crowd: 50 pages that watch and answer, 100 requests a second, and a STOP now and then.


async def _crowd(port: int, token: str, scale: Scale, figures: dict[str, float]) -> None:
    stops: list[float] = []
    heard = [0]
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(_watch(port, token, number, heard)) for number in range(50)]
        asking = [group.create_task(_ask(port, token, 0.1)) for _ in range(10)]
        await asyncio.sleep(1)
        began, before = time.perf_counter(), heard[0]
        for _ in range(scale.of(100, least=5)):
            stops.append(await _stop(port))
            await asyncio.sleep(0.1)
        seconds = time.perf_counter() - began
        figures["pictures_per_s_and_page"] = (heard[0] - before) / seconds / 50
        for task in (*watching, *asking):
            task.cancel()
    figures["stop_ms_p99"] = percentile(stops, 99)
    figures["stop_ms_p50"] = percentile(stops, 50)


async def _watch(port: int, token: str, number: int, heard: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    target = f"/v1/devices/neck/watch?page=bench{number:04d}"
    writer.write(peer.send(Handshake(f"127.0.0.1:{port}", target, extra_headers=headers)))
    answered = 0.0
    content = b""
    while data := await reader.read(65536):
        peer.receive_data(data)
        for event in peer.events():
            if isinstance(event, Ping):
                writer.write(peer.send(event.response()))
            elif isinstance(event, BytesMessage):
                content += event.data
                if event.message_finished:
                    heard[0] += 1
                    if time.perf_counter() - answered > 0.35:
                        answered = time.perf_counter()
                        seq = json.loads(content)["seq"]
                        writer.write(peer.send(TextMessage(json.dumps({"seq": seq, "here": True}))))
                    content = b""
            else:
                assert isinstance(event, AcceptConnection), event


async def _ask(port: int, token: str, every_s: float) -> None:
    with ExitStack():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            writer.write(
                f"GET /v1/devices/neck/status HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
                f"authorization: Bearer {token}\r\n\r\n".encode()
            )
            await _answer(reader)
            await asyncio.sleep(every_s)


async def _stop(port: int) -> float:
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/devices/neck/stop HTTP/1.1\r\nhost: x\r\n\r\n")
    head = await _answer(reader)
    assert b" 200 " in head, head
    writer.close()
    return (time.perf_counter() - began) * 1000


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.startswith(b"content-length")
    )
    await reader.readexactly(length)
    return head
