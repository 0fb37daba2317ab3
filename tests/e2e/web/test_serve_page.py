"""`massager-ctl serve` as a process: with the page, without it, without its packages, and on the network."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.web.harness import PATIENCE_S
from tests.e2e.web.serving import served

pytestmark = pytest.mark.asyncio


def fetch(request: urllib.request.Request | str, context: ssl.SSLContext | None = None) -> bytes:
    with urllib.request.urlopen(request, timeout=PATIENCE_S, context=context) as answer:
        return bytes(answer.read())


def without(tmp_path: Path, *packages: str) -> str:
    """A folder for PYTHONPATH in which these packages seem not to be installed."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        f"GONE = {packages!r}\n"
        "class Gone:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in GONE:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Gone())\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: (\n"
        "    None if name.partition('.')[0] in GONE else found(name, package))\n"
    )
    return str(folder)


WEB = ("starlette", "uvicorn", "wsproto", "segno", "h11")
MQTT = ("aiomqtt", "paho", "prometheus_client")


async def test_it_prints_the_address_and_ends_within_moments_with_a_page_open(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, "--device", "neck=sim:", "--port", "0") as service:
        address = (await service.says(r"http://127\.0\.0\.1:\d+/"))[0]
        await service.says("device.connected")
        assert b"STOP" in await asyncio.to_thread(fetch, address)
        stop = urllib.request.Request(f"{address}v1/devices/neck/stop", method="POST")
        assert json.loads(await asyncio.to_thread(fetch, stop))["confirmed"] is True
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.split(":")[2][:-1]))
        service.process.terminate()
        assert await asyncio.wait_for(service.process.wait(), PATIENCE_S) == 0
        assert await reader.read() == b""
        writer.close()
    assert "service.ended" in service.logs


@pytest.mark.parametrize("gone", [WEB, MQTT, WEB + MQTT], ids=["web", "mqtt", "both"])
async def test_it_serves_without_what_it_is_not_asked_for(
    tmp_path: Path, gone: tuple[str, ...]
) -> None:
    path = without(tmp_path, *gone)
    port = ("--port", "0") if gone is MQTT else ()
    async with served(tmp_path, "--device", "neck=sim:", *port, PYTHONPATH=path) as service:
        await service.says("device.connected")
        if gone is not MQTT:
            await service.says(r"page.absent")
            await service.says(r"massager-ctl\[web\]")
        code, said = await service.run("stop")
        assert (code, "confirmed at zero" in said) == (0, True)
        service.process.terminate()
        assert await asyncio.wait_for(service.process.wait(), PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("--web",), "web"),
        (("--lan",), "web"),
        (("--port", "0"), "web"),
        (("--mqtt", "mqtt://127.0.0.1"), "mqtt"),
        (("--metrics", "9137"), "mqtt"),
    ],
)
async def test_what_is_asked_for_and_not_installed_is_one_clear_error(
    tmp_path: Path, arguments: tuple[str, ...], extra: str
) -> None:
    path = without(tmp_path, *WEB, *MQTT)
    async with served(tmp_path, "--device", "sim:", *arguments, PYTHONPATH=path) as service:
        assert await asyncio.wait_for(service.process.wait(), PATIENCE_S) == 2
    assert f"massager-ctl[{extra}]" in service.logs
    assert "Traceback" not in service.logs


async def test_a_port_in_use_ends_it_only_where_a_page_was_asked_for(tmp_path: Path) -> None:
    holder = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = str(holder.sockets[0].getsockname()[1])
    try:
        async with served(tmp_path, "--device", "sim:", "--port", port) as service:
            assert await asyncio.wait_for(service.process.wait(), PATIENCE_S) == 2
        assert "--no-web" in service.logs
    finally:
        holder.close()
        await holder.wait_closed()


async def test_no_page_means_no_port(tmp_path: Path) -> None:
    async with served(tmp_path, "--device", "sim:", "--no-web") as service:
        await service.says("device.connected")
        assert service.out == ""
    async with served(tmp_path, "--no-web", "--lan") as service:
        assert await asyncio.wait_for(service.process.wait(), PATIENCE_S) == 2


async def test_on_the_network_by_a_code_that_the_terminal_shows(tmp_path: Path) -> None:
    async with served(tmp_path, "--device", "neck=sim:", "--lan", "--port", "0") as service:
        code = await service.says(r"https://\S+:(?P<port>\d+)/#k=(?P<code>[\w-]+)")
        fingerprint = await service.says(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}")
        assert "█" in service.out or "▀" in service.out
        data = tmp_path / "data"
        context = ssl.create_default_context(cafile=str(data / "web-certificate.pem"))
        base = f"https://127.0.0.1:{code['port']}"
        asked = urllib.request.Request(
            f"{base}/v1/pair",
            json.dumps({"code": code["code"], "bearer": True}).encode(),
            {"content-type": "application/json", "user-agent": "Phone"},
        )
        token = json.loads(await asyncio.to_thread(fetch, asked, context))["token"]
        bearer = {"authorization": f"Bearer {token}"}
        listing = urllib.request.Request(f"{base}/v1/devices", headers=bearer)
        assert json.loads(await asyncio.to_thread(fetch, listing, context))["total"] == 1
        exit_code, said = await service.run("access", "list")
        assert (exit_code, "Phone" in said) == (0, True)
        exit_code, said = await service.run("access", "pair")
        assert exit_code == 0
        assert fingerprint[0] in said
        name = json.loads((await service.run("access", "list", "--json"))[1])[0]["id"]
        assert (await service.run("access", "forget", "nobody"))[0] == 2
        assert (await service.run("access", "forget", name))[0] == 0
        with pytest.raises(urllib.error.HTTPError, match="401"):
            await asyncio.to_thread(fetch, listing, context)
        for secret in (token, code["code"].replace("-", "")):
            assert secret not in service.logs
        key = data / "web-key.pem"
        assert key.stat().st_mode & 0o077 == 0
