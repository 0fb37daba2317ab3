"""Background tasks: kept from garbage collection, and waited for when their owner closes."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class TaskBag:
    """Holds tasks until they are done. A task's error stays with the task, and no one has to await it."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[Task[Any]] = set()

    def __bool__(self) -> bool:
        """Whether any task is left."""
        return bool(self._tasks)

    def start(self, work: Coroutine[Any, Any, _T]) -> Task[_T]:
        """Start `work` as a task."""
        return self.keep(asyncio.get_running_loop().create_task(work))

    def keep(self, task: Task[_T]) -> Task[_T]:
        """Hold a task that is already running."""
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def cancel(self) -> None:
        """Cancel what is left; `settled` waits for it."""
        for task in self._tasks:
            task.cancel()

    async def settled(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait until none is left, those that start meanwhile included; at most `timeout` seconds."""
        loop = asyncio.get_running_loop()
        until = None if timeout is None else loop.time() + timeout
        while self._tasks:
            left = None if until is None else until - loop.time()
            if left is not None and left <= 0:
                return
            await asyncio.wait(self._tasks, timeout=left)

    def _done(self, task: Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # read, so that asyncio does not warn of an error that was reported elsewhere
