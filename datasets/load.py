"""From what the user calls their data to a scene."""

from pathlib import Path

from ..scenes import Scene
from ..scenes.notice import notice
from .blender import BLENDER
from .checks import check_scene
from .colmap import COLMAP
from .format import Format, Reading, Told, untold
from .llff import LLFF
from .meshes import MESHES, SUFFIXES
from .mipnerf import MULTISCALE
from .neus import NEUS
from .photographs import listed
from .transforms import SPLIT, TRANSFORMS

DEMO = "demo"
FORMATS: tuple[Format, ...] = (BLENDER, TRANSFORMS, SPLIT, MULTISCALE, COLMAP, LLFF, NEUS, MESHES)
"""The first one that fits is taken. A new one is one file and one name here."""


def load_scene(
    data: str | Path, *, downscale: int = 1, test_every: int | None = None, told: Told = untold
) -> Scene:
    """The scene that `data` names: "demo", a dataset's folder or the file in it that has the cameras, or a mesh
    file.

    "demo" is the built-in scene even beside a folder of that name, which is "./demo".
    Each side of the images is divided by `downscale`, and every `test_every`-th is for testing; None is as the format
    has it. `told` is called as pictures are decoded: with how many there are so far, and how many there will be. Raises
    FileNotFoundError or ValueError on bad input: one sentence that names the file and the field.
    """
    if downscale < 1:
        raise ValueError(f"--downscale must be 1 or more, not {downscale}.")
    if test_every is not None and test_every < 2:
        raise ValueError(f"--test-every must be 2 or more, not {test_every}: one of so many is for testing.")
    scene = _load(data, Reading(downscale, test_every, told))
    check_scene(scene, data)
    return scene


def is_dataset(path: Path) -> bool:
    """Whether `load_scene` knows what is there."""
    return str(path) == DEMO or (path.exists() and any(each.fits(path) for each in FORMATS))


def _load(data: str | Path, reading: Reading) -> Scene:
    path = Path(data).expanduser()
    if str(data) == DEMO:
        return _demo(path, reading)
    if not path.exists():
        kind = "mesh file" if path.suffix.lower() in SUFFIXES else "file or folder"
        raise FileNotFoundError(f"There is no {kind} {data}.")
    for each in FORMATS:
        if each.fits(path):
            return each.load(path, reading)
    if not path.is_dir():
        known = ", ".join(SUFFIXES)
        raise ValueError(
            f"{data} is neither a dataset's folder, nor the file of cameras in one, nor a mesh ({known})."
        )
    if not any(path.iterdir()):
        raise FileNotFoundError(f"The folder {path} is empty.")
    if listed(path):
        raise FileNotFoundError(
            f"The folder {path} holds photographs, but not from where they were taken: omnifield process {path} finds "
            "that out."
        )
    wanted = " nor ".join(each.holds for each in FORMATS if each.holds)
    raise FileNotFoundError(f"The folder {path} holds no dataset: neither {wanted} is in it.")


def _demo(path: Path, reading: Reading) -> Scene:
    from ..studio.demo import demo_scene  # late: ray tracing needs libraries that photographs do not

    reading.refuse_test_every(Path(DEMO))
    if reading.downscale != 1:
        raise ValueError(
            f"--downscale is for images that exist; those of {DEMO} are made when they are loaded."
        )
    if path.exists():
        kind = "folder" if path.is_dir() else "file"
        notice(f"{DEMO} is the built-in scene; the {kind} {DEMO} here would be ./{DEMO}.")
    return demo_scene()
