"""Turns Bluetooth failures into plain errors: no exception of bleak's leaves the transports."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from massager_ctl.errors import DeviceNotFound, LinkError, LinkTimeout

_NO_SERVICE: Final = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
)


def no_bleak(error: ImportError) -> LinkError:
    """bleak is not installed."""
    return LinkError(
        f"Bluetooth needs a library that is not installed ({error.name or error})",
        "Install it: pip install 'massager-ctl[ble]'",
    )


def no_bluetooth(why: str) -> LinkError:
    """This machine's Bluetooth cannot be used."""
    if sys.platform.startswith("linux"):
        remedy = (
            "Plug in a Bluetooth adapter and start the service: sudo systemctl start bluetooth dbus."
            " `massager-ctl doctor` checks the set-up."
        )
    else:
        remedy = "Switch Bluetooth on, and allow this program to use it."
    return LinkError(f"Bluetooth is not available here: {why}", remedy)


@contextmanager
def border(address: str) -> Generator[None]:
    """Turn what bleak and the systems under it raise into LinkErrors."""
    try:
        yield
    except LinkError:
        raise
    except TimeoutError as error:
        raise LinkTimeout(
            f"{address} did not answer in time",
            "Is the device switched on and near? Switching it off and on again may help.",
        ) from error
    except FileNotFoundError as error:
        # bleak on Linux, where there is no D-Bus at all.
        raise no_bluetooth("the system's message bus (D-Bus) is not running") from error
    except (OSError, EOFError) as error:
        raise LinkError(
            f"Bluetooth failed: {error}", "`massager-ctl doctor` checks the set-up."
        ) from error
    except Exception as error:
        translated = _translate(address, error)
        if translated is None:
            raise
        raise translated from error


def _translate(address: str, error: Exception) -> LinkError | None:
    from bleak import exc

    match error:
        case exc.BleakBluetoothNotAvailableError():
            return no_bluetooth(str(error.args[0]))
        case exc.BleakDeviceNotFoundError():
            return DeviceNotFound(
                f"{address} is not there", "Is it switched on and near? Try `massager-ctl scan`."
            )
        case exc.BleakDBusError() if error.dbus_error in _NO_SERVICE:
            return no_bluetooth("the Bluetooth service (BlueZ) is not running")
        case exc.BleakError():
            return LinkError(
                f"Bluetooth link to {address}: {error}",
                "Try again; if it stays, switch the device off and on.",
            )
        case _:
            return None
