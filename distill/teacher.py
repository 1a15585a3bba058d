"""The teacher at work: rays from the cameras of its file, points where it matters, and its answers to both."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Level, Points
from ..renderers import VolumeRenderer
from ..scenes import Rays
from ..train import TrainedField
from .cameras import with_cameras_between
from .edits import Cut
from .space import Space

BETWEEN = 4  # cameras between those of the file, for each of them
HELD_OUT = 16  # every so many-th camera is kept back to judge by
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


@dataclass(frozen=True)
class PointLesson:
    """Points, and the teacher's levels there. `visible` weighs them: 1 at surfaces that cameras see."""

    points: Points
    features: Float[Tensor, "n feature"]
    density: Float[Tensor, "n"]
    color: Float[Tensor, "n rgb=3"]
    visible: Float[Tensor, "n"]


class Teacher:
    """Asks a trained field from all its cameras but those `held_out`, which are there to judge by."""

    def __init__(self, trained: TrainedField, generator: torch.Generator) -> None:
        self.trained = trained
        cut = trained.field if isinstance(trained.field, Cut) else None
        self.space = Space(trained.occupancy, cut.left if cut else None)
        self.grid = trained.occupancy.grid
        self.renderer = VolumeRenderer(trained.occupancy)
        view = torch.arange(len(trained.cameras), device=trained.cameras.focal.device)
        back = view % HELD_OUT == min(HELD_OUT, len(view)) // 2
        self.held_out = trained.cameras[view[back]]
        known = trained.cameras[view[~back] if len(view) > 1 else view]
        self.cameras = with_cameras_between(known, BETWEEN * len(known), generator)

    def random_cameras(self, count: int, generator: torch.Generator) -> Int[Tensor, "ray"]:
        return torch.randint(
            len(self.cameras), (count,), generator=generator, device=self.cameras.focal.device
        )

    @torch.no_grad()
    def ask_rays(self, camera: Int[Tensor, "ray"], generator: torch.Generator) -> RayLesson:
        """A ray anywhere in the frame of each of these cameras, without most of those that meet nothing."""
        x, y, luck = torch.rand(3, len(camera), generator=generator, device=camera.device)
        rays = self.cameras.rays(camera, x * self.cameras.width, y * self.cameras.height)
        seen = self.renderer.render_image(self.trained.field, rays, torch.zeros(3, device=camera.device))
        rows = ((seen.samples > 0) | (luck < MISSES)).nonzero()[:, 0]
        return RayLesson(rays[rows], seen.color[rows], seen.opacity[rows], seen.depth[rows], camera[rows])

    @torch.no_grad()
    def ask_points(self, count: int, lesson: RayLesson, generator: torch.Generator) -> PointLesson:
        """About `count` points: around the surfaces that some rays met, in occupied cells, around and far from them."""
        surface = self._at_surfaces(round(SURFACE * count), lesson, generator)
        rest = count - round(SURFACE * count) - round(OCCUPIED * count)
        elsewhere = torch.cat(
            [
                self.space.points_in(self.space.occupied, round(OCCUPIED * count), generator),
                self.space.points_in(self.space.shell, rest // 2, generator),
                self.space.points_in(self.space.empty, rest - rest // 2, generator),
            ]
        )
        hidden = self.seen_from_somewhere(elsewhere, generator)
        points = Points(
            *(torch.cat(pair) for pair in zip(vars(surface).values(), vars(hidden).values(), strict=True))
        )
        levels = self.trained.field.levels(points, Level.COLOR)
        inside = self.trained.occupancy.contains(points.position)
        visible = torch.full_like(levels.density, HIDDEN)
        visible[: len(surface)] = 1
        # What is not in an occupied cell is never looked at: there the teacher is empty, whatever its field says.
        return PointLesson(points, levels.features, levels.density * inside, levels.color, visible)

    def _at_surfaces(self, count: int, lesson: RayLesson, generator: torch.Generator) -> Points:
        rays, device = lesson.rays, lesson.depth.device
        (met,) = (lesson.opacity > SEEN).nonzero(as_tuple=True)
        if len(met) == 0:
            met, count = met[:0], 0
        row = met[torch.randint(max(len(met), 1), (count,), generator=generator, device=device)]
        step = (lesson.depth[row] * self.grid.cone).clamp_min(self.grid.step)
        t = lesson.depth[row] + SPREAD * step * torch.randn(count, generator=generator, device=device)
        t = t.maximum(rays.near[row])
        return Points(
            rays.origins[row] + t[:, None] * rays.directions[row],
            rays.directions[row],
            rays.footprint[row] * t,
            rays.time[row],
        )

    def seen_from_somewhere(self, position: Float[Tensor, "n xyz=3"], generator: torch.Generator) -> Points:
        """The points as some camera would see them, were nothing in between."""
        camera = torch.randint(
            len(self.cameras), (len(position),), generator=generator, device=position.device
        )
        away = position - self.cameras.world_from_camera[camera, :, 3]
        distance = away.norm(dim=-1)
        direction = away / distance[:, None].clamp_min(1e-9)
        return Points(
            position,
            direction,
            distance * self.cameras.cone_radius(camera, direction),
            self.cameras.time[camera],
        )
