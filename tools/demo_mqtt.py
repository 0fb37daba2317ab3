"""`make demo-mqtt`: a broker, the service with the simulated device, and what mosquitto_sub hears of a session."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

WAIT_S: Final = 20.0
COMMAND: Final = (sys.executable, "-m", "massager_ctl.cli.entry")


def program(name: str) -> str:
    """The path of a program. SystemExit where it is missing."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed: run tools/setup-debian as root")
    return found


def started(stack: ExitStack, *command: str, **options: Any) -> subprocess.Popen[str]:
    """A process that is ended with the demonstration."""
    process = subprocess.Popen(command, text=True, **options)

    def end() -> None:
        process.terminate()
        process.wait(WAIT_S)

    stack.callback(end)
    return process


def until(true: Callable[[], bool]) -> None:
    """Wait until something holds. SystemExit where it never does."""
    end = time.monotonic() + WAIT_S
    while not true():
        if time.monotonic() > end:
            raise SystemExit("the demonstration came to a halt")
        time.sleep(0.05)


def main() -> None:
    """Run it from start to end."""
    with ExitStack() as stack, socket.socket() as probe:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        settings = folder / "mosquitto.conf"
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n"
        )
        broker = started(
            stack, program("mosquitto"), "-c", str(settings), stderr=subprocess.DEVNULL
        )
        until(lambda: _answers(int(port)) or broker.poll() is not None)

        heard = folder / "heard"
        subscribe = (program("mosquitto_sub"), "-h", "127.0.0.1", "-p", port, "-v")
        started(stack, *subscribe, "-t", "massager/neck/nonce", stdout=heard.open("w"))
        for leaf in ("availability", "link", "event", "cmd/#"):
            started(stack, *subscribe, "-t", f"massager/neck/{leaf}")
        environment = {
            **os.environ,
            "MASSAGER_CTL_RUNTIME": str(folder / "run"),
            "MASSAGER_CTL_DATA": str(folder / "data"),
        }
        started(
            stack,
            *COMMAND,
            *("serve", "--device", "neck=sim:", "--mqtt", f"mqtt://127.0.0.1:{port}"),
            env=environment,
            stderr=subprocess.DEVNULL,
        )

        def nonce() -> str:
            lines = [line for line in heard.read_text().splitlines() if "{" in line]
            return json.loads(lines[-1].partition(" ")[2])["nonce"] if lines else ""

        def publish(name: str, value: object) -> None:
            payload = json.dumps({"v": value, "n": nonce(), "t": time.time()})
            target = ("-t", f"massager/neck/cmd/{name}", "-m", payload)
            subprocess.run(
                [program("mosquitto_pub"), "-h", "127.0.0.1", "-p", port, *target], check=True
            )

        until(lambda: bool(nonce()))
        time.sleep(1)
        _say("A start without anybody at the machine:")
        publish("start", "manual")
        time.sleep(1)
        _say("Someone runs `massager-ctl ready` and has no symptom; then the same again:")
        subprocess.run([*COMMAND, "ready"], input="no\n", text=True, env=environment, check=True)
        before = nonce()
        publish("start", "manual")
        until(lambda: nonce() != before)
        time.sleep(1)
        publish("level/trapezius_left", 60)
        _say("The state after four seconds:")
        time.sleep(4)
        subprocess.run([*subscribe, "-t", "massager/neck/state", "-C", "1"], check=True)
        _say("A stop, with no payload at all:")
        stop = ("-t", "massager/neck/cmd/stop", "-n")
        subprocess.run([program("mosquitto_pub"), "-h", "127.0.0.1", "-p", port, *stop], check=True)
        time.sleep(1)
        _say("The service is ended:")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _say(words: str) -> None:
    print(f"\n-- {words}", flush=True)


if __name__ == "__main__":
    main()
