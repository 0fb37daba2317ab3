"""Play on two devices at once; whatever ends one block stops both."""

import asyncio
import sys

from massager_ctl import connect


async def main(first: str = "sim:?seed=1", second: str = "sim:?seed=2") -> None:
    async with connect(first) as one, connect(second) as two:
        await asyncio.gather(one.start("gentle"), two.start("desk-break"))
        ends = await asyncio.gather(one.ended(), two.ended())
        for end in ends:
            print(f"{end.played_s:.0f} s: {end.text}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
