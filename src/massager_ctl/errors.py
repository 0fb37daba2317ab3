"""Every error that this package raises, in one tree by blame and by remedy.

MassagerError                 carries what happened, what to do, and the exit code
├── InputError          2     the person's input is wrong
│   ├── IntensityError        not a number from 0 to 100 (R19)
│   ├── AddressError          a device address that cannot be read
│   ├── ProfileError          a profile that is wrong, with every problem in it (R20)
│   └── ConfigError           a settings or limits file that is wrong
├── Refused             3     a safety rule says no, before or during a session
│   ├── ScreeningNeeded       R21
│   ├── MedicalLock           R22
│   ├── DoseSpent             R9
│   └── DeviceRefused         the device said no to ARM or RESET, with its result
├── StoreError          3     the ledger cannot be trusted or written: no session without it (R9)
├── LinkError           4     the device or the link to it
│   ├── DeviceNotFound        nothing there
│   ├── DeviceBusy            another program or controller holds it (R17)
│   ├── LinkLost              it was there, and is gone
│   └── LinkTimeout           it did not answer in time
├── ProtocolError       4     the peer's bytes make no sense (R16)
└── StopUnconfirmed     5     a stop was sent and not confirmed (R6); overrides all others
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; documented in docs/reference/exit-codes.md."""

    OK = 0
    USAGE = 2
    REFUSED = 3
    LINK = 4
    UNCONFIRMED = 5
    INTERRUPTED = 130


class MassagerError(Exception):
    """What happened and why (`message`), and what to do about it (`remedy`)."""

    exit_code: ExitCode = ExitCode.USAGE
    code: str = "error"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class InputError(MassagerError):
    """The person's input is wrong; nothing was changed."""

    code = "bad_input"


class IntensityError(InputError):
    """Not a finite number from 0 to 100 (R19)."""

    code = "bad_intensity"


class AddressError(InputError):
    """A device address that cannot be read."""

    code = "bad_address"


class ProfileError(InputError):
    """A profile that breaks a rule (R20).

    `problems` holds each as one line: `file:line:column: rule: what, and the fix`.
    """

    code = "bad_profile"

    def __init__(self, message: str, remedy: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.problems = problems


class ConfigError(InputError):
    """A settings or limits file that is named but missing, unreadable or wrong (R1, fault 35)."""

    code = "bad_config"


class Refused(MassagerError):
    """A safety rule says no."""

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


class DeviceRefused(Refused):
    """The device answered no to ARM or RESET; `result` is its own word for why."""

    code = "device_refused"

    def __init__(self, message: str, remedy: str = "", result: str = "") -> None:
        super().__init__(message, remedy)
        self.result = result


class StoreError(MassagerError):
    """The ledger cannot be read, trusted or written; without it no session starts (R9)."""

    exit_code = ExitCode.REFUSED
    code = "store"


class LinkError(MassagerError):
    """The device or the link to it."""

    exit_code = ExitCode.LINK
    code = "link"


class DeviceNotFound(LinkError):
    """There is nothing at this address."""

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


class StopUnconfirmed(MassagerError):
    """A stop was sent, sent again, and not confirmed; the link was dropped so that the dead-man acts (R6)."""

    exit_code = ExitCode.UNCONFIRMED
    code = "stop_unconfirmed"
