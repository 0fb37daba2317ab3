"""`massager-ctl serve` as a process of its own, and what it writes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from tests.e2e.web.harness import PATIENCE_S

COMMAND = (sys.executable, "-m", "massager_ctl.cli.entry")


class Served:
    """A service that runs, and what it wrote."""

    def __init__(self, process: asyncio.subprocess.Process, variables: dict[str, str]) -> None:
        self.process = process
        self.variables = variables
        self.out = ""
        self.logs = ""
        self.reading = [
            asyncio.ensure_future(self._read(process.stdout, "out")),
            asyncio.ensure_future(self._read(process.stderr, "logs")),
        ]

    async def _read(self, stream: asyncio.StreamReader | None, name: str) -> None:
        assert stream is not None
        while data := await stream.readline():
            setattr(self, name, getattr(self, name) + data.decode())

    async def says(self, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = re.search(pattern, self.out + self.logs)
                if found:
                    return found
                await asyncio.sleep(0.02)

    async def run(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            env=self.variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return process.returncode or 0, out.decode()


@contextlib.asynccontextmanager
async def served(tmp_path: Path, *arguments: str, **more: str) -> AsyncGenerator[Served]:
    variables = {
        **os.environ,
        "MASSAGER_CTL_DATA": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "serve",
        *arguments,
        env=variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    service = Served(process, variables)
    try:
        yield service
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await asyncio.gather(*service.reading)
