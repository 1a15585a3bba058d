"""Cases of what goes on between the looks at a field: rounds along rays, and cells that hold something."""

import torch
from omnifield import ops
from torch import Generator, Tensor

from .case import Case, offsets


def some_round(n: int, generator: Generator, most: int) -> tuple[ops.Round, tuple[Tensor, ...]]:
    """The second round along some rays, and what it followed from: depth, asked, t, dt, offsets."""
    ends, t, dt = (
        offsets(n, generator),
        torch.rand(n, generator=generator),
        torch.rand(n, generator=generator),
    )
    asked = ends.diff().clamp_max(most)
    depth = torch.rand(len(asked), generator=generator) * 12
    return ops.next_round(depth, asked, t, dt, ends, 2 * most), (depth, asked, t, dt, ends)


def next_round(most: int) -> Case:
    def run(*before: Tensor) -> tuple[Tensor, ...]:
        return tuple(each.float() for each in ops.next_round(*before, 2 * most))

    return Case(f"next_round {most}", run, lambda n, generator: some_round(n, generator, most)[1], (), 0)


def pass_round(most: int) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        round, (depth, asked, *_) = some_round(n, generator, most)
        return torch.rand(len(round.t), generator=generator), depth, asked, *round

    def run(density: Tensor, depth: Tensor, asked: Tensor, *round: Tensor) -> tuple[Tensor, ...]:
        depth, asked = ops.pass_round(density, ops.Round(*round), depth, asked)
        return depth, asked.float()

    return Case(f"pass_round {most}", run, make, (), 1e-5)


def first_samples(most: int) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        _, asked, t, dt, ends = some_round(n, generator, most)[1]
        return t, dt, ends, asked

    def run(*given: Tensor) -> tuple[Tensor, ...]:
        return tuple(each.float() for each in ops.first_samples(*given))

    return Case(f"first_samples {most}", run, make, (), 0)


def in_order(most: int) -> Case:
    """Two rounds, of which the second goes on along some rays only."""

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        ends, t = offsets(n, generator), torch.rand(n, generator=generator)
        depth, asked = torch.zeros(len(ends) - 1), torch.zeros(len(ends) - 1, dtype=torch.int64)
        first = ops.next_round(depth, asked, t, t, ends, most)
        depth, asked = ops.pass_round(20 * first.t, first, depth, asked)
        second = ops.next_round(depth, asked, t, t, ends, 2 * most)
        _, asked = ops.pass_round(second.t, second, depth, asked)
        values = (torch.randn(len(round.t), 5, generator=generator) for round in (first, second))
        return *values, *first, *second, torch.nn.functional.pad(asked.cumsum(0), (1, 0))

    def run(a: Tensor, b: Tensor, *rest: Tensor) -> Tensor:
        return ops.in_order(a, [b], [ops.Round(*rest[:6]), ops.Round(*rest[6:12])], rest[12])

    return Case(f"in_order {most}", run, make, (0, 1), 0)


def occupied_bits(unknown: float) -> Case:
    """Of cells of which not all are known."""

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        thickness = torch.rand(8 * n, generator=generator) ** 4
        return (thickness.masked_fill(torch.rand(8 * n, generator=generator) < unknown, torch.nan),)

    def run(thickness: Tensor) -> Tensor:
        return ops.occupied_bits(thickness, len(thickness), 0.5)

    return Case(f"occupied_bits {unknown:g}", run, make, (), 0)


def next_set(share: float) -> Case:
    """Of cells of which some are set: a few, and more than there are."""

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        bits = torch.randint(0, 256, (n,), generator=generator)
        return ((bits * (torch.rand(n, generator=generator) < share)).to(torch.uint8),)

    def run(bits: Tensor) -> tuple[Tensor, ...]:
        first = 8 * len(bits) // 3
        return tuple(ops.next_set(bits, first, count).float() for count in (first // 2, 9 * len(bits)))

    return Case(f"next_set {share:g}", run, make, (), 0)


CASES = [
    *(case(most) for case in (next_round, pass_round, first_samples, in_order) for most in (1, 4)),
    *(occupied_bits(unknown) for unknown in (0.0, 0.3)),
    *(next_set(share) for share in (0.1, 1.0)),
]
