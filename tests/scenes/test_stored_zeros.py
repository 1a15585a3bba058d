"""Pictures that do not fit into memory are kept in a file, and are the same there."""

from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.scenes import room, stored_zeros
from omnifield.scenes.notice import Notice
from omnifield.scenes.stored_zeros import zeros_in_file
from PIL import Image

SIZE = (48, 32)


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    """Ten photographs of noise on a line, with masks."""
    frames, noise = [], np.random.default_rng(0)
    for i in range(10):
        for kind, channels in (("images", 3), ("masks", 1)):
            (tmp_path / kind).mkdir(exist_ok=True)
            pixels = noise.integers(0, 2, (*SIZE[::-1], channels), np.uint8) * 255
            Image.fromarray(pixels.squeeze()).save(tmp_path / kind / f"{i}.png")
        pose = [[1, 0, 0, 0.2 * i], [0, 0, -1, -3], [0, 1, 0, 0], [0, 0, 0, 1]]
        frames.append(
            {"file_path": f"images/{i}.png", "mask_path": f"masks/{i}.png", "transform_matrix": pose}
        )
    content = {"fl_x": 40.0, "fl_y": 40.0, "cx": 24.0, "cy": 16.0, "w": 48, "h": 32, "frames": frames}
    (tmp_path / "transforms.json").write_text(str(content).replace("'", '"'))
    return tmp_path


def test_pictures_in_a_file_are_those_in_memory(garden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_scene(garden)
    shapes = []
    monkeypatch.setattr(room, "zeros_in_file", lambda shape: shapes.append(shape) or zeros_in_file(shape))
    monkeypatch.setattr(room.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(room, "available_memory", lambda: 48 * 32 * 8 * 2.0)
    with pytest.warns(
        Notice, match=r"10 images of 48x32 pixels do not fit into memory .*--downscale 3\. Until then"
    ):
        mapped = load_scene(garden)
    assert len(shapes) == 4  # pictures and masks of both parts
    for one, other in zip(plain.train + plain.test, mapped.train + mapped.test, strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.ignored, other.ignored)
        pixel = torch.arange(0, other.images[..., 0].numel(), 7)
        assert torch.equal(one.colors_and_alpha_of(pixel)[0], other.colors_and_alpha_of(pixel)[0])


def test_the_file_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_zeros, "_folder", lambda: str(tmp_path))
    pixels = zeros_in_file((3, 4, 5, 3))
    pixels[1] = 7
    assert pixels.sum() == 7 * 4 * 5 * 3 and not list(tmp_path.iterdir())


def test_a_full_disk_is_said(garden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, begin: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored_zeros.os, "posix_fallocate", full)
    with pytest.raises(ValueError, match=r"cannot be had in .*: No space left on device\.$"):
        zeros_in_file((3, 4))
    monkeypatch.setattr(room, "free_disk", lambda: 1e3)
    monkeypatch.setattr(room.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(room, "available_memory", lambda: 48 * 32 * 8 * 2.0)
    with pytest.raises(ValueError, match=r"do not fit into memory .*use --downscale 3\.$"):
        load_scene(garden)
