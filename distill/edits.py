"""Fields made of other fields: moved, frozen in time, cut by boxes, united.

What a teacher can be beside one of its own. They are asked and rendered like any field; nobody trains or stores them.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..fields import Field, ParameterGroup, Points, Probe
from ..fields.base import Occupied
from ..fields.decoders import HARMONICS, ColorDecoder
from ..ops import spherical_harmonics
from ..scenes import Box, Contraction, Domain
from ..scenes.crop import Crop

LEAST = 1e-12  # densities and shares are divided by no less


class Edited(Field):
    """One field asked about other points than it is told of: what the edits of a single field share."""

    def __init__(self, field: Field, domain: Domain) -> None:
        super().__init__(domain, field.feature_dim)
        self.field = field
        self.shading = field.shading  # pyright: ignore[reportAttributeAccessIssue]
        self.follows_time = field.follows_time
        self.follows_footprint, self.follows_direction = field.follows_footprint, field.follows_direction

    @property
    def color_decoder(self) -> ColorDecoder | None:
        return self.field.color_decoder

    def there(self, points: Points) -> Points:
        """The points as the field knows them."""
        return points

    def probe(self, points: Points) -> Probe:
        return self.field.probe(self.there(points))

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        return self.field.features(self.there(points), probe)

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return self.field.color(features, self.there(points))

    def parameter_groups(self) -> list[ParameterGroup]:
        return []


class Confined(Edited):
    """A field with nothing outside of its occupied cells: what it says there nobody has ever looked at.

    Its own march never does; that of an edited field may, where cells are others or those of several fields.
    """

    def __init__(self, field: Field, occupied: Occupied) -> None:
        super().__init__(field, field.domain)
        self.occupied = occupied

    def probe(self, points: Points) -> Probe:
        probe = super().probe(points)
        return replace(probe, density=probe.density * self.occupied(points.position))


class Moved(Edited):
    """A field put elsewhere by a rigid transform."""

    field_from_world: Float[Tensor, "row=4 column=4"]

    def __init__(self, field: Field, world_from_field: Float[Tensor, "row=4 column=4"]) -> None:
        super().__init__(field, moved_domain(field.domain, world_from_field))
        self.register_buffer("field_from_world", world_from_field.double().inverse().float())
        decoder = field.color_decoder
        self.turned_decoder = None if decoder is None else turned(decoder, self.field_from_world[:3, :3])

    @property
    def color_decoder(self) -> ColorDecoder | None:
        return self.turned_decoder

    def there(self, points: Points) -> Points:
        rotation, shift = self.field_from_world[:3, :3], self.field_from_world[:3, 3]
        return replace(
            points, position=points.position @ rotation.T + shift, direction=points.direction @ rotation.T
        )


class Frozen(Edited):
    """A moving field at one moment."""

    def __init__(self, field: Field, time: float) -> None:
        super().__init__(field, field.domain)
        self.follows_time = False
        self.time = time

    def there(self, points: Points) -> Points:
        return replace(points, time=torch.full_like(points.time, self.time))


class Cut(Edited):
    """A field with nothing left outside of the boxes `keep`, if there are any, nor inside of those to `remove`, nor
    outside of a `crop`.

    What is kept of a box is the domain, of an unbounded scene as well: it is bounded by then.
    """

    def __init__(
        self, field: Field, keep: Sequence[Box], remove: Sequence[Box], crop: Crop | None = None
    ) -> None:
        kept = bounded(field.domain, keep)
        super().__init__(field, kept if crop is None else bounded(kept, [crop.around()]))
        self.keep, self.remove, self.crop = keep, remove, crop

    def probe(self, points: Points) -> Probe:
        probe = super().probe(points)
        return replace(probe, density=probe.density * self.left(points.position))

    def left(self, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        """Whether points are outside of all that was cut away."""
        kept = torch.full_like(position[:, 0], not self.keep, dtype=torch.bool)
        for box in self.keep:
            kept |= within(box, position)
        for box in self.remove:
            kept &= ~within(box, position)
        return kept if self.crop is None else kept & self.crop.contains(position)


class Union(Field):
    """Several fields in one space: densities add up, a colour is the mean of theirs, weighed by them.

    The features are those of all fields one after another, behind the share that each has of the density. If one of
    the fields shades pixels the union does: what is composited then is each field's share, and as much of its
    features, or of the colours of a field that shades samples.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        deferred = any(field.shading == "pixel" for field in fields)
        self.widths = [3 if deferred and f.shading == "sample" else f.feature_dim for f in fields]
        super().__init__(around([field.domain for field in fields]), len(fields) + sum(self.widths))
        self.shading = "pixel" if deferred else "sample"  # pyright: ignore[reportAttributeAccessIssue]
        self.fields = torch.nn.ModuleList(fields)
        self.follows_time = any(field.follows_time for field in fields)
        self.follows_footprint = any(field.follows_footprint for field in fields)
        self.follows_direction = any(field.follows_direction for field in fields)

    def probe(self, points: Points) -> Probe:
        probes = [field.probe(points) for field in self._fields()]
        densities = torch.stack([probe.density for probe in probes], -1)
        return Probe(densities.sum(-1), torch.cat([densities, *(probe.carry for probe in probes)], -1))

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        densities, carry = probe.carry[:, : len(self.fields)], probe.carry[:, len(self.fields) :]
        shares = densities / densities.sum(-1, keepdim=True).clamp_min(LEAST)
        features = []
        for field, density, share in zip(self._fields(), densities.T, shares.T, strict=True):
            width = field.probe(points[:0]).carry.shape[1]
            own, carry = carry[:, :width], carry[:, width:]
            found = field.features(points, Probe(density, own))
            if self.shading == "pixel":
                found = share[:, None] * (found if field.shading == "pixel" else field.color(found, points))
            features.append(found)
        return torch.cat([shares, *features], -1)

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        shares, *parts = features.split([len(self.fields), *self.widths], -1)
        color = torch.zeros_like(points.position)
        for field, share, own in zip(self._fields(), shares.split(1, -1), parts, strict=True):
            if self.shading == "sample":
                color = color + share * field.color(own, points)
            elif field.shading == "sample":
                color = color + own
            else:
                color = color + share * field.color(own / share.clamp_min(LEAST), points)
        return color

    def _fields(self) -> list[Field]:
        return list(self.fields)  # pyright: ignore[reportReturnType]

    def parameter_groups(self) -> list[ParameterGroup]:
        return []


def turned(decoder: ColorDecoder, rotation: Float[Tensor, "row=3 column=3"]) -> ColorDecoder:
    """The decoder that answers to a direction d as `decoder` does to R d: harmonics of one degree turn into each other,
    so there is a matrix with Y(R d) = M Y(d)."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(8 * HARMONICS, 3, generator=generator), dim=-1)
    directions = directions.to(rotation)
    before, after = spherical_harmonics(directions), spherical_harmonics(directions @ rotation.T)
    first, *rest = (weight.detach() for weight in decoder.mlp.weights)
    turn = torch.linalg.lstsq(before.double(), after.double()).solution.to(first)
    new = ColorDecoder(first.shape[1] - HARMONICS, first.shape[0], len(rest)).to(first.device)
    with torch.no_grad():
        for weight, value in zip(new.mlp.weights, [first.clone(), *rest], strict=True):
            weight.copy_(value)
        new.mlp.weights[0][:, :HARMONICS] = first[:, :HARMONICS] @ turn.T
    return new


def within(box: Domain, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
    lo, hi = box.corners(position)
    return ((position >= lo) & (position <= hi)).all(-1)


def moved_domain(domain: Domain, world_from_field: Float[Tensor, "row=4 column=4"]) -> Domain:
    """Of the same kind, around the corners where they have gone."""
    corners = torch.tensor(list(product(*zip(domain.lo, domain.hi, strict=True))))
    there = corners @ world_from_field[:3, :3].cpu().T + world_from_field[:3, 3].cpu()
    return type(domain)(_corner(there.amin(0)), _corner(there.amax(0)))


def around(domains: Sequence[Domain]) -> Domain:
    """The box around all of them; unbounded if one of them is. One alone stays of its kind."""
    unbounded = any(isinstance(domain, Contraction) for domain in domains)
    kind = type(domains[0]) if len(domains) == 1 else Contraction if unbounded else Box
    lo, hi = (
        torch.tensor(c, dtype=torch.float64) for c in zip(*((d.lo, d.hi) for d in domains), strict=True)
    )
    return kind(_corner(lo.amin(0)), _corner(hi.amax(0)))


def bounded(domain: Domain, keep: Sequence[Box]) -> Domain:
    """The part of a domain that boxes may keep. Raises ValueError where that is nothing."""
    if not keep:
        return domain
    kept = around(keep)
    if not isinstance(domain, Box):
        return Box(kept.lo, kept.hi)
    sides = zip(kept.lo, kept.hi, domain.lo, domain.hi, strict=True)
    lo, hi = torch.tensor([(max(a, c), min(b, d)) for a, b, c, d in sides], dtype=torch.float64).unbind(-1)
    if not (lo < hi).all():
        raise ValueError(
            f"The box to keep, from {kept.lo} to {kept.hi}, lies outside the scene, "
            f"which reaches from {domain.lo} to {domain.hi}."
        )
    return Box(_corner(lo), _corner(hi))


def _corner(point: Float[Tensor, "xyz=3"]) -> tuple[float, float, float]:
    x, y, z = point.tolist()
    return x, y, z
