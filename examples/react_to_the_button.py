"""Notice that someone pressed the device's own button; it stays latched until someone clears it on purpose."""

import asyncio
import sys

from massager_ctl import Cause, connect


async def main(address: str = "sim:?fault=button@20") -> None:
    async with connect(address) as massager:
        end = await massager.play("restorative")
        if end.cause is Cause.BUTTON:
            print("The button was pressed. Is everything all right?")
            print("When it is, `massager-ctl reset` clears the latch.")
        else:
            print(end.text)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
