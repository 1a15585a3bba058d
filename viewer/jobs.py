"""Long work beside the viewer: one job at a time in the background, with progress, cancel, and a file in the end."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

log = logging.getLogger(__name__)
REPORT_SECONDS = 0.2  # between two that are passed on


class Cancelled(Exception):
    """A job was told to stop."""


class Task:
    """What a job sees of the person who waits for it."""

    def __init__(self, name: str, heard: Callable[[float, str], None]) -> None:
        self.name = name
        self.heard = heard
        self._told = threading.Event()
        self._reported = 0.0

    @property
    def stopped(self) -> bool:
        return self._told.is_set()

    def cancel(self) -> None:
        self._told.set()

    def report(self, fraction: float, words: str) -> None:
        """How much is done, from 0 to 1, and what is being done. Raises Cancelled where nobody waits any longer."""
        if self.stopped:
            raise Cancelled(self.name)
        if time.monotonic() - self._reported > REPORT_SECONDS:
            self._reported = time.monotonic()
            self.heard(min(max(fraction, 0.0), 1.0), words)


Work = Callable[[Task], Path | None]
"""A job: returns the file that it wrote, if it wrote one."""

Ended = Callable[[Path | None, BaseException | None], None]
"""Hears of a job's end: its file, or what ended it; Cancelled where somebody did."""


class Jobs:
    """Runs them one after the other. A job's error is its own end and nobody else's."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []
        self._thread = ThreadPoolExecutor(1, "omnifield-job")

    def start(self, task: Task, work: Work, ended: Ended) -> None:
        def end(future: "Future[Path | None]") -> None:
            self._tasks.remove(task)
            error = Cancelled(task.name) if future.cancelled() else future.exception()
            if error is not None and not isinstance(error, Cancelled):
                log.error("%s failed.", task.name, exc_info=error)
            ended(None if error else future.result(), error)

        def run() -> Path | None:
            task.report(0.0, "begins")
            return work(task)

        self._tasks.append(task)
        self._thread.submit(run).add_done_callback(end)

    def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)
