"""A surface cut into charts and laid flat, by xatlas in a process of its own: it can crash, and it can take hours."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from .triangles import Triangles

PYTHON = (sys.executable, "-I")  # nothing of where it is started from is imported
LEAST_PATIENCE, PATIENCE = 60.0, 10.0  # seconds, and times those that it took where it was measured
LOOK_SECONDS = 0.1  # between two looks at whether it is done
JITTER = 1e-5  # of the size: without it a smooth closed surface without an edge crashes xatlas
TRIES = 2


@dataclass(frozen=True)
class Atlas:
    """Where each corner lies in a picture, v up; vertices are doubled along seams: `origin` is the vertex of the
    surface, and `faces`, in its order of faces, are over these."""

    origin: Int64[np.ndarray, "vertex"]
    faces: Int64[np.ndarray, "face corner=3"]
    uv: Float64[np.ndarray, "vertex uv=2"]
    width: int
    height: int


class NoAtlas(Exception):
    """Why there is none, in words."""


def expected_seconds(faces: int) -> float:
    """Measured at 20,000 to 82,000 faces: 2.5 s and 22 s, which is a power of 1.7."""
    return 2.5 * (faces / 20_000) ** 1.7


def atlas_of(mesh: Triangles, side: int) -> Generator[float, None, Atlas]:
    """How long it has taken, as a share of what is expected, time and again, and in the end an atlas of pictures at
    most `side` texels wide and high. Raises NoAtlas. Whoever waits no longer ends the process by it."""
    reason = ""
    for attempt in range(TRIES):
        moved = mesh.vertices - mesh.vertices.mean(0)
        noise = np.random.default_rng(attempt).uniform(-JITTER, JITTER, moved.shape) * mesh.size
        try:
            return (yield from _in_child(Triangles(moved + attempt * noise, mesh.faces), side))
        except ChildProcessError as error:
            reason = f"xatlas ended with {error}"
    raise NoAtlas(reason)


def _in_child(mesh: Triangles, side: int) -> Generator[float, None, Atlas]:
    expected = expected_seconds(len(mesh.faces))
    with tempfile.TemporaryDirectory(prefix="omnifield-atlas") as folder:
        given, made, said = Path(folder, "given.npz"), Path(folder, "made.npz"), Path(folder, "said.txt")
        vertices, faces = mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32)
        np.savez(given, vertices=vertices, faces=faces, side=side)
        with open(said, "wb") as words:
            child = subprocess.Popen(command_of(given, made), stdout=words, stderr=words)
        try:
            began = time.monotonic()
            while child.poll() is None:
                seconds = time.monotonic() - began
                if seconds > LEAST_PATIENCE + PATIENCE * expected:
                    raise NoAtlas(f"xatlas was not done with {len(mesh.faces):,} faces in time")
                yield min(0.99, seconds / expected)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(LOOK_SECONDS)
        finally:
            child.kill()
            child.wait()
        if child.returncode:
            raise ChildProcessError(_cause(child.returncode, said))
        with np.load(made, allow_pickle=False) as found:
            width, height = found["size"].tolist()
            origin, faces = found["origin"].astype(np.int64), found["faces"].astype(np.int64)
            return Atlas(origin, faces, found["uv"].astype(np.float64), width, height)


def command_of(given: Path, made: Path) -> list[str]:
    return [*PYTHON, str(Path(__file__).with_name("atlas_process.py")), str(given), str(made)]


def _cause(code: int, said: Path) -> str:
    lines = said.read_text(errors="replace").strip().splitlines()
    return f"signal {-code}" if code < 0 else lines[-1] if lines else f"code {code}"
