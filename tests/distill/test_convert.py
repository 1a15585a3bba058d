"""A conversion from beginning to end: repeated, stopped, refused, and in other ways than the usual one."""

import dataclasses
import importlib
import itertools
from collections.abc import Sequence

import pytest
import torch
from omnifield.distill import Callbacks, Conversion, Edits, Goal, Plan, convert
from omnifield.distill.comparison import TeacherComparison
from omnifield.distill.curriculum import SCHEDULES
from omnifield.distill.loop import Distillation, EarlyStopping, distill
from omnifield.fields import field_config
from omnifield.scenes import Cameras
from omnifield.scenes.camera_groups import all_poses, any_moving
from omnifield.train import Budget, TrainedField

from .ball_scene import BallConfig, ball, small


def converted(teacher: TrainedField, kind: str, steps: int, **plan: object) -> Conversion:
    return convert([teacher], small(kind), Goal(Budget(steps=steps)), plan=Plan(**plan))  # pyright: ignore


def test_the_same_seed_makes_the_same_field_and_another_seed_another(teacher_ball: TrainedField) -> None:
    one, again, other = (converted(teacher_ball, "hash", 24, seed=seed) for seed in (0, 0, 1))
    same = one.student.field.state_dict()
    for name, tensor in again.student.field.state_dict().items():
        assert torch.equal(tensor, same[name]), name
    assert torch.equal(one.student.sampler.bits, again.student.sampler.bits)
    marks = [[(m.step, m.stage, m.agreement_psnr) for m in done.curve] for done in (one, again)]
    assert marks[0] == marks[1]
    assert any(not torch.equal(t, same[name]) for name, t in other.student.field.state_dict().items())


def test_looking_on_changes_nothing_and_sees_every_step(teacher_ball: TrainedField) -> None:
    seen = []
    callbacks = Callbacks(on_step=lambda progress, psnr: seen.append((progress, psnr)))
    goal = Goal(Budget(steps=16))
    done = convert([teacher_ball], small("voxel"), goal, callbacks=callbacks)
    alone = convert([teacher_ball], small("voxel"), goal)
    for name, tensor in done.student.field.state_dict().items():
        assert torch.equal(tensor, alone.student.field.state_dict()[name])
    assert [progress.step for progress, _ in seen] == list(range(1, done.steps + 1))
    assert all(a.seconds < b.seconds and a.spent < b.spent for (a, _), (b, _) in itertools.pairwise(seen))
    assert {psnr for _, psnr in seen} <= {mark.agreement_psnr for mark in done.curve}


def test_stages_and_marks_follow_one_another(teacher_ball: TrainedField) -> None:
    done = converted(teacher_ball, "vm", 40)
    assert [stage.name for stage in done.stages] == ["start", "volume", "pixels"]
    assert done.stages[0].steps == 0 and all(stage.steps > 0 for stage in done.stages[1:])
    assert sum(stage.steps for stage in done.stages) == done.steps
    assert 0 < sum(stage.seconds for stage in done.stages) <= done.seconds
    assert done.curve[0].step == 0 and done.curve[-1].step == done.steps
    assert all(a.step <= b.step and a.seconds <= b.seconds for a, b in itertools.pairwise(done.curve))
    assert any("features are not compared" in sentence for sentence in done.notes)
    assert not done.interrupted


def test_one_that_is_stopped_gives_the_best_so_far(teacher_ball: TrainedField) -> None:
    told = iter([False] * 50 + [True] * 10)
    goal = Goal(Budget(steps=1000))
    done = convert([teacher_ball], small("vm"), goal, callbacks=Callbacks(should_stop=lambda: next(told)))
    assert done.interrupted and done.steps == 51
    assert done.agreement.psnr > max(mark.agreement_psnr for mark in done.curve) - 1


def test_it_ends_when_the_agreement_that_was_wished_for_is_there(teacher_ball: TrainedField) -> None:
    done = convert([teacher_ball], small("voxel"), Goal(Budget(steps=1000), target_psnr=25.0))
    assert done.agreement.psnr > 25 and done.steps < 100 and not done.interrupted


def test_seconds_end_it_as_well(teacher_ball: TrainedField) -> None:
    done = convert([teacher_ball], small("voxel"), Goal(Budget(seconds=1.5)))
    assert done.steps > 1 and max(mark.seconds for mark in done.curve) < 2.5


def test_too_small_a_budget_is_said(teacher_ball: TrainedField) -> None:
    with pytest.raises(
        ValueError, match=r"The budget is too small: to begin took .* s, --max-seconds is 0\.01"
    ):
        convert([teacher_ball], small("mlp"), Goal(Budget(seconds=0.01)))


def test_a_moving_scene_wants_a_student_that_moves_or_a_moment() -> None:
    still = ball(BallConfig(radius=0.4, x=-0.3, speed=0.6))
    [cameras] = still.cameras
    times = torch.linspace(0, 1, len(cameras))
    moving = dataclasses.replace(still, cameras=(dataclasses.replace(cameras, time=times),))
    goal = Goal(Budget(steps=4))
    with pytest.raises(ValueError, match=r"The scene moves, and a vm field .* with --time"):
        convert([moving], small("vm"), goal)
    done = convert([moving], small("voxel"), goal, edits=Edits(time=1.0))
    assert done.agreement.psnr > 25 and not any_moving(done.student.cameras)
    config = field_config("cam", "tiny", ("coordinate=time", "samples_per_step=1024"))
    assert any_moving(convert([moving], config, goal).student.cameras)


@pytest.mark.parametrize("schedule", ["together", "pvd"])
def test_other_schedules_come_nearer_too(teacher_ball: TrainedField, schedule) -> None:
    done = converted(teacher_ball, "vm", 80, schedule=schedule)
    assert done.steps == 80
    assert done.agreement.psnr > done.curve[0].agreement_psnr + 0.5  # 1.2 dB together
    names = [stage.name for stage in done.stages]
    assert names == (["start", "together"] if schedule == "together" else ["start", "volume", "pixels"])


@pytest.mark.parametrize("schedule", ["progressive", pytest.param("pvd", marks=pytest.mark.slow)])
def test_features_come_first_where_both_fields_have_them(teacher_ball: TrainedField, schedule) -> None:
    teacher = converted(teacher_ball, "hash", 8).student
    done = converted(teacher, "vm", 40, schedule=schedule, decoder="own")
    assert [stage.name for stage in done.stages] == ["start", "features", "volume", "pixels"]
    assert any("through a linear map" in sentence for sentence in done.notes)


def test_an_inherited_decoder_is_held_until_rays_are_compared(teacher_ball: TrainedField) -> None:
    teacher = converted(teacher_ball, "hash", 8).student
    work = Distillation(teacher, small("hash"), Plan())
    assert work.feature_map.inherited
    given = [parameter.clone() for parameter in work.feature_map.inherited]
    for progress in distill(work, Budget(steps=24)):
        same = all(torch.equal(a, b) for a, b in zip(given, work.feature_map.inherited, strict=True))
        assert same == (progress.stage != "pixels")
    assert all(parameter.requires_grad for parameter in work.student.parameters())


@pytest.mark.slow
def test_active_levels_make_a_difference_each_for_itself(teacher_ball: TrainedField) -> None:
    choices = ((), ("camera",), ("ray",), ("point",))
    made = [converted(teacher_ball, "vm", 100, active=active) for active in choices]
    assert min(done.agreement.psnr for done in made) > 18
    for one, other in itertools.combinations([done.student.field.state_dict() for done in made], 2):
        assert any(not torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_the_best_is_chosen_on_other_views_than_it_is_judged_by(
    teacher_ball: TrainedField, monkeypatch
) -> None:
    asked = []

    class Watched(TeacherComparison):
        def __init__(self, trained: TrainedField, cameras: Sequence[Cameras], rays: int) -> None:
            super().__init__(trained, cameras, rays)
            asked.append(all_poses(cameras))

    monkeypatch.setattr(importlib.import_module("omnifield.distill.convert"), "TeacherComparison", Watched)
    done = converted(teacher_ball, "voxel", 4)
    chosen_by, judged_by = asked
    assert torch.equal(all_poses(done.comparison.cameras), judged_by)
    apart = (chosen_by[:, None] - judged_by[None]).abs().amax((2, 3))
    assert apart.min() > 1e-2 and len(chosen_by) >= len(judged_by)


def test_the_linear_map_learns_nothing_from_the_points_that_tell_when_a_stage_is_over(teacher_ball) -> None:
    teacher = converted(teacher_ball, "hash", 4).student
    work = Distillation(teacher, small("vm"), Plan(decoder="own"))
    assert work.feature_map.matrix is not None
    fitted = []
    fit = work.feature_map.fit
    work.feature_map.fit = lambda student, known: (fitted.append(known), fit(student, known))[1]  # pyright: ignore
    stopping = EarlyStopping(work, SCHEDULES["progressive"][0], 0.0)
    before = work.feature_map.matrix.clone()
    stopping.is_over(0.02)
    assert not fitted and torch.equal(work.feature_map.matrix, before)
    assert stopping.least < float("inf")
    for _ in distill(work, Budget(steps=16)):
        pass
    judged = work.judged.features
    assert fitted and not any(known.shape == judged.shape and torch.equal(known, judged) for known in fitted)
