"""The teacher at work: rays from the cameras of its file, points where it matters, and its answers to both."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Level, Points
from ..renderers import VolumeRenderer
from ..renderers.samples import points_at
from ..scenes import Cameras, Rays
from ..scenes.camera_groups import all_poses, all_times, camera_count, chosen, cone_radius, rays_in_frame
from ..scenes.columns import joined
from ..train import TrainedField
from .edits import Cut
from .interpolate import with_cameras_between
from .space import Space, cells_of

BETWEEN = 4  # cameras between those of the file, for each of them
HELD_OUT = 16  # every so many-th camera is kept back to judge by
CHOOSING = 8  # cameras in between, by which the best student is chosen
SEEN = 0.5  # opacity from which on a ray has a surface
SPREAD = 1.5  # steps of the march: how far around a surface points are asked about
MISSES = 0.1  # share kept of the rays that meet nothing
SURFACE, OCCUPIED = 0.85, 0.09  # of the points; the rest lies in the shell around those and beyond
HIDDEN = 0.2  # what a point weighs of which nobody knows whether it is seen


@dataclass(frozen=True)
class RayLesson:
    """Rays, and what the teacher sees along them: premultiplied sRGB, opacity, mean distance (infinite at nothing);
    and the number of the camera that each is of."""

    rays: Rays
    color: Float[Tensor, "ray rgb=3"]
    opacity: Float[Tensor, "ray"]
    depth: Float[Tensor, "ray"]
    camera: Int[Tensor, "ray"]

    def __len__(self) -> int:
        return len(self.rays)


@dataclass(frozen=True)
class PointLesson:
    """Points, and the teacher's levels there. `visible` weighs them: 1 at surfaces that cameras see; `step` is how long
    the march's is there (world units), for the camera that sees them."""

    points: Points
    features: Float[Tensor, "n feature"]
    density: Float[Tensor, "n"]
    color: Float[Tensor, "n rgb=3"]
    visible: Float[Tensor, "n"]
    step: Float[Tensor, "n"]

    def __len__(self) -> int:
        return len(self.points)


class Teacher:
    """Asks a trained field from all its cameras but those `held_out`, by which the student is judged in the end, and
    from others in between. `choosing` are more of those, by which the best student is chosen: neither has any part in
    what it learns, and what chooses has none in the judgement."""

    def __init__(self, trained: TrainedField, generator: torch.Generator) -> None:
        self.trained = trained
        cut = trained.field if isinstance(trained.field, Cut) else None
        self.space = Space(cells_of(trained, generator), cut.left if cut else None)
        self.step_at = trained.sampler.step_at
        self.renderer = VolumeRenderer(trained.sampler)
        view = torch.arange(camera_count(trained.cameras), device=trained.cameras[0].focal.device)
        back = view % HELD_OUT == min(HELD_OUT, len(view)) // 2
        self.held_out = chosen(trained.cameras, view[back])
        known = chosen(trained.cameras, view[~back] if len(view) > 1 else view)
        self.cameras = tuple(with_cameras_between(each, BETWEEN * len(each), generator) for each in known)
        self.poses, self.times = all_poses(self.cameras), all_times(self.cameras)
        self.choosing = _between(known if camera_count(known) > 1 else trained.cameras, generator)

    def random_cameras(self, count: int, generator: torch.Generator) -> Int[Tensor, "ray"]:
        return torch.randint(len(self.poses), (count,), generator=generator, device=self.poses.device)

    @torch.no_grad()
    def ask_rays(self, camera: Int[Tensor, "ray"], generator: torch.Generator) -> RayLesson:
        """A ray anywhere in the frame of each of these cameras, without most of those that meet nothing."""
        x, y, luck = torch.rand(3, len(camera), generator=generator, device=camera.device)
        rays = rays_in_frame(self.cameras, camera, x, y)
        seen = self.renderer.render_image(self.trained.field, rays, torch.zeros(3, device=camera.device))
        rows = ((seen.samples > 0) | (luck < MISSES)).nonzero()[:, 0]
        return RayLesson(rays[rows], seen.color[rows], seen.opacity[rows], seen.depth[rows], camera[rows])

    @torch.no_grad()
    def ask_points(self, count: int, lesson: RayLesson, generator: torch.Generator) -> PointLesson:
        """About `count` points: around the surfaces that some rays met, in occupied cells, around and far from them."""
        surface, near = self._at_surfaces(round(SURFACE * count), lesson, generator)
        rest = count - round(SURFACE * count) - round(OCCUPIED * count)
        elsewhere = torch.cat(
            [
                self.space.points_in(self.space.occupied, round(OCCUPIED * count), generator),
                self.space.points_in(self.space.shell, rest // 2, generator),
                self.space.points_in(self.space.empty, rest - rest // 2, generator),
            ]
        )
        hidden, far = self.seen_from_somewhere(elsewhere, generator)
        points = joined([surface, hidden])
        levels = self.trained.field.levels(points, Level.COLOR)
        inside = self.trained.sampler.contains(points.position)
        visible = torch.full_like(levels.density, HIDDEN)
        visible[: len(surface)] = 1
        # What is not in an occupied cell is never looked at: there the teacher is empty, whatever its field says.
        density, step = levels.density * inside, torch.cat([near, far])
        return PointLesson(points, levels.features, density, levels.color, visible, step)

    def _at_surfaces(
        self, count: int, lesson: RayLesson, generator: torch.Generator
    ) -> tuple[Points, Float[Tensor, "n"]]:
        rays, device = lesson.rays, lesson.depth.device
        (met,) = (lesson.opacity > SEEN).nonzero(as_tuple=True)
        if len(met) == 0:
            met, count = met[:0], 0
        row = met[torch.randint(max(len(met), 1), (count,), generator=generator, device=device)]
        spread = SPREAD * self.step_at(lesson.depth[row])
        t = lesson.depth[row] + spread * torch.randn(count, generator=generator, device=device)
        t = t.maximum(rays.near[row])
        return points_at(rays, t, row), self.step_at(t)

    def seen_from_somewhere(
        self, position: Float[Tensor, "n xyz=3"], generator: torch.Generator
    ) -> tuple[Points, Float[Tensor, "n"]]:
        """The points as some camera would see them, were nothing in between, and the step of a march from there."""
        camera = torch.randint(len(self.poses), (len(position),), generator=generator, device=position.device)
        away = position - self.poses[camera, :, 3]
        distance = away.norm(dim=-1)
        direction = away / distance[:, None].clamp_min(1e-9)
        points = Points(
            position=position,
            direction=direction,
            footprint=distance * cone_radius(self.cameras, camera, direction),
            time=self.times[camera],
        )
        return points, self.step_at(distance)


def _between(groups: Sequence[Cameras], generator: torch.Generator) -> tuple[Cameras, ...]:
    """CHOOSING cameras between these, of each group as many as it has of them all; of one alone, itself."""
    shares = [-(-CHOOSING * len(each) // camera_count(groups)) for each in groups]
    return tuple(
        with_cameras_between(each, share, generator)[-share:]
        for each, share in zip(groups, shares, strict=True)
    )
