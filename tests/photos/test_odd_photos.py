"""Pictures of which no scene comes, each answered in one sentence; and of odd kinds, of which one does."""

import os
from pathlib import Path

import numpy as np
import pytest
from omnifield.photos.found import find_photos
from omnifield.photos.options import ProcessOptions
from omnifield.photos.plan import groups_of, threads_for
from omnifield.photos.prepared import Prepared, prepare
from omnifield.photos.process import Processed, process
from PIL import Image

from .corner import HEIGHT, WIDTH, needs_pycolmap, photograph, ring, seen

pytestmark = needs_pycolmap


def made(folder: Path) -> Processed:
    options = ProcessOptions(max_size=320, features="sift", lens="SIMPLE_RADIAL")
    return process(folder, folder.with_name("scene"), options, lambda phase, done, total: None)


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    photograph(tmp_path / "photos", ["0.png", "1.png", "2.png"])
    (tmp_path / "photos" / "masks").mkdir()
    Image.new("L", (7, 9), 255).save(tmp_path / "photos" / "masks" / "1.png")
    with pytest.raises(ValueError, match=r"masks/1.png has 7x9 pixels where 1.png has 240x180"):
        made(tmp_path / "photos")
    assert [each.name for each in tmp_path.iterdir()] == ["photos"]


def test_pictures_that_share_nothing_are_answered_in_a_sentence(tmp_path: Path) -> None:
    """Report 3."""
    (tmp_path / "photos").mkdir()
    for i in range(3):
        Image.new("RGB", (WIDTH, HEIGHT), (90 + 30 * i,) * 3).save(tmp_path / "photos" / f"{i}.png")
    with pytest.raises(ValueError, match="of 3 pictures none found a place beside the others"):
        made(tmp_path / "photos")
    assert [each.name for each in tmp_path.iterdir()] == ["photos"]


@pytest.mark.parametrize(("count", "words"), [(1, "one picture"), (2, "2 pictures")])
def test_too_few_pictures(tmp_path: Path, count: int, words: str) -> None:
    """Report 3."""
    photograph(tmp_path / "photos", [f"{i}.png" for i in range(count)])
    with pytest.raises(ValueError, match=f"photos holds {words} that can be read, and a scene takes 3"):
        made(tmp_path / "photos")
    assert [each.name for each in tmp_path.iterdir()] == ["photos"]


def test_a_folder_of_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(ValueError, match=r"no picture that can be read.*1\.HEIC cannot be used"):
        made(tmp_path / "photos")


def test_pictures_one_folder_below_are_pointed_out(tmp_path: Path) -> None:
    photograph(tmp_path / "photos" / "day 1", ["0.png"])
    with pytest.raises(FileNotFoundError, match="holds no photographs; day 1 in it has some"):
        made(tmp_path / "photos")


def test_threads_are_bounded_by_the_memory(tmp_path: Path) -> None:
    """Report 37."""
    large = [Prepared(Path("a.jpg"), "a.jpg", "000000.jpg", (4000, 3000), (), "")]
    assert threads_for(large, ProcessOptions(max_size=4000), 4e9) == 1
    assert threads_for(large, ProcessOptions(max_size=400), 1e12) == (os.cpu_count() or 1)
    assert threads_for(large, ProcessOptions(), 1e3) == 1


def test_a_picture_of_all_around_is_refused(tmp_path: Path) -> None:
    photograph(tmp_path / "photos", ["0.jpg", "1.jpg"])
    exif = Image.Exif()
    exif[0x010E] = "equirectangular"
    Image.new("RGB", (128, 64)).save(tmp_path / "photos" / "all.jpg", exif=exif)
    with pytest.raises(ValueError, match=r"all\.jpg is a picture of all around"):
        made(tmp_path / "photos")


def test_pictures_of_other_kinds_become_such_as_every_program_reads(tmp_path: Path) -> None:
    """16 bits, a palette, CMYK, WebP, gray: the names go on, and the pixels are those that we read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    pictures = [Image.fromarray(seen(pose)) for pose in ring(5)]
    Image.fromarray(np.asarray(pictures[0], np.uint16) * 257).save(folder / "0.png")
    pictures[1].quantize(64).save(folder / "1.png")
    pictures[2].convert("CMYK").save(folder / "2.jpg", quality=95)
    pictures[3].convert("RGB").save(folder / "3.webp", lossless=True)
    pictures[4].save(folder / "4.tif")
    assert len(made(folder).placed) == 5
    images = tmp_path / "scene" / "images"
    assert {each.name for each in images.iterdir()} == {"0.png", "1.png", "2.jpg", "3.webp.jpg", "4.tif.png"}
    for i, path in enumerate(sorted(images.iterdir())):
        image = Image.open(path)
        assert image.mode in ("RGB", "L") and image.format in ("PNG", "JPEG")
        assert np.abs(np.asarray(image.convert("L"), int) - np.asarray(pictures[i], int)).mean() < 8


def test_what_exif_says_of_the_lens_is_kept_where_pictures_are_turned(tmp_path: Path) -> None:
    """Phones store portraits lying down, and a second picture behind the first (MPO)."""
    folder = tmp_path / "photos" / "images"
    folder.mkdir(parents=True)
    for i, pose in enumerate(ring(4)):
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "Phone"
        exif.get_ifd(0x8769)[0xA405] = 26  # focal length in 35 mm film
        exif[0x9999] = b"\0" * 100
        stored = Image.fromarray(np.rot90(seen(pose))).convert("RGB")
        more = {"save_all": True, "append_images": [stored]} if i == 0 else {}
        stored.save(folder / f"{i}.jpg", "MPO" if more else "JPEG", exif=exif, quality=95, **more)
    found = find_photos(tmp_path / "photos")
    kept = [each for each in prepare(found.photos, tmp_path / "out", None) if isinstance(each, Prepared)]
    assert [each.name for each in kept] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert len(groups_of(kept)) == 1 and kept[0].size == (WIDTH, HEIGHT)
    with Image.open(tmp_path / "out" / "0.jpg") as image:
        assert image.size == (WIDTH, HEIGHT) and image.format == "JPEG"
        assert image.getexif().get(0x0112, 1) == 1 and image.getexif()[0x010F] == "Phone"
        assert image.getexif().get_ifd(0x8769)[0xA405] == 26
        assert np.abs(np.asarray(image.convert("L"), int) - seen(ring(4)[0])).mean() < 4


def test_upright_pictures_are_linked_and_originals_stay(tmp_path: Path) -> None:
    photograph(tmp_path / "photos", ["0.jpg", "1.png", "2.png"])
    before = {path.name: path.read_bytes() for path in (tmp_path / "photos").iterdir()}
    list(prepare(find_photos(tmp_path / "photos").photos, tmp_path / "out", None))
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert {path.name: path.read_bytes() for path in (tmp_path / "photos").iterdir()} == before
