"""Compositing without gradients: samples are forgotten as soon as they are seen, and nothing behind matter is asked."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Field
from ..ops import accumulate, pass_through
from ..scenes import Rays
from ..scenes.columns import each_column
from .sampler import Sampler
from .samples import Samples, points_at
from .shading import SHADING, Seen

FIRST_ROUND = 4  # samples of a ray that are asked at once; of the last rays ever more
# Samples of a round: on a CPU what is known of them is to stay in its cache.
SAMPLES_ON_CPU, SAMPLES_ELSEWHERE = 1 << 16, 1 << 20
FEWEST_RAYS = 256


@torch.no_grad()
def see(
    field: Field, rays: Rays, sampler: Sampler, *, stop: float, visible: float
) -> tuple[Int[Tensor, "hit"], Rays, Seen, Int[Tensor, "hit"]]:
    """Which rays have any samples, those rays, what each of them saw, and how many of its samples were asked.

    Rounds of a few samples go along some of the rays; one that is opaque, or has no more samples, leaves its place to
    the next. So rounds are of one size, and what lies behind matter is not even marched through.
    """
    sums = _Sums(rays.near, SHADING[field.shading].width(field))
    most_samples = SAMPLES_ON_CPU if rays.near.device.type == "cpu" else SAMPLES_ELSEWHERE
    room, begun, last_rounds = most_samples // 32, 0, 0  # samples of a ray, at a guess
    under_way = torch.zeros_like(sums.asked[:0])
    place = torch.zeros_like(under_way, dtype=torch.int32)
    while begun < len(rays) or len(under_way):
        fresh = torch.arange(begun, min(begun + max(room - len(place), 0), len(rays)), device=place.device)
        under_way = torch.cat([under_way, fresh])
        place = torch.nn.functional.pad(place, (0, len(fresh)))
        begun, last_rounds = begun + len(fresh), 0 if len(fresh) else last_rounds + 1
        most = max(min(FIRST_ROUND << last_rounds // 2, most_samples // len(place)), FIRST_ROUND)
        some = each_column(lambda column, of=under_way: column.index_select(0, of), rays)
        part, place = sampler.next(field.density, some, place, most)
        found = _look(field, some, part, sums.light.index_select(0, under_way), (stop, visible))
        sums.add(under_way, part.counts, found)
        room = max(FEWEST_RAYS, min(most_samples * len(place) // max(len(part), 1), 4 * room))
        going_on = ((place >= 0) & (found.light >= stop)).nonzero()[:, 0]
        under_way, place = under_way.index_select(0, going_on), place.index_select(0, going_on)
    hit = sums.asked.nonzero()[:, 0]
    met = each_column(lambda column: column.index_select(0, hit), rays)
    return hit, met, sums.seen(hit, stop), sums.asked.index_select(0, hit)


class _Found(NamedTuple):
    """What rays saw in their next samples, and how much light is left behind those."""

    light: Float[Tensor, "ray"]
    weights: Float[Tensor, "ray weight_distance_seen=3"]
    values: Float[Tensor, "ray value"]


def _look(
    field: Field, rays: Rays, part: Samples, light: Float[Tensor, "ray"], ends: tuple[float, float]
) -> _Found:
    stop, visible = ends
    probe = field.probe(part.points(rays))
    rows, weight_of_row, offsets, weights, light = pass_through(
        probe.density, part.t, part.dt, part.offsets, light, visible, stop
    )
    points = points_at(rays, part.t.index_select(0, rows), part.ray.index_select(0, rows))
    values = SHADING[field.shading].values(field, points, probe.take(rows))
    return _Found(light, weights, accumulate(values, weight_of_row, offsets))


class _Sums:
    """What all rays have seen so far, and how many samples of each were asked."""

    def __init__(self, like: Float[Tensor, "ray"], values: int) -> None:
        self.light = torch.ones_like(like)
        self.weights = like.new_zeros(len(like), 3)
        self.values = like.new_zeros(len(like), values)
        self.asked = torch.zeros_like(like, dtype=torch.int64)

    def add(self, ray: Int[Tensor, "some"], asked: Int[Tensor, "some"], found: _Found) -> None:
        self.light.index_copy_(0, ray, found.light)
        self.weights.index_add_(0, ray, found.weights)
        self.values.index_add_(0, ray, found.values)
        self.asked.index_add_(0, ray, asked)

    def seen(self, ray: Int[Tensor, "some"], stop: float) -> Seen:
        """Of some rays. One that was stopped is opaque: the little that it has not seen is as what it has."""
        weights = self.weights.index_select(0, ray)
        whole = torch.where(self.light.index_select(0, ray) < stop, weights[:, 0], 1)
        weights[:, :2] /= whole[:, None]
        return Seen.of(weights, self.values.index_select(0, ray))
