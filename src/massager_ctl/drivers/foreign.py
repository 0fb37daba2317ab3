"""The border to a driver of another package: whatever it raises, or gives other than frames, becomes a clear error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from massager_ctl.drivers.dialect import Dialect, DriverSpec
from massager_ctl.errors import DriverFault

_T = TypeVar("_T")

FRAME_MAX: Final = 4096
FRAMES_MAX: Final = 512
"""Bytes of a frame, and frames at a time; more is a fault of the driver."""


class Foreign:
    """Asks one driver. Every method raises DriverFault and nothing else."""

    __slots__ = ("_spec",)

    def __init__(self, spec: DriverSpec) -> None:
        self._spec = spec

    def dialect(self) -> Dialect:
        """A dialect for a new connection."""
        made: Any = self.asked("__init__", self._spec.dialect)
        if not isinstance(made, Dialect):
            raise self.unfit(f"its dialect is a {type(made).__name__} and no Dialect")
        return made

    def frames(self, dialect: Dialect, what: str, *given: Any) -> list[bytes]:
        """The frames that the dialect's method `what` gives."""
        frames: Any = self.call(dialect, what, *given)
        if not isinstance(frames, (list, tuple)):
            raise self.unfit(f"`{what}` gave a {type(frames).__name__} and no list of frames")
        found = [frame for frame in cast("Sequence[Any]", frames) if _is_frame(frame)]
        if len(found) != len(cast("Sequence[Any]", frames)) or len(found) > FRAMES_MAX:
            raise self.unfit(f"`{what}` gave {frames!r:.60}, which are not frames")
        return found

    def steps(self, reported: object) -> tuple[int, ...]:
        """What `feed` gave, where these are steps of the device."""
        channels = self._spec.channels
        if isinstance(reported, (list, tuple)):
            steps = cast("Sequence[Any]", reported)
            if len(steps) == len(channels) and all(
                type(step) is int and 0 <= step <= len(channel.percents)
                for step, channel in zip(steps, channels, strict=True)
            ):
                return tuple(steps)
        raise self.unfit(f"`feed` gave {reported!r:.60}, which are not steps of this device")

    def call(self, dialect: Dialect, what: str, *given: Any) -> Any:
        """What the dialect's method `what` answers."""
        return self.asked(what, lambda: getattr(dialect, what)(*given))

    def read(self, dialect: Dialect, what: str) -> Any:
        """What stands in the dialect under `what`, which may be computed there."""
        return self.asked(what, lambda: getattr(dialect, what))

    def asked(self, what: str, call: Callable[..., _T], *given: Any) -> _T:
        """What `call(*given)` answers."""
        try:
            return call(*given)
        except Exception as error:
            raise DriverFault(
                f"the driver '{self._spec.scheme}' failed in `{what}`: {_in_words(error)}",
                "What it was asked for was not sent. Tell the author of that package.",
            ) from error

    def unfit(self, why: str) -> DriverFault:
        """The error for an answer that cannot be used."""
        return DriverFault(
            f"the driver '{self._spec.scheme}' is unfit: {why}",
            "What it was asked for was not sent. Tell the author of that package.",
        )


def _is_frame(frame: object) -> bool:
    return isinstance(frame, bytes) and 0 < len(frame) <= FRAME_MAX


def _in_words(error: Exception) -> str:
    """The error, and the last line of the driver that it came through."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        file = trace.tb_frame.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1]
        where = f" ({file}, line {trace.tb_lineno})"
    text = str(error).splitlines()
    return f"{type(error).__name__}{': ' + text[0][:200] if text else ''}{where}"
