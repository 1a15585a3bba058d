"""What can be made of a field in the viewer: each a job, its heavy work done in turns with everybody else's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from ..distill import Callbacks, Goal, Progress, convert
from ..export.points import surface_points, write_points
from ..fields import FIELD_CONFIGS, field_config, preset_of
from ..scenes.camera_groups import camera_count
from ..train import Budget
from ..train.field_file import save_field
from ..viewer.jobs import Cancelled, Task
from ..viewer.make_tab import Action, Made, Order
from ..viewer.offline import JOB
from ..viewer.scheduler import Scheduler
from ..viewer.subject import DisplaySettings
from .view_subjects import Library

POINTS = {"coarse": 50_000, "medium": 300_000, "fine": 1_500_000}  # rays in all, of which some meet nothing
CONVERSION_SECONDS = 60.0


def actions(library: Library, look: Callable[[], DisplaySettings], folder: Path) -> tuple[Action, ...]:
    """All that this program can make; files go to the folder."""
    return _convert(library, folder), _point_cloud(library, look, folder), _save(library, folder)


def _convert(library: Library, folder: Path) -> Action:
    def make(task: Task, scheduler: Scheduler, order: Order) -> Made:
        # A thread of its own: OpenMP's workers, which the thread that computes gets, go with it.
        with ExitStack() as turns, ThreadPoolExecutor(1, "omnifield-convert") as thread:

            def show(progress: Progress, psnr: float) -> None:
                """Between two steps the machine is everybody's."""
                turns.close()
                task.report(
                    progress.seconds / order.seconds,
                    f"{progress.stage}, step {progress.step:,}, {psnr:.1f} dB from its teacher",
                )
                turns.enter_context(scheduler.turn(JOB))

            turns.enter_context(scheduler.turn(JOB))
            config = field_config(order.choice, preset_of(order.choice, None))
            goal = Goal(Budget(seconds=order.seconds))
            callbacks = Callbacks(show, should_stop=lambda: task.stopped)
            made = thread.submit(
                convert, [library.find(order.subject)], config, goal, callbacks=callbacks
            ).result()
            if task.stopped:
                raise Cancelled(task.name)
            file = folder / f"{plain(order.subject)} as {order.choice}.safetensors"
            save_field(file, made.student)
        return Made(file, library.add(made.student, file))

    hint = "**Another representation** of the shown field, distilled from it, and compared."
    return Action("Convert", hint, make, tuple(FIELD_CONFIGS), "Into", CONVERSION_SECONDS)


def _point_cloud(library: Library, look: Callable[[], DisplaySettings], folder: Path) -> Action:
    def make(task: Task, scheduler: Scheduler, order: Order) -> Made:
        trained, crop = library.find(order.subject), look().crop
        views = camera_count(trained.cameras)
        rays = max(1, POINTS[order.choice] // views)
        clouds = surface_points(trained, rays, crop.apply if crop else lambda rays: rays)
        kept = []
        for done, cloud in enumerate(scheduler.steps(JOB, clouds)):
            task.report(done / views, f"view {done + 1} of {views}")
            kept.append(cloud)
        file = folder / f"{plain(order.subject)} points {order.choice}.ply"
        write_points(file, kept)
        return Made(file)

    hint = "**Point cloud** (PLY) of what the training cameras see, in the input's world frame, inside the crop box."
    return Action("Make point cloud", hint, make, tuple(POINTS), "Density")


def _save(library: Library, folder: Path) -> Action:
    def make(task: Task, scheduler: Scheduler, order: Order) -> Made:
        file = folder / f"{plain(order.subject)}.safetensors"
        scheduler.submit(JOB, lambda: save_field(file, library.find(order.subject))).result()
        return Made(file)

    return Action("Save field", "**The field as it is now**, as one file that needs no data set.", make)


def plain(name: str) -> str:
    """A subject's name as a file's."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in name).split()
    return "-".join(words)[:64] or "field"
