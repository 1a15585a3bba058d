"""A trained field as a file: all of it comes back, and every way in which it can be spoilt is one sentence."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omnifield.fields import field_config
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Contraction
from omnifield.train import TrainedField, load_field, save_field
from safetensors import safe_open
from safetensors.torch import save_file

from .sphere_scene import BOX, around

# Far from its origin, as in coordinates of a map: float32 would lose half a unit.
RIGID = torch.tensor(
    [[0.0, -1, 0, 4e6 + 2**-20], [1, 0, 0, -5e5], [0, 0, 1, 0.5], [0, 0, 0, 1]], dtype=torch.float64
)


def trained(tag: str = "mlp") -> TrainedField:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    occupancy = OccupancyConfig(16, 64, cone=0.01).build(BOX)
    occupancy.set_occupied(torch.rand(16**3, generator=generator) < 0.3)
    return TrainedField(
        field=field_config(tag, "tiny").build(BOX),
        sampler=occupancy,
        cameras=(around(5, 24, 0.0),),
        background=(1.0, 0.5, 0.25),
        scene_from_input=RIGID,
        provenance={"scene": "sphere", "steps": 12, "by": {"deeper": [1, None, "Grüße"]}},
        thumbnail=torch.randint(256, (6, 8, 3), generator=generator).byte(),
        input_from_original=torch.arange(16.0, dtype=torch.float64).reshape(4, 4) / 3,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_field(tmp_path / "field.safetensors", trained())
    return tmp_path / "field.safetensors"


def test_everything_comes_back(path: Path) -> None:
    before, after = trained(), load_field(path)
    assert type(after.field) is type(before.field) and after.config == before.config
    assert after.field.domain == BOX
    weights = before.field.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in after.field.state_dict().items())
    assert torch.equal(after.sampler.bits, before.sampler.bits)
    assert after.sampler.config == before.sampler.config and after.sampler.grid == before.sampler.grid
    for name, value in vars(before.cameras[0]).items():
        loaded = getattr(after.cameras[0], name)
        assert torch.equal(loaded, value) if isinstance(value, torch.Tensor) else loaded == value
    assert after.background == before.background and after.provenance == before.provenance
    assert torch.equal(after.scene_from_input, before.scene_from_input)
    assert torch.equal(after.thumbnail, before.thumbnail)
    assert torch.equal(after.input_from_original, before.input_from_original)


def test_a_file_from_before_the_original_frame_was_kept(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys() if name != "input_from_original"}
        metadata = file.metadata()
    save_file(tensors, path, metadata)
    assert torch.equal(load_field(path).input_from_original, torch.eye(4, dtype=torch.float64))


def test_an_unbounded_domain_comes_back(tmp_path: Path) -> None:
    domain = Contraction((-1.0, -2.0, 0.1), (1.0, 3.5, 7.0))
    kept = TrainedField(
        **{
            **vars(trained()),
            "field": field_config("mlp", "tiny").build(domain),
            "sampler": OccupancyConfig(16).build(domain),
        }
    )
    save_field(tmp_path / "f", kept)
    assert load_field(tmp_path / "f").field.domain == domain


def test_saving_what_was_loaded_gives_the_same_file(path: Path, tmp_path: Path) -> None:
    save_field(tmp_path / "again", load_field(path))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_the_header_tells_of_no_place_on_this_machine(path: Path) -> None:
    content = path.read_bytes()
    header = content[8 : 8 + int.from_bytes(content[:8], "little")].decode()
    for place in (path.parent, Path.home(), Path.cwd(), Path(__file__).parent):
        assert str(place) not in header
    assert "/" not in json.loads(json.loads(header)["__metadata__"]["omnifield"])["field"]


def test_it_is_one_file_without_pickle(path: Path) -> None:
    assert [each.name for each in path.parent.iterdir()] == ["field.safetensors"]
    with safe_open(path, framework="pt") as file:
        assert "field.head.weight" in file.keys()


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"/absent does not exist\.$"):
        load_field(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r" is not a file\.$"):
        load_field(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.0005, 0.01, 0.3, 0.9, 0.99999])
def test_cut_short(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert refusal(path).endswith(").") and "is not a field file, or is cut short or damaged" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\xff" * 100, b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(8)]
)
def test_something_else(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "is not a field file" in refusal(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_somebody_elses_safetensors(path: Path, metadata: dict[str, str] | None) -> None:
    save_file({"weight": torch.zeros(3)}, path, metadata)
    assert refusal(path).endswith(
        "is a safetensors file, but not one of omnifield's: its header names no field."
    )


def refusal(path: Path) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(ValueError) as caught:
        load_field(path)
    sentence = str(caught.value)
    assert type(caught.value) is ValueError and str(path) in sentence and "\n" not in sentence.strip()
    return sentence


def spoil(
    path: Path, header: Callable[[dict[str, Any]], Any], tensors: Callable[[dict[str, Any]], None]
) -> None:
    with safe_open(path, framework="pt") as file:
        content = json.loads(file.metadata()["omnifield"])
        loaded = {name: file.get_tensor(name) for name in file.keys()}
    changed = header(content)
    tensors(loaded)
    save_file(loaded, path, {"omnifield": json.dumps(content if changed is None else changed)})


def test_a_newer_version_says_how_to_update(path: Path) -> None:
    spoil(path, lambda header: header.update(version=3, field="unheard of"), lambda tensors: None)
    assert "was written by a newer omnifield (file version 3, this one reads up to 2): update" in refusal(
        path
    )


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda header: [1, 2],
    "a number": lambda header: 7,
    "nothing": lambda header: {},
    "a version in words": lambda header: header.update(version="two"),
    "a field unknown here": lambda header: header.update(field="unheard of"),
    "no field": lambda header: header.pop("field") and None,
    "a setting unknown here": lambda header: header["config"].update(colour="red"),
    "another width": lambda header: header["config"].update(width=33),
    "a width in words": lambda header: header["config"].update(width="wide"),
    "no width at all": lambda header: header["config"].update(width=None),
    "a negative width": lambda header: header["config"].update(width=-3),
    "an empty box": lambda header: header["domain"].update(hi=[-5, -5, -5]),
    "a flat box": lambda header: header["domain"].update(lo=[0, 0]),
    "another domain": lambda header: header["domain"].update(kind="sphere"),
    "another resolution": lambda header: header["sampler"]["config"].update(resolution=24),
    "an odd resolution": lambda header: header["sampler"]["config"].update(resolution=17),
    "no resolution": lambda header: header["sampler"]["config"].update(resolution=0),
    "no steps": lambda header: header["sampler"]["config"].update(steps_per_side=0),
    "steps below zero": lambda header: header["sampler"]["config"].update(steps_per_side=-256),
    "steps that do not grow": lambda header: header["sampler"]["config"].update(cone=0),
    "steps that grow too fast": lambda header: header["sampler"]["config"].update(cone=1),
    "steps that grow as no number": lambda header: header["sampler"]["config"].update(cone=float("nan")),
    "finer cells than there are": lambda header: header["sampler"]["config"].update(resolution=64),
    "coarser cells than there are": lambda header: header["sampler"]["config"].update(resolution=8),
    "a sampler unknown here": lambda header: header["sampler"].update(kind="unheard of"),
    "another sampler": lambda header: header["sampler"].update(kind="uniform"),
    "no sampler": lambda header: header.pop("sampler") and None,
    "another lens": lambda header: header["cameras"][0].update(lens="mirror"),
    "two colours": lambda header: header.update(background=[1, 1]),
    "no background": lambda header: header.update(background=None),
    "a background brighter than white": lambda header: header.update(background=[1, 1, 2]),
    "a width that no machine holds": lambda header: header["config"].update(width=1 << 40),
    "layers without an end": lambda header: header["config"].update(layers=1 << 40),
    "a width that is true": lambda header: header["config"].update(width=True),
    "a width that is a float": lambda header: header["config"].update(width=32.0),
    "a version that is true": lambda header: header.update(version=True),
    "a box that is not finite": lambda header: header["domain"].update(hi=[1, 1, float("inf")]),
    "a box that is no number": lambda header: header["domain"].update(lo=[-1, float("nan"), -1]),
    "a box too thin for floats": lambda header: header["domain"].update(lo=[1, 1, 1], hi=[1 + 1e-12] * 3),
    "pictures without pixels": lambda header: header["cameras"][0].update(width=0),
    "pictures below zero": lambda header: header["cameras"][0].update(height=-24),
    "pictures without an end": lambda header: header["cameras"][0].update(height=1 << 40),
    "a near behind the camera": lambda header: header["cameras"][0].update(near=-1),
    "steps without an end": lambda header: header["sampler"]["config"].update(steps_per_side=1 << 40),
    "cells without an end": lambda header: header["sampler"]["config"].update(resolution=1 << 14),
    "a provenance that is not finite": lambda header: header["provenance"].update(steps=float("inf")),
    "a provenance without a bottom": lambda header: header["provenance"].update(by=nest(200)),
    "half a letter": lambda header: header["provenance"].update(scene="\ud800"),
}


def nest(depth: int) -> list[Any]:
    return [nest(depth - 1)] if depth else []


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_that_does_not_fit(path: Path, what: str) -> None:
    spoil(path, HEADERS[what], lambda tensors: None)
    assert "is damaged" in refusal(path)


TENSORS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a layer is missing": lambda tensors: tensors.pop("field.head.weight"),
    "a layer too many": lambda tensors: tensors.update({"field.tail": torch.zeros(2)}),
    "a layer too narrow": lambda tensors: tensors.update({"field.head.weight": torch.zeros(16, 31)}),
    "no occupancy": lambda tensors: tensors.pop("sampler.bits"),
    "too little occupancy": lambda tensors: tensors.update({"sampler.bits": torch.zeros(8).byte()}),
    "more of a sampler than there is": lambda tensors: tensors.update({"sampler.mind": torch.zeros(8)}),
    "occupancy in floats": lambda tensors: tensors.update({"sampler.bits": torch.zeros(512)}),
    "no cameras": lambda tensors: tensors.pop("cameras.0.world_from_camera"),
    "cameras of other shapes": lambda tensors: tensors.update(
        {"cameras.0.world_from_camera": torch.zeros(5, 4)}
    ),
    "a lens too few": lambda tensors: tensors.update({"cameras.0.focal": torch.zeros(4, 2)}),
    "no transform": lambda tensors: tensors.pop("scene_from_input"),
    "a flat transform": lambda tensors: tensors.update(scene_from_input=torch.zeros(16)),
    "no thumbnail": lambda tensors: tensors.pop("thumbnail"),
    "a thumbnail in floats": lambda tensors: tensors.update(thumbnail=torch.zeros(4, 4, 3)),
    "a weight that is no number": lambda tensors: tensors["field.head.weight"][0, 3].fill_(math.nan),
    "a weight that is infinite": lambda tensors: tensors["field.head.weight"][0, 3].fill_(-math.inf),
    "a layer in halves": lambda tensors: tensors.update(
        {"field.head.weight": tensors["field.head.weight"].half()}
    ),
    "a pose that is no number": lambda tensors: tensors["cameras.0.world_from_camera"][2, 1, 3].fill_(
        math.nan
    ),
    "a flat pose": lambda tensors: tensors["cameras.0.world_from_camera"][2, :, 1].copy_(
        tensors["cameras.0.world_from_camera"][2, :, 0]
    ),
    "a pose of nothing": lambda tensors: tensors["cameras.0.world_from_camera"][4, :, :3].zero_(),
    "a camera infinitely far": lambda tensors: tensors["cameras.0.world_from_camera"][0, 0, 3].fill_(
        math.inf
    ),
    "an infinite focal length": lambda tensors: tensors["cameras.0.focal"][1, 0].fill_(math.inf),
    "a focal length of zero": lambda tensors: tensors["cameras.0.focal"][1, 0].zero_(),
    "a focal length below zero": lambda tensors: tensors["cameras.0.focal"].neg_(),
    "a principal point that is no number": lambda tensors: tensors["cameras.0.principal"].fill_(math.nan),
    "a lens that is no number": lambda tensors: tensors["cameras.0.distortion"].fill_(math.nan),
    "a time out of time": lambda tensors: tensors["cameras.0.time"].fill_(-1),
    "a transform that is no number": lambda tensors: tensors["scene_from_input"].fill_(math.nan),
    "a transform of no return": lambda tensors: tensors["scene_from_input"][:3, :3].fill_(1),
    "not one camera": lambda tensors: tensors.update(
        {name: tensor[:0] for name, tensor in tensors.items() if name.startswith("cameras.0.")}
    ),
}


@pytest.mark.parametrize("what", TENSORS)
def test_tensors_that_do_not_fit(path: Path, what: str) -> None:
    spoil(path, lambda header: None, TENSORS[what])
    assert "is damaged" in refusal(path)


def test_which_camera_is_wrong_is_said(path: Path) -> None:
    spoil(path, lambda header: None, TENSORS["a pose of nothing"])
    assert refusal(path) == f"{path} is damaged: camera 4 has a pose that no camera has."


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    provenance = {"psnr": math.inf}
    with pytest.raises(ValueError, match=r"/f cannot be written: .*\.$"):
        save_field(tmp_path / "f", TrainedField(**vars(trained()) | {"provenance": provenance}))
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_has_no_values_takes_none_of_torchs_python_with_it(path: Path) -> None:
    """Half of torch, and all of sympy, were loaded to look at shapes: a second before anything was seen."""
    program = "import sys, pathlib, omnifield.train as t; t.load_field(pathlib.Path(sys.argv[1]))"
    asked = [sys.executable, "-c", f"{program}; print('sympy' in sys.modules)", str(path)]
    said = subprocess.run(asked, capture_output=True, text=True)
    assert said.stdout == "False\n", said.stderr
