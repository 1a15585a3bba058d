"""How the program is ended from outside: Ctrl-C, SIGTERM and a closed terminal (SIGHUP) all do the same.

Quick to import, because it has to be there before all that is slow.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

SIGNALS = [
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__
]
WORDS = "omnifield: interrupted."
GRACE = 3.0  # seconds to unwind in: some libraries, while they are imported, swallow every exception
OUTPUTS = (1, 2)


@dataclass
class _Outside:
    """The last signal, what ends a program that does not unwind, and the outputs that are a terminal's."""

    signum: int = signal.SIGINT
    backstop: threading.Timer | None = None
    terminals: list[int] = field(default_factory=lambda: [fd for fd in OUTPUTS if os.isatty(fd)])


_outside = _Outside()
Handler = Callable[[int, object], None]
Piece = TypeVar("Piece")


def exit_code() -> int:
    """That of a program which the last signal has ended, as shells count: 130 after Ctrl-C."""
    return 128 + _outside.signum


@contextmanager
def answering(handler: Handler) -> Iterator[None]:
    """A context in which the signals go to this handler; SIGHUP does not where it is ignored, as nohup has it."""

    def answer(signum: int, frame: object) -> None:
        _outside.signum = signum
        if signum != signal.SIGINT:
            _leave_closed_terminals()
        handler(signum, frame)

    heard = [signum for signum in SIGNALS if not _ignored(signum)]
    before = {signum: signal.signal(signum, answer) for signum in heard}
    try:
        yield
    finally:
        for signum, handled in before.items():
            signal.signal(signum, handled)


def end_at_once(signum: int, frame: object) -> None:
    """For when nothing has been made that could be lost."""
    del signum, frame
    with contextlib.suppress(OSError):
        os.write(2, f"\n{WORDS}\n".encode())
    os._exit(exit_code())


def unwind(signum: int, frame: object) -> None:
    """Raises KeyboardInterrupt, so that everything begun is tidied up; should that go nowhere, the program ends."""
    if _outside.backstop is None:
        _outside.backstop = threading.Timer(GRACE, end_at_once, (signum, None))
        _outside.backstop.daemon = True
        _outside.backstop.start()
    raise KeyboardInterrupt


def unwound() -> None:
    """The KeyboardInterrupt has arrived where it should."""
    if _outside.backstop is not None:
        _outside.backstop.cancel()
        _outside.backstop = None


class StopRequest(threading.Event):
    """Set by the first signal to end, which ends a training that calls it; `again` is set by the second."""

    def __init__(self) -> None:
        super().__init__()
        self.again = threading.Event()

    def __call__(self, step: object) -> bool:
        return self.is_set()


@contextmanager
def until_told_to_stop(times: int = 1) -> Iterator[StopRequest]:
    """What Ctrl-C, SIGTERM or a closed terminal set, so that the work in hand ends whole. After so many `times` of it
    the next one ends the program."""
    told = StopRequest()

    def tell(signum: int, frame: object) -> None:
        if told.is_set() and (times == 1 or told.again.is_set()):
            unwind(signum, frame)
        (told.again if told.is_set() else told).set()

    with answering(tell):
        yield told


def until_interrupted(pieces: Iterator[Piece]) -> tuple[list[Piece], bool]:
    """All pieces, or those that were whole before Ctrl-C, and whether that came. KeyboardInterrupt if none was."""
    whole = []
    try:
        for piece in pieces:
            whole.append(piece)
    except KeyboardInterrupt:
        if not whole:
            raise
        unwound()
        return whole, True
    return whole, False


def _ignored(signum: signal.Signals) -> bool:
    return signum.name == "SIGHUP" and signal.getsignal(signum) is signal.SIG_IGN


def _leave_closed_terminals() -> None:
    """What a terminal has closed cannot be written to any more, and no sentence is worth a field."""
    for fd in _outside.terminals:
        if not os.isatty(fd):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, fd)
            os.close(nowhere)
