"""Selects the Bluetooth that bleak uses: the system's own, or a controller with one of our back ends."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from massager_ctl.errors import DeviceNotFound, LinkError

if TYPE_CHECKING:
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner

BACKENDS: Final = "massager_ctl.ble_backends"
"""Entry point group: `hci` = an async callable that opens a `Radio` over a Bluetooth controller."""


class Radio(Protocol):
    """Back ends for bleak other than the system's own Bluetooth."""

    @property
    def client(self) -> type[BaseBleakClient]: ...

    @property
    def scanner(self) -> type[BaseBleakScanner]: ...

    async def close(self) -> None: ...


OpenRadio = Callable[[], Coroutine[Any, Any, Radio]]


def radio_over(hci: str) -> OpenRadio:
    """Opens the back end for a Bluetooth controller such as `tcp:127.0.0.1:6402` or `usb:0`."""

    async def open_radio() -> Radio:
        for entry in entry_points(group=BACKENDS, name="hci"):
            try:
                opener = cast("Callable[[str], Coroutine[Any, Any, Radio]]", entry.load())
                return await opener(hci)
            except ImportError as error:
                raise LinkError(
                    f"no back end for the Bluetooth controller {hci}: {error}",
                    "Install it: pip install 'massager-ctl[sim]'",
                ) from error
            except (OSError, ValueError) as error:
                raise DeviceNotFound(
                    f"the Bluetooth controller {hci} cannot be opened: {error}",
                    "Is what offers it running? For example `massager-sim serve --ble tcp:127.0.0.1:6402`.",
                ) from error
        raise LinkError(
            f"no installed back end can use the Bluetooth controller {hci}",
            "Install 'massager-ctl[sim]'.",
        )

    return open_radio
