"""From photographs to a scene, with the numbered reports of other programs' users."""

import contextlib
import json
import os
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.photos import process as photos_process
from omnifield.photos.options import ProcessOptions
from omnifield.photos.prepared import Prepared
from omnifield.photos.process import Processed, process, work_folder
from omnifield.scenes.views import view_count
from PIL import Image

from .corner import HEIGHT, WIDTH, needs_pycolmap, photograph, ring, seen
from .test_video_frames import encode

pytestmark = needs_pycolmap
FAST = ProcessOptions(max_size=320, features="sift", lens="SIMPLE_RADIAL")


def silent(phase: str, done: int, total: int) -> None:
    del phase, done, total


def made(folder: Path, **options: object) -> Processed:
    chosen = ProcessOptions(**{**asdict(FAST), **options})
    return process(folder, folder.with_name("scene"), chosen, silent)


def transforms(scene: Path) -> dict:
    return json.loads((scene / "transforms.json").read_text(encoding="utf-8"))


def similarity_residual(found: np.ndarray, true: np.ndarray) -> float:
    """How far positions are from the true ones after the best similarity, in shares of their extent (Umeyama 1991)."""
    a, b = found - found.mean(0), true - true.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    d = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = (s * np.diag(d)).sum() / (a**2).sum()
    return float(
        np.linalg.norm(b - scale * a @ (u @ d @ vt).T, axis=1).max() / np.linalg.norm(b, axis=1).max()
    )


def test_a_folder_that_is_hard_in_every_way(tmp_path: Path) -> None:
    """Reports 2, 4, 7, 8 and 9: odd names and extensions, what is no picture, a broken one, one of another place."""
    folder = tmp_path / "ü dir #1 %20"
    names = ["日本 1.jpg", "a b.JPG", "2.PNG", "c#d.jpg", "e%20f.jpeg", "😀.png", "é.jpg", "10.jpg"]
    poses = photograph(folder, names)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise.jpg")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "._1.jpg").write_bytes(b"\0")
    (folder / "notes.txt").write_text("a holiday")
    (folder / "text.jpg").write_text("no picture")
    whole = (folder / "10.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        result = process(Path(folder.name), Path("scene"), FAST, silent)
    finally:
        os.chdir(here)
    assert set(result.placed) == set(names) and result.unplaced == ("noise.jpg",)
    assert {name for name, _ in result.unreadable} == {"text.jpg", "cut.jpg"}
    assert result.error < 1
    scene, content = tmp_path / "scene", transforms(tmp_path / "scene")
    by_name = {frame["file_path"]: frame["transform_matrix"] for frame in content["frames"]}
    assert set(by_name) == {f"images/{name}" for name in names}
    assert {each.name for each in (scene / "images").iterdir()} == set(names)
    found = np.array([by_name[f"images/{name}"] for name in names])
    assert similarity_residual(found[:, :3, 3], np.array(poses)[:, :3, 3]) < 0.02
    assert found[:, 2, 1].min() > 0.7  # +Z is up
    loaded = load_scene(scene)
    assert view_count(loaded.train) + view_count(loaded.test) == len(names)
    assert {each.name for each in tmp_path.iterdir()} == {folder.name, "scene"}


def test_points_lie_where_the_cameras_see_them(tmp_path: Path) -> None:
    """The sparse points are in the frame of the poses: those of the corner's walls project to where they were seen."""
    photograph(tmp_path / "photos", [f"{i}.png" for i in range(6)])
    made(tmp_path / "photos")
    content = transforms(tmp_path / "scene")
    points = np.loadtxt(tmp_path / "scene" / "sparse_pc.ply", skiprows=10)
    pose = np.linalg.inv(np.array(content["frames"][2]["transform_matrix"]))
    local = points[:, :3] @ pose[:3, :3].T + pose[:3, 3]
    assert len(points) > 100 and (local[:, 2] < 0).mean() > 0.99
    x = content["fl_x"] * local[:, 0] / -local[:, 2] + content["cx"]
    y = content["fl_y"] * -local[:, 1] / -local[:, 2] + content["cy"]
    inside = (x > 2) & (x < WIDTH - 2) & (y > 2) & (y < HEIGHT - 2)
    name = content["frames"][2]["file_path"]
    picture = np.asarray(Image.open(tmp_path / "scene" / name).convert("L"), np.float64)
    shade = picture[y[inside].astype(int), x[inside].astype(int)]
    assert np.corrcoef(shade, points[inside, 3])[0, 1] > 0.5


def test_portrait_and_landscape_stored_as_phones_store_them(tmp_path: Path) -> None:
    """Reports 5 and 22: pictures held upright, as EXIF says, stand upright in the scene, and both kinds stay."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, pose in enumerate(ring(10)):
        size = (WIDTH, HEIGHT) if i % 2 else (HEIGHT, WIDTH)
        picture = Image.fromarray(seen(pose, size)).convert("RGB")
        exif = Image.Exif()
        if i % 2 == 0:
            exif[0x0112] = 6  # the camera's bottom is to the right: stored lying on its left side
            picture = picture.transpose(Image.Transpose.ROTATE_90)
        picture.save(folder / f"{i}.jpg", exif=exif, quality=95)
    result = made(folder)
    assert len(result.placed) == 10
    sizes = {Image.open(each).size for each in (tmp_path / "scene" / "images").iterdir()}
    assert sizes == {(WIDTH, HEIGHT), (HEIGHT, WIDTH)}
    frames = transforms(tmp_path / "scene")["frames"]
    assert {(frame["w"], frame["h"]) for frame in frames} == sizes
    assert np.array([frame["transform_matrix"] for frame in frames])[:, 2, 1].min() > 0.7
    assert len(load_scene(tmp_path / "scene").train) == 2


@pytest.mark.parametrize("named", ["{name}.png", "{stem}.png"])
def test_masks_are_found_and_black_is_ignored(tmp_path: Path, named: str) -> None:
    """Report 6, and a photograph without a mask stays."""
    folder = tmp_path / "photos"
    names = [f"{i}.jpg" for i in range(6)]
    photograph(folder, names)
    (folder / "masks").mkdir()
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[:, : WIDTH // 4] = 0
    for name in names[1:]:
        Image.fromarray(mask).save(folder / "masks" / named.format(name=name, stem=Path(name).stem))
    assert len(made(folder).placed) == 6
    scene = load_scene(tmp_path / "scene")
    ignored = torch.cat([views.ignored for views in (*scene.train, *scene.test)])
    assert ignored[:, :, : WIDTH // 4].all(-1).all(-1).sum() == 5 and not ignored[:, :, WIDTH // 4 :].any()


def test_the_fuller_of_two_groups_is_taken(tmp_path: Path) -> None:
    """Report 1: the fragments are pycolmap's, whichever it found first."""
    folder = tmp_path / "photos"
    names = [f"{i}.png" for i in range(9)]
    photograph(folder, names)
    turned = [np.rot90(np.asarray(Image.open(folder / name).convert("RGB")))[:HEIGHT] for name in names[:4]]
    for i, picture in enumerate(turned):  # another place: upside down, and mirrored
        Image.fromarray(np.ascontiguousarray(255 - picture[:, ::-1])).save(folder / f"a{i}.png")
    result = made(folder)
    assert set(names) <= set(result.placed) and max(result.models) == len(result.placed)


def test_what_was_broken_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C the same database goes on, with the features, the matches and the camera that it had."""
    photograph(tmp_path / "photos", [f"{i}.png" for i in range(5)])
    work = work_folder(tmp_path / "scene")

    def interrupted(phase: str, done: int, total: int) -> None:
        if phase == "cameras":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process(tmp_path / "photos", tmp_path / "scene", FAST, interrupted)
    assert not (tmp_path / "scene").exists()
    database = work / "sfm" / "database.db"
    before = rows(database)
    assert before == {"cameras": 1, "keypoints": 5, "two_view_geometries": 10}
    with sqlite3.connect(database) as opened:
        opened.execute("CREATE TABLE seen_before (number INTEGER)")
    opened.close()
    written, after = photos_process.write_scene, []

    def look(scene: Path, output: Path, pictures: list[Prepared]) -> None:
        after.append(rows(database) | {"seen_before": rows(database, "seen_before")["seen_before"]})
        written(scene, output, pictures)

    monkeypatch.setattr(photos_process, "write_scene", look)
    result = process(tmp_path / "photos", tmp_path / "scene", FAST, silent)
    assert len(result.placed) == 5 and not work.exists()
    assert after == [before | {"seen_before": 0}]


def rows(database: Path, *tables: str) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        counts = {
            table: opened.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in tables or ("cameras", "keypoints", "two_view_geometries")
        }
    return counts


def test_what_is_left_of_other_photographs_is_not_gone_on_with(tmp_path: Path) -> None:
    photograph(tmp_path / "photos", [f"{i}.png" for i in range(5)])
    work = work_folder(tmp_path / "scene")
    (work / "images").mkdir(parents=True)
    (work / "of").write_text("others")
    (work / "images" / "0.png").write_text("stale")
    assert len(process(tmp_path / "photos", tmp_path / "scene", FAST, silent).placed) == 5
    assert Image.open(tmp_path / "scene" / "images" / "0.png").size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("matcher", ["sequential", "similar"])
def test_fewer_pairs_place_all(tmp_path: Path, matcher: str) -> None:
    photograph(tmp_path / "photos", [f"{i}.png" for i in range(7)])
    assert len(made(tmp_path / "photos", matcher=matcher).placed) == 7


def test_a_video_becomes_a_scene(tmp_path: Path) -> None:
    video = encode(tmp_path / "walk #1.mp4", [seen(pose) for pose in ring(24)])
    options = replace(FAST, frames=8)
    phases: list[str] = []
    result = process(video, tmp_path / "scene", options, lambda phase, done, total: phases.append(phase))
    assert list(dict.fromkeys(phases)) == ["frames", "pictures", "features", "matches", "cameras"]
    assert len(result.placed) == 8 and list(result.placed) == sorted(result.placed)
    assert {each.name for each in tmp_path.iterdir()} == {video.name, "scene"}
    assert len(transforms(tmp_path / "scene")["frames"]) == 8


def test_the_same_photographs_make_the_same_scene(tmp_path: Path) -> None:
    """Whichever thread is done first with which picture: they made another one in every second run."""
    photograph(tmp_path / "photos", [f"{i}.png" for i in range(5)])
    made = [tmp_path / name for name in ("once", "again", "and_again")]
    for scene in made:
        process(tmp_path / "photos", scene, FAST, silent)
    assert len({(scene / "transforms.json").read_bytes() for scene in made}) == 1


@pytest.mark.slow
def test_the_banana_finds_all_its_places(real, tmp_path: Path) -> None:
    """Real photographs, some of them from far aside."""
    images = real("colmap/banana") / "images"
    (tmp_path / "banana").mkdir()
    for path in images.iterdir():
        (tmp_path / "banana" / path.name).symlink_to(path)
    result = process(tmp_path / "banana", tmp_path / "scene", ProcessOptions(), silent)
    assert len(result.placed) == 16 and result.error < 0.6
