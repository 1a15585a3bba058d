"""Photographs as the scene's own files: upright, in 8 bits, and in a format that every program reads.

What is so already is linked (or copied, where the disk has no links), byte by byte; all others are written anew. So
poses, features and pictures are of the same pixels, and EXIF's orientation is of no matter any more.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from ..datasets.exif import AS_STORED, MALFORMED
from ..datasets.images import Picture, read_mask, read_rgba
from ..datasets.photographs import MASKS
from ..scenes.names import numbered
from .found import Photo

LINKED = {("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "L"), ("PNG", "RGBA")}
SUFFIX = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",)}
QUALITY = 95  # of a JPEG that has to be written anew
CAMERA = (ExifTags.Base.Make, ExifTags.Base.Model)
LENS = (ExifTags.Base.LensModel, ExifTags.Base.FocalLength, ExifTags.Base.FocalLengthIn35mmFilm)
Taken = tuple[dict[int, Any], dict[int, Any]]  # tags of EXIF, and of the part of it that tells of the shot
WORKERS = 2  # each holds a whole picture in memory


@dataclass(frozen=True)
class Prepared:
    """A picture in the scene's folder `images`. `number` is what pycolmap knows it by: names with spaces break its
    lists, and some systems have other letters than ours."""

    original: Path
    name: str
    number: str
    size: tuple[int, int]
    taken_with: tuple[str, ...]  # camera, lens and zoom, as EXIF has them
    mask: str  # the file's name in `masks`, or ""


def prepare(
    photos: Sequence[Photo], images: Path, masks: Path | None
) -> Iterator[Prepared | tuple[str, str]]:
    """In the order of the photographs: each as it is ready, or its name and why it cannot be read after all."""
    images.mkdir(parents=True, exist_ok=True)
    names = numbered([_name_in_scene(photo) for photo in photos])

    def put(at: int) -> Prepared | tuple[str, str]:
        photo, name = photos[at], names[at]
        try:
            taken_with = _put(photo, images / name)
        except ValueError as error:
            return photo.path.name, _reason(error)
        found = mask_of(photo.path, masks)
        if found:
            _put_mask(found, images.with_name(MASKS) / f"{name}.png", photo)
        suffix = Path(name).suffix.lower()
        return Prepared(
            photo.path, name, f"{at:06d}{suffix}", photo.size, taken_with, f"{name}.png" if found else ""
        )

    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(put, range(len(photos)))


def mask_of(photo: Path, masks: Path | None) -> Path | None:
    """COLMAP's `photo.jpg.png`, or `photo.png`; black is ignored."""
    for name in (f"{photo.name}.png", f"{photo.stem}.png") if masks else ():
        if masks and (masks / name).is_file():
            return masks / name
    return None


def link(source: Path, place: Path) -> None:
    """The same bytes at another place, which take no room where the disk can do so. Nothing where it is there."""
    if place.exists():
        return
    try:
        os.link(source.resolve(), place)
    except OSError:
        beside = place.with_name(f".{place.name}.part")
        shutil.copyfile(source, beside)
        os.replace(beside, place)


def _put(photo: Photo, place: Path) -> tuple[str, ...]:
    """Raises ValueError where the picture is damaged."""
    pixels = read_rgba(Picture(photo.path, "PHOTOS", photo.header.orientation))
    with Image.open(photo.path) as image:
        as_it_is = (_kind(image), image.mode) in LINKED and photo.path.name == place.name
        keyed = image.info.get("transparency") is not None  # one colour or palette entry is clear
        taken_with = _taken_with(image)
    if as_it_is and not keyed and photo.header.orientation == AS_STORED and not _is_deep(photo.path):
        link(photo.path, place)
    elif not place.exists():
        _write(pixels, place, taken_with)
    return tuple(f"{tag}: {value}" for part in taken_with for tag, value in part.items())


def _write(pixels: np.ndarray, place: Path, taken_with: Taken) -> None:
    """All at once or not at all, since a second run takes what is there for whole."""
    kept = Image.Exif()
    kept.update(taken_with[0])
    kept.get_ifd(ExifTags.IFD.Exif).update(taken_with[1])
    beside = place.with_name(f".{place.name}.part")
    if place.suffix.lower() == ".png":
        opaque = bool((pixels[..., 3] == 255).all())
        Image.fromarray(pixels[..., :3] if opaque else pixels).save(
            beside, "PNG", exif=kept, compress_level=3
        )
    else:
        Image.fromarray(pixels[..., :3]).save(beside, "JPEG", quality=QUALITY, subsampling=0, exif=kept)
    os.replace(beside, place)


def _put_mask(mask: Path, place: Path, photo: Photo) -> None:
    """White where the picture counts, turned as the picture is where it is stored as that is.

    Raises ValueError where it is of another size."""
    counts = read_mask(Picture(mask, f"the mask of {photo.path.name}"))
    if counts.shape[::-1] != photo.size:
        counts = read_mask(Picture(mask, f"the mask of {photo.path.name}", photo.header.orientation))
    if counts.shape[::-1] != photo.size:
        raise ValueError(
            f"{mask} has {counts.shape[1]}x{counts.shape[0]} pixels where {photo.path.name} has "
            f"{photo.size[0]}x{photo.size[1]}: both must have one size."
        )
    place.parent.mkdir(exist_ok=True)
    Image.fromarray(counts.astype(np.uint8) * 255).save(place)


def _name_in_scene(photo: Photo) -> str:
    """Its own, with the suffix that the file then needs: no other program reads some of them."""
    with Image.open(photo.path) as image:
        kind, alpha = _kind(image), photo.header.has_alpha
    if photo.path.suffix.lower() in SUFFIX.get(kind, ()):
        return photo.path.name
    lossless = alpha or kind in ("PNG", "TIFF", "BMP", "GIF")
    return f"{photo.path.name}{'.png' if lossless else '.jpg'}"


def _is_deep(path: Path) -> bool:
    """16 bits a channel, of which Pillow's mode says nothing. In a PNG the byte after the size says how many."""
    with open(path, "rb") as file:
        head = file.read(25)
    return head.startswith(b"\x89PNG") and head[24:25] == b"\x10"


def _kind(image: Image.Image) -> str:
    """Phones put a second picture behind the first, which Pillow calls another format, and all others JPEG."""
    return "JPEG" if image.format == "MPO" else image.format or ""


def _taken_with(image: Image.Image) -> Taken:
    """What EXIF says of camera, lens and zoom: pycolmap takes the focal length from it."""
    try:
        exif = Image.Image.getexif(image)
        inner = exif.get_ifd(ExifTags.IFD.Exif)
    except MALFORMED:
        return {}, {}
    return {tag: exif[tag] for tag in CAMERA if tag in exif}, {
        tag: inner[tag] for tag in LENS if tag in inner
    }


def _reason(error: ValueError) -> str:
    """What read it says that PHOTOS names a file, which …"""
    return str(error).partition(", which ")[2].rstrip(".") or str(error)
