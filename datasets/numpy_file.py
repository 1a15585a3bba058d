"""Files of numpy's, as data only: whatever would have to be unpickled is refused."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    MemoryError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_array(file: Path) -> Float[np.ndarray, "..."]:
    """The array of an .npy file, in float64. Raises ValueError where it holds something else than numbers."""
    try:
        loaded = np.load(file, allow_pickle=False)
    except UNREADABLE as error:
        raise _unreadable(file, error) from None
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise ValueError(f"{file} is an archive of arrays, where one array is needed.")
    return _numbers(file, "", loaded)


def read_arrays(file: Path) -> dict[str, Float[np.ndarray, "..."]]:
    """All arrays of an .npz file by name, in float64. Raises as `read_array`."""
    try:
        with np.load(file, allow_pickle=False) as loaded:
            if isinstance(loaded, np.ndarray):
                raise ValueError("it is one array, not an archive of them")
            found = {name: loaded[name] for name in loaded.files}
    except UNREADABLE as error:
        raise _unreadable(file, error) from None
    return {name: _numbers(file, f": {name}", array) for name, array in found.items()}


def _numbers(file: Path, where: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{file}{where} holds {array.dtype} where real numbers are needed.")
    return array.astype(np.float64)


def _unreadable(file: Path, error: BaseException) -> ValueError:
    reason = " ".join(str(error).split()).rstrip(".")[:120] or type(error).__name__
    return ValueError(f"{file} cannot be read as arrays of numpy's ({reason}).")
