"""A data format of one's own: a folder with `cameras.csv`, which has a row for each picture: its file's name, the focal
length in pixels, and the twelve numbers of a camera-to-world matrix, OpenGL's axes, row by row."""

import csv
from pathlib import Path

import torch
from omnifield.datasets.capture import read_capture
from omnifield.datasets.format import Format, Reading
from omnifield.datasets.frame import Frame
from omnifield.datasets.images import Picture, picture_size
from omnifield.datasets.intrinsics import Intrinsics
from omnifield.scenes import Scene
from omnifield.scenes.placement import Stated, place, placed
from omnifield.scenes.views import has_transparency

FILE = "cameras.csv"
TEST_EVERY = 8


def fits(path: Path) -> bool:
    return (path / FILE).is_file()


def load(path: Path, reading: Reading) -> Scene:
    """Every 8th picture is held out, or as `reading` has it. Raises FileNotFoundError or ValueError that names the file
    and the row."""
    with open(path / FILE, newline="") as file:
        frames = [frame_of(path, number, row) for number, row in enumerate(csv.reader(file), 1)]
    every = reading.test_every or TEST_EVERY
    test, train = frames[::every], [frame for i, frame in enumerate(frames) if i % every]
    capture = read_capture(train, test, reading=reading, source=str(path / FILE))
    placement = place(capture, Stated(str(path / FILE)))
    return Scene(
        name=path.resolve().name,
        domain=placement.domain,
        train=placed(capture.train, placement),
        test=placed(capture.test, placement),
        has_alpha=has_transparency(capture.train),
        scene_from_input=placement.scene_from_input,
        source=FILE,
    )


def frame_of(folder: Path, number: int, row: list[str]) -> Frame:
    where = f"{folder / FILE}: row {number}"
    try:
        name, focal, *pose = row[0], *map(float, row[1:])
        world_from_camera = torch.eye(4, dtype=torch.float64)
        world_from_camera[:3] = torch.tensor(pose, dtype=torch.float64).reshape(3, 4)
    except (ValueError, IndexError, RuntimeError):
        raise ValueError(f"{where} is not a file's name and thirteen numbers.") from None
    picture = Picture(folder / name, where)
    width, height = size = picture_size(picture)
    lens = Intrinsics(size, (focal, focal), (width / 2, height / 2))
    return Frame(Path(name).stem, picture, lens, world_from_camera)


CSV = Format(f"{FILE} (a row for each picture)", fits, load)
