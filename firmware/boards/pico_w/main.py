"""Run the slot that `/active` names, if every hash in it is right; else stay off.

No way leads to a prompt but the door (boot.py).
"""

import hashlib
import json
import sys
import time

SLOTS = ("slot_a", "slot_b")


def sha256(path):
    """The hash of a file, as hexadecimal digits."""
    total = hashlib.sha256()
    piece = bytearray(512)
    with open(path, "rb") as file:
        count = file.readinto(piece)
        while count:
            total.update(memoryview(piece)[:count])
            count = file.readinto(piece)
    return "".join(f"{byte:02x}" for byte in total.digest())


def sound_slot():
    """The slot to run; ValueError says what is wrong with it."""
    with open("/active") as file:
        words = file.read(128).split()
    if len(words) != 2 or words[0] not in SLOTS:
        raise ValueError("no slot is active")
    slot, wanted = words
    manifest = f"/{slot}/manifest.json"
    if sha256(manifest) != wanted:
        raise ValueError("the manifest is not what was installed")
    with open(manifest) as file:
        files = json.load(file)["files"]
    for name in files:
        if sha256(f"/{slot}/{name}") != files[name]:
            raise ValueError(f"{name} is not what was installed")
    return slot


def note(reason):
    """Why it is off, for `massager-ctl firmware info`; a full or worn file system keeps it silent."""
    try:
        with open("/boots") as file:
            lines = file.read(2048).split("\n")[-9:-1]
    except OSError:
        lines = []
    try:
        with open("/boots.new", "w") as file:
            for line in lines:
                file.write(line + "\n")
            file.write(reason + "\n")
        import os

        os.rename("/boots.new", "/boots")
    except OSError:
        pass


def run():
    """Never returns but by the watchdog."""
    try:
        sys.path.insert(0, "/" + sound_slot())
        import start

        start.run(note)
    except Exception as error:
        note(f"stays off: {error}")
    while True:  # boot.py has switched everything off, or the watchdog will
        time.sleep(1)


if not door_open:  # noqa: F821  boot.py shares its names with this file
    run()
