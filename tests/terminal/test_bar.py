"""One bar for all long work: what, how far, figures, and the time left."""

import io
from collections.abc import Iterator

import pytest
from omnifield.terminal import bar
from omnifield.terminal.bar import Bar, counted, if_it_takes_long
from omnifield.terminal.say import rate
from rich.console import Console
from rich.progress import Progress


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_bar_says_what_is_done_how_far_and_how_long(console: Console) -> None:
    with Bar(console) as shown:
        shown.update(0.5, "stage [b]one", "12.3 dB [/]")
        (task,) = shown.progress.tasks
        assert task.percentage == 50
    text = written(console)
    assert "stage [b]one" in text and "12.3 dB [/]" in text and "left" in text  # brackets are no markup


def test_pieces_are_counted_as_they_come(console: Console) -> None:
    taken = counted("abc", 3, "piece", console)
    assert next(taken) == "a" and list(taken) == ["b", "c"]
    assert "piece" in written(console) and "3/3" in written(console)
    assert list(counted([], 0, "piece", console)) == []


def test_what_ends_the_work_ends_the_bar(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = []
    monkeypatch.setattr(Progress, "stop", lambda each: stopped.append(each))

    def pieces() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(counted(pieces(), 2, "piece", console))
    assert len(stopped) == 1


def test_a_bar_is_shown_only_of_what_takes_long(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    with if_it_takes_long("loading", console) as told:
        for done in range(1, 5):
            told(done, 4)
    assert written(console) == ""
    monkeypatch.setattr(bar, "PATIENCE", 0.0)
    with if_it_takes_long("loading", console) as told:
        told(4, 4)
    assert written(console) == ""  # it is done before anybody could look
    with if_it_takes_long("loading", console) as told:
        for done in range(1, 5):
            told(done, 4)
    assert "loading" in written(console) and "4/4" in written(console)


def test_a_rate_has_three_figures() -> None:
    assert [rate(each) for each in (1234567.0, 45600.0, 789.0)] == ["1.23 M", "45.6 k", "789"]
