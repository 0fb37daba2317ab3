"""Write what the device reports to a CSV file while a profile plays."""

import asyncio
import csv
import sys

from massager_ctl import Zone, connect


async def main(path: str = "telemetry.csv", address: str = "sim:") -> None:
    async with connect(address) as massager:
        await massager.start("gentle")
        with open(path, "w", newline="") as file:  # noqa: ASYNC230 - a line now and then is quick enough
            writer = csv.writer(file)
            writer.writerow(["uptime_s", "battery", "pad_c", *Zone])
            async for report in massager.telemetry():
                writer.writerow([report.uptime_s, report.battery, report.pad_c, *report.levels])
                if not massager.status.phase.in_session:
                    break
        print(f"{path}: written until {(await massager.ended()).text}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
