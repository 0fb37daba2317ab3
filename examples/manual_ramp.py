"""Raise one zone by hand, and see why it climbs slowly."""

import asyncio
import sys

from massager_ctl import connect


async def main(address: str = "sim:") -> None:
    async with connect(address) as massager:
        for percent in (5, 10, 20):
            await massager.set("neck_left", percent)
            await asyncio.sleep(15)
            level = massager.status.actual[2]
            why = massager.status.held[0] if massager.status.held else "as asked"
            print(f"asked for {percent}, now at {level:g}: {why}")
        await massager.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
