"""Mip-NeRF's multiscale layout: written on the spot from the usual one, and the real set where it is."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.datasets.images import shrink
from omnifield.scenes.multiscale import with_scales
from PIL import Image

LEVELS = 3
FOCAL = 8 / math.tan(0.6911112070083618 / 2)


@pytest.fixture
def multiscale(blender) -> tuple[Path, dict[str, Any]]:
    """The folder without its transforms, and what its metadata.json shall hold; images of one view stand together."""
    content = {}
    for split in ("train", "test"):
        columns: dict[str, list] = {
            name: []
            for name in ("file_path", "cam2world", "width", "height", "focal", "label", "near", "lossmult")
        }
        for i, frame in enumerate(blender.files[f"transforms_{split}.json"]["frames"]):
            rgba = np.asarray(Image.open(blender.folder / split / f"r_{i}.png"))
            for level in range(LEVELS):
                path = f"{split}/r_{i}_d{level}.png"
                blender.save(path, shrink(rgba, 2**level))
                side = 16 >> level
                row = (path, frame["transform_matrix"], side, side, FOCAL / 2**level, level, 2.0, 4.0**level)
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
        content[split] = columns
    return blender.folder, content


def written(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "metadata.json").write_text(json.dumps(content))
    return folder


def test_scales_are_those_that_box_filters_make(blender, multiscale) -> None:
    scene = load_scene(written(*multiscale))
    expected = with_scales(load_scene(blender.write() / "transforms_train.json"), LEVELS)
    assert scene.domain == expected.domain and scene.has_alpha and scene.name == "lego"
    for ours, usual in zip(scene.train + scene.test, expected.train + expected.test, strict=True):
        assert torch.equal(ours.images, usual.images)
        assert (ours.reduced, ours.first) == (usual.reduced, usual.first)
        for name in ("world_from_camera", "focal", "principal", "time"):
            torch.testing.assert_close(getattr(ours.cameras, name), getattr(usual.cameras, name))
        assert (ours.cameras.width, ours.cameras.near) == (usual.cameras.width, usual.cameras.near)
    assert scene.test[2].names == ("r_0_d0_d2", "r_1_d0_d2")


def test_the_file_may_be_named_and_its_scales_too(multiscale) -> None:
    folder = written(*multiscale)
    assert len(with_scales(load_scene(folder / "metadata.json"), LEVELS).train) == LEVELS
    with pytest.raises(ValueError, match="--scales 2: the data has 3 scales of its own"):
        with_scales(load_scene(folder), 2)
    with pytest.raises(ValueError, match="--downscale is for images of one size"):
        load_scene(folder, downscale=2)


def cut(columns: dict[str, list], name: str) -> None:
    columns[name].pop()


FAULTS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda c: c.pop("test"), "metadata.json: test is missing"),
    (lambda c: c.update(train=[]), "metadata.json: train is [], not an object"),
    (lambda c: c["train"].pop("cam2world"), "train.cam2world is missing"),
    (lambda c: c["train"].update(focal=3), "train.focal is 3, not a list"),
    (lambda c: cut(c["test"], "width"), "test.width has 5 entries where file_path has 6"),
    (lambda c: cut(c["test"], "label"), "test.label has 5 entries where file_path has 6"),
    (lambda c: c["train"]["file_path"].__setitem__(4, "no.png"), "train.image 4: file_path names"),
    (lambda c: c["train"]["focal"].__setitem__(4, -1), "train.image 4: fl_x is -1"),
    (lambda c: c["train"]["label"].__setitem__(1, 7), "train.label does not number the scales"),
    (lambda c: c["train"]["label"].__setitem__(1, None), "train.label does not number the scales"),
    (lambda c: c["test"].update({n: v[::3] for n, v in c["test"].items()}), "test.label has 1 scales, and"),
    (
        lambda c: c["train"].update({n: v[:-1] for n, v in c["train"].items()}),
        "label 2 is on 3 images of 4x4",
    ),
    (
        lambda c: c["train"]["cam2world"].__setitem__(1, c["train"]["cam2world"][3]),
        "with label 1 is not that",
    ),
]


@pytest.mark.parametrize(("spoil", "expected"), FAULTS)
def test_faults_are_named(multiscale, spoil: Callable, expected: str) -> None:
    folder, content = multiscale
    spoil(content)
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        load_scene(written(folder, content))
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_the_real_set(real: Callable[[str], Path]) -> None:
    scene = load_scene(real("multiscale/lego"))
    assert [views.images.shape[1] for views in scene.train] == [400, 200, 100, 50]
    assert {len(views) for views in scene.train} == {50}
    assert {len(views) for views in scene.test} == {25}
    _, ours = with_scales(load_scene(real("nerf_synthetic/lego")), 2).test
    theirs = scene.test[1]
    torch.testing.assert_close(ours.cameras.world_from_camera, theirs.cameras.world_from_camera)
    opaque = (ours.images[..., 3] == 255) & (theirs.images[..., 3] == 255)
    assert (ours.images.int() - theirs.images.int())[opaque].abs().max() <= 2
