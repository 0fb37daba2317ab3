"""`make fuzz-api`: a minute of what the API's document allows and does not allow, against `massager-ctl serve` itself.

No answer may be a fault of the server (5xx), and after it a STOP is still confirmed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

PATIENCE_S: Final = 60
NAMED: Final = '[parameters]\n"path.device" = "neck"\n"path.profile" = "restorative"\n'
"""With made-up names most requests would end at a 404."""


def posted(url: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    """What the service answers to one request."""
    asked = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json", **headers}
    )
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def address(said: IO[str]) -> str:
    """The page's address, as the service prints it; what it says later is read and dropped."""
    for line in said:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            threading.Thread(target=lambda: [None for _ in said], daemon=True).start()
            return found[0]
    raise SystemExit("the service ended before it had an address")


def main() -> int:
    """Serve, send, and stop."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=60, help="how long; 60 by default")
    options.add_argument("--seed", type=int, help="to repeat a run")
    chosen = options.parse_args()
    scripts = Path(sys.executable).parent
    seed = [] if chosen.seed is None else ["--seed", str(chosen.seed)]
    with tempfile.TemporaryDirectory(prefix="mctl-") as home:
        own = ("MASSAGER_CTL_RUNTIME", "MASSAGER_CTL_DATA", "XDG_CONFIG_HOME")
        words = ["serve", "--device", "neck=sim:", "--web", "--port", "0", "--log", "text"]
        with subprocess.Popen(
            [scripts / "massager-ctl", *words],
            env={**os.environ, **dict.fromkeys(own, home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as serving:
            assert serving.stdout is not None
            try:
                url = address(serving.stdout)
                token = posted(f"{url}/v1/session", {"bearer": True})["token"]
                (Path(home) / "schemathesis.toml").write_text(NAMED, encoding="ascii")
                done = subprocess.run(
                    [
                        *(scripts / "schemathesis", "run", f"{url}/openapi.json", *seed),
                        *("--max-time", str(chosen.seconds), "--phases", "coverage,fuzzing"),
                        *("--checks", "not_a_server_error", "--max-examples", "100000"),
                        *("--header", f"authorization: Bearer {token}"),
                        *("--rate-limit", "120/s", "--no-color"),
                    ],
                    cwd=home,
                    check=False,
                    timeout=chosen.seconds + PATIENCE_S,
                )
                stopped = posted(f"{url}/v1/devices/neck/stop", {})
            finally:
                serving.terminate()
                with suppress(subprocess.TimeoutExpired):
                    serving.wait(PATIENCE_S)
                serving.kill()
    print(f"stop confirmed afterwards: {stopped['confirmed']}")
    return done.returncode or not stopped["confirmed"]


if __name__ == "__main__":
    sys.exit(main())
