"""Jobs: one after the other, cancelled where they are, and a failure is nobody else's."""

import threading
from pathlib import Path

from omnifield.viewer.jobs import Cancelled, Jobs, Task

from .conftest import wait_for


class Heard:
    def __init__(self) -> None:
        self.ends: dict[str, tuple[Path | None, BaseException | None]] = {}
        self.reports: list[tuple[float, str]] = []

    def task(self, name: str) -> Task:
        return Task(name, lambda fraction, words: self.reports.append((fraction, words)))

    def start(self, jobs: Jobs, name: str, work) -> Task:
        task = self.task(name)
        jobs.start(task, work, lambda file, error: self.ends.update({name: (file, error)}))
        return task


def until_cancelled(task: Task) -> None:
    while True:
        task.report(0.5, "working")
        threading.Event().wait(0.001)


def test_a_job_leaves_a_file_and_the_next_begins(tmp_path: Path):
    jobs, heard = Jobs(), Heard()
    heard.start(jobs, "one", lambda task: tmp_path / "one")
    heard.start(jobs, "two", lambda task: tmp_path / "two")
    wait_for(lambda: len(heard.ends) == 2)
    assert heard.ends == {"one": (tmp_path / "one", None), "two": (tmp_path / "two", None)}
    jobs.stop()


def test_a_failure_is_told_and_the_next_begins(tmp_path: Path):
    jobs, heard = Jobs(), Heard()
    heard.start(jobs, "broken", lambda task: Path(str(1 // 0)))
    heard.start(jobs, "whole", lambda task: tmp_path)
    wait_for(lambda: len(heard.ends) == 2)
    assert isinstance(heard.ends["broken"][1], ZeroDivisionError) and heard.ends["whole"] == (tmp_path, None)
    jobs.stop()


def test_a_job_that_runs_is_cancelled_and_so_is_one_that_waits():
    jobs, heard = Jobs(), Heard()
    runs, waits = (heard.start(jobs, name, until_cancelled) for name in ("runs", "waits"))
    wait_for(lambda: bool(heard.reports))
    waits.cancel()
    runs.cancel()
    wait_for(lambda: len(heard.ends) == 2)
    assert all(isinstance(error, Cancelled) for _, error in heard.ends.values())
    jobs.stop()


def test_stopping_ends_whatever_there_is():
    jobs, heard = Jobs(), Heard()
    for name in ("one", "two", "three"):
        heard.start(jobs, name, until_cancelled)
    wait_for(lambda: bool(heard.reports))
    jobs.stop()
    assert set(heard.ends) == {"one", "two", "three"}
