"""Pictures of an evaluation: of every held-out view rendering, truth and error in a row."""

from collections.abc import Iterable
from pathlib import Path

from ..train.evaluate import Judged
from ..train.pictures import to_bytes, write_picture
from .color_maps import error_map, side_by_side


def comparison_name(number: int, view: str) -> str:
    return f"{number:04d}_{view}.png"


def refuse_mixture(folder: Path, views: Iterable[str]) -> None:
    """Raises ValueError where pictures of other views than these would stay among those of this evaluation."""
    ours = {comparison_name(number, name) for number, name in enumerate(views)}
    others = sorted({path.name for path in folder.glob("[0-9][0-9][0-9][0-9]_*.png")} - ours)
    if others:
        raise ValueError(
            f"{folder} holds pictures of another evaluation, such as {others[0]}: name another folder with --output."
        )


def write_comparison(path: Path, view: Judged) -> None:
    """Raises ValueError if it cannot be written."""
    pictures = [to_bytes(view.image), to_bytes(view.truth), error_map(view.image, view.truth)]
    write_picture(path, side_by_side(pictures))
