"""From a look to pixels: which subject a ray is sent through, what else is asked, and how the answer is painted."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from ..renderers import Rendering
from ..scenes import Cameras, Rays
from ..scenes.rays import no_view
from .drawing import Ask
from .lens import View
from .subject import DisplaySettings, Layers, Paint, Picture, Subject

FIGURE = "figure"
OTHER = "color of the other"


class Display:
    """The subjects, the ways to paint them, and the look that is shown to everybody."""

    def __init__(
        self, subjects: list[Subject], paints: Mapping[str, Paint], figure: Paint, difference: Paint
    ) -> None:
        self.subjects = {subject.name: subject for subject in subjects}
        self.paints = dict(paints)
        self.figure, self.difference = figure, difference
        first = subjects[0]
        self.look = DisplaySettings(first.name, first.background, other=subjects[-1].name)
        self._lock = threading.Lock()

    def change(self, **changes: object) -> None:
        with self._lock:
            self.look = replace(self.look, **changes)  # pyright: ignore[reportArgumentType]

    def subject(self, look: DisplaySettings) -> Subject:
        return self.subjects[look.subject]

    def outputs(self) -> tuple[str, ...]:
        """What can be shown of the subject."""
        return (*self.paints, *self.subject(self.look).surface)

    def camera(self, view: View, look: DisplaySettings) -> Cameras:
        return view.camera(view.size(look.longest_side), self.subject(look).cameras[0], look.time)

    def distance(self, origin: Float[Tensor, "xyz=3"], direction: Float[Tensor, "xyz=3"]) -> float:
        """How far along a ray the surface lies; infinitely far where there is none."""
        subject = self.subject(self.look)
        one = torch.ones(1)
        rays = Rays(
            origins=origin[None],
            directions=direction[None],
            near=one * subject.cameras[0].near,
            far=one * torch.inf,
            footprint=one * 1e-3,
            time=one * self.look.time,
            view=no_view(1, one.device),
        ).to(subject.cameras[0].focal.device)
        seen = self._trace(subject, rays, self.look)
        return seen.depth[0].item() if seen.opacity[0] > 0.5 else torch.inf

    def asker(self, look: DisplaySettings) -> Ask:
        """What a drawing asks of the subjects, pixel by pixel."""
        return partial(self._ask, look)

    def _ask(
        self, look: DisplaySettings, rays: Rays, pixels: Int[Tensor, "pixel"], camera: Cameras
    ) -> Layers:
        if look.comparison != "split":
            return self._layers(rays, look)
        right = (pixels % camera.width + 0.5) / camera.width > look.split
        if right.all() or not right.any():
            return self._layers(rays, replace(look, subject=look.other) if right.any() else look)
        return _joined(
            right,
            self._layers(rays[(~right).nonzero()[:, 0]], look),
            self._layers(rays[right.nonzero()[:, 0]], replace(look, subject=look.other)),
        )

    def paint(self, picture: Picture, look: DisplaySettings) -> UInt8[Tensor, "height width rgb=3"]:
        image = self._painter(picture, look)(picture)
        if look.comparison == "split":
            image[:, min(round(look.split * image.shape[1]), image.shape[1] - 1)] = 255
        return image

    def _painter(self, picture: Picture, look: DisplaySettings) -> Paint:
        if look.comparison == "difference":
            return self.difference
        return self.figure if FIGURE in picture.layers else self.paints[look.output]

    def _layers(self, rays: Rays, look: DisplaySettings) -> Layers:
        subject = self.subjects[look.subject]
        seen = self._trace(subject, rays, look)
        layers = {
            "color": seen.color,
            "opacity": seen.opacity[:, None],
            "depth": seen.depth[:, None],
            "samples": seen.samples[:, None].float(),
        }
        if look.output in subject.surface:
            layers[FIGURE] = subject.surface[look.output](rays, seen.depth)[:, None]
        if look.comparison == "difference":
            layers[OTHER] = self._trace(self.subjects[look.other], rays, look).color
        return layers

    def _trace(self, subject: Subject, rays: Rays, look: DisplaySettings) -> Rendering:
        background = torch.tensor(look.background).to(rays.origins)
        return subject.trace(look.crop.apply(rays) if look.crop else rays, background)


def _joined(right: Tensor, left_layers: Layers, right_layers: Layers) -> Layers:
    layers = {}
    for name, values in left_layers.items():
        layers[name] = values.new_zeros(len(right), values.shape[1])
        layers[name][~right], layers[name][right] = values, right_layers[name]
    return layers
