"""TensorBoard's record of a training."""

from pathlib import Path

from .loop import Progress

EVERY = 10  # steps


class EventLog:
    """A context that writes scalars to a folder for `tensorboard --logdir`."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter  # seconds to import: only a training pays

        self.writer = SummaryWriter(str(folder))

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(self, *exception: object) -> None:
        self.writer.close()

    def add(self, progress: Progress) -> None:
        if progress.step % EVERY == 0:
            self.writer.add_scalar("train/loss", progress.loss, progress.step)
            self.writer.add_scalar("train/psnr", progress.psnr, progress.step)
            self.writer.add_scalar("train/rays", progress.rays, progress.step)
            self.writer.add_scalar("train/seconds", progress.seconds, progress.step)

    def add_held_out(self, step: int, psnr: float) -> None:
        self.writer.add_scalar("held_out/psnr", psnr, step)
