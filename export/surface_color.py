"""The colours of a surface as a field has them: at each place the median of what the cameras that see it see."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from ..fields import Field, Points
from ..ops import one_thread_of_torch
from ..train.field_file import TrainedField
from .sight import Sight
from .surface_points import points_of

AT_ONCE = 1 << 15  # places
OFFSETS = (1.0, 0.4, -0.2, -0.8)  # samples along the normal, in cells, from outside to inside
Colors = Float32[np.ndarray, "n rgb=3"]


@dataclass(frozen=True)
class Skin:
    """What lies within about a cell of a surface."""

    trained: TrainedField
    time: float
    cell: float

    def colors(
        self,
        place: Float64[np.ndarray, "n xyz=3"],
        normal: Float64[np.ndarray, "n xyz=3"],
        sight: Sight,
        owner: np.ndarray,
    ) -> Generator[float, None, Colors]:
        """sRGB. `owner` is the row of `sight` of each place."""
        color = np.empty((len(place), 3), np.float32)
        for first in range(0, len(place), AT_ONCE):
            rows = slice(first, first + AT_ONCE)
            who = owner[rows]
            tensors = (place[rows], normal[rows], sight.direction[who], sight.weight[who])
            color[rows] = self._colors(*(torch.from_numpy(each).float() for each in tensors))
            yield min(1.0, (first + AT_ONCE) / len(place))
        return color

    @one_thread_of_torch()
    @torch.no_grad()
    def _colors(
        self,
        place: Float[Tensor, "n xyz=3"],
        normal: Float[Tensor, "n xyz=3"],
        direction: Float[Tensor, "n best xyz=3"],
        weight: Float[Tensor, "n best"],
    ) -> np.ndarray:
        device, field = self.trained.device, self.trained.field
        place, normal, direction = place.to(device), normal.to(device), direction.to(device)
        offsets = self.cell * torch.tensor(OFFSETS, device=device)
        samples = (place[:, None] + offsets[:, None] * normal[:, None]).reshape(-1, 3)
        inward = -normal.repeat_interleave(len(OFFSETS), 0)
        points = points_of(samples, self.trained, self.time, inward)
        probe = field.probe(points)
        share = _shares(probe.density.reshape(-1, len(OFFSETS)), self.cell * (OFFSETS[0] - OFFSETS[1]))
        features = field.features(points, probe)
        if field.shading == "pixel":
            features = (features.reshape(len(place), len(OFFSETS), -1) * share[..., None]).sum(1)
            points, share = points_of(place, self.trained, self.time, -normal), torch.ones_like(share[:, :1])
        seen = [_toward(field, features, points, direction[:, k], share) for k in range(direction.shape[1])]
        return weighted_median(torch.stack(seen, 1), weight.to(device)).cpu().numpy()


def _toward(
    field: Field,
    features: Float[Tensor, "m feature"],
    points: Points,
    direction: Float[Tensor, "n xyz=3"],
    share: Float[Tensor, "n sample"],
) -> Float[Tensor, "n rgb=3"]:
    each = direction.repeat_interleave(share.shape[1], 0)
    seen = Points(position=points.position, direction=each, footprint=points.footprint, time=points.time)
    color = field.color(features, seen)
    return (color.reshape(len(direction), -1, 3) * share[..., None]).sum(1)


def _shares(density: Float[Tensor, "n sample"], step: float) -> Float[Tensor, "n sample"]:
    """Of each sample, how much of what can be seen it is."""
    thickness = density * step
    light = (thickness - thickness.cumsum(-1)).exp()
    weight = light * (1 - (-thickness).exp()) + 1e-6
    return weight / weight.sum(-1, keepdim=True)


def weighted_median(
    values: Float[Tensor, "n k channel"], weights: Float[Tensor, "n k"]
) -> Float[Tensor, "n channel"]:
    """Channel by channel; the first value where all weights are zero."""
    ordered, order = values.sort(1)
    share = weights[..., None].expand_as(values).gather(1, order).cumsum(1)
    middle = (share < share[:, -1:] / 2).sum(1, keepdim=True).clamp(max=values.shape[1] - 1)
    median = ordered.gather(1, middle)[:, 0]
    return torch.where(weights.sum(1, keepdim=True) > 0, median, values[:, 0])
