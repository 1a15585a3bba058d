"""What a step is made of, and what is left of it beside a busy process: what is said, never how fast it was."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from omnifield.bench import train as bench_train
from omnifield.bench.busy_process import busy_process
from omnifield.bench.kernel_times import timed_kernels
from omnifield.ops import PoolCounts, _cpu, set_threads, spherical_harmonics, threads
from omnifield.scripts.bench import Bench, run_bench
from omnifield.train.run import Run


def test_a_step_is_told_apart(lego, tmp_path: Path) -> None:
    flags = Bench("step", str(lego()), preset="tiny", warm_up=3, steps=4, output=tmp_path, device="cpu")
    result = run_bench(flags)
    assert json.loads(Path(result.pop("file")).read_text()) == result
    assert result["steps"] == 4 and result["calls"]["mlp_forward"] >= 1 and not result["interrupted"]
    kernels = sum(result["kernels_ms"].values())
    assert kernels > 0 and result["kernels_ms"]["hash_grid_backward_table"] > 0
    assert result["glue_ms"] == pytest.approx(result["step_ms"] - kernels)
    assert {"RayMarch", "RayMarch.fill", "adam_step"} <= result["kernels_ms"].keys()
    assert result["torch_ms"] and not any("::" in name for name in result["torch_ms"])
    assert 0 < result["serial_share"] < 1 and result["serial_ms"] < result["step_ms"]
    assert result["tasks"] >= result["jobs"] > 0 and result["shared_ms"] > 0


def test_a_field_beside_a_busy_process(lego, tmp_path: Path) -> None:
    flags = Bench(
        "busy",
        str(lego()),
        field="voxel",
        preset="tiny",
        max_seconds=0.7,
        repeats=2,
        sides=(16,),
        output=tmp_path,
    )
    before = threads()
    result = run_bench(flags)
    assert threads() == before
    for kind in ("quiet", "busy", "one_thread"):
        assert len(result["steps_per_second_each"][kind]) == 2 and result["steps_per_second"][kind] > 0
    assert [len(result["first_picture_seconds_each"][kind]) for kind in ("quiet", "busy")] == [2, 2]
    speed = result["steps_per_second"]
    assert result["busy_share"] == speed["busy"] / speed["quiet"]
    assert result["threads_ratio"] == speed["quiet"] / speed["one_thread"]


def test_a_busy_process_has_its_own_session_and_ends_with_its_context() -> None:
    with pytest.raises(KeyboardInterrupt), busy_process() as process:
        assert process.poll() is None and os.getsid(process.pid) == process.pid
        raise KeyboardInterrupt
    assert process.returncode == -signal.SIGKILL


def test_a_busy_process_does_not_outlive_a_program_that_was_killed() -> None:
    program = (
        "import os\nfrom omnifield.bench.busy_process import busy_process\n"
        "with busy_process() as process:\n    print(process.pid, flush=True)\n    os._exit(1)"
    )
    # Its output is a pipe of the busy process, too, as long as that lives: this returns when both are gone.
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == 1 and int(done.stdout) > 0
    for _ in range(600):
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            return
        signal.sigtimedwait([], 0.1)
    raise AssertionError("the busy process is still there")


def test_kernels_are_themselves_again_after_they_were_timed(generator) -> None:
    import torch

    before = _cpu.spherical_harmonics_forward
    with timed_kernels() as times:
        spherical_harmonics(torch.nn.functional.normalize(torch.randn(9, 3, generator=generator), dim=-1), 2)
    assert (
        times.calls["spherical_harmonics_forward"] == 1 and times.seconds["spherical_harmonics_forward"] > 0
    )
    assert _cpu.spherical_harmonics_forward is before


@pytest.mark.parametrize("count", [1, 2])
def test_the_pool_counts_its_jobs(count: int, generator) -> None:
    import torch

    threads_before = threads()
    set_threads(count)
    before = PoolCounts.now()
    spherical_harmonics(
        torch.nn.functional.normalize(torch.randn(1 << 16, 3, generator=generator), dim=-1), 2
    )
    found = PoolCounts.now().since(before)
    set_threads(threads_before)
    assert found.jobs == 1 and found.tasks > 1 and found.shared > 0 and found.busy > 0
    assert found.waited <= found.shared and (count > 1 or found.busy == found.shared)


def test_settings_of_the_sampler_and_of_the_training_reach_them(lego, tmp_path: Path) -> None:
    data = str(lego())
    flags = Bench(
        "fields",
        data,
        fields=("voxel",),
        preset="tiny",
        sampler="uniform",
        set=("fit.coarse=2",),
        max_seconds=0.3,
        output=tmp_path,
    )
    result = run_bench(flags)
    assert result["sampler"]["sampler"] == "uniform" and result["fit"]["coarse"] == 2
    with pytest.raises(ValueError, match="bench fields takes settings of sampler"):
        run_bench(Bench("fields", data, set=("levels=2",), output=tmp_path))


def test_a_folder_is_written_to_the_end_before_it_goes(lego, tmp_path: Path, monkeypatch) -> None:
    """A save that is slow, begun by a training which then ends, or breaks down."""
    written = []

    def slowly(run: Run, contents: object) -> None:
        import time

        time.sleep(0.5)
        (run.folder / "field.safetensors").write_bytes(b"")
        written.append(run.folder.is_dir())

    monkeypatch.setattr(Run, "_write", slowly)
    monkeypatch.setattr("omnifield.train.callbacks.Saving._is_due", lambda saving, since: not written)
    monkeypatch.setattr(bench_train, "_held_out", lambda *_: {"psnr": 0.0, "views": 2, "stride": 1})
    run_bench(Bench("train", str(lego()), preset="tiny", max_seconds=0.3, output=tmp_path))
    assert written and all(written)
