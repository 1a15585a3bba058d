"""A run folder: what a training leaves behind, whole at every moment."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..renderers import Sampler
from ..scenes import Cameras, Scene, Views
from ..scenes.views import by_scale, full_size, view_count
from .checkpoint import training_contents
from .evaluate import Judged, judge, mean_figure
from .field_file import TrainedField, field_contents
from .files import json_text, write_atomically, write_tensors, write_text
from .judging import FEWEST_RAYS, final_rays
from .loop import Training
from .pictures import to_bytes, write_picture
from .saving import Saver, copied
from .seen_cells import only_seen

WHITE = (1.0, 1.0, 1.0)
FINAL_RAYS = 1 << 20  # held-out pixels behind the figure at the end; `omnifield eval` takes them all
THUMBNAIL = 128  # pixels
UNSEEN = torch.zeros(1, 1, 3, dtype=torch.uint8)  # the thumbnail of what nobody can tell yet what it shows


@dataclass(frozen=True)
class _Contents:
    """Of the files of one save: tensors and metadata of two, the text of the third."""

    field: tuple[dict[str, Tensor], dict[str, str]]
    state: tuple[dict[str, Tensor], dict[str, str]]
    curve: str

    def copied(self) -> "_Contents":
        """One copy of what both files hold."""
        made: dict[object, Tensor] = {}
        field, state = ((copied(tensors, made), text) for tensors, text in (self.field, self.state))
        return _Contents(field, state, self.curve)


Thumbnail = UInt8[Tensor, "height width rgb=3"]


@dataclass
class Run:
    """A training and its folder. `curve` holds {seconds, step, psnr}."""

    folder: Path
    scene: Scene
    training: Training
    provenance: dict[str, Any]
    curve: list[dict[str, float]] = field(default_factory=list)
    earlier_seconds: float = 0.0  # of training, before this process
    saver: Saver = field(default_factory=Saver)
    strides: list[int] = field(default_factory=list)  # of the held-out views as they were drawn in the end
    drawn: tuple[int, Thumbnail] = (-1, UNSEEN)  # how many points the curve had, and the thumbnail drawn then

    def go_on(self) -> None:
        """Take up the curve of a training that was resumed."""
        path = self.folder / "curve.json"
        points = json.loads(path.read_text()) if path.is_file() else []
        self.curve = [point for point in points if point["step"] <= self.training.step]
        self.earlier_seconds = self.training.seconds

    @property
    def background(self) -> Float[Tensor, "rgb=3"]:
        return torch.tensor(WHITE, device=self.scene.test[0].images.device)

    def judge(self, rays: int, sampler: Sampler) -> Iterator[Iterator[Judged]]:
        """Of each scale the held-out views, at the finest whole stride that takes no more than about this many rays
        in all."""
        field, scales = self.training.field, by_scale(self.scene.test)
        for groups in scales:
            yield judge(field, sampler, groups, self.background, stride(groups, rays / len(scales)))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A context of the training: saved at its end, also where it breaks down. Raises ValueError if it cannot be
        written, and FloatingPointError where it broke."""
        try:
            yield
        except FloatingPointError as error:
            raise FloatingPointError(f"{error} The last good field is in {self.save()}.") from error
        self.save()

    @contextmanager
    def written(self) -> Iterator[None]:
        """A context that ends, however it does, when nothing is being written into the folder any more."""
        try:
            yield
        finally:
            self.saver.finish()

    def save(self) -> Path:
        """The field, the state to resume from, and the curve, in this order: where there is room for one of them, it is
        the field. Raises ValueError if they cannot be written."""
        self.saver.finish()
        self._write(self._contents(self.trained()))
        return self.folder / "field.safetensors"

    def save_beside(self) -> None:
        """The same from a copy, while the training goes on. Raises ValueError if the last one could not be written."""
        sampler, points = self.settled(), len(self.curve)
        if points != self.drawn[0]:  # the field looks different now
            self.drawn = points, self.thumbnail(sampler)
        copies = self._contents(self._as_now(sampler, self.drawn[1])).copied()
        self.saver.start(lambda: self._write(copies))

    def _contents(self, trained: TrainedField) -> "_Contents":
        curve = json_text(self.curve, indent=1)
        return _Contents(field_contents(trained), training_contents(self.training), curve)

    def _write(self, contents: "_Contents") -> None:
        write_tensors(self.folder / "field.safetensors", *contents.field)
        write_tensors(self.folder / "state.safetensors", *contents.state)
        write_text(self.folder / "curve.json", contents.curve)

    def trained(self) -> TrainedField:
        """As it is now, looked at to the end."""
        sampler = self.settled()
        return self._as_now(sampler, self.thumbnail(sampler))

    def settled(self) -> Sampler:
        """As the file is to keep it."""
        return only_seen(self.training.field, self.training.settled(), self.cameras)

    @property
    def cameras(self) -> tuple[Cameras, ...]:
        """Of the training, as it has found them."""
        return tuple(map(self.training.poses.cameras, full_size(self.scene.train)))

    def in_training(self) -> TrainedField:
        """As the training goes on with it: no copy of anything."""
        return self._with(self.training.sampler, UNSEEN, self.provenance)

    def _as_now(self, sampler: Sampler, thumbnail: Thumbnail) -> TrainedField:
        made = {
            "steps": self.training.step,
            "seconds": round(self.training.seconds, 3),
            **sampler.facts(),
            **self.training.poses.facts(),
            **self.training.exposure.facts(),
        }
        return self._with(sampler, thumbnail, {**self.provenance, **made})

    def _with(self, sampler: Sampler, thumbnail: Thumbnail, provenance: dict[str, Any]) -> TrainedField:
        return TrainedField(
            field=self.training.field,
            sampler=sampler,
            cameras=self.cameras,
            background=WHITE,
            scene_from_input=self.scene.scene_from_input,
            provenance=provenance,
            thumbnail=thumbnail,
            input_from_original=self.scene.input_from_original,
            given=self.training.poses.given(full_size(self.scene.train)),
        )

    def thumbnail(self, sampler: Sampler) -> Thumbnail:
        first = self.scene.test[0].cameras
        size = max(first.width, first.height)
        return to_bytes(self.first_view(sampler, max(1, size // THUMBNAIL)).image)

    def first_view(self, sampler: Sampler, stride: int) -> Judged:
        return next(judge(self.training.field, sampler, self.scene.test[:1], self.background, stride))

    @property
    def pictures(self) -> int:
        """How many there are to draw: the held-out views at every scale, and one of them at full size."""
        return view_count(self.scene.test) + 1

    def write_pictures(
        self, shown: Callable[[Iterator[Judged]], Iterator[Judged]] = lambda views: views
    ) -> list[float]:
        """Every held-out view beside the truth, one of them at full size, and the curve as a plot; of a slow field
        at fewer pixels, so that it takes about a tenth of the training. Returns the views' mean PSNR at each scale,
        full size first, NaN where they are masked everywhere. Whoever has the pictures `shown` may end them early: then
        there is no mean of any scale."""
        self.strides = []
        figures, count = [], view_count(full_size(self.scene.test))
        for view in shown(self._to_draw()):
            last = len(figures) == self.pictures - 1
            write_beside_truth(self.folder / ("picture.png" if last else f"images/{view.name}.png"), view)
            figures.append(view.psnr)
            self.strides.append(view.stride)
        if len(figures) < self.pictures:
            return []
        plot_curve(self.folder / "curve.png", self.curve)
        return [mean_figure(figures[first : first + count]) for first in range(0, len(figures) - 1, count)]

    def _to_draw(self) -> Iterator[Judged]:
        """As finely as there is time for: half of it for all views, half for one at full size."""
        sampler, first = self.settled(), self.scene.test[:1]
        began = time.perf_counter()
        looked_at = self.first_view(sampler, stride(first, FEWEST_RAYS * len(first[0])))
        per_ray = (time.perf_counter() - began) / looked_at.counted.numel()
        seconds = self.training.seconds / 2
        for judged in self.judge(final_rays(FINAL_RAYS, seconds, per_ray), sampler):
            yield from judged
        whole = first[0].ignored[0].numel()
        yield self.first_view(sampler, stride(first, final_rays(whole, seconds, per_ray) * len(first[0])))


def stride(groups: Sequence[Views], rays: int | float) -> int:
    """At which whole stride all views take no more than about this many rays."""
    return max(1, round((sum(views.ignored.numel() for views in groups) / rays) ** 0.5))


def write_beside_truth(path: Path, view: Judged) -> None:
    write_picture(path, to_bytes(torch.cat([view.image, view.truth], 1)))


def plot_curve(path: Path, curve: list[dict[str, float]]) -> None:
    """Held-out PSNR against seconds of training."""
    from matplotlib.figure import Figure  # slow to import, and needed once

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([point["seconds"] for point in curve], [point["psnr"] for point in curve], marker="o")
    axes.set(xlabel="seconds of training", ylabel="PSNR of held-out views (dB)")
    axes.grid(alpha=0.3)
    write_atomically(path, lambda beside: figure.savefig(beside, format="png", dpi=120))
