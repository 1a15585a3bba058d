"""From the entries of `transforms*.json` to frames, and to what they show."""

from ..scenes.placement import Capture
from .capture import read_capture
from .format import Reading
from .frame import Frame
from .images import picture_size
from .transforms_entries import Entry, check_times, names_of
from .transforms_lens import read_intrinsics, say_principals_outside, stated_size, states_size
from .upright import upright


def capture_of(train: list[Entry], test: list[Entry], reading: Reading) -> Capture:
    """Raises as `frames_of` and `read_capture`."""
    frames, source = frames_of(train + test), str((train + test)[0].shared.file)
    return read_capture(frames[: len(train)], frames[len(train) :], reading=reading, source=source)


def frames_of(entries: list[Entry]) -> list[Frame]:
    """Raises FileNotFoundError or ValueError on an image that is missing or unreadable, a bad lens, a missing time."""
    entries = upright(entries)
    check_times(entries)
    frames = [_frame(entry, name) for entry, name in zip(entries, names_of(entries), strict=True)]
    say_principals_outside([entry.fields for entry in entries], [frame.intrinsics for frame in frames])
    return frames


def _frame(entry: Entry, name: str) -> Frame:
    stated = states_size(entry.fields, entry.shared)
    size = stated_size(entry.fields, entry.shared) if stated else picture_size(entry.native)
    return Frame(
        name=name,
        picture=entry.picture,
        intrinsics=read_intrinsics(entry.fields, entry.shared, size),
        world_from_camera=entry.world_from_camera,
        time=entry.time,
        masks=entry.masks,
        alpha=entry.alpha,
    )
