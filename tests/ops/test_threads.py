"""Kernels share their work among threads, and never wait for one that is not working."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from omnifield import ops
from torch import Tensor

LINUX = sys.platform == "linux"
# A thread of the kernels is sent into a handler that it never comes back from; the others do its work.
ONE_STUCK = """
import ctypes, os, signal
from pathlib import Path
import torch
from omnifield import ops

def product(seed):
    generator = torch.Generator().manual_seed(seed)
    return ops.mlp(torch.randn(100_000, 32, generator=generator), [torch.ones(32, 32), torch.ones(4, 32)])

ops.set_threads(1)
alone = product(0)
ops.set_threads(3)
product(1)
tasks = Path("/proc/self/task")
helpers = [task for task in tasks.iterdir() if (task / "comm").read_text().strip() == "omnifield"]
assert len(helpers) == 2, helpers
libc = ctypes.CDLL(None)
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.signal(signal.SIGUSR2, ctypes.cast(libc.pause, ctypes.c_void_p))
for stuck in range(2):
    libc.syscall(234, os.getpid(), int(helpers[stuck].name), signal.SIGUSR2)  # tgkill, on x86-64
    assert all(torch.equal(product(0), alone) for _ in range(20))
os._exit(0)
"""
FORKED = """
import os
import torch
from omnifield import ops

def product():
    return ops.spherical_harmonics(torch.nn.functional.normalize(torch.ones(100_000, 3), dim=-1), 4)

torch.set_num_threads(1)  # its own threads do not outlive a fork
ops.set_threads(2)
before = product()
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(product(), before) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not LINUX or os.uname().machine != "x86_64", reason="needs Linux's numbers for x86-64")
def test_a_thread_that_does_not_run_holds_nobody_up() -> None:
    run(ONE_STUCK)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_threads_of_its_own() -> None:
    run(FORKED)


def test_several_threads_of_the_program_share_them() -> None:
    def product(seed: int) -> Tensor:
        x = torch.randn(20_000, 16, generator=torch.Generator().manual_seed(seed))
        return ops.mlp(x, [torch.ones(16, 16), torch.ones(3, 16)])

    before = ops.threads()
    ops.set_threads(3)
    expected = [product(seed) for seed in range(12)]  # more at once than there is room for
    with ThreadPoolExecutor(12) as pool:
        for _ in range(20):
            for found, wanted in zip(pool.map(product, range(12)), expected, strict=True):
                assert torch.equal(found, wanted)
    ops.set_threads(before)


def test_the_number_of_threads_is_bounded() -> None:
    before = ops.threads()
    ops.set_threads(-3)
    assert ops.threads() == 1
    ops.set_threads(before)
    assert ops.threads() == before


def test_the_environment_bounds_them() -> None:
    script = "from omnifield import ops; print(ops.threads())"
    environment = os.environ | {"OMP_NUM_THREADS": "3"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "3", done.stderr


def test_torch_has_one_thread_for_as_long_as_asked() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with ops.one_thread_of_torch():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_nothing_links_to_openmp() -> None:
    """Its threads wait at the end of every loop until the last one has come."""
    sources = Path(__file__).parents[2] / "ops" / "cpu"
    found = [path.name for path in sources.iterdir() if "omp parallel" in path.read_text()]
    assert not found
