"""Which files of a folder are photographs, which of them cannot be read, and what all the others are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..datasets.exif import turned_size
from ..datasets.image_file import BadImage, Header, read_header
from ..datasets.photographs import EXTENSIONS, IMAGES, MASKS, listed

# Pictures that nothing here reads; they are named, not passed over.
FOREIGN = (".heic", ".heif", ".avif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
VIDEOS = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".3gp")
CLUTTER = (
    ".txt",
    ".md",
    ".ini",
    ".db",
    ".xmp",
    ".aae",
    ".thm",
    ".lrv",
    ".nomedia",
)  # beside cameras' pictures
FEWEST = 3  # two to train on, and one to judge by
SEEN_AS_360 = 2.0  # width by height
PANORAMA = b"equirectangular"
START = 1 << 17  # bytes of a file, in which cameras say how it was taken


@dataclass(frozen=True)
class Photo:
    path: Path
    header: Header

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as it is to be seen."""
        return turned_size(self.header.size, self.header.orientation)


@dataclass(frozen=True)
class Found:
    """`unreadable` are (file's name, why), and no reason to give up while there are others."""

    folder: Path
    photos: tuple[Photo, ...]
    unreadable: tuple[tuple[str, str], ...]


def holds_only_photos(path: Path) -> bool:
    """Whether a folder is nothing but photographs, and what cameras and file managers leave beside them."""
    if not path.is_dir():
        return False
    seen = [each for each in path.iterdir() if not each.name.startswith(".")]
    folders = {each.name for each in seen if each.is_dir()}
    known = (*EXTENSIONS, *FOREIGN, *CLUTTER)
    fit = all(each.suffix.lower() in known for each in seen if each.name not in folders)
    return fit and folders <= {IMAGES, MASKS} and bool(listed(_home(path)))


def is_video(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in VIDEOS


def check_source(source: Path) -> None:
    """Raises FileNotFoundError or ValueError for what is neither a folder nor a video."""
    if not source.exists():
        raise FileNotFoundError(f"There is no file or folder {source}.")
    if not (source.is_dir() or is_video(source)):
        raise ValueError(f"{source} is neither a folder of photographs nor a video ({', '.join(VIDEOS)}).")


def find_photos(folder: Path) -> Found:
    """Those of the folder itself, or of `images` in it. Raises ValueError or FileNotFoundError where there are none, or
    too few to make a scene of."""
    check_source(folder)
    home = _home(folder)
    photos, unreadable = [], [(each.name, "is of a kind that is not read here") for each in _foreign(home)]
    for path in listed(home):
        try:
            header = read_header(path)
        except BadImage as error:
            unreadable.append((path.name, str(error)))
        else:
            photos.append(Photo(path, header))
    found = Found(home, tuple(photos), tuple(unreadable))
    _check_count(found)
    _check_360(found.photos)
    return found


def say_unreadable(unreadable: Sequence[tuple[str, str]]) -> str:
    """A sentence, or nothing."""
    if not unreadable:
        return ""
    first, why = unreadable[0]
    more = f", nor can {_named([name for name, _ in unreadable[1:]])}" if unreadable[1:] else ""
    return f"{first} cannot be used, since it {why}{more}."


def _home(folder: Path) -> Path:
    """Where the pictures are: many keep them in a folder of the name that COLMAP's users give it."""
    return folder if listed(folder) or not (folder / IMAGES).is_dir() else folder / IMAGES


def _check_count(found: Found) -> None:
    if len(found.photos) >= FEWEST:
        return
    if not found.photos and not found.unreadable:
        below = sorted(each.name for each in found.folder.iterdir() if each.is_dir() and listed(each))
        inside = f"; {_named(below)} in it has some: name that folder" if below else ""
        raise FileNotFoundError(f"The folder {found.folder} holds no photographs{inside}.")
    unread = say_unreadable(found.unreadable)
    raise ValueError(
        f"{found.folder} holds {_counted(len(found.photos))} that can be read, and a scene takes {FEWEST} at "
        f"least (better 20 to 60, each showing most of what the one before shows)."
        + (f" {unread}" if unread else "")
    )


def _check_360(photos: Sequence[Photo]) -> None:
    for photo in photos:
        width, height = photo.header.size
        if width == SEEN_AS_360 * height and PANORAMA in _start(photo.path):
            raise ValueError(
                f"{photo.path} is a picture of all around (360°), which no lens of ours is: make ordinary "
                "pictures of it first, or take the camera's own."
            )


def _start(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(START)


def _foreign(folder: Path) -> list[Path]:
    files = (each for each in folder.iterdir() if not each.name.startswith("."))
    return sorted(each for each in files if each.suffix.lower() in FOREIGN and each.is_file())


def _named(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _counted(count: int) -> str:
    return {0: "no picture", 1: "one picture"}.get(count, f"{count} pictures")
