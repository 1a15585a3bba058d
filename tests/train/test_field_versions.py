"""Versions of a field's file, and cameras of several kinds in it."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from omnifield.scenes import Lens
from omnifield.train import TrainedField, load_field, save_field
from safetensors import safe_open
from safetensors.torch import save_file

from .sphere_scene import BOX, around
from .test_field_file import spoil, trained


def write_version_1(path: Path, trained: TrainedField) -> None:
    """As the first version of this program did: one group of cameras, its tensors without a number."""
    [cameras] = trained.cameras
    tensors = {f"field.{name}": tensor for name, tensor in trained.field.stored_state().items()}
    names = ("world_from_camera", "focal", "principal", "distortion", "time")
    tensors |= {f"cameras.{name}": getattr(cameras, name).contiguous() for name in names}
    tensors |= {"occupancy": trained.sampler.bits, "thumbnail": trained.thumbnail}
    tensors |= {"scene_from_input": trained.scene_from_input}
    tensors |= {"input_from_original": trained.input_from_original}
    header = {
        "version": 1,
        "field": trained.config.tag,
        "config": dataclasses.asdict(trained.config),
        "domain": {"kind": "box", "lo": BOX.lo, "hi": BOX.hi},
        "occupancy": {"resolution": 16, "steps_per_side": 64},
        "cameras": {
            "width": cameras.width,
            "height": cameras.height,
            "lens": "perspective",
            "near": cameras.near,
        },
        "background": trained.background,
        "provenance": trained.provenance,
    }
    save_file(tensors, path, {"omnifield": json.dumps(header)})


def test_a_file_of_version_1_is_read(tmp_path: Path) -> None:
    before = trained()
    write_version_1(tmp_path / "old.safetensors", before)
    after = load_field(tmp_path / "old.safetensors")
    [known], [cameras] = before.cameras, after.cameras
    for name, value in vars(known).items():
        loaded = getattr(cameras, name)
        assert torch.equal(loaded, value) if isinstance(value, torch.Tensor) else loaded == value
    assert torch.equal(after.sampler.bits, before.sampler.bits) and after.provenance == before.provenance


def test_older_files_have_the_rigid_map_in_float32(tmp_path: Path) -> None:
    path, narrow = tmp_path / "old.safetensors", {"scene_from_input": torch.eye(4)}
    save_field(path, trained())
    spoil(path, lambda header: None, lambda tensors: tensors.update(narrow))
    assert torch.equal(load_field(path).scene_from_input, torch.eye(4, dtype=torch.float64))


def test_cameras_of_several_kinds_come_back(tmp_path: Path) -> None:
    upright = dataclasses.replace(around(3, 24, 1.0), height=36)
    fisheye = dataclasses.replace(around(2, 24, 0.5), lens=Lens.FISHEYE)
    groups = (around(5, 24, 0.0), upright, fisheye, fisheye)  # the last two share their tensors
    save_field(tmp_path / "field.safetensors", dataclasses.replace(trained(), cameras=groups))
    after = load_field(tmp_path / "field.safetensors").cameras
    assert [(len(each), each.width, each.height, each.lens) for each in after] == [
        (5, 24, 24, Lens.PERSPECTIVE),
        (3, 24, 36, Lens.PERSPECTIVE),
        (2, 24, 24, Lens.FISHEYE),
        (2, 24, 24, Lens.FISHEYE),
    ]
    for one, other in zip(groups, after, strict=True):
        assert torch.equal(one.world_from_camera, other.world_from_camera)


@pytest.mark.parametrize("cameras", [[], {}, None, 3, "four", [[]], [{}], [{"width": 8}] * 5000])
def test_groups_that_are_none_are_refused(tmp_path: Path, cameras: object) -> None:
    path = tmp_path / "field.safetensors"
    save_field(path, trained())
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        header = json.loads(file.metadata()["omnifield"])
    save_file(tensors, path, {"omnifield": json.dumps(header | {"cameras": cameras})})
    with pytest.raises(ValueError, match=r"is damaged: .*\.$"):
        load_field(path)


def test_a_header_that_is_no_json(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "f", {"omnifield": '{"version": 1,'})
    with pytest.raises(ValueError, match="is damaged"):
        load_field(tmp_path / "f")
