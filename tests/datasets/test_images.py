"""Image files of every kind that Pillow hands out, and the box filter."""

import io
import math
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.datasets.images import (
    Picture,
    picture_header,
    picture_size,
    read_alpha,
    read_mask,
    read_rgba,
    shrink,
)
from omnifield.scenes import memory, room
from omnifield.scenes.room import Pictures, check_memory
from PIL import Image

RANDOM = np.random.default_rng(0)


def stored(tmp_path: Path, image: Image.Image, name: str = "picture.png", **options: object) -> Picture:
    image.save(tmp_path / name, **options)
    return Picture(tmp_path / name, "test.json: frames[0].file_path")


@pytest.mark.parametrize(
    ("mode", "pixel", "rgba"),
    [
        ("RGB", (1, 2, 3), (1, 2, 3, 255)),
        ("RGBA", (1, 2, 3, 0), (1, 2, 3, 0)),
        ("L", 7, (7, 7, 7, 255)),
        ("LA", (7, 9), (7, 7, 7, 9)),
        ("1", 1, (255, 255, 255, 255)),
        ("I;16", 257 * 40, (40, 40, 40, 255)),
        ("I;16", 65535, (255, 255, 255, 255)),
    ],
)
def test_pixel_formats(tmp_path: Path, mode: str, pixel: object, rgba: tuple[int, ...]) -> None:
    picture = stored(tmp_path, Image.new(mode, (6, 5), pixel))
    read = read_rgba(picture)
    assert read.shape == (5, 6, 4) and read.dtype == np.uint8
    assert (read == np.array(rgba)).all()


def test_palette_with_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([9, 9, 9, 10, 20, 30])
    assert tuple(read_rgba(stored(tmp_path, image))[0, 0]) == (10, 20, 30, 255)
    assert tuple(read_rgba(stored(tmp_path, image, transparency=1))[0, 0]) == (10, 20, 30, 0)


def test_orientation_in_exif_is_not_applied_unasked(tmp_path: Path) -> None:
    image = Image.fromarray(RANDOM.integers(0, 255, (8, 16, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[274] = 6
    picture = stored(tmp_path, image, "picture.jpg", exif=exif, quality=95)
    assert picture_size(picture) == (16, 8) and read_rgba(picture).shape == (8, 16, 4)


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    picture = stored(tmp_path, Image.new("F", (4, 4)), "picture.tiff")
    with pytest.raises(ValueError, match=r"frames\[0\].file_path .*picture.tiff.* floating-point"):
        read_rgba(picture)


@pytest.mark.parametrize("name", ["picture.eps", "picture.png", "picture.ppm", "picture.pcx"])
def test_other_formats_are_not_opened_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    content = io.BytesIO()
    Image.new("RGB", (6, 5)).save(content, "EPS" if name.endswith(("eps", "png")) else name[-3:])
    (tmp_path / name).write_bytes(content.getvalue())
    for read in (picture_size, read_rgba, read_mask, read_alpha):
        with pytest.raises(
            ValueError, match=rf"{name}, which cannot be read as an image \(it is none of BMP,"
        ):
            read(Picture(tmp_path / name, "test.json: frames[0].file_path"))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_pillows_warnings_of_large_pictures_are_not_heard(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a picture is too large is for the memory to say."""
    picture = stored(tmp_path, Image.new("RGB", (30, 20)), f"picture.{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert picture_size(picture) == (30, 20) and read_rgba(picture).shape == (20, 30, 4)
        assert read_mask(picture).shape == (20, 30)


@pytest.mark.parametrize("companion", ["images/1.png", "mask.png", "images/1.png.alpha.png"])
@pytest.mark.parametrize("size", [(60_000, 60_000), (12_000, 8_100)])
def test_huge_stated_sizes_are_refused_before_anything_is_loaded(
    photographs, companion: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = next(
        f for f in photographs.files["transforms.json"]["frames"] if f["file_path"] == "images/1.png"
    )
    frame |= {"mask_path": "mask.png"} if companion == "mask.png" else {}
    (photographs.folder / companion).write_bytes(_header_of_a_huge_png(*size))
    monkeypatch.setattr(
        "omnifield.datasets.images.read_stored", lambda _: pytest.fail("something was loaded")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError) as complaint:
            load_scene(photographs.write())
    sentence = str(complaint.value)
    assert (
        str(photographs.folder / companion) in sentence and sentence.endswith(".") and "bomb" not in sentence
    )


@pytest.mark.parametrize("suffix", ["bmp", "gif", "jpg", "png", "tiff", "webp"])
def test_damage_of_any_kind_is_one_sentence(tmp_path: Path, suffix: str) -> None:
    pixels = RANDOM.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    picture = stored(tmp_path, Image.fromarray(pixels), f"picture.{suffix}")
    content = picture.path.read_bytes()
    for _ in range(100):
        spoilt = bytearray(content[: RANDOM.integers(len(content))] if RANDOM.random() < 0.3 else content)
        for place in RANDOM.integers(0, max(len(spoilt), 1), 4 if spoilt else 0):
            spoilt[place] = RANDOM.integers(256)
        picture.path.write_bytes(spoilt)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                assert read_rgba(picture).shape[2] == 4
            except ValueError as error:
                assert str(error).endswith(".") and "\n" not in str(error) and picture.path.name in str(error)


def test_shrink_is_the_mean_of_premultiplied_blocks() -> None:
    rgba = RANDOM.integers(0, 256, (7, 9, 4), dtype=np.uint8)
    small = shrink(rgba, 3)
    assert small.shape == (2, 3, 4)
    for row in range(2):
        for column in range(3):
            block = rgba[row * 3 : row * 3 + 3, column * 3 : column * 3 + 3].reshape(9, 4).astype(float)
            alpha = block[:, 3].sum()
            color = (block[:, :3] * block[:, 3:]).sum(0) / alpha
            assert np.abs(small[row, column] - [*color, alpha / 9]).max() <= 0.501


def test_shrink_gives_no_color_to_what_is_transparent() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., :3] = 200
    assert not shrink(rgba, 2)[..., 3].any()
    rgba[0, 0] = (10, 20, 30, 255)
    assert tuple(shrink(rgba, 2)[0, 0]) == (10, 20, 30, 64)


def test_shrinking_the_full_lego_gives_the_half_size_set(real: Callable[[str], Path]) -> None:
    large = Picture(real("nerf_synthetic_800/lego") / "train" / "r_7.png", "")
    small = read_rgba(Picture(real("nerf_synthetic/lego") / "train" / "r_7.png", "")).astype(int)
    ours = shrink(read_rgba(large), 2).astype(int)
    assert np.abs(ours - small)[small[..., 3] > 0].max() <= 1


def test_memory_is_checked_before_anything_is_loaded(blender, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        for path in (blender.folder / split).iterdir():
            path.write_bytes(_header_of_a_huge_png())
    monkeypatch.setattr(room, "free_disk", lambda: 0.0)
    monkeypatch.setattr(room, "available_memory", lambda: 3e9)
    monkeypatch.setattr(room.os, "cpu_count", lambda: 1)
    with pytest.raises(ValueError, match=r"6 images of 8000x10000 pixels .*--downscale 2\."):
        load_scene(blender.write())
    monkeypatch.setattr(room, "available_memory", lambda: 1e6)
    with pytest.raises(ValueError, match=r"at no --downscale: use fewer images"):
        load_scene(blender.folder)


def test_the_offered_downscale_is_the_smallest_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "available_memory", lambda: 2e9)
    with pytest.raises(ValueError) as complaint:
        check_memory([Pictures(1000, (1600, 1200), 4)], 1)
    factor = int(str(complaint.value).rstrip(".").split()[-1])
    check_memory([Pictures(1000, (1600, 1200), 4)], factor)
    with pytest.raises(ValueError, match="do not fit"):
        check_memory([Pictures(1000, (1600, 1200), 4)], factor - 1)


def test_available_memory_is_a_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.available_memory() > 1e6

    def elsewhere(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", elsewhere)
    assert memory.available_memory() > 1e6
    monkeypatch.delattr(room.os, "sysconf")
    assert memory.available_memory() == math.inf


def test_colors_of_opaque_photographs_survive(photographs) -> None:
    scene = load_scene(photographs.write())
    pixels = np.asarray(Image.open(photographs.folder / "images" / f"{scene.test[0].names[0]}.png"))
    assert torch.equal(scene.test[0].images[0], torch.from_numpy(pixels.copy()))
    assert scene.test[0].alpha(0).eq(255).all() and not scene.has_alpha


def _header_of_a_huge_png(width: int = 8000, height: int = 10000) -> bytes:
    """The first bytes of a small file, with another size written into its header."""
    file = io.BytesIO()
    Image.new("RGBA", (10, 12)).save(file, "PNG")
    data = bytearray(file.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("image", "options", "alpha"),
    [
        (Image.new("RGB", (4, 4)), {}, False),
        (Image.new("L", (4, 4)), {}, False),
        (Image.new("P", (4, 4), 1), {}, False),
        (Image.new("RGBA", (4, 4)), {}, True),
        (Image.new("LA", (4, 4)), {}, True),
        (Image.new("P", (4, 4), 1), {"transparency": 1}, True),
        (Image.new("RGB", (4, 4)), {"transparency": (0, 0, 0)}, True),
    ],
)
def test_a_header_tells_whether_there_may_be_alpha(
    tmp_path: Path, image: Image.Image, options: dict[str, Any], alpha: bool
) -> None:
    picture = stored(tmp_path, image, **options)
    assert picture_header(picture).has_alpha == alpha
    assert alpha or (read_rgba(picture)[..., 3] == 255).all()
