"""Owns the embedded simulator, connected and idle, with its control socket open: what `stop` finds."""

from __future__ import annotations

import asyncio
import sys

from bench.processes import ready
from massager_ctl import connect


async def main() -> None:
    async with connect("sim:"):
        ready("owner")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
