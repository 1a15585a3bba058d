"""docs/examples/proposal_sampler.py, as if its name were in the union: it keeps the contract, learns, and is kept."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from omnifield.renderers import SAMPLER_CONFIGS, Sampler, SamplerConfig, VolumeRenderer, sampler_config
from omnifield.scenes import Scene
from omnifield.train import Budget, Training, begin, fit
from omnifield.train.checkpoint import load_training, save_training
from omnifield.train.field_file import load_field
from omnifield.train.pixels import random_pixels
from omnifield.train.run import Run

from ..renderers import test_sampler_contract as contract
from ..renderers.analytic import BOX, UNBOUNDED
from .sphere_scene import HASH, sphere_scene

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "proposal_sampler.py"
KIND = "proposal"
STEPS = 60


@pytest.fixture(scope="module")
def config() -> type[SamplerConfig]:
    assert len(EXAMPLE.read_text().splitlines()) < 120
    spec = importlib.util.spec_from_file_location("proposal_sampler", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["proposal_sampler"] = module  # where its dataclass looks for its types
    spec.loader.exec_module(module)
    return module.ProposalConfig


@pytest.fixture(autouse=True)
def known(config: type[SamplerConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SAMPLER_CONFIGS, KIND, config)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("domain", [BOX, UNBOUNDED], ids=["box", "unbounded"])
def test_it_keeps_the_contract(domain) -> None:
    contract.test_chance_comes_from_the_generator_alone(KIND, domain)
    for seed in (None, 3):
        contract.test_samples_are_near_to_far_within_the_span_and_the_domain(KIND, domain, seed)
    contract.test_parts_are_the_whole(KIND, domain)
    contract.test_no_rays_have_no_samples(KIND, domain)
    contract.test_chance_moves_a_sample_no_farther_than_its_step(KIND, domain)
    contract.test_steps_have_a_length_and_may_be_longer(KIND, domain)
    contract.test_a_file_and_a_state_bring_it_back(KIND, domain)
    contract.test_its_loss_teaches_its_parameters_and_not_the_field(KIND, domain)
    contract.test_pictures_are_those_of_the_twin_that_is_read(KIND)


def trained(scene: Scene, steps: int) -> Training:
    training = begin(scene, HASH, sampler=sampler_config(KIND, ("samples=24",)))
    fit(training, scene, Budget(steps=STEPS), [lambda progress: progress.step == steps])
    return training


def loss_of(sampler: Sampler, training: Training, scene: Scene) -> float:
    """How badly it foretells what a trained field looks like."""
    rays = random_pixels(scene.train, 500, torch.Generator().manual_seed(1)).rays
    with torch.no_grad():
        _, trace = VolumeRenderer(training.sampler).trace(training.field, rays, torch.ones(500, 3))
        return sampler.loss(rays, trace.samples, trace.weight).item()


def test_it_is_trained_beside_the_field_and_kept_in_both_files(tmp_path: Path) -> None:
    scene = sphere_scene()
    training = trained(scene, STEPS)
    before = training.sampler.config.build(scene.domain)
    moved = (training.sampler.state_dict()["logits"] - before.state_dict()["logits"]).abs()
    assert moved.max() > 0.5
    assert loss_of(training.sampler, training, scene) < 0.5 * loss_of(before, training, scene)
    path = Run(tmp_path, scene, training, {}).save()
    kept = load_field(path)
    rays = scene.test[0].cameras.pixel_rays(0)
    pictures = [
        VolumeRenderer(sampler).render_image(field, rays, torch.ones(3)).color
        for field, sampler in ((training.field, training.sampler), (kept.field, kept.sampler))
    ]
    assert torch.equal(*pictures) and kept.sampler.config == training.sampler.config
    assert (pictures[0] - 1).abs().max() > 0.3  # something is to be seen


def test_a_training_with_it_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    scene = sphere_scene()
    whole, half = trained(scene, 12), trained(scene, 6)
    save_training(tmp_path / "state", half)
    again = begin(scene, HASH, sampler=half.sampler.config)
    load_training(tmp_path / "state", again)
    fit(again, scene, Budget(steps=STEPS), [lambda progress: progress.step == 12])
    for mine, theirs in ((again.sampler, whole.sampler), (again.field, whole.field)):
        state = theirs.state_dict()
        assert all(torch.equal(tensor, state[name]) for name, tensor in mine.state_dict().items())
    with pytest.raises(ValueError, match="not a training of this field"):
        load_training(tmp_path / "state", begin(scene, HASH))
