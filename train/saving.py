"""Files written beside the work that goes on: from copies, in one thread, one save after another."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from torch import Tensor


class Saver:
    """Never writes two saves at once. `seconds` is how long the last one took."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1, "save")
        self.writing: Future[None] | None = None
        self.seconds = 0.0

    @property
    def busy(self) -> bool:
        return self.writing is not None and not self.writing.done()

    def start(self, write: Callable[[], None]) -> None:
        """Let a save be written; what it raises is raised at the next start. Waits for the one before."""
        before, self.writing = self.writing, None
        if before is not None:
            before.result()
        self.writing = self.thread.submit(self._timed, write)

    def finish(self) -> None:
        """Wait for what is being written; whoever waits writes a newer save, and hears of what is wrong from that."""
        if self.writing is not None:
            wait([self.writing])
        self.writing = None

    def _timed(self, write: Callable[[], None]) -> None:
        began = time.monotonic()
        write()
        self.seconds = time.monotonic() - began


def copied(tensors: Mapping[str, Tensor], made: dict[object, Tensor]) -> dict[str, Tensor]:
    """Copies in this machine's memory. Those in `made`, which are of the same moment, are not made again."""
    copies = {}
    for name, tensor in tensors.items():
        place = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if place not in made:
            made[place] = tensor.detach().to("cpu", copy=True)
        copies[name] = made[place]
    return copies
