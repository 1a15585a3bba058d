"""What can be made of a field in the viewer: each a job, its heavy work done in turns with everybody else's."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..distill import Callbacks, Edits, Goal, Progress, convert
from ..export.cameras_file import to_transforms
from ..export.mesh_making import METHODS, MeshPlan, make_mesh
from ..export.mesh_output import TEXTURED, up_in, write_mesh
from ..export.page_bake import why_not_shown
from ..export.page_file import write_page
from ..export.points import evenly, surface_points, write_points
from ..export.stages import Stage
from ..fields import FIELD_CONFIGS, FieldConfig, field_config, preset_of
from ..scenes.camera_groups import any_moving, camera_count
from ..scenes.crop import crop_of
from ..scenes.world_frames import moved
from ..train import Budget
from ..train.field_file import TrainedField, save_field
from ..viewer.jobs import Cancelled, Task
from ..viewer.make_tab import Action, Made, Order
from ..viewer.offline import JOB
from ..viewer.scheduler import Scheduler
from ..viewer.subject import DisplaySettings
from .view_subjects import Library

POINTS = {"coarse": 50_000, "medium": 300_000, "fine": 1_500_000}  # rays in all, of which some meet nothing
CONVERSION_SECONDS = 60.0
PAGES = ("fine", "default")  # presets of mipvog
MESHES = {"GLB, with a texture": ".glb", "PLY, with coloured vertices": ".ply"}
CELLS, FACES, TEXTURE = 256, 50_000, 2048
WHOLE = Edits()
Report = Callable[[float, str], None]  # hears how much of a job is done, and what is being done


def actions(library: Library, look: Callable[[], DisplaySettings], folder: Path) -> tuple[Action, ...]:
    """All that this program can make; files go to the folder."""
    shown = (make(library, look, folder) for make in (_mesh, _web_page, _point_cloud))
    return _convert(library, folder), *shown, _cameras(library, folder), _save(library, folder)


def _convert(library: Library, folder: Path) -> Action:
    def make(task: Task, scheduler: Scheduler, order: Order) -> Made:
        config = field_config(order.choice, preset_of(order.choice, None))
        with _in_turns(task, scheduler) as report:
            student = _distilled(library.find(order.subject), config, order.seconds, report, task)
            file = folder / f"{plain(order.subject)} as {order.choice}.safetensors"
            save_field(file, student)
        return Made(file, library.add(student, file))

    hint = "**Another representation** of the shown field, distilled from it, and compared."
    return Action("Convert", hint, make, tuple(FIELD_CONFIGS), "Into", CONVERSION_SECONDS)


def _web_page(library: Library, look: Callable[[], DisplaySettings], folder: Path) -> Action:
    def make(task: Task, scheduler: Scheduler, order: Order) -> Made:
        shown, file = library.find(order.subject), folder / f"{plain(order.subject)}.html"
        edits = Edits(time=look().time if any_moving(shown.cameras) else None, crop=look().crop)
        with _in_turns(task, scheduler) as report:
            if why_not_shown(shown) or edits.cuts:
                config = field_config("mipvog", order.choice)
                shown = _distilled(shown, config, order.seconds, report, task, edits)
            write_page(shown, file, tell=lambda done: report(done, "packing"))
        return Made(file)

    hint = (
        "**Web page** of what is inside the crop box, or of everything: one file, for any browser, offline."
    )
    return Action("Make web page", hint, make, PAGES, "Detail", CONVERSION_SECONDS)


@contextmanager
def _in_turns(task: Task, scheduler: Scheduler) -> Iterator[Report]:
    """Work that takes turns with everybody else's: between two reports the machine is theirs."""
    with ExitStack() as turns:

        def report(done: float, words: str) -> None:
            turns.close()
            task.report(done, words)
            turns.enter_context(scheduler.turn(JOB))

        turns.enter_context(scheduler.turn(JOB))
        yield report


def _distilled(
    trained: TrainedField,
    config: FieldConfig,
    seconds: float,
    report: Report,
    task: Task,
    edits: Edits = WHOLE,
) -> TrainedField:
    def show(progress: Progress, psnr: float) -> None:
        words = f"{progress.stage}, step {progress.step:,}, {psnr:.1f} dB from its teacher"
        report(progress.seconds / seconds, words)

    callbacks = Callbacks(show, should_stop=lambda: task.stopped)
    goal = Goal(Budget(seconds=seconds))
    # A thread of its own: OpenMP's workers, which the thread that computes gets, go with it.
    with ThreadPoolExecutor(1, "omnifield-convert") as thread:
        made = thread.submit(convert, [trained], config, goal, edits=edits, callbacks=callbacks).result()
    if task.stopped:
        raise Cancelled(task.name)
    return made.student


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
        write_points(file, evenly(kept, POINTS[order.choice]), trained.frames.input_from_scene)
        return Made(file)

    hint = "**Point cloud** (PLY) of what the training cameras see, in the input's world frame, inside the crop box."
    return Action("Make point cloud", hint, make, tuple(POINTS), "Density")


def _mesh(library: Library, look: Callable[[], DisplaySettings], folder: Path) -> Action:
    def make(task: Task, scheduler: Scheduler, order: Order) -> Made:
        trained, shown, made = library.find(order.subject), look(), []
        there = trained.frames.input_from_scene
        file = folder / f"{plain(order.subject)} mesh{MESHES[order.choice]}"
        texture = TEXTURE if file.suffix in TEXTURED else 0
        plan = MeshPlan(
            shown.crop or crop_of(trained.field.domain, trained.cameras), CELLS, FACES, texture, shown.time
        )

        def work() -> Iterator[Stage]:
            made.append((yield from make_mesh(trained, plan, METHODS["auto"])))

        for stage in scheduler.steps(JOB, work()):
            task.report(stage.done, stage.words)
        write_mesh(file, made[0].moved(there), up_in(there))
        return Made(file)

    hint = "**Mesh** of what is inside the crop box, in the input's world frame, with the field's colours."
    return Action("Make mesh", hint, make, tuple(MESHES), "File")


def _cameras(library: Library, folder: Path) -> Action:
    def make(task: Task, scheduler: Scheduler, order: Order) -> Made:
        trained = library.find(order.subject)
        there = trained.frames.input_from_scene
        file = folder / f"{plain(order.subject)} transforms.json"
        to_transforms(file, [moved(each, there).to("cpu") for each in trained.cameras], "input")
        return Made(file)

    hint = "**Cameras** that the field was trained from, as a transforms.json, in the input's world frame."
    return Action("Save cameras", hint, make)


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
