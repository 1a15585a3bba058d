"""What an op has to compute and to move, and the time that this takes at the speeds of a machine."""

import itertools

import omnifield.ops as ops
import pytest
import torch
from omnifield.bench import op_cases
from omnifield.bench.ceilings import Demand, Machine, bytes_of, demands

CPU = torch.device("cpu")
COMPUTING = (ops.hash_grid, ops.grid_lookup, ops.voxel_lookup, ops.mlp, ops.density_mlp, ops.view_color)


class Slow(Machine):
    """Computes a thousand operations and moves a hundred bytes a second."""

    def __init__(self) -> None:
        self.device, self.flops = CPU, 1e3

    def copying(self, moved: int) -> float:
        return moved / 100


def test_the_longer_of_two_times_is_the_ceiling() -> None:
    computing, moving = (Slow().ceiling(Demand(flops, 200), 4) for flops in (8000, 1000))
    assert (computing.ns, computing.bound) == (8 / 4 * 1e9, "FLOP")
    assert (moving.ns, moving.bound) == (2 / 4 * 1e9, "bytes")


def test_a_machine_is_measured() -> None:
    machine = Machine(CPU)
    assert machine.flops > 0 and machine.copying(8 << 20) > 0 and machine.copying(8) > 0


def test_a_network_multiplies_and_moves_what_a_count_by_hand_says() -> None:
    rows, widths = 5, (4, 8, 3)
    case = op_cases.mlp(*widths)
    passes = demands(case, case.make(rows, torch.Generator(), CPU), CPU)
    multiplied_and_added = 0
    for fan_in, fan_out in itertools.pairwise(widths):
        for _ in itertools.product(range(rows), range(fan_out), range(fan_in)):
            multiplied_and_added += 2
    weights = 4 * 8 + 8 * 3
    assert passes["forward"] == Demand(multiplied_and_added, 4 * (rows * 4 + weights + rows * 3))
    # The gradient of the output, inputs and weights are read, and the gradients of inputs and weights written.
    backward = Demand(2 * multiplied_and_added, 4 * (rows * 3 + 2 * (rows * 4 + weights)))
    assert passes["backward"] == backward and passes["both"] == passes["forward"] + backward


def test_a_table_is_not_read_for_its_gradient() -> None:
    case = op_cases.hash_grid(op_cases.layout(levels=2, features=2, log2_entries=8, finest=32))
    work = case.make(7, torch.Generator(), CPU)
    table, positions, output = bytes_of(work.wanted), 7 * 3 * 4, 7 * 4 * 4
    passes = demands(case, work, CPU)
    assert passes["forward"].bytes == table + positions + output
    assert passes["backward"].bytes == positions + output + table


def test_what_is_changed_in_place_is_read_and_written() -> None:
    case = op_cases.adam_step(op_cases.layout(levels=2, features=2, log2_entries=8, finest=32))
    work = case.make(1, torch.Generator(), CPU)
    rows = work.count  # of two features: parameter, gradient and two moments, and a count of steps
    assert demands(case, work, CPU)["forward"].bytes == 2 * (4 * rows * 2 * 4 + rows * 4)


def test_what_is_only_looked_at_is_read_once() -> None:
    case = op_cases.all_finite()
    work = case.make(1, torch.Generator(), CPU)
    assert demands(case, work, CPU)["forward"].bytes == 4 * work.count


@pytest.mark.parametrize("case", op_cases.op_cases(), ids=lambda case: case.name)
def test_every_case_says_what_it_computes(case: op_cases.Case) -> None:
    assert all(flops > 0 for flops in case.flops) == (case.op in COMPUTING)


def test_bytes_of_all_that_an_op_may_be_given() -> None:
    row, whole = torch.zeros(6), torch.zeros(4, 2, dtype=torch.int64)
    assert bytes_of([row, (whole, None), 3.0]) == 24 + 64
    assert bytes_of(whole[:, 1:]) == 32  # what is used of it
    sensors = ops.Sensors(row, row, row, row, 0)  # pyright: ignore[reportArgumentType]
    assert bytes_of(sensors) == 4 * 24
