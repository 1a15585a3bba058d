"""Files of fields and of trainings, spoilt in every way: `python mutants.py FOLDER COUNT` makes, loads and counts them.

A program of its own: what it takes is this work's memory alone, and no signatures are checked that would not be.
"""

import json
import random
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from omnifield.fields import FIELD_CONFIGS, field_config
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Box, pinhole
from omnifield.train import FitConfig, TrainedField, Training, load_field, save_field
from omnifield.train.checkpoint import load_training, save_training

BOX = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
STRANGE = (
    *(0, -1, 1, 2, 3, 7, 8, 64, 256, 2048, 1 << 16, 1 << 24, 1 << 31, 1 << 62, 10**30, 10**400),
    *(0.0, 0.5, -2.5, 3.0, 1e-300, 1e300, float("nan"), float("inf"), -float("inf")),
    *(True, False, None, "4", "", [], {}, [1, 2, 3], "\ud800"),
)


def numbers(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Where in a header something stands that can be replaced."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(inner, (*path, key))
    else:
        yield path


def with_header(content: bytes, outer: str) -> bytes:
    length = int.from_bytes(content[:8], "little")
    return struct.pack("<Q", len(outer.encode())) + outer.encode() + content[8 + length :]


def another_number(content: bytes, chance: random.Random) -> bytes:
    """In the header of the file, or in ours within it."""
    outer = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    (entry,) = outer["__metadata__"]
    inner, ours = json.loads(outer["__metadata__"][entry]), chance.random() < 0.8
    header = inner if ours else outer
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        *path, last = chance.choice([p for p in numbers(header) if p[0] != "__metadata__"])
        place = header
        for key in path:
            place = place[key]
        place[last] = chance.choice(STRANGE)
    outer["__metadata__"][entry] = json.dumps(inner)
    return with_header(content, json.dumps(outer))


def another_text(content: bytes, chance: random.Random) -> bytes:
    """What no JSON of ours is: nests without an end, names given twice, numbers that are none."""
    outer = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    (entry,) = outer["__metadata__"]
    text, nest = outer["__metadata__"][entry], "[" * 100_000
    texts = (
        *(nest, '{"version":' * 50_000, "NaN", text + text, " " * 5_000_000 + text),
        *(text.replace(": 1", ": 1e999"), text.replace(": 1", ": " + "9" * 5000)),
        *(text.replace("{", '{"version": 1, "step": 1,', 1), text[:-1] + ', "x": NaN}'),
        text[:-1] + ', "x": ' + "[" * 60 + "]" * 60 + "}",
    )
    outer["__metadata__"][entry] = chance.choice(texts)
    whole = json.dumps(outer)
    return with_header(content, chance.choice((whole, whole, nest, whole[:-1] + ', "x":{}}')))


def another_bit(content: bytes, chance: random.Random) -> bytes:
    spoilt, end = (
        bytearray(content),
        chance.choice((8, 8 + int.from_bytes(content[:8], "little"), len(content))),
    )
    for _ in range(chance.choice((1, 2, 8))):
        spoilt[chance.randrange(end)] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def not_a_number(content: bytes, chance: random.Random) -> bytes:
    begin = 8 + int.from_bytes(content[:8], "little")
    place = begin + 4 * chance.randrange((len(content) - begin) // 4)
    strange = struct.pack("<f", chance.choice((float("nan"), float("inf"), -1.0, 3e38, 0.0)))
    return content[:place] + strange * chance.choice((1, 12)) + content[place + 4 :]


def shorter(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))] + bytes(chance.choice((0, 0, 1, 4096)))


KINDS = (another_number, another_number, another_number, another_text, another_bit, not_a_number, shorter)


def make(folder: Path, tag: str) -> tuple[Path, Path, Training]:
    field = field_config(tag, "tiny").build(BOX)
    occupancy, transform = OccupancyConfig(16).build(BOX), torch.eye(4)
    cameras, picture = pinhole(torch.eye(4)[None, :3], (8, 6), 0.7, near=0.1), torch.zeros(2, 2, 3).byte()
    trained = TrainedField(
        field, occupancy, (cameras, cameras), (1.0, 1.0, 1.0), transform, {"steps": 1}, picture
    )
    training = Training(field, occupancy, FitConfig(), views=0)
    save_field(folder / f"{tag}.field", trained)
    save_training(folder / f"{tag}.state", training)
    return folder / f"{tag}.field", folder / f"{tag}.state", training


def peak_kilobytes() -> int:
    """Of this program alone: the system's usual figure may be that of the one that started it."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


def main(folder: Path, count: int) -> None:
    chance, made = random.Random(0), [make(folder, tag) for tag in FIELD_CONFIGS]
    whole = {path: path.read_bytes() for field, state, _ in made for path in (field, state)}
    before = peak_kilobytes()
    refused = 0
    for number in range(count):
        field, state, training = made[number % len(made)]
        path = state if number % 4 == 3 else field
        spoilt = folder / "spoilt"
        spoilt.write_bytes(chance.choice(KINDS)(whole[path], chance))
        try:
            load_training(spoilt, training) if path is state else load_field(spoilt)
        except ValueError as error:
            sentence = str(error)
            good = type(error) is ValueError and str(spoilt) in sentence and sentence.endswith(".")
            if not good or not sentence.isprintable() or len(sentence) > 1000:
                raise AssertionError(f"mutant {number}: {error!r}") from error
            refused += 1
    after = peak_kilobytes()
    print(
        json.dumps({"refused": refused, "megabytes": after / 1024, "more_megabytes": (after - before) / 1024})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
