"""A training as one file, to go on from as if nothing had happened."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..fields.stored import check_finite, check_fit, check_state, field_without_values
from . import strict_json
from .field_header import number, whole
from .files import one_line, write_tensors
from .loop import MOST_RAYS, Training
from .optimizer import Optimizer
from .tensor_file import part, read_tensors

ENTRY = "omnifield_training"  # of the safetensors' metadata
MOST = 1 << 62
CUDA_STATE = 16  # bytes of a CUDA generator: its seed and its offset

OF_VIEWS = ("exposure", "poses")  # what a training learns of its views beside the field
COUNTERS = ("step", "seconds", "rays", "refined", "spent")


def training_contents(training: Training) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of the file: field, optimiser, sampler, random numbers and counters."""
    tensors = {
        **{f"field.{name}": tensor for name, tensor in training.field.state_dict().items()},
        **{f"optimizer.{name}": tensor for name, tensor in training.optimizer.state_dict().items()},
        **{f"sampler.{name}": tensor for name, tensor in training.sampler.state_dict().items()},
        **{f"{of}.{name}": t for of in OF_VIEWS for name, t in getattr(training, of).state_dict().items()},
        "generator": training.generator.get_state(),
    }
    return tensors, {ENTRY: json.dumps({name: getattr(training, name) for name in COUNTERS})}


def save_training(path: Path, training: Training) -> None:
    """Raises ValueError if the file cannot be written."""
    write_tensors(path, *training_contents(training))


def load_training(path: Path, training: Training) -> list[str]:
    """Put a training, made with the same field and configuration, where the saved one was; what a user should know of
    that is returned, in sentences.

    Raises FileNotFoundError, or ValueError if the file is damaged or of another field; the training is then as it was.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: there is no training to resume.")
    try:
        text, tensors = read_tensors(path, ENTRY)
        counters = _counters(strict_json.parse(text), training)
        said = _check(tensors, training)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise ValueError(f"{path} is damaged, or not a training of this field: {one_line(error)}.") from error
    for name, value in counters.items():
        setattr(training, name, value)
    _put(tensors, training)
    return said


def _counters(header: dict[str, Any], training: Training) -> dict[str, int | float]:
    return {
        "step": whole("step", header["step"], 0, MOST),
        "seconds": number("seconds", header["seconds"], 0.0, 1e12),
        "rays": whole("rays", header["rays"], 1, MOST_RAYS),
        "refined": whole("refined", header["refined"], 0, len(training.field.config.refine_at)),
        "spent": number("spent", header.get("spent", 0.0), 0.0, 1.0),  # older files do not state it
    }


def _check(tensors: Mapping[str, Tensor], training: Training) -> list[str]:
    """Raises ValueError for tensors that are none of such a training; room is made for none of them before."""
    field = field_without_values(training.field.config, training.field.domain)  # pyright: ignore
    check_state(field, part("field.", tensors))
    training.sampler.check(_sampler_state(tensors))
    for of in OF_VIEWS:
        check_fit(getattr(training, of).state_dict(), part(f"{of}.", tensors))
        check_finite(part(f"{of}.", tensors))
    Optimizer(training.groups(field)).check(part("optimizer.", tensors))
    return _check_generator(tensors["generator"], training)


def _check_generator(state: Tensor, training: Training) -> list[str]:
    """Random numbers of a CPU mean nothing to a GPU: they begin anew there, and the other way round."""
    own = training.generator.get_state()
    if state.dtype == torch.uint8 and state.shape == own.shape:
        torch.Generator(training.generator.device).set_state(state)  # which raises for what is none
        return []
    if state.dtype != torch.uint8 or state.shape not in ((CUDA_STATE,), torch.Generator().get_state().shape):
        raise ValueError(f"generator is {state.dtype} of shape {tuple(state.shape)}")
    return [
        "The training was saved on another kind of device: its random numbers begin anew here, all else goes on."
    ]


def _put(tensors: Mapping[str, Tensor], training: Training) -> None:
    training.field.load_state_dict(part("field.", tensors))
    for of in OF_VIEWS:
        getattr(training, of).load_state_dict(part(f"{of}.", tensors))
    training.optimizer = Optimizer(training.groups(training.field))  # the field may have been refined
    training.optimizer.load_state_dict(part("optimizer.", tensors))
    training.sampler.load_state_dict(_sampler_state(tensors))
    if tensors["generator"].shape == training.generator.get_state().shape:
        training.generator.set_state(tensors["generator"])
    else:
        training.generator.manual_seed(
            training.config.seed + training.step
        )  # not those of the beginning again


def _sampler_state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Older files have that of an occupancy, under its name."""
    return part("sampler.", tensors) | part("occupancy.", tensors)
