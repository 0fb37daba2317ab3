"""`typing` for MicroPython, which does not evaluate annotations: every name is there and means nothing."""


def __getattr__(_name: str) -> None:
    return None
