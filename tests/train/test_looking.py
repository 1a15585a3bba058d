"""When cells are looked at: late enough to learn something, and all of them before a file is written."""

import dataclasses
from pathlib import Path

import pytest
import torch
from omnifield.fields.hash import HashField
from omnifield.renderers import VolumeRenderer
from omnifield.scenes import Contraction, Scene
from omnifield.scenes.hull import COARSEST
from omnifield.train import Budget, Progress, Training, begin, fit
from omnifield.train.field_file import load_field
from omnifield.train.run import Run
from omnifield.train.seen_cells import only_seen

from .sphere_scene import BOX, HASH, MLP, sphere_scene


def test_without_silhouettes_cells_are_coarse_at_first_and_then_finer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Photographs: every pixel is opaque, and nothing is looked at before the field has learned something."""
    monkeypatch.setattr("omnifield.renderers.occupancy.FIRST_LOOK", 16)
    scene = sphere_scene()
    opaque = dataclasses.replace(
        scene.train[0], images=scene.train[0].images | torch.tensor([0, 0, 0, 255]).byte()
    )
    unbounded = dataclasses.replace(scene, domain=Contraction(BOX.lo, BOX.hi))
    for photographs in (dataclasses.replace(scene, train=(opaque,)), unbounded):
        training = begin(photographs, dataclasses.replace(HASH, samples_per_step=1 << 15))
        assert training.sampler.resolution == COARSEST
        resolutions, looked_at = watched(training, photographs, 41)
        assert looked_at[15] == 0
        assert resolutions == sorted(resolutions) and resolutions[15] == 32 and resolutions[-1] == 64
        assert training.sampler.looked_at == len(training.sampler.order)


def watched(training: Training, scene: Scene, steps: int) -> tuple[list[int], list[int]]:
    """After every step, into how many cells each side is divided, and how many were looked at."""
    resolutions, looked_at = [], []

    def look(progress: Progress) -> None:
        resolutions.append(training.sampler.resolution)
        looked_at.append(training.sampler.looked_at)

    fit(training, scene, Budget(steps=steps), [look])
    return resolutions, looked_at


def test_a_slow_fields_file_keeps_no_cell_that_nobody_has_looked_at(tmp_path: Path) -> None:
    """A few steps of few samples: far fewer looks than there are cells."""
    scene = sphere_scene()
    photographs = dataclasses.replace(scene, domain=Contraction(BOX.lo, BOX.hi))
    training = begin(photographs, MLP)
    run = Run(tmp_path, photographs, training, {})
    fit(training, photographs, Budget(steps=3))
    before, numbers = training.seconds, training.generator.get_state()
    trained = load_field(run.save())
    possible = len(training.sampler.order)
    assert trained.provenance["cells_looked_at"] == f"{possible:,} of {possible:,} possible ones"
    looked_at = training.settled()
    assert looked_at.looked_at == possible and training.seconds > before
    assert torch.equal(trained.sampler.bits, run.settled().bits)
    # The training itself goes on as if nobody had saved it.
    assert training.sampler.looked_at == 0 and torch.equal(numbers, training.generator.get_state())


def test_an_unbounded_scenes_file_keeps_only_cells_that_cameras_see() -> None:
    """All is matter, of which cameras see what is nearest: behind it nothing is kept, and pictures are the same."""
    scene = dataclasses.replace(sphere_scene(), domain=Contraction(BOX.lo, BOX.hi))
    training = begin(scene, HASH)
    assert isinstance(training.field, HashField)
    full, cameras = training.settled(), scene.train[0].cameras
    with torch.no_grad():
        training.field.table.fill_(1.0)
        training.field.trunk.weights[-1][0] = 5.0
    kept = only_seen(training.field, full, [cameras])
    assert 0 < kept.occupied_share < 0.5 * full.occupied_share
    before, after = (
        VolumeRenderer(sampler).render_views(training.field, cameras[:2], torch.ones(3), 3)
        for sampler in (full, kept)
    )
    for one, other in zip(before, after, strict=True):
        assert one.opacity.min() > 0.99 and torch.equal(one.color, other.color)


def test_a_bounded_scenes_file_keeps_all_cells() -> None:
    training = begin(sphere_scene(), HASH)
    full = training.settled()
    assert only_seen(training.field, full, [sphere_scene().train[0].cameras]) is full
