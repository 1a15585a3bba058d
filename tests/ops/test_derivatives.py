"""First derivatives reach the same arguments by kernel and reference; second ones are right, or refused."""

import importlib
import pkgutil
from collections.abc import Callable

import omnifield
import pytest
import torch
from omnifield import ops
from omnifield.fields.grids import take_rows_of
from omnifield.fields.quantize import quantized
from omnifield.ops import coarser_voxels
from omnifield.ops.backend import Op
from omnifield.ops.distortion import Lens
from torch import Generator, Tensor

from .agreement import CASES
from .case import Case

ONE_OF_EACH = list({case.name.split()[0]: case for case in reversed(CASES)}.values())
RETURNING = [case for case in ONE_OF_EACH if not case.name.startswith("adam_step")]  # which writes in place
DIFFERENTIABLE = [case for case in ONE_OF_EACH if case.differentiable]


def outputs_of(case: Case, wanted: tuple[int, ...] | None = None) -> tuple[list[Tensor], list[Tensor]]:
    """What a case returns, and those of its arguments that want a gradient: all floats if none are named."""
    arguments = list(case.make(40, Generator().manual_seed(0)))
    floats = tuple(i for i, argument in enumerate(arguments) if argument.is_floating_point())
    leaves = [arguments[i].requires_grad_() for i in (floats if wanted is None else wanted)]
    returned = case.run(*arguments)
    return [returned] if isinstance(returned, Tensor) else list(returned), leaves


def test_every_op_is_a_case() -> None:
    assert {op.__name__ for op in vars(ops).values() if isinstance(op, Op)} == {
        case.name.split()[0] for case in CASES
    }


@pytest.mark.parametrize("case", RETURNING, ids=lambda case: case.name)
def test_kernel_and_reference_give_gradients_to_the_same_arguments(case: Case) -> None:
    reached = []
    for aside in (ops.references, torch.enable_grad):
        with aside():
            outputs, leaves = outputs_of(case)
            with_gradient = [output for output in outputs if output.requires_grad]
            assert bool(with_gradient) == bool(case.differentiable)
            directions = [torch.ones_like(output) for output in with_gradient]
            found = (
                torch.autograd.grad(with_gradient, leaves, directions, allow_unused=True)
                if directions
                else ()
            )
            reached.append([gradient is not None for gradient in found])
    assert reached[0] == reached[1]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.name)
def test_a_second_derivative_through_a_kernel_is_refused(case: Case) -> None:
    """Also where the incoming gradient is a constant, which torch's own `once_differentiable` would let pass."""
    outputs, leaves = outputs_of(case, case.differentiable)
    for output in (outputs[0].sum(), outputs[0].square().sum()):
        with pytest.raises(RuntimeError, match=rf"{case.name.split()[0]}: .*create_graph=True.*references"):
            torch.autograd.grad(output, leaves, create_graph=True, retain_graph=True)


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.name)
def test_references_have_second_derivatives(case: Case) -> None:
    with ops.references():
        outputs, leaves = outputs_of(case, case.differentiable)
        gradients = torch.autograd.grad(outputs[0].square().sum(), leaves, create_graph=True)
    sum(gradient.square().sum() for gradient in gradients).backward()
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)


def voxels_of(some: Tensor) -> Tensor:
    rows = torch.zeros(512, 1, dtype=some.dtype).index_copy(0, torch.tensor([0, 1, 300]), some)
    return coarser_voxels(rows, [ops.Parents(torch.tensor([3]), 1)])[::17]


ROWS = torch.tensor([1, 3, 1])
TWICE: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "ops.coarser_voxels._Coarser": (lambda x: voxels_of(x.square()), (3, 1)),
    "ops.density_mlp._TruncatedExp": (ops.truncated_exp, (5,)),
    "fields.grids._Rows": (lambda x: take_rows_of(x.square(), ROWS), (4, 2)),
    "fields.quantize._StraightThrough": (lambda x: quantized(x, 4), (4, 2)),
}


def functions_of_torch() -> set[str]:
    """Every autograd function of the project, but those of kernels."""
    for module in pkgutil.walk_packages(omnifield.__path__, "omnifield."):
        if module.name.split(".")[1] in {"ops", "fields", "renderers", "train", "distill"}:
            importlib.import_module(module.name)
    names = {f"{kind.__module__}.{kind.__name__}" for kind in torch.autograd.Function.__subclasses__()}
    ours = {name.removeprefix("omnifield.") for name in names if name.startswith("omnifield.")}
    return {name for name in ours if not name.startswith("ops.cpu.")}


def test_every_function_of_torch_is_checked() -> None:
    assert functions_of_torch() == TWICE.keys()


@pytest.mark.parametrize("name", TWICE)
def test_what_is_made_of_torch_is_right_twice(name: str, generator: Generator) -> None:
    function, shape = TWICE[name]
    x = torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()
    assert torch.autograd.gradgradcheck(function, (x,))


@pytest.mark.parametrize("lens", Lens)
@pytest.mark.parametrize("bent", [0.0, 0.02])
def test_rays_of_cameras_have_the_gradients_of_their_cameras(
    lens: Lens, bent: float, generator: Generator
) -> None:
    """Also through the undistortion, which is a search: what it finds moves with every coefficient."""
    view = torch.tensor([0, 1, 0, 1, 1])
    given = {
        "poses": torch.randn(2, 3, 4, generator=generator),
        "focal": 1 + torch.rand(2, 2, generator=generator),
        "principal": torch.rand(2, 2, generator=generator),
        "distortion": bent * (0.5 + torch.rand(2, 6, generator=generator)),
        "time": torch.rand(2, generator=generator),
        "x": torch.rand(5, generator=generator),
        "y": torch.rand(5, generator=generator),
    }
    leaves = tuple(
        # Without distortion none is undone, and none has a gradient.
        each.double().requires_grad_(name != "distortion" or bent > 0)
        for name, each in given.items()
    )

    def rays(poses: Tensor, focal: Tensor, principal: Tensor, bending: Tensor, *rest: Tensor):
        time, x, y = rest
        return tuple(ops.camera_rays(poses, ops.Sensors(focal, principal, bending, time, lens), view, x, y))

    with ops.references():
        assert torch.autograd.gradcheck(rays, leaves)
