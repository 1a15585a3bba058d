"""One process that is busy, as somebody's browser or build would be."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STARTED = "b"
# Should whoever started it be gone without a word, it has another parent and ends.
PROGRAM = f"""
import os
parent = os.getppid()
print({STARTED!r}, end="", flush=True)
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def busy_process() -> Iterator[subprocess.Popen[bytes]]:
    """A context beside which one other process counts, on one processor, and which it does not outlive. It has a
    session of its own: the system's scheduler then gives it as much as all of this program together, as it does to what
    was started from another window."""
    command = [sys.executable, "-I", "-S", "-c", PROGRAM]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        if process.stdout.read(1) != STARTED.encode():
            raise ValueError("The busy process did not start.")
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
