"""Tri-plane, VM and CP: sizes of the papers, and volumes whose values are known."""

import pytest
import torch
from omnifield.fields import Field, field_config
from omnifield.fields.cp import CpField
from omnifield.fields.triplane import OMEGA, SineMlp, octave_encoding
from omnifield.fields.vm import VmField
from omnifield.scenes import Box

from .contract import BOX, answers, scattered, stirred

UNIT = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def build(tag: str, preset: str = "default", *settings: str) -> Field:
    torch.manual_seed(0)
    return field_config(tag, preset, settings).build(UNIT)


def test_the_tri_plane_descriptor_has_the_papers_sizes() -> None:
    """49,152 numbers in three planes of 32×32×16, and 13,505 in an MLP 79-64-64-64-1."""
    field = build("triplane", "paper", "feature_dim=1")
    assert field.get_parameter("table").numel() == 49_152
    one_output = sum(p.numel() for p in field.get_submodule("trunk").parameters()) - 65
    assert one_output == 13_505


def test_the_papers_encoding_has_63_numbers(generator: torch.Generator) -> None:
    x = torch.rand(5, 3, generator=generator) * 2 - 1
    encoded = octave_encoding(x, 10)
    assert encoded.shape == (5, 63) and torch.equal(encoded[:, :3], x)
    torch.testing.assert_close(encoded[:, 3:6], x.sin())
    torch.testing.assert_close(encoded[:, -3:], (512 * x).cos())


def test_layers_of_sines() -> None:
    torch.manual_seed(0)
    network = SineMlp([3, 4, 2])
    first, last = network.layers
    x = torch.rand(6, 3)
    expected = torch.sin(OMEGA * (x @ first.weight.T + first.bias)) @ last.weight.T + last.bias
    torch.testing.assert_close(network(x), expected)


@pytest.mark.parametrize(("combine", "width"), [("sum", 48), ("product", 48), ("concat", 144)])
def test_planes_are_combined(combine: str, width: int) -> None:
    field = build("triplane", "default", f"combine={combine}")
    assert field.get_parameter("trunk.weights.0").shape == (64, width)
    answers(field, scattered(10, UNIT))


def test_vm_192_has_tensorfs_sizes() -> None:
    """16 and 48 components for each of three pairs of a 128² plane and a line of 128; a basis of 144 × 27."""
    field = build("vm", "paper")
    plane_and_line = 128**2 + 128
    assert field.get_parameter("density_factors.table").numel() == 3 * 16 * plane_and_line
    assert field.get_parameter("appearance_factors.table").numel() == 3 * 48 * plane_and_line
    assert field.get_parameter("basis.weight").shape == (27, 144)


def test_cp_384_has_tensorfs_sizes() -> None:
    field = build("cp", "paper")
    assert field.get_parameter("density_factors.table").numel() == 3 * 96 * 128
    assert field.get_parameter("appearance_factors.table").numel() == 3 * 288 * 128
    assert field.get_parameter("basis.weight").shape == (27, 288)


def test_vm_multiplies_each_plane_with_the_line_it_leaves_out(generator: torch.Generator) -> None:
    values = torch.rand(7, 6, 4, generator=generator)
    expected = torch.cat([values[:, k] * values[:, 3 + k] for k in range(3)], -1)
    assert torch.equal(VmField.products(values), expected)


def test_cp_multiplies_three_lines(generator: torch.Generator) -> None:
    values = torch.rand(7, 6, 4, generator=generator)
    x, y, z = (values[:, 2 * axis : 2 * axis + 2].flatten(1) for axis in range(3))
    assert torch.equal(CpField.products(values), x * y * z)


@pytest.mark.parametrize("tag", ["vm", "cp"])
def test_refining_changes_resolution_and_little_else(tag: str) -> None:
    field, points = stirred(tag), scattered(2000, BOX)
    before = answers(field, points)
    tables = [field.get_parameter(f"{part}_factors.table") for part in ("density", "appearance")]
    with torch.no_grad():  # smooth tables: a few random numbers, resampled
        for table in tables:
            table.copy_(table.mean(0) + 0.1 * torch.linspace(-1, 1, len(table))[:, None])
    before = answers(field, points)
    field.refine(lambda position: torch.ones(len(position), dtype=torch.bool))
    after = answers(field, points)
    assert all(
        p.shape[0] > t.shape[0] for p, t in zip(field.parameter_groups()[0].parameters, tables, strict=True)
    )
    for ours, theirs in zip(after, before, strict=True):
        assert (ours - theirs).abs().mean() < 0.02 * theirs.abs().mean()


@pytest.mark.parametrize("tag", ["vm", "cp", "voxel", "mipvog"])
def test_a_refined_field_is_loaded_into_a_new_one(tag: str) -> None:
    field, points = stirred(tag), scattered(500, BOX)
    field.refine(lambda position: position[:, 0] < 0)
    again = field_config(tag, "tiny").build(BOX)
    again.load_state_dict(field.state_dict())
    for ours, theirs in zip(answers(again, points), answers(field, points), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("tag", ["vm", "cp"])
def test_a_stage_that_there_is_not_is_refused(tag: str) -> None:
    state = stirred(tag).state_dict() | {"stage": torch.tensor(7)}
    with pytest.raises(ValueError, match="no stage 7"):
        field_config(tag, "tiny").build(BOX).load_state_dict(state)


def test_fields_of_one_resolution_say_so() -> None:
    with pytest.raises(NotImplementedError, match="a hash field has one resolution"):
        stirred("hash").refine(lambda position: position[:, 0] < 0)


@pytest.mark.parametrize("tag", ["triplane", "vm", "cp", "voxel", "mipvog"])
def test_penalties_are_weighted_and_have_gradients(tag: str) -> None:
    names = {"vm": "sparsity", "cp": "smoothness", "voxel": "harmonics_smoothness"}
    name = names.get(tag, "smoothness")
    one, two = (field_config(tag, "tiny", [f"{name}={weight}"]).build(BOX) for weight in (1.0, 2.0))
    two.load_state_dict(one.state_dict())
    base = field_config(tag, "tiny", [f"{name}=0"]).build(BOX)
    base.load_state_dict(one.state_dict())
    values = [field.penalty(None).item() - base.penalty(None).item() for field in (one, two)]
    assert values[0] > 0 and values[1] == pytest.approx(2 * values[0], rel=1e-5)
    one.penalty(torch.Generator().manual_seed(0)).backward()
    assert any(p.grad is not None and p.grad.any() for p in one.parameters())
