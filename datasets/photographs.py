"""Folders of photographs as COLMAP's and LLFF's users keep them: `images`, reduced copies in `images_2`, `images_4` and
so on, and masks beside them in `masks` or `masks_N`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..scenes.notice import notice
from .frame import Ignore
from .images import Picture

IMAGES, MASKS = "images", "masks"
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True)
class Photographs:
    """One folder of pictures; `left` is the downscale that is still to be done."""

    folder: Path
    left: int

    @property
    def masks(self) -> list[Path]:
        """Folders that may hold its masks: of its own size first."""
        reduced = self.folder.name.removeprefix(IMAGES)
        return [self.folder.with_name(MASKS + each) for each in dict.fromkeys((reduced, ""))]


def has_photographs(root: Path) -> bool:
    return bool(_factors(root))


def choose(root: Path, downscale: int, names: Sequence[str] | None = None) -> Photographs:
    """`images_N` for a downscale of N where it holds all `names`, else `images`; where that is absent the least reduced
    copy, and what it has too many pixels for is said. Raises FileNotFoundError where there is no such folder."""
    factors = _factors(root)
    if not factors:
        raise FileNotFoundError(f"{root} has no folder {IMAGES}, nor a reduced one as {IMAGES}_4.")
    if downscale in factors and downscale != 1:
        folder = root / f"{IMAGES}_{downscale}"
        if names is None or all(find(folder, name) for name in names):
            return Photographs(folder, 1)
    least = factors[0]
    folder = root / (IMAGES if least == 1 else f"{IMAGES}_{least}")
    if downscale % least == 0:
        return Photographs(folder, downscale // least)
    if downscale == 1:
        notice(f"{root}: the pictures are those of {folder.name}, as there is no folder {IMAGES}.")
        return Photographs(folder, 1)
    raise FileNotFoundError(
        f"--downscale {downscale}: {root} has neither {IMAGES} nor {IMAGES}_{downscale} "
        f"(with all pictures), and {folder.name} cannot be divided so."
    )


def find(folder: Path, name: str) -> Path | None:
    """The picture of this name, subfolders included; reduced copies may have another extension."""
    path = folder / PurePosixPath(name.replace("\\", "/"))
    if path.is_file():
        return path
    for extension in EXTENSIONS:
        for each in (extension, extension.upper()):
            if path.with_suffix(each).is_file():
                return path.with_suffix(each)
    return None


def mask_of(photographs: Photographs, name: str) -> tuple[tuple[Picture, Ignore], ...]:
    """COLMAP's `photo.jpg.png`, or `photo.png`: black is ignored. None where there is no such file."""
    for folder in photographs.masks:
        for candidate in (folder / f"{name}.png", folder / name):
            found = find(folder, str(candidate.relative_to(folder)))
            if found is not None:
                return ((Picture(found, f"{folder} for {name}"), Ignore.BLACK),)
    return ()


def listed(folder: Path) -> list[Path]:
    """All pictures in a folder by name, as it sorts plainly; other files, hidden ones too, are passed over."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()
    )


def _factors(root: Path) -> list[int]:
    """1 for `images`, and N of every `images_N`, in ascending order."""
    found = []
    for path in root.iterdir() if root.is_dir() else ():
        match = re.fullmatch(IMAGES + r"(?:_([1-9]\d{0,2}))?", path.name)
        if match and path.is_dir():
            found.append(int(match[1] or 1))
    return sorted(found)
