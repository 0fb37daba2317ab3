"""Play a profile to its end: `python examples/play_a_profile.py gentle serial:/dev/ttyUSB0`."""

import asyncio
import sys

from massager_ctl import connect


async def main(profile: str = "gentle", address: str = "sim:") -> None:
    async with connect(address) as massager:
        print(f"{massager.info.serial}: {profile} begins")
        end = await massager.play(profile)
        print(f"after {end.played_s:.0f} s: {end.text}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
