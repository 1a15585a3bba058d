"""Every kernel against its reference: values, gradients, odd sizes, every build, the same bits every time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from omnifield import ops

from .agreement import CASES, assert_agree, results

SIZES = (0, 1, 7, 1000, 4133)
BUILDS = {"baseline": (), "avx2": ("avx2", "fma", "bmi2"), "avx512": ("avx512f", "avx512vl", "avx512dq")}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kernel_agrees_with_its_reference(case, n):
    assert_agree(case, n)


@pytest.fixture
def kernel_threads() -> Iterator[None]:
    before = ops.threads()
    yield
    ops.set_threads(before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_bits_every_time_on_any_number_of_threads(case, kernel_threads):
    ops.set_threads(1)
    alone = results(case, 9133)
    for count in (2, 2, 5):
        ops.set_threads(count)
        for a, b in zip(alone, results(case, 9133), strict=True):
            assert torch.equal(a, b), count


def _processor_features() -> set[str]:
    listing = Path("/proc/cpuinfo")
    words = listing.read_text().split() if listing.exists() else []
    return set(words)


@pytest.mark.parametrize("build", BUILDS)
def test_every_build_agrees_with_the_references(build):
    if not set(BUILDS[build]) <= _processor_features():
        pytest.skip(f"this processor does not run {build}")
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "OMNIFIELD_ISA": build, "OMP_NUM_THREADS": "2"}
    finished = subprocess.run(
        [sys.executable, "-m", f"{tests.name}.ops.agreement", build],
        cwd=tests.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
