"""What can be made of a field in the viewer: each a job, its heavy work done in turns with everybody else's."""

from collections.abc import Callable
from pathlib import Path

from ..export.points import surface_points, write_points
from ..train.field_file import TrainedField, save_field
from ..viewer.film import JOB
from ..viewer.floor import Floor
from ..viewer.jobs import Task
from ..viewer.make_tab import Action, Made
from ..viewer.subject import Look

POINTS = {"coarse": 50_000, "medium": 300_000, "fine": 1_500_000}  # rays in all, of which some meet nothing
Find = Callable[[str], TrainedField]
"""The trained field of a subject's name."""


def actions(find: Find, look: Callable[[], Look], folder: Path) -> tuple[Action, ...]:
    """All that this program can make; files go to the folder."""
    return _point_cloud(find, look, folder), _save(find, folder)


def _point_cloud(find: Find, look: Callable[[], Look], folder: Path) -> Action:
    def make(task: Task, floor: Floor, name: str, choice: str) -> Made:
        trained, crop = find(name), look().crop
        views = len(trained.cameras)
        rays = max(1, POINTS[choice] // views)
        clouds = surface_points(trained, rays, crop.apply if crop else lambda rays: rays)
        kept = []
        for done, cloud in enumerate(floor.steps(JOB, clouds)):
            task.report(done / views, f"view {done + 1} of {views}")
            kept.append(cloud)
        file = folder / f"{plain(name)} points {choice}.ply"
        write_points(file, kept)
        return Made(file)

    hint = "**Point cloud** (PLY) of what the training cameras see, in the input's world frame, inside the crop box."
    return Action("Make point cloud", hint, make, tuple(POINTS), "Density")


def _save(find: Find, folder: Path) -> Action:
    def make(task: Task, floor: Floor, name: str, choice: str) -> Made:
        file = folder / f"{plain(name)}.safetensors"
        floor.submit(JOB, lambda: save_field(file, find(name))).result()
        return Made(file)

    return Action("Save field", "**The field as it is now**, as one file that needs no data set.", make)


def plain(name: str) -> str:
    """A subject's name as a file's."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in name).split()
    return "-".join(words)[:64] or "field"
