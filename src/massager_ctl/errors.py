"""The exceptions of this package, in one tree by who has to act.

MassagerError                 carries what failed, what to do, and the exit code
├── InputError          2     your input is wrong
│   ├── IntensityError        not a number from 0 to 100 (R19)
│   ├── AddressError          a device address that is not valid
│   │   └── SeveralDevices    one that several devices have
│   ├── ProfileError          a profile that is wrong, with every problem in it (R20)
│   ├── DescriptionError      a device description that is wrong, with every problem in it
│   ├── CaptureError          a capture that cannot be read, or that nothing can be learned from
│   ├── FirmwareError         pins or a build that are wrong, or a board that cannot take them
│   └── ConfigError           a settings or limits file that is wrong
├── Refused             3     refused by a safety rule, before or during a session
│   ├── ScreeningNeeded       R21
│   ├── MedicalLock           R22
│   ├── DoseSpent             R9
│   ├── OffNotSeen            R25
│   └── DeviceRefused         the device refused ARM or RESET; carries its result
├── StoreError          3     the ledger cannot be trusted or written: no session without it (R9)
├── LinkError           4     trouble with the device or the link
│   ├── DeviceNotFound        no device at this address
│   ├── DeviceBusy            another program or controller holds it (R17)
│   ├── LinkLost              the link was up and is gone
│   └── LinkTimeout           it did not answer in time
├── ProtocolError       4     the peer's bytes make no sense (R16)
├── DriverFault         4     a device driver from another package failed or is unfit
│   └── GuardianLost          the process that guards a device without a dead-man failed (R25)
└── StopUnconfirmed     5     a stop was sent and not confirmed (R6); overrides all others
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; see docs/reference/exit-codes.md."""

    OK = 0
    USAGE = 2
    REFUSED = 3
    LINK = 4
    UNCONFIRMED = 5
    INTERRUPTED = 130


class MassagerError(Exception):
    """What failed and why (`message`), and what to do about it (`remedy`)."""

    exit_code: ExitCode = ExitCode.USAGE
    code: str = "error"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class InputError(MassagerError):
    """Your input is wrong; nothing was changed."""

    code = "bad_input"


class IntensityError(InputError):
    """Not a finite number from 0 to 100 (R19)."""

    code = "bad_intensity"


class AddressError(InputError):
    """A device address that is not valid."""

    code = "bad_address"


class SeveralDevices(AddressError):
    """A name, or `auto`, that fits several devices: none of them is meant until one is chosen.

    `found`: the address of each, in the order of the message.
    """

    code = "several_devices"

    def __init__(self, message: str, remedy: str = "", found: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.found = found


class ProfileError(InputError):
    """A profile that breaks a rule (R20).

    `problems` holds each as one line: `file:line:column: rule: what, and the fix`.
    """

    code = "bad_profile"

    def __init__(self, message: str, remedy: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.problems = problems


class DescriptionError(InputError):
    """A device description that breaks a rule.

    `problems` holds each as one line: `file:line:column: rule: what, and the fix`.
    """

    code = "bad_description"

    def __init__(self, message: str, remedy: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.problems = problems


class CaptureError(InputError):
    """A capture that cannot be read, or that nothing can be learned from."""

    code = "bad_capture"


class FirmwareError(InputError):
    """Pins that are wrong, a damaged build, another board, or one without room; it boots what it booted before.

    `problems` holds each fault of a file of pins as one line: `file:line: what, and the fix`.
    """

    code = "bad_firmware"

    def __init__(self, message: str, remedy: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.problems = problems


class ConfigError(InputError):
    """A settings or limits file that is named but missing, unreadable or wrong (R1, fault 35)."""

    code = "bad_config"


class Refused(MassagerError):
    """Refused by a safety rule."""

    exit_code = ExitCode.REFUSED
    code = "refused"


class ScreeningNeeded(Refused):
    """The screening questions are unanswered, out of date, or one of them blocks (R21)."""

    code = "screening_needed"


class MedicalLock(Refused):
    """Locked after a report of pain with a warning sign, until screening is done again (R22)."""

    code = "medical_lock"


class DoseSpent(Refused):
    """No session left in this day, or the rest since the last one is not over (R9)."""

    code = "dose_spent"


class OffNotSeen(Refused):
    """Nothing confirmed the last stop of this device, and no one has said that it is off (R25)."""

    code = "off_not_seen"


class DeviceRefused(Refused):
    """The device refused ARM or RESET; `result` is its reason."""

    code = "device_refused"

    def __init__(self, message: str, remedy: str = "", result: str = "") -> None:
        super().__init__(message, remedy)
        self.result = result


class StoreError(MassagerError):
    """The ledger cannot be read, trusted or written; without it no session starts (R9)."""

    exit_code = ExitCode.REFUSED
    code = "store"


class LinkError(MassagerError):
    """Trouble with the device or the link to it."""

    exit_code = ExitCode.LINK
    code = "link"


class DeviceNotFound(LinkError):
    """No device at this address."""

    code = "not_found"


class DeviceBusy(LinkError):
    """Another program or another controller holds the device (R17)."""

    code = "busy"


class LinkLost(LinkError):
    """The link was up and is gone (R15)."""

    code = "link_lost"


class LinkTimeout(LinkError):
    """The device did not answer in time (R15)."""

    code = "timeout"


class ProtocolError(MassagerError):
    """The peer's bytes make no sense (R16)."""

    exit_code = ExitCode.LINK
    code = "protocol"


class DriverFault(MassagerError):
    """A driver from another package raised, or returned what is not a frame; nothing was sent."""

    exit_code = ExitCode.LINK
    code = "driver"


class GuardianLost(DriverFault):
    """The second process that keeps watch over a device without a dead-man failed; the device was stopped (R25)."""

    code = "guardian"


class StopUnconfirmed(MassagerError):
    """A stop was sent, sent again, and not confirmed; the link was dropped so that the dead-man acts (R6)."""

    exit_code = ExitCode.UNCONFIRMED
    code = "stop_unconfirmed"
