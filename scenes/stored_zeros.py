"""Where pixels are kept: in memory, or in a file that is mapped into it and read as far as it is asked for."""

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Allocate = Callable[[tuple[int, ...]], Tensor]
"""A shape to as many bytes, all zero."""
LASTING = "/var/tmp"  # never in memory itself, as /tmp often is
SHARE_OF_DISK = 0.9


def zeros_in_memory(shape: tuple[int, ...]) -> Tensor:
    return torch.zeros(shape, dtype=torch.uint8)


def zeros_in_file(shape: tuple[int, ...]) -> Tensor:
    """The file has no name any more, so that it goes with the tensor, however the program ends. Raises ValueError where
    the disk has no room for it."""
    folder, size = _folder(), max(math.prod(shape), 1)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            # All of it now: a disk that is full later would end the program without a word.
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, size)
            return torch.from_numpy(np.memmap(file, np.uint8, "w+", shape=shape))
    except OSError as error:
        raise ValueError(
            f"A file of {size / 2**30:.1f} GiB for the pictures cannot be had in {folder}: {error.strerror}."
        ) from error


def free_disk() -> float:
    """Bytes that such files may take."""
    return SHARE_OF_DISK * shutil.disk_usage(_folder()).free


def _folder() -> str:
    named = os.environ.get("TMPDIR")
    return tempfile.gettempdir() if named or not os.access(LASTING, os.W_OK) else LASTING
