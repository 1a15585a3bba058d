"""Masks: zero is zero at any depth, and their size is their picture's."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from omnifield.datasets import load_scene
from omnifield.datasets.images import Picture, read_alpha, read_mask, read_rgba
from PIL import Image

FILE = "transforms.json"
LABELS = np.arange(16 * 24).reshape(16, 24)  # 0 in one pixel, then 1 to 383
EMPTY = [[0, 0]]


def png_of_16_bits(path: Path, channels: np.ndarray, transparent: bytes = b"") -> Path:
    """(row, column, channel) of uint16: Pillow writes none but grey ones."""
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels.shape[2]]
    height, width = channels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in channels)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))]
    chunks += [(b"tRNS", transparent)] if transparent else []
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n"
    for name, content in chunks:
        data += (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )
    path.write_bytes(data)
    return path


def saved(image: Image.Image, path: Path) -> Path:
    image.save(path)
    return path


def grey_16(path: Path, labels: np.ndarray) -> Path:
    return saved(Image.fromarray(labels.astype(np.uint16)), path)


def grey_32(path: Path, labels: np.ndarray) -> Path:
    return saved(Image.fromarray((labels * 5_000_000).astype(np.int32)), path.with_suffix(".tiff"))


def floating(path: Path, labels: np.ndarray) -> Path:
    return saved(Image.fromarray((labels / 1e6).astype(np.float32)), path.with_suffix(".tiff"))


def one_bit(path: Path, labels: np.ndarray) -> Path:
    return saved(Image.fromarray(labels > 0), path)


def eight_bits(path: Path, labels: np.ndarray) -> Path:
    return saved(Image.fromarray((labels > 0).astype(np.uint8)), path)


def palette(path: Path, labels: np.ndarray) -> Path:
    image = Image.fromarray((labels > 0).astype(np.uint8), mode="P")
    image.putpalette([0, 0, 0, 0, 0, 1])
    return saved(image, path)


def palette_with_black_last(path: Path, labels: np.ndarray) -> Path:
    """What programs that shrink PNGs make of black and white: it is the colour that counts."""
    image = Image.fromarray((labels == 0).astype(np.uint8), mode="P")
    image.putpalette([255, 255, 255, 0, 0, 0])
    return saved(image, path)


def color_16(path: Path, labels: np.ndarray) -> Path:
    return png_of_16_bits(path, np.stack([labels * 0, labels * 0, labels], -1))


def grey_and_alpha_16(path: Path, labels: np.ndarray) -> Path:
    return png_of_16_bits(path, np.stack([labels, labels * 0 + 65535], -1))


def color_and_alpha_16(path: Path, labels: np.ndarray) -> Path:
    return png_of_16_bits(path, np.stack([labels, labels * 0, labels * 0, labels * 0], -1))


KINDS = (
    grey_16,
    grey_32,
    floating,
    one_bit,
    eight_bits,
    palette,
    palette_with_black_last,
    color_16,
    grey_and_alpha_16,
    color_and_alpha_16,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_zero_alone_is_zero(tmp_path: Path, kind) -> None:
    mask = read_mask(Picture(kind(tmp_path / "mask.png", LABELS), ""))
    assert np.argwhere(~mask).tolist() == EMPTY and mask.shape == LABELS.shape


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_black_is_ignored_by_nerfstudio_and_all_else_by_instant_ngp(photographs, kind) -> None:
    path = kind(photographs.folder / "mask.png", LABELS)
    frame = next(f for f in photographs.files[FILE]["frames"] if f["file_path"] == "images/0.png")
    frame["mask_path"] = path.name
    assert load_scene(photographs.write()).train[0].ignored.nonzero().tolist() == [[0, 0, 0]]
    if path.suffix == ".png":
        del frame["mask_path"]
        path.rename(photographs.folder / "images" / "dynamic_mask_0.png")
        ignored = load_scene(photographs.write()).train[0].ignored
        assert (~ignored[0]).nonzero().tolist() == EMPTY and not ignored[1:].any()


@pytest.mark.parametrize("size", [(24, 16), (48, 32), (12, 8), (25, 16)])
@pytest.mark.parametrize("field", ["mask_path", "dynamic", "alpha"])
def test_another_size_than_the_pictures_is_refused(photographs, field: str, size: tuple[int, int]) -> None:
    frame = next(f for f in photographs.files[FILE]["frames"] if f["file_path"] == "images/1.png")
    file = {"mask_path": "m.png", "dynamic": "images/dynamic_mask_1.png", "alpha": "images/1.png.alpha.png"}[
        field
    ]
    photographs.save(file, np.full(size, 255, np.uint8))  # (row, column): all are on their side
    if field == "mask_path":
        frame["mask_path"] = file
    with pytest.raises(ValueError) as complaint:
        load_scene(photographs.write())
    sentence = str(complaint.value)
    assert f"{size[1]}x{size[0]}" in sentence and "24x16" in sentence and sentence.endswith(".")
    assert (
        str(photographs.folder / file) in sentence
        and str(photographs.folder / "images" / "1.png") in sentence
    )


def test_a_mask_of_the_size_before_downscale_ignores_what_it_touches(photographs) -> None:
    mask = np.full((16, 24), 255, np.uint8)
    mask[5, 7] = 0
    photographs.save("m.png", mask)
    for i in range(12):
        photographs.save(f"images_2/{i}.png", np.zeros((8, 12, 3), np.uint8))
    frame = next(f for f in photographs.files[FILE]["frames"] if f["file_path"] == "images/1.png")
    frame["mask_path"] = "m.png"
    for size in ({}, {"w": None, "h": None}):
        photographs.files[FILE] |= size
        assert load_scene(photographs.write(), downscale=2).train[0].ignored.nonzero().tolist() == [[1, 2, 3]]
    photographs.save("m.png", mask[::2, ::2])
    assert load_scene(photographs.folder, downscale=2).train[0].ignored.sum() == 0
    with pytest.raises(ValueError, match="both must have one size"):
        load_scene(photographs.folder)


def test_colors_of_16_bits_are_rounded_and_not_cut_off(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, 4))
    expected = (deep / 257).round().astype(int)
    for channels in (1, 2, 3, 4):
        path = png_of_16_bits(tmp_path / "deep.png", deep[..., :channels])
        read = read_rgba(Picture(path, "")).astype(int)
        color = expected[..., :3] if channels > 2 else expected[..., [0, 0, 0]]
        assert (read[..., :3] == color).all()
        assert (read[..., 3] == (expected[..., channels - 1] if channels in (2, 4) else 255)).all()


def test_a_transparent_color_of_16_bits(tmp_path: Path) -> None:
    deep = np.full((2, 2, 3), 300)
    deep[1, 0] = (300, 300, 301)  # another one, though of the same high bytes
    path = png_of_16_bits(tmp_path / "deep.png", deep, struct.pack(">HHH", 300, 300, 300))
    assert read_rgba(Picture(path, ""))[..., 3].tolist() == [[0, 0], [255, 0]]


@pytest.mark.parametrize("kind", [grey_16, color_16, one_bit])
def test_alpha_pictures_of_any_depth(tmp_path: Path, kind) -> None:
    labels = np.full((4, 6), 65535)
    labels[1, 2] = 0
    path = (
        png_of_16_bits(tmp_path / "a.png", np.stack([labels] * 3, -1))
        if kind is color_16
        else kind(tmp_path / "a.png", labels)
    )
    alpha = read_alpha(Picture(path, ""))
    assert np.argwhere(alpha < 255).tolist() == [[1, 2]] and alpha[1, 2] == 0
