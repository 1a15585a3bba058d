"""The scheduler: one computes at a time, by weight, nobody starves, and errors go home."""

import threading
import time
from collections import Counter
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
from omnifield.viewer.scheduler import Scheduler

WORK = 0.002  # seconds of a piece


def shares(weights: dict[str, float], pieces: int) -> Counter[str]:
    """Who did how many of the first pieces, all wanting all the time."""
    scheduler, done = Scheduler(**weights), []
    for who in weights:
        for _ in range(pieces):
            scheduler.submit(who, lambda who=who: (time.sleep(WORK), done.append(who)))
    scheduler.serve(lambda: len(done) >= pieces)
    return Counter(done)


def test_time_is_shared_by_weight():
    done = shares({"trainer": 3.0, "viewer": 1.0}, 200)
    assert done["trainer"] / done["viewer"] == pytest.approx(3, rel=0.3)


def test_nobody_starves():
    done = shares({"trainer": 0.9, "viewer": 0.1, "job": 0.05}, 200)
    assert min(done["viewer"], done["job"]) > 3


def test_whoever_comes_back_from_a_rest_has_no_more_than_a_little_credit():
    scheduler, done = Scheduler(trainer=1.0, viewer=1.0), []

    def work(who: str, count: int) -> None:
        for _ in range(count):
            scheduler.submit(who, lambda: (time.sleep(0.01), done.append(who)))

    work("trainer", 60)
    scheduler.serve(lambda: len(done) >= 60)
    work("trainer", 60)
    work("viewer", 60)
    scheduler.serve(lambda: len(done) >= 120)
    # 0.25 s of credit are 25 pieces in a row at most, then they alternate.
    assert done[60:].count("trainer") > 10


def test_a_leader_does_its_own_steps_and_those_of_others_between_them():
    scheduler, done = Scheduler(trainer=1.0, viewer=1.0), []

    for _ in range(20):
        scheduler.submit("viewer", lambda: (time.sleep(WORK), done.append("viewer")))
    for step in range(20):
        began = time.perf_counter()
        time.sleep(WORK)
        done.append(str(step))
        scheduler.give_way("trainer", time.perf_counter() - began)
    assert [word for word in done if word != "viewer"] == [str(step) for step in range(20)]
    assert 5 < done.index("19") - done[: done.index("19")].count("viewer") <= 19
    assert "viewer" in done[:6]


def test_one_at_a_time_and_all_on_the_thread_that_serves():
    scheduler, inside, threads = Scheduler(a=1.0, b=1.0), [], set()

    def work() -> None:
        inside.append(1)
        assert len(inside) == 1
        threads.add(threading.get_ident())
        inside.pop()

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(lambda who=who: scheduler.submit(who, work).result()) for who in "abab" * 20]
        scheduler.serve(lambda: all(future.done() for future in waiting))
    assert [future.result() for future in waiting] == [None] * 80
    assert threads == {threading.get_ident()}


def test_an_error_is_for_whoever_handed_the_work_in():
    scheduler = Scheduler(a=1.0)
    broken, whole = scheduler.submit("a", lambda: 1 // 0), scheduler.submit("a", lambda: 7)
    scheduler.serve(whole.done)
    assert isinstance(broken.exception(), ZeroDivisionError)
    assert whole.result() == 7


def test_a_turn_keeps_all_others_out_until_it_ends():
    scheduler, order = Scheduler(a=1.0, b=1.0), []

    def hold() -> None:
        with scheduler.turn("a"):
            order.append("a begins")
            later.append(scheduler.submit("b", lambda: order.append("b")))
            time.sleep(0.05)
            order.append("a ends")

    later = []
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        scheduler.serve(lambda: held.done() and later[0].done())
    held.result()
    assert order == ["a begins", "a ends", "b"]


def test_what_waits_when_it_closes_is_cancelled():
    scheduler = Scheduler(a=1.0)
    waits = scheduler.submit("a", lambda: 7)
    scheduler.close()
    late = scheduler.submit("a", lambda: 7)
    assert waits.cancelled() and late.cancelled()
    with pytest.raises(CancelledError):
        next(scheduler.steps("a", iter([1])))
