"""The cases of the small networks."""

import torch
from omnifield import ops
from torch import Generator, Tensor

from .case import Case


def mlp(*widths: int) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        layers = zip(widths[1:], widths[:-1], strict=True)
        weights = [torch.randn(*layer, generator=generator) / layer[1] ** 0.5 for layer in layers]
        return torch.randn(n, widths[0], generator=generator), *weights

    return Case(f"mlp {widths}", lambda x, *w: ops.mlp(x, w), make, tuple(range(len(widths))), 2e-5)


def density_mlp(*widths: int) -> Case:
    made = mlp(*widths)

    def run(inputs: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        return ops.density_mlp(inputs, weights, 2.5)

    return Case(f"density_mlp {widths}", run, made.make, made.differentiable, 2e-5)


def view_color(*widths: int) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        inputs, *weights = mlp(*widths).make(n, generator)
        return inputs[:, 15:].contiguous(), inputs[:, :3].contiguous(), *weights

    def run(carry: Tensor, directions: Tensor, *weights: Tensor) -> Tensor:
        return ops.view_color(carry[:, 1:], directions / directions.norm(dim=-1, keepdim=True), weights)

    return Case(f"view_color {widths}", run, make, (0, *range(2, 1 + len(widths))), 2e-5)


CASES = [
    *(mlp(*widths) for widths in ((32, 64, 16), (5, 3), (19, 64, 64, 3))),
    *(density_mlp(*widths) for widths in ((32, 64, 16), (5, 3))),
    *(view_color(*widths) for widths in ((31, 64, 64, 3), (19, 5, 3))),
]
