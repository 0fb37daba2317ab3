"""A driver that only stops, for the tests of the stop path."""

from __future__ import annotations

import asyncio
from asyncio import Future

from massager_ctl.model.device import Cause
from massager_ctl.safety.assurance import FULL
from massager_ctl.transports.base import LinkKind


class Line:
    """Sends stops, and answers as it is asked to: at which of them, and how."""

    def __init__(self, kind: LinkKind = LinkKind.SERIAL) -> None:
        self.kind = kind
        self.assurance = FULL
        self.sent: list[float] = []
        self.stops: list[Future[None]] = []
        self.dropped_at: float | None = None
        self.answers: dict[int, Exception | str | None] = {}
        self.newest: object = None

    def stop(self, cause: Cause) -> Future[None]:
        assert cause is Cause.PAIN
        loop = asyncio.get_running_loop()
        self.sent.append(loop.time())
        assert len(self.sent) < 100, "it sends without a pause"
        done: Future[None] = loop.create_future()
        self.stops.append(done)
        number = len(self.sent)
        if number in self.answers:
            answer = self.answers[number]
            if answer is None:
                loop.call_later(0.05, done.set_result, None)
            elif isinstance(answer, str):
                done.cancel()
            else:
                done.set_exception(answer)
        return done

    def abort(self) -> None:
        self.dropped_at = asyncio.get_running_loop().time()
