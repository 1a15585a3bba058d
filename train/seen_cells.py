"""Of a scene that nothing bounds a file keeps only what cameras see: behind it, cells are as they began."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field
from ..ops import one_thread_of_torch
from ..renderers import Sampler
from ..renderers.opaque import probe_until_opaque
from ..scenes import Cameras, Contraction, PixelRays

# Of all cameras together: a few cells apart, and what is near to one that is met is kept as well.
RAYS = 1 << 14
WIDER = 2.0  # than their pictures, so that what is beside them does not end at their edges
AT_ONCE = 1 << 13  # rays


def only_seen(field: Field, sampler: Sampler, cameras: Sequence[Cameras]) -> Sampler:
    """The sampler without what is behind all that the cameras see; bounded scenes keep it, for there silhouettes say
    what is empty."""
    if not isinstance(field.domain, Contraction):
        return sampler
    return sampler.only_around(_seen(field, sampler, cameras))


@torch.no_grad()
@one_thread_of_torch()
def _seen(field: Field, sampler: Sampler, cameras: Sequence[Cameras]) -> Iterator[Float[Tensor, "n xyz=3"]]:
    """Where rays are asked that spread over all pictures."""
    side = max(round(math.sqrt(RAYS / sum(map(len, cameras)))), 1)
    for each in cameras:
        small = each.resized(side, side)
        wide = replace(small, focal=small.focal / WIDER, distortion=torch.zeros_like(small.distortion))
        rays = PixelRays(wide, range(len(wide)))
        for first in range(0, len(rays), AT_ONCE):
            some = rays[first : first + AT_ONCE]
            samples, _ = probe_until_opaque(field, some, sampler.sample(field.density, some, None))
            yield samples.points(some).position
