"""A firmware as a process, for the conformance suite in simulated time.

massager-sim hil --device 'exec:python examples/firmware_as_a_process.py'

Here it is the simulator's firmware; put yours in its place. docs/reference/lockstep.md says what each line means.
"""

import os
import sys

from firmware_sim.config import DeviceConfig, LinkKind
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.outputs import SendTo
from massager_fw.states import Cause


def act(device: Firmware, what: str, words: list[str]) -> list[SendTo]:
    """What the device sends because of one request; its time comes in milliseconds."""
    now = int(words[0 if what in "AIRK" else 1]) / 1000
    match what:
        case "I":
            return device.feed(1, sys.stdin.buffer.read(int(words[1])), now)
        case "F":
            return device.feed(int(words[0]), bytes.fromhex(words[2]), now)
        case "C":
            return device.connect(int(words[0]), LinkKind(words[2]), now)
        case "D":
            return device.disconnect(int(words[0]), now)
        case "B":
            return device.press(now) if words[0] == "1" else device.release(now)
        case "P":
            device.plant.battery.charging = words[0] == "1"
        case "R":
            device.core.restart(Cause.NONE)
        case _:
            pass
    return device.advance(now)


def main() -> None:
    """Answer every request until the suite closes the pipe."""
    clock = os.fdopen(int(os.environ["MASSAGER_CLOCK_IN"]), "r")
    answers = os.fdopen(int(os.environ["MASSAGER_CLOCK_OUT"]), "w")
    nvm, seed, powered = MemoryNvm(), os.getpid(), True
    device = Firmware(DeviceConfig(), nvm, seed)
    for line in clock:
        what, *words = line.split()
        if what == "H":  # those that need not be known, and are
            print("= B P R K F", file=answers, flush=True)
            continue
        if what == "R" and not powered:
            device, sent = Firmware(DeviceConfig(), nvm, seed, now=int(words[0]) / 1000), []
        else:
            sent = act(device, what, words) if powered else []
        powered = what == "R" or (powered and what != "K")
        for frame in sent:
            if frame.link == 1:
                sys.stdout.buffer.write(frame.data)
                print("o", len(frame.data), file=answers)
            else:
                print("s", frame.link, frame.data.hex(), file=answers)
        sys.stdout.buffer.flush()
        print("=", file=answers, flush=True)


main()
