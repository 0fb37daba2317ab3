"""The keys of bonded hosts, in a file that is replaced as a whole, and only at rest."""

import json
import os

FILE = "/bonds"


class Bonds:
    """What the stack asks for and hands over: by kind and key, as it likes."""

    def __init__(self):
        self._kept = []
        self._changed = False
        try:
            with open(FILE) as file:
                for kind, key, value in json.load(file):
                    self._kept.append((kind, bytes.fromhex(key), bytes.fromhex(value)))
        except (OSError, ValueError):
            pass  # none, or a damaged file: every host pairs again

    def get(self, kind, index, key):
        """The value of a key, or without one the value at that index of its kind; None if there is none."""
        if key is not None:
            key = bytes(key)
        for one, its_key, value in self._kept:
            if one == kind and key is None:
                if not index:
                    return value
                index -= 1
            elif one == kind and its_key == key:
                return value
        return None

    def set(self, kind, key, value):
        """Keep a value, or forget it where it is None; False if there is nothing to forget."""
        key = bytes(key)
        before = len(self._kept)
        self._kept = [one for one in self._kept if one[0] != kind or one[1] != key]
        found = len(self._kept) != before
        self._changed = self._changed or found or value is not None
        if value is None:
            return found
        self._kept.append((kind, key, bytes(value)))
        return True

    def save(self):
        """At rest: write what has changed."""
        if not self._changed:
            return
        self._changed = False
        with open(FILE + ".new", "w") as file:
            json.dump([[kind, key.hex(), value.hex()] for kind, key, value in self._kept], file)
        os.rename(FILE + ".new", FILE)
