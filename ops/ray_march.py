"""Marching rays through an occupancy bitfield (Müller et al. 2022, arXiv 2201.05989, appendix E)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Int32, UInt8
from torch import Tensor

from .backend import Op
from .cell_order import cell_number
from .check import check_dtype, check_shape

# Where a march through an unbounded scene ends, in halves of the box: what is farther stands there.
HORIZON = 200.0


@dataclass(frozen=True)
class MarchGrid:
    """What a march steps through: `resolution`³ cells over the unit cube that the box `lo`, `hi` maps to.

    A bounded box fills the cube; a contracted one its middle half (see `scenes.Contraction`). Steps are `step` long
    near the camera and grow to `cone` times the distance: `cone` is 0 for steps of one length.
    """

    lo: tuple[float, float, float]
    hi: tuple[float, float, float]
    contracted: bool
    resolution: int
    step: float
    cone: float

    def __post_init__(self) -> None:
        if self.resolution % 8 or self.resolution <= 0:
            raise ValueError(f"ray_march: the resolution must be a multiple of 8, not {self.resolution}.")
        if not self.step > 0 or not 0 <= self.cone < 1:
            raise ValueError(
                f"ray_march: the step must be positive and the cone in [0, 1), not {self.step}, {self.cone}."
            )

    @property
    def horizon(self) -> float:
        return HORIZON * max(high - low for low, high in zip(self.lo, self.hi, strict=True)) / 2


EVERY = 2**31 - 1  # more samples than any ray has


@Op
@torch.no_grad()
def ray_march(
    origins: Float[Tensor, "ray xyz=3"],
    directions: Float[Tensor, "ray xyz=3"],
    span: Float[Tensor, "ray near_far=2"],
    jitter: Float[Tensor, "ray"],
    occupied: UInt8[Tensor, "byte"],
    grid: MarchGrid,
) -> tuple[
    Float[Tensor, "sample"], Float[Tensor, "sample"], Int[Tensor, "sample"], Int[Tensor, "ray_plus_one"]
]:
    """Samples in occupied cells, packed: distance t, step dt, ray index, and where each ray's samples begin; without
    gradients.

    Candidates lie at t(s₀ + k + jitter), k = 0, 1, …, with s₀ where the ray enters its span or the box, and
    t(s) = step·s up to s = 1/cone, from there on step/cone·exp(cone·s − 1). A candidate is kept if its cell's bit
    is set and it lies before the end of the span and the box. A ray that is not finite, or never ends, has none.
    Cell (x, y, z) has bit x + y·R + z·R², lowest bit of a byte first. `directions`
    need not be unit vectors; distances are in units of their length.
    """
    check_bits(occupied, grid)
    place = torch.zeros(len(origins), dtype=torch.int32, device=origins.device)
    return _march((origins, directions, span, jitter), occupied, grid, place=place, most=EVERY)[:4]


@Op
@torch.no_grad()
def ray_march_on(
    origins: Float[Tensor, "ray xyz=3"],
    directions: Float[Tensor, "ray xyz=3"],
    span: Float[Tensor, "ray near_far=2"],
    occupied: UInt8[Tensor, "byte"],
    place: Int32[Tensor, "ray"],
    grid: MarchGrid,
    most: int,
) -> tuple[
    Float[Tensor, "sample"],
    Float[Tensor, "sample"],
    Int[Tensor, "sample"],
    Int[Tensor, "ray_plus_one"],
    Int32[Tensor, "ray"],
]:
    """A part of `ray_march` with a jitter of ½: of each ray the first `most` samples from candidate `place` on, and the
    candidate to go on from: −1 if the ray ended before it had as many. From there on it has no samples."""
    check_march_on(len(origins), occupied, place, grid=grid, most=most)
    rays = origins, directions, span, torch.full_like(origins[:, 0], 0.5)
    return _march(rays, occupied, grid, place=place, most=most)


def check_march_on(rays: int, occupied: Tensor, place: Tensor, *, grid: MarchGrid, most: int) -> None:
    check_bits(occupied, grid)
    check_shape("ray_march_on", "place", place, (rays,))
    check_dtype("ray_march_on", "place", place, torch.int32)
    if not 0 < most <= EVERY:
        raise ValueError(f"ray_march_on: a ray has at least one sample at most, not {most}.")


def check_bits(occupied: Tensor, grid: MarchGrid) -> None:
    if len(occupied) * 8 != grid.resolution**3:
        raise ValueError(
            f"ray_march: {len(occupied)} bytes of occupancy do not hold the {grid.resolution}³ bits of the grid."
        )


def _march(
    rays: tuple[Tensor, ...],
    occupied: UInt8[Tensor, "byte"],
    grid: MarchGrid,
    *,
    place: Int32[Tensor, "ray"],
    most: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    origins, directions, span, jitter = rays
    begin, end = _span_in_box(origins, directions, span, grid)
    counts, ts, places = [place[:0].long()], [origins[:0, 0]], [place[:0]]
    for ray in torch.arange(len(origins), device=origins.device).split(4096):
        t, kept = _march_chunk(
            (origins[ray], directions[ray], begin[ray], end[ray], jitter[ray]), occupied, grid
        )
        after = torch.arange(t.shape[1], device=t.device) + 1  # the candidate behind each of them
        kept &= (after > place[ray, None]) & (place[ray, None] >= 0)
        kept &= kept.cumsum(-1) <= most
        counts.append(kept.sum(-1))
        ts.append(t[kept])
        places.append(torch.where(counts[-1] == most, (kept * after).amax(-1), -1).int())
    count, t = torch.cat(counts), torch.cat(ts)
    ray = torch.repeat_interleave(torch.arange(len(count), device=t.device), count)
    dt = (t * grid.cone).clamp_min(grid.step)
    return t, dt, ray, torch.nn.functional.pad(count.cumsum(0), (1, 0)), torch.cat(places)


def _march_chunk(
    rays: tuple[Tensor, ...], occupied: UInt8[Tensor, "byte"], grid: MarchGrid
) -> tuple[Float[Tensor, "ray candidate"], Bool[Tensor, "ray candidate"]]:
    origins, directions, begin, end, jitter = rays
    first, last = _steps_from_distance(begin, grid), _steps_from_distance(end, grid)
    hit = (begin < end) & end.isfinite()
    steps = torch.where(hit, last - first, 0)
    candidates = int(steps.max().item()) + 2 if len(begin) else 1
    s = first[:, None] + (torch.arange(candidates, device=begin.device) + jitter[:, None])
    t = _distance_from_steps(s, grid)
    position = origins[:, None] + t[..., None] * directions[:, None]
    return t, (t < end[:, None]) & hit[:, None] & _is_occupied(position, occupied, grid)


def _steps_from_distance(t: Float[Tensor, "ray"], grid: MarchGrid) -> Float[Tensor, "ray"]:
    if grid.cone == 0:
        return t / grid.step
    bend = grid.step / grid.cone
    return torch.where(t <= bend, t / grid.step, (1 + (t.clamp_min(bend) / bend).log()) / grid.cone)


def _distance_from_steps(
    s: Float[Tensor, "ray candidate"], grid: MarchGrid
) -> Float[Tensor, "ray candidate"]:
    if grid.cone == 0:
        return s * grid.step
    growing = grid.step / grid.cone * (s.clamp_min(1 / grid.cone) * grid.cone - 1).exp()
    return torch.where(s * grid.cone <= 1, s * grid.step, growing)


def _span_in_box(
    origins: Float[Tensor, "ray xyz=3"],
    directions: Float[Tensor, "ray xyz=3"],
    span: Float[Tensor, "ray near_far=2"],
    grid: MarchGrid,
) -> tuple[Float[Tensor, "ray"], Float[Tensor, "ray"]]:
    near, far = span.unbind(-1)
    if grid.contracted:
        return near, far.clamp_max(grid.horizon)
    lo, hi = origins.new_tensor(grid.lo), origins.new_tensor(grid.hi)
    inverse = 1 / directions
    a, b = (lo - origins) * inverse, (hi - origins) * inverse
    return near.maximum(a.minimum(b).amax(-1)), far.minimum(a.maximum(b).amin(-1))


def _is_occupied(
    position: Float[Tensor, "ray candidate xyz=3"], occupied: UInt8[Tensor, "byte"], grid: MarchGrid
) -> Bool[Tensor, "ray candidate"]:
    lo, hi = position.new_tensor(grid.lo), position.new_tensor(grid.hi)
    unit = (position - lo) * (1 / (hi - lo))
    if grid.contracted:
        x = unit * 2 - 1
        norm = x.abs().amax(-1, keepdim=True).clamp_min(1)
        unit = (x * ((2 - 1 / norm) / norm) + 2) * 0.25
    place = (unit * grid.resolution).long().clamp(0, grid.resolution - 1)
    cell = cell_number(place, grid.resolution)
    return (occupied[cell // 8] >> (cell % 8) & 1).bool()
