"""`omnifield export` as it is typed: whose coordinates, what is left out, and what is refused in a sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from omnifield.datasets.colmap import read_largest
from omnifield.datasets.colmap_txt import read_cameras, read_images
from omnifield.fields import Points, Probe
from omnifield.scenes import Contraction
from omnifield.scripts.export import run_export
from omnifield.scripts.flags.export import Export
from omnifield.train.field_file import load_field
from scipy.spatial.transform import Rotation
from torch import Tensor

from . import conftest
from .conftest import DOMAIN, RADIUS, Ball

SMALL = {"method": "density", "resolution": 32, "faces": 1500, "texture": 0, "json": True}


@pytest.fixture
def moved() -> Tensor:
    """A scene that is not where its data were."""
    scene_from_input = torch.eye(4, dtype=torch.float64)
    scene_from_input[:3, :3] = torch.from_numpy(Rotation.from_euler("xyz", (0.3, -0.7, 1.1)).as_matrix())
    scene_from_input[:3, 3] = torch.tensor([0.3, -0.2, 0.25])
    return scene_from_input.float()


@pytest.fixture
def run(ball_file: Callable[..., Path], moved: Tensor) -> Path:
    """A ball around the origin of the data, which is elsewhere in the scene."""
    x, y, z = moved[:3, 3].tolist()
    return ball_file((x, y, z), moved)


@pytest.mark.parametrize("what", ["mesh", "points"])
def test_exports_are_where_the_data_were(run: Path, moved: Tensor, what) -> None:
    """nerfstudio#1606, #2924: exports in a frame of the program's own."""
    result = run_export(Export(what, run, run / "made.ply", **SMALL, count=500))
    places = trimesh.load(run / "made.ply", process=False).vertices
    assert result["vertices"] == len(places) > 200
    assert np.abs(np.linalg.norm(places, axis=1) - RADIUS).max() < 0.06
    stated = json.loads(Path(result["transform"]).read_text())
    np.testing.assert_allclose(stated["scene_from_input"], moved.numpy(), atol=1e-6)
    run_export(Export(what, run, run / "own.ply", frame="scene", **SMALL, count=500))
    places = trimesh.load(run / "own.ply", process=False).vertices
    assert np.abs(np.linalg.norm(places - moved[:3, 3].numpy(), axis=1) - RADIUS).max() < 0.06


@pytest.mark.parametrize("what", ["mesh", "points"])
def test_the_box_is_in_the_frame_of_the_export(run: Path, what) -> None:
    box = (-1.0, -1.0, -1.0, 0.0, 1.0, 1.0)
    run_export(Export(what, run, run / "half.ply", box=box, **SMALL, count=500))
    places = trimesh.load(run / "half.ply", process=False).vertices
    assert len(places) > 50 and places[:, 0].max() < 1e-2 and places[:, 0].min() < -0.5


@pytest.mark.parametrize("what", ["mesh", "points"])
def test_nothing_in_the_box_is_a_sentence_and_no_file(ball_file, what) -> None:
    """nerfstudio#2421, #3615: an export that stands at 0% for ever."""
    run = ball_file()
    before = {path.name for path in run.iterdir()}
    with pytest.raises(ValueError, match=r"^There (is no surface|are no points).*\.$"):
        run_export(Export(what, run, run / "made.ply", box=(1.0, 1.0, 1.0, 1.2, 1.2, 1.2), **SMALL))
    assert {path.name for path in run.iterdir()} == before


@pytest.mark.parametrize("what", ["mesh", "points"])
def test_the_sky_is_left_out(ball_file, monkeypatch: pytest.MonkeyPatch, what) -> None:
    """nerfstudio#3379: ten million points of a shell of sky."""
    domain, probe = Contraction(DOMAIN.lo, DOMAIN.hi), Ball.probe

    def with_sky(ball: Ball, points: Points) -> Probe:
        found = probe(ball, points)
        return replace(found, density=torch.where(found.carry[:, 0] > 20, 200.0, found.density))

    monkeypatch.setattr(conftest, "DOMAIN", domain)
    monkeypatch.setattr(Ball, "probe", with_sky)
    run = ball_file()
    run_export(Export(what, run, run / "made.ply", **SMALL, count=500))
    places = trimesh.load(run / "made.ply", process=False).vertices
    assert len(places) > 50 and np.linalg.norm(places, axis=1).max() < 1.2 * RADIUS


@pytest.mark.parametrize("what", ["mesh", "points"])
def test_a_moving_scene_is_taken_at_a_moment(ball_file, monkeypatch: pytest.MonkeyPatch, what) -> None:
    def moving(ball: Ball, points: Points) -> Probe:
        distance = (points.position - points.time[:, None] * torch.tensor([0.8, 0, 0])).norm(dim=-1)
        return Probe(torch.where(distance < RADIUS, 200.0, 0.0), distance[:, None])

    monkeypatch.setattr(Ball, "probe", moving)
    monkeypatch.setattr(Ball, "follows_time", True)
    run = ball_file()
    for moment, x in ((None, 0.0), (0.5, 0.4), (1.0, 0.8)):
        run_export(Export(what, run, run / "made.ply", time=moment, **SMALL, count=500))
        places = trimesh.load(run / "made.ply", process=False).vertices
        assert np.abs(np.linalg.norm(places - [x, 0, 0], axis=1) - RADIUS).max() < 0.06


def test_a_glb_lies_beside_the_field_and_says_so(ball_file) -> None:
    run = ball_file()
    result = run_export(Export("mesh", run, **SMALL | {"texture": 128}))
    assert result["file"] == str(run / "mesh.glb") and result["texture"] is not None
    read = trimesh.load(run / "mesh.glb", force="mesh", process=False)
    assert len(read.faces) == result["faces"] and max(result["texture"]) <= 128
    assert read.visual.material.baseColorTexture.size == tuple(result["texture"])


def test_points_are_evenly_apart_and_have_normals(ball_file) -> None:
    run = ball_file()
    run_export(Export("points", run, count=300, json=True))
    read = trimesh.load(run / "points.ply", process=False)
    assert 100 < len(read.vertices) <= 300
    data = read.metadata["_ply_raw"]["vertex"]["data"]
    normal = np.stack([data[name] for name in ("nx", "ny", "nz")], -1).reshape(-1, 3)
    outwards = (normal * read.vertices).sum(1) / RADIUS
    assert np.median(outwards) > 0.95 and (np.asarray(data["opacity"]) > 0.8).all()


def test_cameras_are_a_transforms_json(run: Path, moved: Tensor) -> None:
    run_export(Export("cameras", run, json=True))
    content = json.loads((run / "transforms.json").read_text())
    trained = load_field(run / "field.safetensors")
    inverse = torch.linalg.inv(moved.double())
    for frame, pose in zip(content["frames"], trained.cameras[0].world_from_camera, strict=True):
        whole = torch.cat([pose.double(), torch.tensor([[0.0, 0, 0, 1]])])
        np.testing.assert_allclose(frame["transform_matrix"], (inverse @ whole).numpy(), atol=1e-5)
    assert content["w"] == 32 and content["fl_x"] == pytest.approx(trained.cameras[0].focal[0, 0].item())


def test_cameras_are_colmap_s(ball_file) -> None:
    run = ball_file()
    run_export(Export("cameras", run, run / "sparse", json=True))
    (lens,), images = read_cameras(run / "sparse" / "cameras.txt"), read_images(run / "sparse" / "images.txt")
    assert lens.model == "PINHOLE" and len(images) == 4
    cameras = load_field(run / "field.safetensors").cameras[0]
    point = torch.tensor([[0.2, -0.1, 0.3]])
    for view, line in enumerate((run / "sparse" / "images.txt").read_text().splitlines()[::2]):
        w, x, y, z, *shift = map(float, line.split()[1:8])
        local = Rotation.from_quat([x, y, z, w]).apply(point[0].numpy()) + shift
        fx, fy, cx, cy = map(float, (run / "sparse" / "cameras.txt").read_text().split()[4:8])
        sensor, _ = cameras.project(view, point)
        expected = [fx * local[0] / local[2] + cx, fy * local[1] / local[2] + cy]
        np.testing.assert_allclose(sensor[0].numpy(), expected, atol=1e-3)


def test_pycolmap_reads_them(ball_file) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    run = ball_file()
    run_export(Export("cameras", run, run / "sparse", json=True))
    read = pycolmap.Reconstruction(run / "sparse")
    assert len(read.images) == 4 and len(read.cameras) == 1


REFUSED = {
    "--output made.stl: the name's ending says what it is to be: .glb, .obj, .ply.": {
        "output": Path("made.stl")
    },
    "--texture must be from 64 to 16384 texels": {"texture": 10},
    "--faces must be 4 or more, not 0": {"faces": 0},
    "--resolution may be at most 2,048": {"resolution": 10**6},
    "--time must be from 0 to 1": {"time": 2.0},
    "--time is for scenes that move": {"time": 0.5},
    "its low corner, and the others": {"box": (0.0, 0.0, 0.0, 1.0, -1.0, 1.0)},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_is_refused_before_any_work(ball_file, sentence: str) -> None:
    run = ball_file()
    before = {path.name for path in run.iterdir()}
    with pytest.raises(ValueError) as caught:
        run_export(Export("mesh", run, **REFUSED[sentence]))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert {path.name for path in run.iterdir()} == before


def test_the_field_s_own_file_is_not_overwritten(ball_file, tmp_path: Path) -> None:
    run = ball_file()
    (run / "field.safetensors").rename(tmp_path / "field.ply")
    with pytest.raises(ValueError, match="is the field's own file"):
        run_export(Export("mesh", tmp_path / "field.ply", tmp_path / "field.ply"))


def test_a_folder_that_cannot_be_written_is_a_sentence(ball_file, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        run_export(Export("mesh", ball_file(), tmp_path / "file" / "mesh.glb"))


@pytest.mark.slow
def test_a_colmap_scene_s_points_are_where_colmap_s_are(real, typed, tmp_path: Path) -> None:
    """nerfstudio#2068, #1606, #2376, #2924: points in a normalised frame."""
    data = real("colmap/banana")
    assert (
        typed("train", data, "--preset", "tiny", "--max-steps", "100", "--run-dir", tmp_path / "run")[0] == 0
    )
    run_export(Export("points", tmp_path / "run", tmp_path / "made.ply", count=5000, json=True))
    made = trimesh.load(tmp_path / "made.ply", process=False).vertices
    true = read_largest(data).points.position
    away = np.abs(np.quantile(made, (0.1, 0.5, 0.9), axis=0) - np.quantile(true, (0.1, 0.5, 0.9), axis=0))
    assert away.max() < 0.15 * np.linalg.norm(np.ptp(np.quantile(true, (0.02, 0.98), axis=0), axis=0))
