"""What the device knows of a link."""

from dataclasses import dataclass, field

from tests.second_device import codec


@dataclass(slots=True)
class Link:
    """One link: `kind` is serial, pty, process, tcp, ble, ble_unbonded or ble_small (MTU)."""

    kind: str
    splitter: codec.Splitter = field(default_factory=codec.Splitter)

    @property
    def stream(self) -> bool:
        return not self.kind.startswith("ble")

    @property
    def small(self) -> bool:
        return self.kind == "ble_small"

    @property
    def may_command(self) -> bool:
        return self.kind not in ("ble_unbonded", "ble_small")
