"""Features of two fields made comparable: through one decoder, through a linear map, or not at all."""

import pytest
import torch
from omnifield.distill.feature_map import FeatureMap
from omnifield.fields import Field, field_config

from ..fields.contract import answers, scattered, stirred
from .ball_scene import CUBE, BallConfig, NormalBall


def student(kind: str, *settings: str) -> Field:
    torch.manual_seed(3)
    return field_config(kind, "tiny", settings).build(CUBE)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("hash", ()),
        ("mlp", ()),
        ("mlp", ("color_hidden=48", "feature_dim=20")),
        ("vm", ()),
        ("cp", ("color_hidden=40",)),
        ("triplane", ()),
    ],
)
def test_an_inherited_decoder_gives_exactly_the_teachers_colours(kind, settings) -> None:
    teacher, ours = stirred("mlp", CUBE), student(kind, *settings)
    feature_map = FeatureMap(teacher, ours, "inherited")
    assert feature_map.compared and feature_map.inherited, feature_map.note
    points = scattered(300, CUBE)
    _, features, color = answers(teacher, points)
    own = torch.randn(300, ours.feature_dim, generator=torch.Generator().manual_seed(0))
    own[:, : teacher.feature_dim] = features  # whatever else a student says is not heard
    assert torch.equal(feature_map.mapped(own), features)
    assert torch.allclose(ours.color(own, points), color, atol=1e-6)
    assert feature_map.note == "the teacher's colour decoder was inherited"
    assert {id(p) for p in feature_map.inherited} <= {id(p) for p in ours.parameters()}


def test_a_student_that_speaks_otherwise_is_understood_through_a_linear_map(generator) -> None:
    teacher, ours = stirred("mlp", CUBE), student("mlp")
    before = [weight.clone() for weight in ours.parameters()]
    feature_map = FeatureMap(teacher, ours, "own")
    assert feature_map.compared and not feature_map.inherited and "a linear map" in feature_map.note
    assert all(torch.equal(a, b) for a, b in zip(before, ours.parameters(), strict=True))
    matrix, shift = torch.randn(15, 15, generator=generator), torch.randn(15, generator=generator)
    said = torch.randn(4000, 15, generator=generator)
    feature_map.fit(said, said @ matrix + shift)
    other = torch.randn(100, 15, generator=generator)
    assert torch.allclose(feature_map.mapped(other), other @ matrix + shift, atol=0.03)


def test_a_map_is_fitted_to_features_that_say_nothing_and_to_no_points_at_all() -> None:
    feature_map = FeatureMap(stirred("mlp", CUBE), student("mlp"), "own")
    told = torch.arange(15.0).expand(50, 15)
    feature_map.fit(torch.zeros(50, 15), told)
    assert torch.allclose(feature_map.mapped(torch.zeros(3, 15)), told[:3], rtol=0.01)
    before = feature_map.mapped(torch.ones(3, 15))
    feature_map.fit(torch.zeros(0, 15), told[:0])
    assert torch.equal(feature_map.mapped(torch.ones(3, 15)), before)


def test_a_decoder_that_does_not_fit_is_left_alone() -> None:
    teacher, ours = student("mlp", "color_hidden=64"), student("mlp", "color_hidden=16")
    feature_map = FeatureMap(teacher, ours, "inherited")
    assert feature_map.compared and not feature_map.inherited and "a decoder of its own" in feature_map.note
    deeper = FeatureMap(student("mlp", "color_layers=1"), student("mlp", "color_layers=2"), "inherited")
    assert not deeper.inherited


@pytest.mark.parametrize("kind", ["voxel", "mipvog"])
def test_fields_without_a_decoder_have_nothing_in_common(kind) -> None:
    for teacher, ours in ((stirred("mlp", CUBE), student(kind)), (stirred(kind, CUBE), student("mlp"))):
        feature_map = FeatureMap(teacher, ours, "inherited")
        assert not feature_map.compared and "features are not compared" in feature_map.note
    assert not FeatureMap(NormalBall(BallConfig(), CUBE), student("mlp"), "inherited").compared
