"""Trained fields as the viewer knows them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field, Points
from ..renderers import Rendering, Sampler, VolumeRenderer
from ..scenes import Rays
from ..scenes.camera_groups import camera_count, sizes
from ..train.field_file import TrainedField
from ..viewer.subject import AtSurface, Subject, Trace


def subject_of(trained: TrainedField, file: Path) -> Subject:
    return Subject(
        name=f"{trained.config.tag} · {trained.provenance.get('scene', file.stem)}",
        trace=tracer(trained.field, trained.sampler),
        cameras=trained.cameras,
        domain=trained.field.domain,
        background=trained.background,
        figures=figures(trained, file),
        curve=curve_beside(file),
        surface=surface(trained.field),
    )


class Library:
    """The fields that a viewer shows, by the names of their subjects: no two of one name."""

    def __init__(self) -> None:
        self.fields: dict[str, Callable[[], TrainedField]] = {}

    def add(
        self, trained: TrainedField, file: Path, now: Callable[[], TrainedField] | None = None
    ) -> Subject:
        """`now` gives the field as it is when somebody makes something of it, where it is still being trained."""
        return self._named(subject_of(trained, file), now or (lambda: trained))

    def add_scene(self, subject: Subject) -> Subject:
        """A data set, of which nothing can be made."""

        def nothing() -> TrainedField:
            raise ValueError(
                f"{subject.name} is a data set: there is no field yet that this could be made of."
            )

        return self._named(subject, nothing)

    def _named(self, subject: Subject, now: Callable[[], TrainedField]) -> Subject:
        count = sum(name.split(" #")[0] == subject.name for name in self.fields)
        name = f"{subject.name} #{count + 1}" if count else subject.name
        self.fields[name] = now
        return replace(subject, name=name)

    def find(self, name: str) -> TrainedField:
        return self.fields[name]()


def tracer(field: Field, sampler: Sampler) -> Trace:
    renderer = VolumeRenderer.to_look_at(sampler)

    def trace(rays: Rays, background: Float[Tensor, "rgb=3"]) -> Rendering:
        return renderer.render_image(field, rays, background)

    return trace


def surface(field: Field) -> Mapping[str, AtSurface]:
    """What else a field can say of the surfaces that rays meet."""
    return {name: _where_rays_end(figure) for name, figure in field.shown_at_surfaces.items()}


def _where_rays_end(figure: Callable[[Points], Float[Tensor, "n"]]) -> AtSurface:
    def at_surface(rays: Rays, depth: Float[Tensor, "ray"]) -> Float[Tensor, "ray"]:
        t = torch.where(depth.isfinite(), depth, rays.near)
        place = rays.origins + t[:, None] * rays.directions
        return figure(
            Points(position=place, direction=rays.directions, footprint=rays.footprint * t, time=rays.time)
        )

    return at_surface


def figures(trained: TrainedField, file: Path) -> str:
    """Markdown: what a person wants to know of a field."""
    cameras, known = trained.cameras, trained.provenance
    parameters = sum(parameter.numel() for parameter in trained.field.parameters())
    size = f", {file.stat().st_size / 2**20:.1f} MiB" if file.is_file() else ""
    lines = [
        f"**{trained.config.tag}**, {parameters:,} parameters{size}",
        f"{camera_count(cameras)} training views of {sizes(cameras)}",
        f"{trained.sampler.occupied_share:.1%} of the space is occupied",
    ]
    if "seconds" in known and "steps" in known:
        lines.append(f"trained for {known['seconds']:.0f} s, {known['steps']:,} steps")
    return "  \n".join(lines)


def curve_beside(file: Path) -> tuple[tuple[float, float], ...]:
    """Seconds of training and PSNR, where the run that made the file says them."""
    path = file.with_name("curve.json")
    if not path.is_file():
        return ()
    try:
        points = json.loads(path.read_text())
        return tuple((float(point["seconds"]), float(point["psnr"])) for point in points)
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, OSError):
        return ()  # a curve is an ornament: a damaged one is no reason to show nothing
