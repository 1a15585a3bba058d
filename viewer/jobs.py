"""Long work beside the viewer: one job at a time in the background, with progress, cancel, and a file in the end."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """A job was told to stop."""


class Task:
    """What a job sees of the person who waits for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fraction = 0.0
        self.words = "waiting"
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def cancel(self) -> None:
        self._stop.set()

    def report(self, fraction: float, words: str) -> None:
        """How much is done, from 0 to 1, and what is being done. Raises Cancelled where nobody waits any longer."""
        if self.stopped:
            raise Cancelled(self.name)
        self.fraction, self.words = min(max(fraction, 0.0), 1.0), words


Work = Callable[[Task], Path | None]
"""A job: returns the file that it wrote, if it wrote one."""


class Jobs:
    """Runs them one after the other. An error is the job's own end and nobody else's."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self._thread = ThreadPoolExecutor(1, "omnifield-job")

    def start(self, task: Task, work: Work, ended: Callable[[Task, "Future[Path | None]"], None]) -> None:
        """`ended` is told the outcome: a path, an error, or that it was cancelled before it began."""

        def end(future: "Future[Path | None]") -> None:
            self.tasks.remove(task)
            error = None if future.cancelled() else future.exception()
            if error is not None and not isinstance(error, Cancelled):
                log.error("%s failed.", task.name, exc_info=error)
            ended(task, future)

        self.tasks.append(task)
        self._thread.submit(self._run, task, work).add_done_callback(end)

    def stop(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _run(self, task: Task, work: Work) -> Path | None:
        task.report(0.0, "begins")
        return work(task)
