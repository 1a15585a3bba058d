"""What `bench export` says of a field whose true mesh or held-out views are known."""

from pathlib import Path

import pytest
import trimesh
from omnifield.bench import export as bench_export
from omnifield.bench import mesh_scores
from omnifield.scripts.bench import Bench, run_bench

from ..scripts.conftest import RADIUS


def test_exports_are_measured(ball_file, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CELLS": 32, "FACES": 1000, "TEXTURE": 256, "COUNTED": ("density",)}.items():
        monkeypatch.setattr(bench_export, name, value)
    monkeypatch.setattr(mesh_scores, "POINTS", 5000)
    trimesh.creation.icosphere(3, RADIUS).export(tmp_path / "true.ply")
    flags = Bench("export", str(ball_file()), truth=tmp_path / "true.ply", output=tmp_path, json=True)
    result = run_bench(flags)
    (row,) = result["meshes"]
    assert row["everywhere"]["f_score"] > 0.5 and row["everywhere"]["chamfer"] < 0.02 and row["seconds"] > 0
    assert len(list(tmp_path.glob("export-*.md"))) == 1


def test_views_of_a_data_set_are_enough(
    ball_file, lego, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"CELLS": 32, "FACES": 1000, "TEXTURE": 256, "COUNTED": ("density",)}.items():
        monkeypatch.setattr(bench_export, name, value)
    (row,) = run_bench(Bench("export", str(ball_file()), views=str(lego()), output=tmp_path, json=True))[
        "meshes"
    ]
    assert row["psnr"] > 0 and "seen" not in row


def test_something_to_compare_with_has_to_be_known(ball_file, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--truth FILE, or .* --views DATA"):
        run_bench(Bench("export", str(ball_file()), output=tmp_path))
