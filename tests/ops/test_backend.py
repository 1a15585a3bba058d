"""The table of kernels, what every op refuses, and that its signatures are checked while testing."""

import inspect
import threading
import time

import jaxtyping
import pytest
import torch
from omnifield import ops
from omnifield.ops import _cpu
from omnifield.ops.backend import Op

OPS = [value for value in vars(ops).values() if isinstance(value, Op)]
LAYOUT = ops.HashGridLayout(levels=2, features=2, log2_entries=8, base_resolution=4, per_level_scale=2.0)
ENTRIES = torch.zeros(LAYOUT.entries, 2)
ONE_RAY = torch.tensor([0, 5])
FIVE, DOUBLE, FAR = torch.zeros(5), torch.zeros(5).double(), torch.zeros(5, device="meta")
MATRIX = torch.zeros(5, 3)
RATES = ops.AdamStep(lr=0.1)


def adam(gradient=MATRIX, first=MATRIX, second=MATRIX, steps=None, parameter=MATRIX):
    steps = torch.zeros(5, dtype=torch.int32) if steps is None else steps
    ops.adam_step(parameter.clone(), gradient, first.clone(), second.clone(), steps, RATES)


REFUSED = {
    "hash_grid: positions .* must have shape": lambda: ops.hash_grid(MATRIX[:, :2], ENTRIES, LAYOUT),
    "hash_grid: the table has shape": lambda: ops.hash_grid(MATRIX, ENTRIES[1:], LAYOUT),
    "hash_grid: table is .*float64": lambda: ops.hash_grid(MATRIX, ENTRIES.double(), LAYOUT),
    "hash_grid: table is .* on meta": lambda: ops.hash_grid(MATRIX, ENTRIES.to("meta"), LAYOUT),
    "spherical_harmonics: directions has shape": lambda: ops.spherical_harmonics(FIVE),
    "the degree is 1 to 4, not 5": lambda: ops.spherical_harmonics(MATRIX, 5),
    "the degree is 1 to 4, not 0": lambda: ops.spherical_harmonics(MATRIX, 0),
    "ray_weights: density has shape": lambda: ops.ray_weights(MATRIX, FIVE, ONE_RAY),
    "ray_weights: dt has shape": lambda: ops.ray_weights(FIVE, FIVE[1:], ONE_RAY),
    "ray_weights: dt is .*float64": lambda: ops.ray_weights(FIVE, DOUBLE, ONE_RAY),
    "ray_weights: dt is .* on meta": lambda: ops.ray_weights(FIVE, FAR, ONE_RAY),
    "ray_weights: offsets must be torch.int64": lambda: ops.ray_weights(FIVE, FIVE, ONE_RAY.int()),
    "ray_weights: offsets has shape": lambda: ops.ray_weights(FIVE, FIVE, ONE_RAY[None]),
    "ray_weights: offsets must rise": lambda: ops.ray_weights(FIVE, FIVE, torch.tensor([0, 4, 3, 5])),
    "ray_weights: .* from 0": lambda: ops.ray_weights(FIVE, FIVE, torch.tensor([1, 5])),
    "ray_weights: .* number of samples, 5": lambda: ops.ray_weights(FIVE, FIVE, torch.tensor([0, 6])),
    "ray_weights: offsets must rise from": lambda: ops.ray_weights(FIVE, FIVE, ONE_RAY[:0]),
    "accumulate: values has shape": lambda: ops.accumulate(FIVE, FIVE, ONE_RAY),
    "accumulate: weights has shape": lambda: ops.accumulate(MATRIX, FIVE[1:], ONE_RAY),
    "accumulate: weights is .*float64": lambda: ops.accumulate(MATRIX, DOUBLE, ONE_RAY),
    "accumulate: offsets must rise": lambda: ops.accumulate(MATRIX, FIVE, torch.tensor([0, 6])),
    "take_rows: rows must be torch.int64": lambda: ops.take_rows(MATRIX, ONE_RAY.int()),
    "take_rows: rows must ascend": lambda: ops.take_rows(MATRIX, torch.tensor([2, 2])),
    "take_rows: rows .* from 0": lambda: ops.take_rows(MATRIX, torch.tensor([-1, 2])),
    "take_rows: rows .* at most 4": lambda: ops.take_rows(MATRIX, torch.tensor([2, 5])),
    "adam_step: gradient has shape": lambda: adam(gradient=MATRIX[1:]),
    "adam_step: gradient is .*float64": lambda: adam(gradient=MATRIX.double()),
    "adam_step: first_moment has shape": lambda: adam(first=MATRIX[:, 1:]),
    "adam_step: second_moment has shape": lambda: adam(second=MATRIX[:, 1:]),
    "adam_step: steps has shape": lambda: adam(steps=torch.zeros(4, dtype=torch.int32)),
    "adam_step: steps must be torch.int32": lambda: adam(steps=torch.zeros(5, dtype=torch.int64)),
    "adam_step: .* must be contiguous": lambda: adam(parameter=torch.zeros(3, 5).T),
    "AdamStep: betas lie": lambda: ops.AdamStep(0.1, beta1=1.0),
    "AdamStep: lr and eps": lambda: ops.AdamStep(-0.1),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_a_kernel_takes_what_its_reference_takes(op):
    assert op.kernels, "no kernel is registered"
    wanted = [(p.name, p.default) for p in inspect.signature(op.reference).parameters.values()]
    for kernel in op.kernels.values():
        assert [(p.name, p.default) for p in inspect.signature(kernel).parameters.values()] == wanted


@pytest.fixture
def double() -> Op:
    @Op
    def double(x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    @double.kernel("cpu", torch.float32)
    def broken(x):
        raise RuntimeError("broken kernel")

    return double


def test_a_broken_kernel_raises_and_an_empty_cell_falls_back(double):
    with pytest.raises(RuntimeError, match="broken kernel"):
        double(torch.ones(1))
    assert double(torch.ones(1, dtype=torch.float64)) == 2
    assert double(torch.ones(1, device="meta")).device.type == "meta"


def test_references_are_forced_only_within_the_context(double):
    with pytest.raises(ZeroDivisionError), ops.references():
        assert double(x=torch.ones(1)) == 2
        raise ZeroDivisionError
    with pytest.raises(RuntimeError, match="broken kernel"):
        double(torch.ones(1))


def test_an_op_without_its_tensor_says_so(double):
    with pytest.raises(TypeError, match="double: x must be a tensor"):
        double(3)


def test_signatures_are_checked_while_testing():
    with pytest.raises(jaxtyping.TypeCheckError):
        ops.spherical_harmonics(torch.zeros(5, 2, dtype=torch.float64))
    with pytest.raises(jaxtyping.TypeCheckError):
        ops.ray_weights(torch.zeros(5).double(), torch.zeros(4).double(), ONE_RAY)


def test_an_array_of_another_type_is_never_copied_in_silence():
    with pytest.raises(TypeError):
        _cpu.spherical_harmonics_forward(2, MATRIX, torch.zeros(5, 4, dtype=torch.float64))
    with pytest.raises(TypeError):
        _cpu.spherical_harmonics_forward(2, MATRIX, torch.zeros(4, 5).T)


def test_python_goes_on_while_a_kernel_runs():
    layout = ops.HashGridLayout(16, 2, 19, 16, 1.38191)
    arguments = (
        _cpu.HashGridLayout(layout.scales, layout.resolutions, layout.offsets),
        torch.rand(300_000, 3),
        torch.zeros(layout.entries, 2),
        torch.empty(300_000, layout.width),
    )
    started, finished = threading.Event(), threading.Event()

    def work():
        started.set()
        _cpu.hash_grid_forward(*arguments)
        finished.set()

    worker = threading.Thread(target=work)
    worker.start()
    started.wait()
    ticks = 0
    while not finished.is_set():
        time.sleep(1e-3)
        ticks += 1
    worker.join()
    assert ticks >= 3  # with the lock held the kernel's tens of milliseconds would pass as one
