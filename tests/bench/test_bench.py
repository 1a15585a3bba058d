"""What a measurement says, never how fast it was: a benchmark is not a timed test."""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import omnifield.ops as ops
import pytest
import torch
from omnifield.bench import ablations as bench_ablations
from omnifield.bench import convert as bench_convert
from omnifield.bench import op_cases as bench_cases
from omnifield.bench import render as bench_render
from omnifield.bench import shell_scene
from omnifield.bench.ceilings import Machine
from omnifield.bench.machine import describe_machine, machine_slug, seconds_since_start
from omnifield.bench.ops import OpsPlan, measure, measure_cases, timed
from omnifield.bench.report import figure, markdown
from omnifield.ops.backend import Op
from omnifield.scripts.bench import Bench, run_bench
from omnifield.scripts.field_path import find_field_file
from omnifield.train import Budget
from omnifield.train.field_file import load_field
from rich.console import Console

CPU = torch.device("cpu")
MACHINE = Machine(CPU)
SMALL = bench_cases.layout(levels=2, features=2, log2_entries=8, finest=32)
SMALL_CASES = [
    bench_cases.hash_grid(SMALL, bench_cases.Target(250.0, 60.0)),
    bench_cases.adam_step(SMALL),
    *(case for case in bench_cases.op_cases() if "2^" not in case.name),
]


def assert_consistent(passes: dict[str, dict]) -> None:
    for name in passes:
        each = passes[name]
        kernel, reference = each["kernel_turns_ns"], each["reference_turns_ns"]
        assert len(kernel) == len(reference) == 2 and min(*kernel, *reference) >= 0
        assert each["kernel_ns"] == statistics.median(kernel)
        assert each["reference_ns"] == statistics.median(reference)
        assert each["ratio"] == each["reference_ns"] / each["kernel_ns"]
        turns = [slow / fast for fast, slow in zip(kernel, reference, strict=True)]
        assert each["ratio_of_turns"] == statistics.median(turns)


@pytest.mark.parametrize("case", SMALL_CASES, ids=lambda case: case.name)
def test_an_op_is_measured(case: bench_cases.Case) -> None:
    result = measure(case, MACHINE, samples=200, repeats=2)
    assert result["op"] == case.name and result["count"] > 0
    without = (
        *(ops.adam_step, ops.pass_through, ops.ray_march, ops.ray_march_on, ops.ray_points),
        *(ops.next_round, ops.pass_round, ops.first_samples, ops.occupied_bits, ops.next_set),
        *(ops.camera_rays, ops.unit_positions, ops.all_finite),
    )
    backward = case.op not in without
    assert list(result["passes"]) == (["forward", "backward", "both"] if backward else ["forward"])
    assert_consistent(result["passes"])


def test_every_op_is_measured_at_the_sizes_that_matter() -> None:
    every = {value for value in vars(ops).values() if isinstance(value, Op)}
    assert {case.op for case in bench_cases.op_cases()} == every
    small, large = (bench_cases.layout(*sizes) for sizes in ((8, 4, 17, 1024), (16, 2, 19, 2048)))
    assert 1024 <= small.resolutions[-1] <= 1026 and 2048 <= large.resolutions[-1] <= 2050


def test_kernel_and_reference_are_what_is_compared(monkeypatch) -> None:
    calls = []
    op = Op(lambda values: calls.append("reference"))
    op.kernel("cpu", torch.float32)(lambda values: calls.append("kernel"))
    case = bench_cases.Case(
        "op", op, lambda n, generator, device: bench_cases.Work(lambda: op(torch.ones(n)), n)
    )
    monkeypatch.setattr("omnifield.bench.ops.MOST_CALLS", 1)
    measure(case, MACHINE, samples=3, repeats=2)
    warm, counted = ["kernel"] * 2 + ["reference"] * 2, ["kernel"]
    assert calls == warm + ["kernel", "reference"] * 2 + counted


def test_a_kept_gradient_is_added_to_and_others_are_dropped(generator: torch.Generator) -> None:
    work = SMALL_CASES[0].make(100, generator, CPU)
    (table,) = work.added_to
    table.grad = torch.zeros_like(table)
    kept = table.grad
    directions = torch.ones(100, SMALL.width)
    timed(work, directions, CPU)
    once = kept.clone()
    timed(work, directions, CPU)
    assert table.grad is kept and once.abs().sum() > 0
    torch.testing.assert_close(kept, 2 * once)


def test_samples_follow_rays(generator: torch.Generator) -> None:
    points = shell_scene.along_rays(130, generator)
    assert points.shape == (130, 3) and points.min() >= 0 and points.max() <= 1
    step = (points[1:] - points[:-1]).norm(dim=-1)
    assert step[:63].max() <= 1.001 / 512 and step[63] > 0.01
    bits = shell_scene.shell_bits(32)
    filled = sum(int(byte).bit_count() for byte in bits) / 32**3
    assert filled == pytest.approx(4 / 3 * torch.pi * (0.35**3 - 0.3**3), rel=0.05)


def test_ops_reports(tmp_path: Path, capsys) -> None:
    flags = Bench("ops", only="spherical", samples=256, repeats=2, output=tmp_path, json=True)
    result = run_bench(flags)
    file = Path(result.pop("file"))
    assert json.loads(file.read_text()) == result
    assert file.parent == tmp_path and file.name == f"ops-{machine_slug(result['machine'])}.json"
    (measured,) = result["results"]
    assert measured["unit"] == "sample" and measured["count"] == 256 and measured["target"] is None
    assert_consistent(measured["passes"])
    text = file.with_suffix(".md").read_text()
    assert figure(measured["passes"]["both"]["ratio"]) + "×" in text and result["machine"]["cpu"] in text
    captured = capsys.readouterr()
    assert captured.out == "" and "The report is in" in captured.err
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_the_target_is_shown_beside_what_was_measured() -> None:
    measured = measure_cases(SMALL_CASES[:1], OpsPlan(64, 1), CPU)
    passes = measured.figures["results"][0]["passes"]
    shown = [row for row in measured.sheet.rows if row[-1]]
    expected = (figure(passes["both"]["kernel_ns"]), figure(passes["both"]["reference_ns"]))
    assert [row[1] for row in shown] == ["both"] and shown[0][2:4] == expected
    assert shown[0][-1] == "≤ 250 ns, ≥ 60×"


def test_a_training_is_measured(lego, tmp_path: Path, capsys) -> None:
    flags = Bench("train", str(lego()), preset="tiny", max_seconds=1.0, stride=2, output=tmp_path / "out")
    result = run_bench(flags)
    assert result["what"] == "train" and result["scene"] == "lego" and result["field"] == "hash"
    assert result["config"]["log2_entries"] == 13 and result["seconds"] >= 1
    assert result["held_out"]["views"] == 2 and result["held_out"]["stride"] == 2
    assert result["peak_memory_mib"] > 50 and not result["interrupted"]
    assert result["wait_seconds"]["loading"] > 0 and result["wait_seconds"]["beginning"] > 0
    for point in result["curve"]:
        assert {"seconds", "step", "psnr"} <= point.keys()
    useful = [point for point in result["curve"] if point["psnr"] >= 20]
    assert result["first_image"] == (useful[0] if useful else None)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    stem = f"train-lego-hash-{machine_slug(result['machine'])}"
    assert names == {f"{stem}.{kind}" for kind in ("json", "md", "png")}
    assert str(tmp_path) not in (tmp_path / "out" / f"{stem}.json").read_text()
    assert "held-out PSNR" in capsys.readouterr().err


def test_every_field_is_measured(lego, tmp_path: Path, capsys) -> None:
    flags = Bench(
        "fields", str(lego()), fields=("voxel", "hash"), preset="tiny", max_seconds=0.5, output=tmp_path
    )
    result = run_bench(flags)
    assert [one["field"] for one in result["results"]] == ["voxel", "hash"]
    for one in result["results"]:
        assert one["seconds"] >= 0.5 and one["psnr"] > 5 and one["bytes"] > 1000 and one["parameters"] > 0
        assert one["frame_milliseconds"] > 0
    stem = f"fields-lego-{machine_slug(result['machine'])}"
    assert {path.name for path in tmp_path.iterdir()} >= {f"{stem}.{kind}" for kind in ("json", "md", "png")}
    assert "| voxel |" in (tmp_path / f"{stem}.md").read_text()
    assert "Every field on lego" in capsys.readouterr().err


def test_captures_are_measured_one_after_the_other(photographs, lego, tmp_path: Path, capsys) -> None:
    plain = str(photographs.write())
    flags = Bench(
        "photographs", plain, more=(str(lego()),), preset="tiny", max_seconds=0.5, output=tmp_path / "out"
    )
    result = run_bench(replace(flags, set=("samples_per_step=1024",)))
    assert [one["scene"] for one in result["results"]] == ["garden", "lego"]
    for one in result["results"]:
        assert one["seconds"] >= 0.5 and one["rays_per_second"] > 0 and 0 < one["occupied_share"] <= 1
        assert one["frame_samples_per_ray"] > 0 and sum(one["views"]) >= 4
    stem = f"photographs-hash-0.5-s-{machine_slug(result['machine'])}"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{stem}.{kind}" for kind in ("json", "md", "png")
    }
    assert "| garden |" in (tmp_path / "out" / f"{stem}.md").read_text()
    assert "of the training views" in capsys.readouterr().err


@pytest.mark.slow
def test_conversions_are_measured(lego, tmp_path: Path, monkeypatch) -> None:
    """In steps instead of seconds, so that a busy machine does not matter."""
    monkeypatch.setattr(bench_convert, "Budget", lambda seconds: Budget(steps=round(seconds)))
    plan = bench_convert.ConvertPlan(
        str(lego()), ("hash",), ("voxel", "mlp"), "tiny", train_seconds=10.0, convert_seconds=6.0, seed=0
    )
    console = Console(stderr=True)
    measured = bench_convert.measure_convert(plan, CPU, console)
    assert [(pair["from"], pair["to"]) for pair in measured.figures["pairs"]] == [
        ("hash", "voxel"),
        ("hash", "mlp"),
    ]
    voxel, mlp = measured.figures["pairs"]
    assert voxel["said"] != mlp["said"] and voxel["curve"][0]["psnr"] == voxel["start_psnr"]
    assert voxel["teacher_psnr"] == measured.figures["scratch"]["hash"]["psnr"]
    assert voxel["scratch_psnr"] == measured.figures["scratch"]["voxel"]["psnr"]
    assert len(measured.sheet.rows) == 2 and len(measured.sheet.rows[1]) == len(measured.sheet.columns) == 4
    json.dumps(measured.figures, allow_nan=False)
    monkeypatch.setattr(
        bench_ablations,
        "VARIANTS",
        {name: bench_ablations.VARIANTS[name] for name in ("as it is", "from noise")},
    )
    measured = bench_ablations.measure_ablations(replace(plan, to=("voxel",)), CPU, console)
    solved, noise = measured.figures["results"]
    assert (solved["variant"], noise["variant"]) == ("as it is", "from noise")
    assert solved["agreement_psnr"] > noise["agreement_psnr"] + 3


def test_frames_are_measured(ball_file, tmp_path: Path) -> None:
    flags = Bench("render", str(ball_file()), sides=(8, 16), repeats=3, output=tmp_path / "out")
    result = run_bench(flags)
    assert [frame["width"] for frame in result["frames"]] == [8, 16]
    for frame in result["frames"]:
        assert frame["milliseconds"] == statistics.median(frame["turns_milliseconds"])
        assert len(frame["turns_milliseconds"]) == 3 and frame["samples_per_ray"] > 0
        expected = frame["width"] ** 2 / frame["milliseconds"] * 1e3
        assert frame["rays_per_second"] == pytest.approx(expected)
    assert Path(result["file"]).name.startswith("render-b-all-ball-")  # a scene's name may hold anything


def test_slow_frames_are_measured_once(ball_file, monkeypatch) -> None:
    monkeypatch.setattr(bench_render, "ENOUGH_SECONDS", 0)
    frame = bench_render.measure(load_field(find_field_file(ball_file())), 8, Console(quiet=True), repeats=5)
    assert frame["turns_milliseconds"] == [frame["milliseconds"]] and frame["samples_per_ray"] > 0


def test_a_machine_is_described_without_its_name() -> None:
    machine = describe_machine(CPU)
    assert machine["threads"] == ops.threads() and machine["instruction_set"] == ops.instruction_set()
    assert machine["cpu"] and machine["cores"] >= 1 and machine["gpu"] is None
    json.dumps(machine, allow_nan=False)
    known = {
        "cpu": "Intel(R) Xeon(R) Processor @ 2.50GHz",
        "cores": 2,
        "instruction_set": "avx512",
        "gpu": None,
    }
    assert machine_slug(known) == "intel-xeon-2.50ghz-2-cores-avx512"
    known["cpu"] = "AMD EPYC 7B13 64-Core Processor"
    assert machine_slug(known) == "amd-epyc-7b13-64-2-cores-avx512"
    first = seconds_since_start()
    assert first is None or 0 < first <= seconds_since_start()


def test_figures_have_three_digits() -> None:
    shown = [figure(value) for value in (None, 0.1234, 12.34, 1234.5)]
    assert shown == ["–", "0.12", "12.3", "1,234"]


def test_markdown_is_a_table() -> None:
    measured = measure_cases(SMALL_CASES[2:3], OpsPlan(64, 1), CPU)
    text = markdown(measured.sheet, describe_machine(CPU))
    bars = [line.count("|") for line in text.splitlines() if line.startswith("| ")]
    assert bars[:5] == [11] * 5 and set(bars[5:]) == {3}


BAD = {
    "--repeats must be 1 or more, not 0": {"repeats": 0},
    "--samples must be 1 or more, not -1": {"samples": -1},
    "--max-seconds must be above zero, not nan": {"max_seconds": float("nan")},
    "--sides takes numbers from 2 to 8192 pixels": {"sides": (1,)},
    "bench render needs a trained": {},
    "There is no file or folder": {"data": "absent"},
    "--fields: there is no field 'mesh'": {"what": "fields", "fields": ("mesh",)},
    "There is no field 'mesh'": {"what": "convert", "to": ("mesh",)},
    "at least one field each": {"what": "ablations", "to": ()},
    "--convert-seconds must be above zero": {"what": "convert", "convert_seconds": 0.0},
    "--only absent: of the ops with a kernel for cpu there are hash_grid": {"what": "ops", "only": "absent"},
    "There is no preset of the hash field named 'big'": {"what": "train", "preset": "big"},
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_flags(tmp_path: Path, sentence: str) -> None:
    flags = replace(Bench("render", output=tmp_path, device="cpu"), **BAD[sentence])
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        run_bench(flags)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
