"""Files on their way from browsers: bounded in number and size while they come, and forgotten with their browser.

viser keeps the parts until they are as many as were announced; whether, and when, they come is up to the browser.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .wire import Refused, Upload, UploadPart

MOST_BYTES = 20 << 20  # of a file
MOST_PARTS = 1 << 10  # viser's page makes them of half a MiB
AT_ONCE = 4  # from all browsers together; one from each


@dataclass
class Coming:
    """A file of which parts are missing: their numbers, and the bytes that they may have together."""

    owner: object
    control: str
    parts: set[int]
    left: int


class Uploads:
    def __init__(self, forget: Callable[[str], None]) -> None:
        """`forget` hears of transfers that viser need not wait for any more."""
        self.forget = forget
        self.coming: dict[str, Coming] = {}

    def begin(self, owner: object, upload: Upload) -> None:
        """A browser announces a file; one that it has not finished makes way. What may not come is made an empty file,
        which ends the transfer in the browser too. Raises Refused for one that nobody could finish."""
        self.leave(owner)
        if upload.transfer_uuid in self.coming:
            raise Refused("a file under the number of another one")
        if (upload.part_count == 0) != (upload.size_bytes == 0) or upload.part_count > MOST_PARTS:
            raise Refused("a file in parts that cannot make it")
        if upload.size_bytes > MOST_BYTES or len(self.coming) >= AT_ONCE:
            upload.size_bytes = upload.part_count = 0
        elif upload.part_count:
            parts = set(range(upload.part_count))
            self.coming[upload.transfer_uuid] = Coming(
                owner, upload.source_component_uuid, parts, upload.size_bytes
            )

    def take(self, owner: object, part: UploadPart) -> None:
        """Raises Refused for a part that is not due."""
        coming = self.coming.get(part.transfer_uuid)
        if coming is None or coming.owner is not owner or part.part_index not in coming.parts:
            raise Refused("a part of a file that is not due")
        coming.parts.remove(part.part_index)
        coming.left -= len(part.content)
        if coming.left < 0 or (coming.left and not coming.parts):
            self._drop(part.transfer_uuid)
            raise Refused("a file that is not as large as announced")
        part.source_component_uuid = coming.control
        if not coming.parts:
            del self.coming[part.transfer_uuid]

    def leave(self, owner: object) -> None:
        """A browser has gone, and its files with it."""
        for number in [number for number, coming in self.coming.items() if coming.owner is owner]:
            self._drop(number)

    def _drop(self, number: str) -> None:
        del self.coming[number]
        self.forget(number)
