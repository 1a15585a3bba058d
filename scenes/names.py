"""What views are called: by their pictures' file names, no two alike, and each fit to be a file's name itself."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')  # on some system
MOST_BYTES = 150  # of the 255 that a file's name may have: more than the view's name goes into it


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """The files' names without extension; those that are alike get their folders, their extension or a number as
    well: left/0000.jpg and right/0000.jpg become left_0000 and right_0000."""
    names = [path.stem for path in paths]
    for same in _alike(names):
        folders = _telling_folders([paths[i].parent for i in same])
        for i, folder in zip(same, folders, strict=True):
            names[i] = "_".join((*folder, paths[i].stem))
    for same in _alike(names):
        if len({paths[i].suffix for i in same}) > 1:
            for i in same:
                names[i] += paths[i].suffix
    return numbered([_fit(name) for name in names])


def numbered(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The names, with _2, _3 and so on behind each that came before or is taken."""
    used, free = {_key(name) for name in taken}, []
    for name in names:
        count, new = 1, name
        while _key(new) in used:
            count += 1
            new = f"{name}_{count}"
        used.add(_key(new))
        free.append(new)
    return free


def _alike(names: list[str]) -> list[list[int]]:
    """Places of names that are the same, two or more."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        places[_key(_fit(name))].append(i)
    return [same for same in places.values() if len(same) > 1]


def _telling_folders(folders: list[Path]) -> list[tuple[str, ...]]:
    """Of each as few last parts as tell all apart that are not the same; none where all are."""

    def ends(count: int) -> list[tuple[str, ...]]:
        return [folder.parts[max(0, len(folder.parts) - count) :] for folder in folders]

    longest = max(len(folder.parts) for folder in folders)
    return ends(next(n for n in range(longest + 1) if len(set(ends(n))) == len(set(folders))))


def _fit(name: str) -> str:
    name = UNFIT.sub("_", name).strip(" .").encode()[-MOST_BYTES:].decode(errors="ignore")
    return name or "_"


def _key(name: str) -> str:
    """Some file systems take capitals, or letters put together from two, for the same."""
    return unicodedata.normalize("NFC", name).casefold()
