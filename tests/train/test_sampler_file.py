"""The sampler's part of a field's file: whatever it was trained with, and what version 1 kept of the only one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omnifield.renderers import OccupancyConfig, SamplerConfig, UniformConfig
from omnifield.train import TrainedField, load_field, save_field

from .sphere_scene import BOX
from .test_field_file import path as path
from .test_field_file import refusal, spoil, trained


def of_version_1(path: Path) -> None:
    """As it was written before there were other samplers than occupancy."""

    def header(header: dict[str, Any]) -> None:
        config = header.pop("sampler")["config"]
        header["version"] = 1
        [header["cameras"]] = header["cameras"]
        header["occupancy"] = {name: config[name] for name in ("resolution", "steps_per_side")}

    def tensors(tensors: dict[str, Any]) -> None:
        tensors["occupancy"] = tensors.pop("sampler.bits")
        for name in [name for name in tensors if name.startswith("cameras.0.")]:
            tensors[name.replace(".0.", ".")] = tensors.pop(name)

    spoil(path, header, tensors)


def test_a_file_of_version_1_has_the_steps_of_then(path: Path) -> None:
    of_version_1(path)
    before, after = trained().sampler, load_field(path).sampler
    assert torch.equal(after.bits, before.bits)
    assert after.config == OccupancyConfig(16, 64, cone=1 / 32)


@pytest.mark.parametrize("name", ["resolution", "steps_per_side"])
@pytest.mark.parametrize("value", [None, 0, 24, 1 << 40, "16"])
def test_a_spoilt_file_of_version_1(path: Path, name: str, value: Any) -> None:
    of_version_1(path)
    if (name, value) != ("steps_per_side", 24):
        spoil(path, lambda header: header["occupancy"].update({name: value}), lambda tensors: None)
        assert "is damaged" in refusal(path)


@pytest.mark.parametrize(
    "config", [UniformConfig(100, 0.1), OccupancyConfig(8, 100, 0.1)], ids=["uniform", "occupancy"]
)
def test_whatever_sampler_it_was_trained_with_comes_back(config: SamplerConfig, tmp_path: Path) -> None:
    kept = TrainedField(**vars(trained()) | {"sampler": config.build(BOX)})
    save_field(tmp_path / "f", kept)
    after = load_field(tmp_path / "f").sampler
    assert after.config == config and type(after) is type(kept.sampler)
    save_field(tmp_path / "again", load_field(tmp_path / "f"))
    assert (tmp_path / "again").read_bytes() == (tmp_path / "f").read_bytes()
