"""Fields whose pictures are known in closed form, and rays to look at them with."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from omnifield.fields import Field, ParameterGroup, Points, Probe, field_config
from omnifield.scenes import Box, Contraction, Domain, Rays
from omnifield.scenes.rays import no_view
from torch import Tensor

COLOR = (0.8, 0.4, 0.1)
BOX = Box((-1.0, -0.5, 0.0), (1.0, 0.5, 1.5))
CUBE = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
UNBOUNDED = Contraction(CUBE.lo, CUBE.hi)


class Ball(Field):
    """As dense as `sigma` within `radius` of `middle`, nothing outside, of one colour. An infinite radius is fog."""

    def __init__(
        self,
        domain: Domain,
        sigma: float,
        radius: float = math.inf,
        middle: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        super().__init__(domain, 3)
        self.sigma, self.radius = sigma, radius
        self.middle = torch.tensor(middle)
        self.asked = 0

    def probe(self, points: Points) -> Probe:
        inside = (points.position - self.middle).norm(dim=-1) < self.radius
        self.asked += len(points)
        return Probe(torch.where(inside, self.sigma, 0.0), points.position)

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        assert torch.equal(probe.carry, points.position)  # that the renderer keeps the two together
        return torch.tensor(COLOR).expand(len(points), 3)

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return features

    def parameter_groups(self) -> list[ParameterGroup]:
        return []


def unasked(points: Points) -> Float[Tensor, "n"]:
    """A density for samplers that know without it where to sample."""
    raise AssertionError(f"the density of {len(points)} points was asked for")


def rays_of(origins: Tensor, directions: Tensor, far: float = math.inf) -> Rays:
    count = len(origins)
    return Rays(
        origins=origins,
        directions=torch.nn.functional.normalize(directions, dim=-1),
        near=torch.zeros(count),
        far=torch.full((count,), far),
        footprint=torch.full((count,), 1e-3),
        time=torch.zeros(count),
        view=no_view(count, "cpu"),
    )


def rays_around(count: int, seed: int = 0, aim: float = 0.5) -> Rays:
    """From three units away towards places around the origin."""
    generator = torch.Generator().manual_seed(seed)
    origins = 3 * torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    return rays_of(origins, aim * torch.randn(count, 3, generator=generator) - origins)


def through_box(rays: Rays, box: Domain) -> tuple[Tensor, Tensor]:
    """Where each ray enters and leaves a box; the same distance twice where it misses."""
    lo, hi = torch.tensor(box.lo).double(), torch.tensor(box.hi).double()
    walls = torch.stack([(lo - rays.origins) / rays.directions, (hi - rays.origins) / rays.directions])
    enter = walls.amin(0).amax(-1).clamp_min(0)
    return enter, walls.amax(0).amin(-1).maximum(enter)


def through_ball(rays: Rays, ball: Ball) -> tuple[Tensor, Tensor]:
    """Where each ray enters and leaves a ball; the same distance twice where it misses."""
    offset = (ball.middle - rays.origins).double()
    nearest = (offset * rays.directions).sum(-1)
    squared = (ball.radius**2 - offset.square().sum(-1) + nearest**2).clamp_min(0)
    return nearest - squared.sqrt(), nearest + squared.sqrt()


def stirred(tag: str, domain: Domain, seed: int, denser: float = 1.0) -> Field:
    """A tiny field far from its beginnings: matter and void side by side."""
    torch.manual_seed(seed)
    field = field_config(tag, "tiny").build(domain)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.copy_(torch.randn(parameter.shape) * (1.5 / parameter.shape[-1] ** 0.5))
    field.register_buffer("denser", torch.tensor(denser))
    field.probe = _denser(field.probe, denser)  # pyright: ignore
    return field


def _denser(probe: Callable[[Points], Probe], factor: float) -> Callable[[Points], Probe]:
    def wrapped(points: Points) -> Probe:
        found = probe(points)
        return Probe(found.density * factor, found.carry)

    return wrapped
