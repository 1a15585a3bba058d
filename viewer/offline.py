"""Whole pictures for a job: drawn in full at their size, in turns with everybody else."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from ..scenes import Cameras
from .display import Display
from .drawing import Pace, Plan, draw
from .scheduler import Scheduler
from .subject import DisplaySettings

JOB = "job"  # its name at the scheduler
AT_ONCE = Plan(first_seconds=float("inf"), in_full=False)
Image = UInt8[Tensor, "height width rgb=3"]


class OfflineRenderer:
    """Pictures of cameras as somebody looks at them, each at its moment."""

    def __init__(self, display: Display, scheduler: Scheduler, look: DisplaySettings) -> None:
        self.display = display
        self.scheduler = scheduler
        self.look = look
        self.pace = Pace()

    def frames(self, cameras: Sequence[Cameras], check: Callable[[float], None]) -> Iterator[Image]:
        """Each of one camera; `check` hears what fraction of them is done after every tile, and may raise."""
        for view, camera in enumerate(cameras):
            for image in self._frame(camera):
                check(view / len(cameras))
                if image is not None:
                    yield image

    def _frame(self, camera: Cameras) -> Iterator[Image | None]:
        """None after every tile, and the picture in the end."""
        look = replace(self.look, time=camera.time.item())
        drawing = draw(camera, self.display.asker(look), self.pace, AT_ONCE)

        @torch.no_grad()
        def tile() -> tuple[bool, Image | None]:
            stage = next(drawing)
            return stage.last, self.display.paint(stage.picture, look) if stage.last else None

        last = False
        while not last:
            last, image = self.scheduler.submit(JOB, tile).result()
            yield image
