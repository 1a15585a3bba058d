"""TensorBoard's record of a training."""

from collections.abc import Sequence
from pathlib import Path

from .loop import Progress

EVERY = 10  # steps


class Events:
    """A context that writes scalars to a folder for `tensorboard --logdir`, called after every step; points of the
    curve as they are added."""

    def __init__(self, folder: Path, curve: Sequence[dict[str, float]]) -> None:
        from torch.utils.tensorboard import SummaryWriter  # seconds to import: only a training pays

        self.writer = SummaryWriter(str(folder))
        self.curve = curve

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *exception: object) -> None:
        self.writer.close()

    def __call__(self, progress: Progress) -> None:
        if progress.step % EVERY == 0:
            self.writer.add_scalar("train/loss", progress.loss, progress.step)
            self.writer.add_scalar("train/psnr", progress.psnr, progress.step)
            self.writer.add_scalar("train/rays", progress.rays, progress.step)
            self.writer.add_scalar("train/seconds", progress.seconds, progress.step)
            if len(progress.losses) > 1:
                for name, value in progress.losses.items():
                    self.writer.add_scalar(f"train/losses/{name}", value, progress.step)
        if self.curve and self.curve[-1]["step"] == progress.step:
            self.writer.add_scalar("held_out/psnr", self.curve[-1]["psnr"], progress.step)
