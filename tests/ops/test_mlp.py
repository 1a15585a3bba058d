"""The small MLP against matrix products written out, and its kernel against its reference."""

import math
from itertools import pairwise

import pytest
import torch
from omnifield.ops import mlp, references

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])
CHAINS = [
    (1, 1), (1, 2, 1), (2, 7, 5, 3), (3, 16, 16, 1), (15, 17, 31, 33), (32, 64, 16), (16, 128, 128, 128, 3),
    (63, 65, 4), (300, 1), (1, 300), (257, 300, 129, 7),
]  # fmt: skip
SIZES = [0, 1, 63, 64, 65, 501]  # around the kernel's blocks of 64 samples


def network(widths, generator, dtype=torch.float32):
    """He's scale, so that nothing fades on the way."""
    return [
        (torch.randn(out, into, generator=generator) * math.sqrt(2 / into)).to(dtype).requires_grad_()
        for into, out in pairwise(widths)
    ]


def outputs_and_gradients(inputs, weights, directions):
    outputs = mlp(inputs, weights)
    return [outputs.detach(), *torch.autograd.grad(outputs, [inputs, *weights], directions)]


@BOTH
def test_equals_a_loop_over_neurons(generator, dtype):
    weights = network((4, 6, 5, 2), generator, dtype)
    inputs = torch.randn(9, 4, generator=generator).to(dtype)
    outputs = mlp(inputs, weights)
    for row, expected in zip(inputs.tolist(), outputs.tolist(), strict=True):
        for layer, weight in enumerate(weights):
            sums = [sum(w * x for w, x in zip(neuron, row, strict=True)) for neuron in weight.tolist()]
            row = [max(x, 0.0) for x in sums] if layer < 2 else sums
        assert row == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("widths", CHAINS, ids=str)
def test_values_and_gradients_equal_the_reference(generator, widths):
    weights = network(widths, generator)
    for n in SIZES:
        inputs = torch.randn(n, widths[0], generator=generator, requires_grad=True)
        directions = torch.randn(n, widths[-1], generator=generator)
        directions[torch.rand(n, generator=generator) < 0.4] = 0  # rows that the kernel leaves out
        with references():
            expected = outputs_and_gradients(inputs, weights, directions)
        for ours, theirs in zip(outputs_and_gradients(inputs, weights, directions), expected, strict=True):
            largest = float(theirs.abs().max()) if theirs.numel() else 0.0
            torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-5 * largest)


@pytest.mark.parametrize("widths", CHAINS, ids=str)
def test_biases_equal_the_reference_and_a_column_of_ones(generator, widths):
    weights = network(widths, generator)
    biases = [torch.randn(len(weight), generator=generator, requires_grad=True) for weight in weights]
    for n in SIZES:
        inputs = torch.randn(n, widths[0], generator=generator, requires_grad=True)
        directions = torch.randn(n, widths[-1], generator=generator)
        directions[torch.rand(n, generator=generator) < 0.4] = 0
        wanted = [inputs, *weights, *biases]
        with references():
            outputs = mlp(inputs, weights, biases)
            expected = [outputs.detach(), *torch.autograd.grad(outputs, wanted, directions)]
        outputs = mlp(inputs, weights, biases)
        found = [outputs.detach(), *torch.autograd.grad(outputs, wanted, directions)]
        for ours, theirs in zip(found, expected, strict=True):
            largest = float(theirs.abs().max()) if theirs.numel() else 0.0
            torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-5 * largest)
        hidden = inputs
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            wider = torch.cat([hidden.relu() if layer else hidden, torch.ones(n, 1)], 1)
            hidden = wider @ torch.cat([weight, bias[:, None]], 1).T
        scale = 1e-4 * max(1.0, float(hidden.detach().abs().max())) if n else 1.0
        torch.testing.assert_close(outputs, hidden, rtol=0, atol=scale)


@BOTH
def test_biases_must_fit(generator, dtype):
    weights = network((4, 6, 2), generator, dtype)
    inputs = torch.randn(3, 4, generator=generator).to(dtype)
    for lengths in ((6,), (6, 3), (2, 6)):
        with pytest.raises(ValueError, match="biases"):
            mlp(inputs, weights, [torch.zeros(length, dtype=dtype) for length in lengths])


def test_rows_without_a_gradient_receive_none(generator):
    weights = network((8, 24, 4), generator)
    inputs = torch.randn(130, 8, generator=generator, requires_grad=True)
    directions = torch.zeros(130, 4)
    directions[77, 2] = 1.0
    of_inputs, *_ = torch.autograd.grad(mlp(inputs, weights), [inputs], directions)
    assert of_inputs[77].any() and of_inputs.any(-1).sum() == 1
    nothing = torch.autograd.grad(mlp(inputs, weights), [inputs, *weights], torch.zeros(130, 4))
    assert not any(gradient.any() for gradient in nothing)


def test_gradcheck_of_the_reference(generator):
    weights = network((3, 5, 4, 2), generator, torch.float64)
    inputs = torch.randn(6, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *w: mlp(x, w), (inputs, *weights))
    biases = [torch.randn(len(w), generator=generator).double().requires_grad_() for w in weights]
    assert torch.autograd.gradcheck(lambda x, *both: mlp(x, both[:3], both[3:]), (inputs, *weights, *biases))


@pytest.mark.parametrize("frozen", ["inputs", "weights"])
def test_only_what_is_asked_for_is_differentiated(generator, frozen):
    weights = network((5, 9, 3), generator)
    inputs = torch.randn(70, 5, generator=generator, requires_grad=True)
    with references():
        expected = torch.autograd.grad(mlp(inputs, weights).sum(), [inputs, *weights])
    for tensor in [inputs] if frozen == "inputs" else weights:
        tensor.requires_grad_(False)
    mlp(inputs, weights).sum().backward()
    for tensor, gradient in zip([inputs, *weights], expected, strict=True):
        if tensor.requires_grad:
            torch.testing.assert_close(tensor.grad, gradient, rtol=1e-5, atol=1e-4)
        else:
            assert tensor.grad is None


@BOTH
def test_nan_stays_nan_in_its_own_row(generator, dtype):
    weights = network((5, 20, 20, 3), generator, dtype)
    inputs = torch.randn(150, 5, generator=generator).to(dtype)
    clean = mlp(inputs, weights)
    spoiled = inputs.clone()
    spoiled[70, 3] = math.nan
    outputs = mlp(spoiled, weights)
    assert outputs[70].isnan().all()
    rest = torch.arange(150) != 70
    assert torch.equal(outputs[rest], clean[rest])


@BOTH
def test_nan_reaches_the_gradients_of_the_weights(generator, dtype):
    """Else a training that broke down would go unnoticed."""
    weights = network((5, 20, 3), generator, dtype)
    inputs = torch.randn(150, 5, generator=generator).to(dtype)
    inputs[70, 3] = math.nan
    gradients = torch.autograd.grad(mlp(inputs, weights).sum(), weights)
    assert gradients[0].isnan().any() and gradients[1].isnan().any()


@BOTH
def test_inputs_and_weights_of_other_strides(generator, dtype):
    inputs = torch.randn(6, 40, generator=generator).to(dtype).T
    weights = [torch.randn(into, out, generator=generator).to(dtype).T for into, out in ((6, 12), (12, 3))]
    straight = mlp(inputs.contiguous(), [weight.contiguous() for weight in weights])
    torch.testing.assert_close(mlp(inputs, weights), straight)


ROWS, MATRIX = torch.zeros(4, 3), torch.zeros(5, 3)
REFUSED = {
    "mlp: there is no weight matrix": lambda: mlp(ROWS, []),
    r"mlp: weight 0 has shape \(5, 3\), .* is 4 wide": lambda: mlp(torch.zeros(4, 4), [MATRIX]),
    r"mlp: weight 1 has shape \(5, 3\), .* is 5 wide": lambda: mlp(ROWS, [MATRIX, MATRIX]),
    r"mlp: weight 0 has shape \(3,\)": lambda: mlp(ROWS, [torch.zeros(3)]),
    "mlp: .*weight 0 .*float64": lambda: mlp(ROWS, [MATRIX.double()]),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()
