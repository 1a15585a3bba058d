"""The built-in demo scene: a still life that the program makes itself, once, and keeps in the cache."""

import hashlib
import logging
import os
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from platformdirs import user_cache_dir

from ..scenes.cameras import Cameras
from ..scenes.domain import Box
from ..scenes.scene import Scene
from .demo_objects import still_life
from .shade import lit
from .shots import SHOTS, Shots, hemisphere, orbit, render_views, spiral, views

Images = dict[str, UInt8[np.ndarray, "view height width rgba=4"]]
CACHE_VARIABLE = "OMNIFIELD_CACHE"
DOMAIN = Box((-1.25, -1.25, -1.25), (1.25, 1.25, 1.25))
SOURCES = (
    "scenes/cameras.py",
    *(f"studio/{name}.py" for name in ("demo", "demo_objects", "demo_paint", "demo_shapes")),
    *(f"studio/{name}.py" for name in ("light", "raycast", "shade", "shots", "surface")),
)
TRAIN_SEED = 0
log = logging.getLogger(__name__)


def demo_scene(shots: Shots = SHOTS) -> Scene:
    """The demo scene: half a minute of work the first time, well under a second after that.

    Lengths are those of NeRF-synthetic: cameras 4 from the origin, everything within ±1.25, and a transparent
    background. The images are the same bytes each time on one machine. They are kept in the folder that
    OMNIFIELD_CACHE names, or else in the user's cache folder. Raises ImportError where Embree is missing.
    """
    cameras, images = _cameras(shots), _images(shots)
    train, test = (
        (views(torch.from_numpy(images[name]), cameras[name], name),) for name in ("train", "test")
    )
    return Scene(
        "demo", DOMAIN, train, test, True, torch.eye(4, dtype=torch.float64), "the built-in demo scene"
    )


def _cameras(shots: Shots) -> dict[str, Cameras]:
    directions = {
        "train": hemisphere(shots.train, TRAIN_SEED),
        "test": spiral(shots.test),
    }
    return {name: orbit(toward, shots.size) for name, toward in directions.items()}


def _images(shots: Shots) -> Images:
    """The rendered images: from the cache, or made and put there."""
    path = cache_folder() / f"demo-{_fingerprint(shots)}.npz"
    kept = _read(path, shots)
    if kept is not None:
        return kept
    log.info("Making the demo scene; this takes half a minute, once.")
    subject = lit(still_life())
    images = {name: render_views(subject, c, name).images.numpy() for name, c in _cameras(shots).items()}
    try:
        _write(path, images)
    except OSError as error:
        warnings.warn(
            f"The demo scene could not be kept in {path.parent} for next time: {error}", stacklevel=3
        )
    return images


def cache_folder() -> Path:
    """Where generated data is kept: the folder OMNIFIELD_CACHE names, or else the user's cache folder."""
    return Path(os.environ.get(CACHE_VARIABLE) or user_cache_dir("omnifield", appauthor=False))


def _fingerprint(shots: Shots) -> str:
    """Changes with the code that makes the images, so that nobody has to remember a version number."""
    digest = hashlib.sha256(repr(shots).encode())
    for name in SOURCES:
        digest.update((Path(__file__).parents[1] / name).read_bytes())
    return digest.hexdigest()[:16]


def _read(path: Path, shots: Shots) -> Images | None:
    """What the cache holds; None where it holds nothing, or only part of a file."""
    try:
        with np.load(path) as archive:
            images = {name: archive[name] for name in ("train", "test")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    shapes = {name: (count, shots.size, shots.size, 4) for name, count in _counts(shots).items()}
    fits = all(
        images[name].shape == shape and images[name].dtype == np.uint8 for name, shape in shapes.items()
    )
    return images if fits else None


def _counts(shots: Shots) -> dict[str, int]:
    return {"train": shots.train, "test": shots.test}


def _write(path: Path, images: Images) -> None:
    """Written beside its place and then renamed: another program never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            # numpy's own writer compresses harder, and five times as long.
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for key, image in images.items():
                    with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, image)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
