"""Who computes: the trainer, the viewer and its jobs take turns on one machine, each for its share of the time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
SOON = 0.005  # seconds within which whoever stepped down counts as wanting back
CREDIT = 0.25  # seconds that nobody can save up by staying away longer


class Floor:
    """One at a time has the floor. When several want it, it goes to the one that has had the least of it for its
    weight (stride scheduling, Waldspurger 1995), so nobody starves and an idle share goes to the others."""

    def __init__(self, **weights: float) -> None:
        self.weights = weights
        self._used = dict.fromkeys(weights, 0.0)
        self._waiting = dict.fromkeys(weights, 0)
        self._left = dict.fromkeys(weights, -1.0)
        self._reached = 0.0
        self._taken = False
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, who: str) -> Iterator[None]:
        """Wait for the floor, and have it inside."""
        with self._changed:
            self._waiting[who] += 1
            self._used[who] = max(self._used[who], self._reached - CREDIT)
            while self._taken or self._next() != who:
                self._changed.wait(None if self._taken else SOON)
            self._waiting[who] -= 1
            self._taken = True
            self._reached = max(self._reached, self._used[who])
        began = time.perf_counter()
        try:
            yield
        finally:
            with self._changed:
                now = time.perf_counter()
                self._used[who] += (now - began) / max(self.weights[who], 1e-3)
                self._left[who] = now
                self._taken = False
                self._changed.notify_all()

    def steps(self, who: str, items: Iterator[Item]) -> Iterator[Item]:
        """The same items, each computed with the floor and handed on without it."""
        while True:
            with self.turn(who):
                item = next(items, None)
            if item is None:
                return
            yield item

    def _next(self) -> str:
        soon = time.perf_counter() - SOON
        wanting = [who for who in self._used if self._waiting[who] or self._left[who] > soon]
        return min(wanting, key=lambda who: self._used[who])
