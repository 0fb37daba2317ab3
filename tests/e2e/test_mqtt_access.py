"""How the service is let in at a broker: passwords, access lists, TLS, and WebSockets (fault 28)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import aiomqtt
import pytest

from massager_ctl.model.status import LinkState, Phase
from tests.e2e.mqtt_harness import Mosquitto, free_port, listener, rig, settings_for, soon
from tests.e2e.remote_orders import now, running

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.needs("mosquitto", "mosquitto_pub"),
    pytest.mark.usefixtures("own_folders"),
]


async def test_nothing_starts_over_a_broker_that_does_not_pass_things_on(tmp_path: Path) -> None:
    """An access list that refuses the echo: orders arrive, and no one hears what happens."""
    rules = tmp_path / "acl"
    rules.write_text(
        "user service\ntopic read massager/+/cmd/#\ntopic read homeassistant/#\n"
        "user home\ntopic readwrite #\n"
    )
    words = tmp_path / "passwords"
    _passwords(words, service="secret", home="secret")
    lines = (f"acl_file {rules}", f"password_file {words}", "allow_anonymous false")
    async with (
        Mosquitto(tmp_path, lines) as broker,
        listener(broker.port, username="home", password="secret") as ear,
        rig(settings_for(broker.port, username="service", password="secret")) as bench,
    ):
        bench.let()
        await soon(lambda: bench.bridge.connected)
        nonce = bench.owned.gate.nonce
        assert nonce is not None
        await ear.send("start", ear.stamped("manual", nonce=nonce))
        # It gives the connection up after 4 s without an echo, and says why.
        await soon(lambda: "does not deliver" in bench.bridge.trouble)
        assert bench.controller.status.phase is Phase.IDLE
        assert bench.owned.gate.ready_for_s(now()) > 0
        assert ear.last("state") is None


async def test_a_wrong_password_is_told_and_the_device_stays_in_local_hands(tmp_path: Path) -> None:
    words = tmp_path / "passwords"
    _passwords(words, service="secret")
    lines = (f"password_file {words}", "allow_anonymous false")
    async with (
        Mosquitto(tmp_path, lines) as broker,
        rig(settings_for(broker.port, username="service", password="guess")) as bench,
    ):
        await soon(lambda: "refuses this client" in bench.bridge.trouble)
        await soon(lambda: bench.controller.status.link is LinkState.UP)
        await bench.controller.manual()
        assert bench.controller.status.phase is Phase.RUNNING
        await bench.controller.stop()


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_tls_with_the_right_authority_and_with_a_wrong_one(tmp_path: Path) -> None:
    _authority(tmp_path, "right")
    _authority(tmp_path, "wrong")
    _certificate(tmp_path, "right", "server")
    _certificate(tmp_path, "right", "client")
    lines = (
        "allow_anonymous true",
        f"cafile {tmp_path}/right.pem",
        f"certfile {tmp_path}/server.pem",
        f"keyfile {tmp_path}/server.key",
        "require_certificate true",
    )
    secured = {
        "tls": True,
        "cert_file": str(tmp_path / "client.pem"),
        "key_file": str(tmp_path / "client.key"),
    }
    async with Mosquitto(tmp_path, lines) as broker:
        wrong = settings_for(broker.port, ca_file=str(tmp_path / "wrong.pem"), **secured)
        async with rig(wrong) as bench:
            await soon(lambda: "certificate" in bench.bridge.trouble)
            assert not bench.bridge.connected
        bare = settings_for(broker.port)
        async with rig(bare) as bench:  # MQTT in the clear to a port that wants TLS
            await soon(lambda: bench.bridge.trouble)
            assert not bench.bridge.connected
        right = settings_for(broker.port, ca_file=str(tmp_path / "right.pem"), **secured)
        parameters = aiomqtt.TLSParameters(
            ca_certs=right.ca_file, certfile=right.cert_file, keyfile=right.key_file
        )
        async with (
            listener(broker.port, tls_params=parameters) as ear,
            rig(right),
        ):
            await ear.becomes(phase="idle", problem=False)
            await ear.send("stop")
            assert (await ear.event("stopped"))["confirmed"] is True


async def test_a_session_over_websockets(tmp_path: Path) -> None:
    web = free_port()
    lines = (
        "allow_anonymous true",
        f"listener {web} 127.0.0.1",
        "protocol websockets",
        "allow_anonymous true",
    )
    async with (
        Mosquitto(tmp_path, lines) as broker,
        listener(broker.port) as ear,
        rig(settings_for(web, path="/mqtt")) as bench,
    ):
        await running(ear, bench)
        await ear.send("stop")
        assert (await ear.event("stopped"))["confirmed"] is True


def _passwords(file: Path, **users: str) -> None:
    for number, (user, word) in enumerate(users.items()):
        create = ["-c"] if number == 0 else []
        _run("mosquitto_passwd", "-b", *create, str(file), user, word)


def _authority(folder: Path, name: str) -> None:
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "1", "-subj", f"/CN={name} authority"),
        *("-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"),
    )


def _certificate(folder: Path, authority: str, name: str) -> None:
    extensions = folder / f"{name}.ext"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    _run(
        *("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *(
            "-subj",
            f"/CN={name}",
            "-keyout",
            f"{folder}/{name}.key",
            "-out",
            f"{folder}/{name}.csr",
        ),
    )
    _run(
        *("openssl", "x509", "-req", "-days", "1", "-in", f"{folder}/{name}.csr"),
        *("-CA", f"{folder}/{authority}.pem", "-CAkey", f"{folder}/{authority}.key"),
        *("-CAcreateserial", "-extfile", str(extensions), "-out", f"{folder}/{name}.pem"),
    )


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    assert found is not None, program
    subprocess.run([found, *arguments], check=True, capture_output=True)
