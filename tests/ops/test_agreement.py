"""Every kernel against its reference: values, gradients, odd sizes, every build, the same bits every time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from .agreement import CASES, assert_agree, results

SIZES = (0, 1, 7, 1000, 4133)
BUILDS = {"baseline": (), "avx2": ("avx2", "fma", "bmi2"), "avx512": ("avx512f", "avx512vl", "avx512dq")}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kernel_agrees_with_its_reference(case, n):
    assert_agree(case, n)


@pytest.mark.parametrize("case", [case for case in CASES if case.reproducible], ids=lambda case: case.name)
def test_same_bits_every_time_on_any_number_of_threads(case):
    first = results(case, 4133)
    torch.set_num_threads(1)
    try:
        alone = results(case, 4133)
    finally:
        torch.set_num_threads(2)
    again = results(case, 4133)
    for a, b, c in zip(first, alone, again, strict=True):
        assert torch.equal(a, b) and torch.equal(a, c)


def _processor_features() -> set[str]:
    listing = Path("/proc/cpuinfo")
    words = listing.read_text().split() if listing.exists() else []
    return set(words)


@pytest.mark.parametrize("build", BUILDS)
def test_every_build_agrees_with_the_references(build):
    if not set(BUILDS[build]) <= _processor_features():
        pytest.skip(f"this processor does not run {build}")
    script = Path(__file__).with_name("agreement.py")
    environment = {**os.environ, "OMNIFIELD_ISA": build, "OMP_NUM_THREADS": "2"}
    finished = subprocess.run(
        [sys.executable, script, build], env=environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
