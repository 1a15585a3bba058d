"""Which way up the poses mean a picture: cameras store it as they were held, and EXIF's orientation says how.

Poses and intrinsics are of the stored pixels or of the upright picture, by whichever program made them. The stated
width and height tell, or the principal point. Where they are missing the upright picture is taken, and said. Where they
are the same either way the other pictures of the set tell, or else the poses: nobody tilts a camera to and fro by
quarter turns.
"""

from dataclasses import replace
from enum import Enum

import torch

from ..scenes.notice import notice
from .exif import AS_STORED, turned_size
from .image_file import Header
from .images import Picture, picture_header, picture_size
from .intrinsics import aspect_error
from .transforms_entries import Entry
from .transforms_lens import stated_middle, stated_size, states_size

# Where the upper edge of the upright picture is in the stored one: along the camera's x (right) or y (up).
UPPER_EDGE = {1: (1, 1), 2: (1, 1), 3: (1, -1), 4: (1, -1), 5: (0, -1), 6: (0, -1), 7: (0, 1), 8: (0, 1)}
CLEARLY = 0.2  # of the length that the upper edges' mean direction could have


class Meant(Enum):
    """By w and h, else cx and cy, where a picture is stored in another way than it is to be seen."""

    STORED = "they are those of the stored picture"
    UPRIGHT = "they are those of the upright picture"
    UNTOLD = "they are missing, or the same either way"


def upright(entries: list[Entry]) -> list[Entry]:
    """The entries, their pictures to be turned where the poses mean them so. Raises ValueError or FileNotFoundError
    where one cannot be read."""
    headers = [picture_header(entry.picture) for entry in entries]
    meant = {
        i: _meant(entry, header)
        for i, (entry, header) in enumerate(zip(entries, headers, strict=True))
        if header.orientation != AS_STORED
    }
    told, untold = set(meant.values()) - {Meant.UNTOLD}, [i for i in meant if meant[i] is Meant.UNTOLD]
    if untold:
        by_others = Meant.STORED in told and Meant.UPRIGHT not in told
        by_poses = not told and states_size(entries[untold[0]].fields, entries[untold[0]].shared)
        stored = by_others or (by_poses and _stand_upright_as_stored(entries, headers))
        otherwise = Meant.STORED if stored else Meant.UPRIGHT
        _say([entries[i] for i in untold], otherwise)
        meant.update(dict.fromkeys(untold, otherwise))
    turned = list(entries)
    for i, which in meant.items():
        if which is Meant.UPRIGHT:
            picture = replace(entries[i].picture, orientation=headers[i].orientation)
            turned[i] = replace(entries[i], picture=picture)
    return [replace(entry, native=_native(entry)) for entry in turned]


def _meant(entry: Entry, header: Header) -> Meant:
    seen = turned_size(header.size, header.orientation)
    if not states_size(entry.fields, entry.shared):
        middle = stated_middle(entry.fields, entry.shared)
        # A middle is no size, so it has to be quite clear.
        if middle and 4 * aspect_error(middle, header.size) < aspect_error(middle, seen):
            return Meant.STORED
        return Meant.UNTOLD
    stated = stated_size(entry.fields, entry.shared)
    if_stored, if_seen = aspect_error(stated, header.size), aspect_error(stated, seen)
    if if_stored == if_seen:
        return Meant.UNTOLD
    return Meant.STORED if if_stored < if_seen else Meant.UPRIGHT


def _stand_upright_as_stored(entries: list[Entry], headers: list[Header]) -> bool:
    """Whether the pictures' upper edges point the same way much more if the poses are of the stored pixels."""
    if_seen, if_stored = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for entry, header in zip(entries, headers, strict=True):
        axis, sign = UPPER_EDGE[header.orientation]
        if_seen += entry.world_from_camera[:3, 1]
        if_stored += sign * entry.world_from_camera[:3, axis]
    return bool(if_stored.norm() > if_seen.norm() + CLEARLY * len(entries))


def _say(entries: list[Entry], otherwise: Meant) -> None:
    first, others = entries[0].picture.path.name, len(entries) - 1
    who = f"{first} and {others} more" if others else first
    applied = "is applied" if otherwise is Meant.UPRIGHT else "is not applied"
    why = "are the same either way" if states_size(entries[0].fields, entries[0].shared) else "are not stated"
    notice(
        f"{entries[0].shared.file}: the EXIF orientation of {who} {applied}; w and h, which would tell whether the "
        f"poses mean the upright picture, {why}."
    )


def _native(entry: Entry) -> Picture:
    """Whichever way it has the shape of the reduced copy, where that is what will be read."""
    if entry.native.path == entry.picture.path:
        return entry.picture
    if states_size(entry.fields, entry.shared):
        return entry.native
    header, size = picture_header(entry.native), picture_size(entry.picture)
    seen = turned_size(header.size, header.orientation)
    nearer = aspect_error(seen, size) < aspect_error(header.size, size)
    return replace(entry.native, orientation=header.orientation if nearer else AS_STORED)
