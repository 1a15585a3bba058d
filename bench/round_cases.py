"""What goes on between the looks at a field, at the sizes of a training: rounds along rays, weights, occupied cells."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from .. import ops
from .op_case import Case, Work
from .shell_scene import SAMPLES_PER_RAY, STEPS_PER_SIDE, packed

CELLS = 128**3


def densities(n: int, generator: Generator) -> Float[Tensor, "n"]:
    """An optical depth of about 6 over a whole ray: some rays end early, as they do in a scene."""
    return torch.rand(n, generator=generator) * (12 / SAMPLES_PER_RAY * STEPS_PER_SIDE)


def samples(n: int, generator: Generator, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """t, dt and where each ray's begin."""
    t = torch.rand(n, generator=generator).to(device)
    return t, torch.full((n,), 1 / STEPS_PER_SIDE, device=device), packed(n).to(device)


def half_asked(
    n: int, generator: Generator, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Rays of whose samples half are known: depth, how many were asked, t, dt, offsets."""
    t, dt, offsets = samples(n, generator, device)
    asked = offsets.diff() // 2
    return torch.rand(len(asked), generator=generator).to(device) * 12, asked, t, dt, offsets


def visible_weights() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        density = densities(n, generator).to(device).requires_grad_()
        t, dt, offsets = samples(n, generator, device)
        return Work(lambda: ops.visible_weights(density, t, dt, offsets, 1e-4).sums, n, (density,))

    return Case("visible_weights", ops.visible_weights, make)


def next_round() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        before = half_asked(n, generator, device)
        return Work(lambda: ops.next_round(*before, 16), n)

    return Case("next_round, of 16 samples", ops.next_round, make)


def pass_round() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        depth, asked, t, dt, offsets = half_asked(n, generator, device)
        round = ops.next_round(depth, asked, t, dt, offsets, 16)
        density = densities(len(round.t), generator).to(device)
        return Work(lambda: ops.pass_round(density, round, depth, asked), len(density))

    return Case("pass_round, of 16 samples", ops.pass_round, make)


def first_samples() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        _, asked, t, dt, offsets = half_asked(n, generator, device)
        return Work(lambda: ops.first_samples(t, dt, offsets, asked), n)

    return Case("first_samples, half of them", ops.first_samples, make)


def in_order() -> Case:
    """Two rounds, each of half of every ray's samples."""

    def make(n: int, generator: Generator, device: torch.device) -> Work:
        _, half, t, dt, offsets = half_asked(n, generator, device)
        none = torch.zeros(len(half), device=device)
        first = ops.next_round(none, torch.zeros_like(half), t, dt, offsets, int(half.max()))
        asked = torch.zeros_like(half).index_copy(0, first.ray, first.ends.diff())
        rounds = [first, ops.next_round(none, asked, t, dt, offsets, n)]
        values = [torch.randn(len(r.t), 16, generator=generator).to(device).requires_grad_() for r in rounds]
        return Work(lambda: ops.in_order(values[0], values[1:], rounds, offsets), n, tuple(values))

    return Case("in_order, two rounds, 16 columns", ops.in_order, make)


def occupied_bits() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        del n
        thickness = torch.rand(CELLS, generator=generator).to(device)
        return Work(lambda: ops.occupied_bits(thickness, CELLS, 0.01), CELLS)

    return Case("occupied_bits, 128³", ops.occupied_bits, make, unit="cell")


def next_set() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        bits = ops.occupied_bits(torch.rand(CELLS, generator=generator).to(device) ** 8, CELLS, 0.5)
        return Work(lambda: ops.next_set(bits, CELLS // 3, n), n)

    return Case("next_set, in 128³ cells", ops.next_set, make, unit="cell")


def all_finite() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        del n
        values = torch.randn(CELLS, generator=generator).to(device)
        return Work(lambda: torch.tensor(ops.all_finite(values)), CELLS)

    return Case("all_finite", ops.all_finite, make, unit="number")
