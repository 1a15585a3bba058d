"""Who computes next: the trainer, the viewer and its jobs take turns on one thread, each for its share of the time.

One thread, because two that compute in parallel regions have twice as many workers as there are cores, and OpenMP then
lets them sleep between regions instead of spin: measured here, pictures took twice as long.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
CREDIT = 0.25  # seconds that nobody can save up by staying away longer
LOOK_SECONDS = 0.1  # between two looks at whether to go on serving


class Scheduler:
    """Work is handed in from any thread, under the name of a participant, and done by the thread that serves. Of those
    who wait, the next is the one who has had the least time for its weight (stride scheduling, Waldspurger 1995): so
    nobody starves, and an idle share goes to the others."""

    def __init__(self, **weights: float) -> None:
        self.weights = weights
        self._used = dict.fromkeys(weights, 0.0)
        self._reached = 0.0
        self._waiting: dict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = {w: deque() for w in weights}
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, who: str, work: Callable[[], Item]) -> "Future[Item]":
        """Have something done in turn; cancelled where the scheduler is closed."""
        future: Future[Item] = Future()
        with self._changed:
            if self._closed:
                future.cancel()
            else:
                self._waiting[who].append((future, work))
                self._changed.notify_all()
        return future

    def steps(self, who: str, items: Iterator[Item]) -> Iterator[Item]:
        """The same items, each made in turn."""
        while (item := self.submit(who, lambda: next(items, None)).result()) is not None:
            yield item

    @contextmanager
    def turn(self, who: str) -> Iterator[None]:
        """A turn for work that cannot leave its thread: nobody else computes meanwhile."""
        began, ended = threading.Event(), threading.Event()

        def wait() -> None:
            began.set()
            ended.wait()

        future = self.submit(who, wait)
        try:
            while not began.wait(LOOK_SECONDS):
                if future.cancelled():
                    future.result()
            yield
        finally:
            ended.set()

    def serve(self, until: Callable[[], bool]) -> None:
        """Be the thread that computes, until told to stop."""
        while not until():
            if not self._serve_next(None):
                with self._changed:
                    self._changed.wait_for(lambda: any(self._waiting.values()), LOOK_SECONDS)

    def give_way(self, who: str, worked: float) -> None:
        """Be the thread that computes, after so many seconds of work of one's own: the others have their turns until it
        is one's own again."""
        self._count(who, worked)
        while self._serve_next(who):
            pass

    def close(self) -> None:
        """Nothing that waits, or comes later, is done."""
        with self._changed:
            self._closed = True
            for waiting in self._waiting.values():
                while waiting:
                    waiting.popleft()[0].cancel()

    def _serve_next(self, leader: str | None) -> bool:
        """Do what is next; False where nothing waits, or the leader is next."""
        with self._changed:
            wanting = [who for who, waiting in self._waiting.items() if waiting]
            if leader is not None:
                wanting.append(leader)
            for who in wanting:
                self._used[who] = max(self._used[who], self._reached - CREDIT)
            who = min(wanting, key=lambda who: self._used[who], default=leader)
            if who is None or who == leader:
                return False
            future, work = self._waiting[who].popleft()
        if future.set_running_or_notify_cancel():
            with self._timed(who), _For(future):
                future.set_result(work())
        return True

    @contextmanager
    def _timed(self, who: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._count(who, time.perf_counter() - began)

    def _count(self, who: str, seconds: float) -> None:
        self._reached = max(self._reached, self._used[who])
        self._used[who] += seconds / max(self.weights[who], 1e-3)


class _For:
    """A context whose error, if it ends in one, is for whoever waits for the future, and not for the thread that
    serves. What stops the program stops it all the same."""

    def __init__(self, future: "Future[Any]") -> None:
        self.future = future

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is not None:
            self.future.set_exception(error)
        return isinstance(error, Exception)
