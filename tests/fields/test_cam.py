"""Coordinate-aware modulation in closed form, and a field of eight bits."""

import math
from pathlib import Path

import pytest
import torch
from omnifield.fields import CamField, Points, field_config
from omnifield.fields.cam import AZIMUTHS, ELEVATIONS, TIMES, on_the_sphere
from omnifield.fields.encodings import frequency_encoding
from omnifield.renderers import OccupancyConfig, VolumeRenderer
from omnifield.scenes import pinhole
from omnifield.train import TrainedField, load_field, save_field
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from .contract import BOX, answers, scattered, stirred

COORDINATES = pytest.mark.parametrize("coordinate", ["direction", "time", "position"])
LAST = {"gamma": 1, "beta": 3}  # the columns of the last of two layers in the grids


def made(coordinate: str, *settings: str, preset: str = "tiny") -> CamField:
    torch.manual_seed(0)
    field = field_config("cam", preset, [f"coordinate={coordinate}", *settings]).build(BOX)
    assert isinstance(field, CamField)
    return field


def points_with(count: int = 200, **replaced: Tensor) -> Points:
    return Points(**(vars(scattered(count, BOX)) | replaced))


def plain(field: CamField, points: Points) -> Tensor:
    """What the head says if nothing is modulated: layer norms, spelled out."""
    x = BOX.unit_from_world(points.position) * 2 - 1
    hidden = frequency_encoding(x, field.config.octaves)
    for layer in field.trunk:
        hidden = layer(hidden)
        if field.config.coordinate != "time":
            mean, variance = hidden.mean(-1, keepdim=True), hidden.var(-1, keepdim=True, unbiased=False)
            hidden = (hidden - mean) / (variance + 1e-5).sqrt()
        hidden = torch.relu(hidden)
    return field.head(hidden)


@COORDINATES
def test_a_field_begins_as_a_plain_normalised_mlp(coordinate: str) -> None:
    field, points = made(coordinate), points_with()
    if field.warp is not None:
        torch.nn.init.zeros_(field.warp.shift.weight)
    torch.testing.assert_close(field.probe(points).carry, plain(field, points), rtol=1e-4, atol=1e-5)


@COORDINATES
def test_a_last_layer_without_gamma_says_its_beta_alone(coordinate: str) -> None:
    field = made(coordinate)
    with torch.no_grad():
        field.modulation.grids[:, LAST["gamma"]] = 0
        field.modulation.grids[:, LAST["beta"]] = 0.7 / (3 if coordinate == "position" else 1)
    expected = 0.7 * field.head.weight.sum(-1) + field.head.bias
    torch.testing.assert_close(field.probe(points_with()).carry, expected.expand(200, -1))


def betas(field: CamField, points: Points) -> Tensor:
    """β of the last layer."""
    return field.modulation(BOX.unit_from_world(points.position), points)[1][-1]


def test_a_beta_over_time_is_linear_between_five_nodes() -> None:
    field = made("time")
    nodes = torch.tensor([0.0, 1.0, -2.0, 5.0, 3.0])
    with torch.no_grad():
        field.modulation.grids[:, LAST["beta"]] = nodes
    time = torch.tensor([0.0, 0.25, 0.375, 0.5, 0.8, 1.0])
    expected = torch.tensor([0.0, 1.0, -0.5, -2.0, 5 - 0.2 * 2, 3.0])
    torch.testing.assert_close(betas(field, points_with(6, time=time)), expected)


def test_a_beta_over_position_is_the_sum_of_three_planes() -> None:
    """Interpolation along both axes is exact where a plane is linear along each."""
    field, nodes = made("position"), 8
    node = torch.arange(nodes) / (nodes - 1)
    second, first = torch.meshgrid(node, node, indexing="ij")
    planes = [first + 2 * second, 3 * first - second, first * second]
    with torch.no_grad():
        field.modulation.grids[:, LAST["beta"]] = torch.cat([plane.flatten() for plane in planes])
    points = points_with()
    x, y, z = BOX.unit_from_world(points.position).unbind(-1)
    expected = (x + 2 * y) + (3 * x - z) + y * z
    torch.testing.assert_close(betas(field, points), expected, rtol=1e-4, atol=1e-5)


def test_the_whole_sphere_is_inside_the_grid() -> None:
    directions = torch.tensor([[0, 0, -1.0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0]])
    place = on_the_sphere(directions)
    assert place[:, 1].tolist() == pytest.approx([0, 1, 0.5, 0.5, 0.5])
    assert place[2:, 0].tolist() == pytest.approx([0.5, 0.75, 1.0])
    somewhere = on_the_sphere(scattered(5000, BOX).direction)
    assert (somewhere.amin(0)[:2] < 0.02).all() and (somewhere.amax(0)[:2] > 0.98).all()


def test_every_node_of_the_sphere_is_reached_and_behind_it_there_is_no_seam() -> None:
    field, count = made("direction"), AZIMUTHS * ELEVATIONS
    with torch.no_grad():
        field.modulation.grids[:, LAST["beta"]] = torch.arange(count).float()
    azimuth = (torch.arange(AZIMUTHS) / AZIMUTHS - 0.5) * 2 * math.pi
    elevation = torch.tensor([-1.5, 0.0, 1.5])
    up, around = torch.meshgrid(elevation, azimuth, indexing="ij")
    directions = torch.stack([up.cos() * around.cos(), up.cos() * around.sin(), up.sin()], -1).reshape(-1, 3)
    found = betas(field, points_with(count, direction=directions))
    edge = 10 * (1 - 1.5 / (math.pi / 2))  # how much of the equator is seen so near to a pole
    lift = torch.tensor([edge, 0, -edge])[:, None]
    torch.testing.assert_close(found.reshape(ELEVATIONS, AZIMUTHS), torch.arange(count).reshape(3, 10) + lift)
    sides = torch.tensor([[-1.0, 1e-6, 0.0], [-1.0, -1e-6, 0.0]])
    left, right = betas(field, points_with(2, direction=sides))
    assert left.item() == pytest.approx(right.item(), abs=1e-3)


def test_a_warp_shows_what_was_there_before_it_moved() -> None:
    field, points = made("time"), points_with()
    assert field.warp is not None
    shift = torch.tensor([0.1, -0.2, 0.3])
    with torch.no_grad():
        field.warp.shift.weight.zero_()
        field.warp.shift.bias.copy_(shift)
    moved = BOX.world_from_unit(BOX.unit_from_world(points.position) + shift / 2)
    expected = plain(field, points_with(position=moved))
    torch.testing.assert_close(field.probe(points).carry, expected, rtol=1e-3, atol=1e-4)


def count_of(*settings: str, preset: str) -> int:
    return sum(p.numel() for p in field_config("cam", preset, settings).build(BOX).parameters())


def test_parameters_of_the_papers_sizes() -> None:
    """NeRF's 594,305, see `test_choice`, and eight layers' γ and β; those of time are the paper's 80 numbers."""
    assert count_of(preset="paper") == 594_305 + 8 * 2 * 30 == 594_785
    warp = (36 * 64 + 64) + 3 * (64 * 64 + 64) + (64 * 3 + 3)
    assert count_of(preset="dynamic") == 594_305 + 8 * 2 * TIMES + warp
    assert count_of("coordinate=position", "plane_nodes=16", preset="paper") == 594_305 + 8 * 2 * 3 * 16 * 16


@COORDINATES
def test_a_field_of_eight_bits_is_stored_in_bytes_and_shown_as_it_was_trained(coordinate: str) -> None:
    field, points = made(coordinate, "bits=8"), points_with()
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.05)
    stored = field.stored_state()
    sizes = {name: tensor.nbytes for name, tensor in stored.items()}
    for name, parameter in field.named_parameters():
        assert sizes[name] == parameter.numel() * (1 if parameter.ndim > 1 else 4), name
    loaded = made(coordinate, "bits=8")
    loaded.load_state_dict(loaded.unpacked(stored))
    for before, after in zip(answers(field, points), answers(loaded, points), strict=True):
        assert torch.equal(before, after)
    again = loaded.stored_state()
    assert all(torch.equal(again[name], tensor) for name, tensor in stored.items())


def test_eight_bits_of_the_papers_size_are_the_papers_megabytes() -> None:
    """0.58 MB of mip-NeRF, whose heads are a little smaller."""
    stored = field_config("cam", "paper8").build(BOX).stored_state()
    assert sum(tensor.nbytes for tensor in stored.values()) == pytest.approx(0.6e6, rel=0.01)


def test_full_precision_is_stored_as_it_is() -> None:
    field = stirred("cam")
    assert field.stored_state().keys() == field.state_dict().keys()


@pytest.mark.parametrize("spoilt", ["modulation.grids", "trunk.0.weight", "decoder.mlp.weights.0"])
def test_bytes_that_are_none_are_refused(spoilt: str) -> None:
    field = made("position", "bits=8")
    stored = field.stored_state()
    for name, tensor in (
        (spoilt, stored[spoilt].float()),
        (f"{spoilt}.scale", stored[f"{spoilt}.scale"].to(torch.int8)),
        (f"{spoilt}.scale", torch.ones(7)),
    ):
        with pytest.raises(ValueError, match=spoilt):
            field.load_state_dict(field.unpacked(stored | {name: tensor}))
    del stored[f"{spoilt}.scale"]
    with pytest.raises(KeyError):
        field.load_state_dict(field.unpacked(stored))


def test_a_file_of_bytes_shows_what_was_trained_and_one_that_is_spoilt_is_refused(tmp_path: Path) -> None:
    path, field = tmp_path / "field.safetensors", made("position", "bits=8")
    pose = torch.tensor([[[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 4]]])
    cameras = pinhole(pose, (12, 9), 0.7, near=0.1)
    transform, thumbnail = torch.eye(4), torch.zeros(2, 2, 3, dtype=torch.uint8)
    occupancy = OccupancyConfig(16).build(BOX)
    save_field(path, TrainedField(field, occupancy, (cameras,), (1.0, 1.0, 1.0), transform, {}, thumbnail))
    loaded = load_field(path)
    before, after = (
        VolumeRenderer(occupancy).render_image(each, cameras.pixel_rays(0), torch.ones(3))
        for each in (field, loaded.field)
    )
    assert before.opacity.max() > 0.1
    assert torch.equal(before.color, after.color) and torch.equal(before.depth, after.depth)
    with safe_open(path, framework="pt") as file:
        header, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    assert tensors["field.head.weight"].dtype == torch.int8
    spoilt = (
        {"field.head.weight": tensors["field.head.weight"].float()},
        {"field.head.weight": tensors["field.head.weight"][1:]},
        {"field.head.weight.scale": torch.ones(1)},
        {"field.head.bias.scale": torch.ones(1)},
    )
    for change in spoilt:
        save_file(tensors | change, path, header)
        with pytest.raises(ValueError, match="is damaged: ") as caught:
            load_field(path)
        assert "\n" not in str(caught.value)
