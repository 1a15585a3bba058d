"""The training loop: budgets and rates, a sphere that it learns, and what it does when things break."""

import dataclasses
import gc
import itertools
import math
import time

import pytest
import torch
from omnifield.fields import FieldConfig, Points, field_config
from omnifield.scenes import Scene, Views, hull
from omnifield.train import Budget, FitConfig, Progress, Training, begin, fit, judge, loop
from omnifield.train.loop import what_goes_back
from torch import Tensor

from .sphere_scene import BOX, HASH, MLP, sphere_scene

WHITE = torch.ones(3)
ALL = torch.ones(32**3, dtype=torch.bool)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return sphere_scene()


def state(training: Training) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in training.field.state_dict().items()}


def fitted(training: Training, scene: Scene, budget: Budget, end: int | None = None) -> list[Progress]:
    """Every step, up to that with the number `end`."""
    progress: list[Progress] = []
    fit(training, scene, budget, [progress.append, lambda each: each.step == end])
    return progress


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        (Budget(), 0.0),
        (Budget(seconds=40.0), 0.25),
        (Budget(steps=50), 0.6),
        (Budget(seconds=40.0, steps=50), 0.6),
        (Budget(seconds=20.0, steps=300), 0.5),
        (Budget(seconds=1.0), 10.0),
    ],
)
def test_a_budget_is_spent_by_whichever_comes_first(budget: Budget, spent: float) -> None:
    assert budget.spent(10.0, 30) == pytest.approx(spent)
    assert budget.spent(0.0, 0) == 0


def test_ruling_out_empty_space_waits_for_no_thread_of_torch(scene: Scene, monkeypatch) -> None:
    before, seen = torch.get_num_threads(), []
    monkeypatch.setattr(loop, "possible_cells", lambda *_, **__: seen.append(torch.get_num_threads()) or ALL)
    torch.set_num_threads(2)
    begin(scene, HASH)
    torch.set_num_threads(before)
    assert seen and set(seen) == {1}


def test_ruling_out_empty_space_leaves_most_of_a_small_budget(scene: Scene, monkeypatch) -> None:
    """Every look at a view takes a tenth of a second here; all looks would take a multiple of the budget."""
    clock, look = [0.0], hull._may_be_seen

    def slow(*asked: object) -> Tensor:
        clock[0] += 0.1
        return look(*asked)

    monkeypatch.setattr(hull, "_may_be_seen", slow)
    monkeypatch.setattr(loop.time, "perf_counter", lambda: clock[0])
    assert begin(scene, HASH).seconds > 3
    hurried = begin(scene, HASH, budget=Budget(seconds=1.0))
    assert hurried.seconds == pytest.approx(0.3)
    assert len(scene.train[0]) > 3 and not hurried.sampler.occupied.all()


def test_the_rate_rises_then_falls_to_its_end() -> None:
    config = FitConfig(warmup=0.1, final_rate=0.04)
    assert (config.rate_at(0.0), dataclasses.replace(config, warmup=0.0).rate_at(0.0)) == (0, 1)
    assert config.rate_at(0.05) == pytest.approx(0.5 * (1 - 0.96 * 0.05))
    assert config.rate_at(0.1) == pytest.approx(1 - 0.96 * 0.1)
    assert config.rate_at(0.5) == pytest.approx(0.52)
    assert config.rate_at(1.0) == config.rate_at(1.5) == pytest.approx(0.04)
    falling = [config.rate_at(0.1 + 0.9 * i / 50) for i in range(51)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize(
    ("config", "steps", "psnr"), [(HASH, 100, 24.0), (MLP, 150, 18.0)], ids=["hash", "mlp"]
)
def test_a_sphere_is_learned(scene: Scene, config: FieldConfig, steps: int, psnr: float) -> None:
    """Held-out views, of 24 pixels, of a sphere whose outline takes a sixth of them."""
    training = begin(scene, config)
    progress = fitted(training, scene, Budget(steps=steps))
    assert [each.step for each in progress] == list(range(1, steps + 1))
    assert progress[-1].spent == 1 and progress[-1].psnr == pytest.approx(-10 * math.log10(progress[-1].loss))
    first, last = (sum(each.loss for each in part) / 10 for part in (progress[:10], progress[-10:]))
    assert last < first / 4
    views = list(judge(training.field, training.sampler, scene.test, WHITE))
    assert min(view.psnr for view in views) > psnr


def test_batches_grow_towards_the_number_of_samples_that_the_field_asks_for(scene: Scene) -> None:
    training = begin(scene, MLP)
    progress = fitted(training, scene, Budget(steps=20))
    assert all(0.4 < each.samples / MLP.samples_per_step < 2.5 for each in progress[8:])
    assert all(after.rays <= 2 * before.rays for before, after in itertools.pairwise(progress))


def test_a_seed_decides_a_training(scene: Scene) -> None:
    def after(seed: int) -> dict[str, Tensor]:
        training = begin(scene, HASH, FitConfig(seed=seed))
        fit(training, scene, Budget(steps=10))
        return state(training)

    first, again, other = after(0), after(0), after(1)
    assert same(first, again) and not same(first, other)


def test_normals_may_be_looked_at_between_steps(scene: Scene) -> None:
    """They are gradients through the tables: the next step must not take them for its own."""
    watched, alone = begin(scene, HASH), begin(scene, HASH)
    position = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    zero = torch.zeros(50)
    points = Points(position=position, direction=torch.zeros(50, 3), footprint=zero, time=zero)

    def look(progress: Progress) -> None:
        (slope,) = torch.autograd.grad(watched.field.density(points).sum(), position)
        assert slope.any()

    fit(watched, scene, Budget(steps=4), [look])
    fit(alone, scene, Budget(steps=4))
    assert same(state(watched), state(alone))


def test_masked_pixels_teach_nothing(scene: Scene) -> None:
    """Whatever is in them: every bit of the field stays the same."""
    ignored = torch.zeros(scene.train[0].images.shape[:3], dtype=torch.bool)
    ignored[:, 8:16, 4:20] = True
    clean = dataclasses.replace(scene, train=(dataclasses.replace(scene.train[0], ignored=ignored),))
    images = scene.train[0].images.clone()
    images[ignored] = torch.tensor([255, 0, 255, 128], dtype=torch.uint8)
    spoilt = dataclasses.replace(clean, train=(dataclasses.replace(clean.train[0], images=images),))
    assert same(after_steps(clean, 12), after_steps(spoilt, 12))
    assert not same(after_steps(clean, 12), after_steps(scene, 12))


def after_steps(scene: Scene, steps: int) -> dict[str, Tensor]:
    training = begin(scene, HASH)
    fit(training, scene, Budget(steps=steps))
    return state(training)


def test_a_scene_of_masks_alone_changes_nothing_and_does_not_break(scene: Scene) -> None:
    everything = torch.ones(scene.train[0].images.shape[:3], dtype=torch.bool)
    masked = dataclasses.replace(scene, train=(dataclasses.replace(scene.train[0], ignored=everything),))
    assert [each.loss for each in fitted(begin(masked, MLP), masked, Budget(steps=3))] == [0, 0, 0]


def test_a_scene_in_which_nothing_is_seen_is_trained_all_the_same(scene: Scene) -> None:
    """Transparent pictures rule out every cell: rays without samples, and nothing to learn."""
    empty = Views(
        scene.train[0].cameras,
        torch.zeros_like(scene.train[0].images),
        scene.train[0].ignored,
        scene.train[0].names,
    )
    nothing = dataclasses.replace(scene, train=(empty,))
    progress = fitted(begin(nothing, HASH), nothing, Budget(steps=10))
    assert progress[-1].step == 10 and progress[-1].loss < 0.01


def test_the_clock_stands_still_while_the_caller_looks(scene: Scene) -> None:
    training = begin(scene, MLP)
    started = training.seconds
    progress: list[Progress] = []
    before = time.perf_counter()
    fit(training, scene, Budget(steps=4), [progress.append, lambda _: time.sleep(0.2)])
    assert time.perf_counter() - before > 0.8 + training.seconds - started
    assert training.seconds == pytest.approx(started + sum(each.step_seconds for each in progress))
    assert [each.seconds for each in progress] == sorted(each.seconds for each in progress)
    assert started > 0 and progress[-1].seconds == training.seconds
    assert all(
        each.samples_per_second == pytest.approx(each.samples / each.step_seconds) for each in progress
    )


def test_callbacks_are_called_in_turn_and_one_may_end_the_training(scene: Scene) -> None:
    training, said = begin(scene, MLP), list[str]()

    def first(progress: Progress) -> None:
        said.append(f"first {progress.step} {training.step}")

    def enough(progress: Progress) -> bool:
        said.append("enough")
        return progress.step == 2

    fit(training, scene, Budget(steps=9), [first, enough, lambda progress: said.append("last")])
    assert said == ["first 1 1", "enough", "last", "first 2 2", "enough"] and training.step == 2


def test_a_budget_of_seconds_ends_a_training(scene: Scene) -> None:
    training = begin(scene, MLP)
    *_, last = fitted(training, scene, Budget(seconds=training.seconds + 0.3))
    assert last.spent >= 1 and training.seconds - last.step_seconds < training.seconds
    assert fitted(training, scene, Budget(seconds=training.seconds)) == []


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_breakdown_is_an_error_and_the_field_stays_as_the_last_good_step_left_it(
    scene: Scene, what: str
) -> None:
    training = begin(scene, HASH)
    fitted(training, scene, Budget(steps=50), end=6)
    good = state(training)
    if what == "loss":
        color = training.field.color
        training.field.color = lambda features, points: color(features, points) * math.nan  # pyright: ignore
    else:
        layer = training.field.parameter_groups()[1].parameters[0]
        layer.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(FloatingPointError, match=r"Training broke down at step 6: .* not finite\.$"):
        fit(training, scene, Budget(steps=50))
    assert same(good, state(training)) and training.step == 6


@pytest.mark.parametrize("tag", ["hash", "vm", "voxel", "mipvog"])
def test_a_breakdown_in_a_table_leaves_the_field_as_it_was(scene: Scene, tag: str) -> None:
    training = begin(scene, field_config(tag, "tiny", ["samples_per_step=512"]))
    fitted(training, scene, Budget(steps=50), end=1)
    good, table = state(training), training.field.parameter_groups()[0].parameters[0]
    assert table.grad is not None
    table.grad[-1, 0] = math.nan  # as a kernel would have left it: it adds to what is there
    with pytest.raises(FloatingPointError):
        fit(training, scene, Budget(steps=50))
    assert same(good, state(training))


def test_a_larger_budget_says_what_goes_back(scene: Scene) -> None:
    training = begin(scene, MLP)
    fit(training, scene, Budget(steps=3))
    training.step, training.spent = 100, 0.99
    [sentence] = what_goes_back(training, Budget(steps=200))
    assert "from 4% to 52%" in sentence and sentence.endswith(".")
    assert what_goes_back(training, Budget(steps=100)) == what_goes_back(training, Budget(steps=101)) == []


def test_a_poisoned_parameter_is_an_error_at_once(scene: Scene) -> None:
    training = begin(scene, MLP)
    fitted(training, scene, Budget(steps=50), end=1)
    with torch.no_grad():
        training.field.get_parameter("head.weight")[3, 2] = math.nan
    before = state(training)
    with pytest.raises(FloatingPointError):
        fit(training, scene, Budget(steps=50))
    after = state(training)
    assert all(torch.equal(before[name].nan_to_num(), after[name].nan_to_num()) for name in before)


def test_no_tensors_pile_up(scene: Scene) -> None:
    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, Tensor) for each in gc.get_objects())

    training = begin(scene, HASH)
    fitted(training, scene, Budget(steps=1000), end=10)
    before = alive()
    fitted(training, scene, Budget(steps=1000), end=40)
    assert alive() <= before
    assert all(
        p.grad is None for g in training.field.parameter_groups() if g.kind != "table" for p in g.parameters
    )


def test_what_silhouettes_rule_out_is_never_sampled(scene: Scene) -> None:
    training = begin(scene, HASH)
    possible = training.sampler.occupied
    assert 0.1 < possible.float().mean() < 0.6
    fit(training, scene, Budget(steps=9))
    assert not (training.sampler.occupied & ~possible).any()
    corner = torch.tensor([[0.95, 0.95, 0.95], [0.0, 0.0, 0.0]])
    x, y, z = (BOX.unit_from_world(corner) * 128).long().unbind(-1)
    assert possible[x + 128 * y + 128**2 * z].tolist() == [False, True]


def test_a_moving_scene_is_marched_through_in_larger_cells(scene: Scene) -> None:
    """All of them can hold something at some time; in 32³ they have been looked at after a few hundred steps."""
    still = scene.train[0].cameras
    cameras = dataclasses.replace(still, time=torch.linspace(0, 1, len(still)))
    moving = dataclasses.replace(scene, train=(dataclasses.replace(scene.train[0], cameras=cameras),))
    assert begin(scene, MLP).sampler.resolution > 32
    training = begin(moving, MLP)
    assert training.sampler.resolution == 32 and len(training.sampler.order) == 32**3
