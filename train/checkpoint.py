"""A training as one file, to go on from as if nothing had happened."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .files import json_text, one_line, write_tensors
from .loop import Training
from .optimizer import Optimizer

COUNTERS = {"step": int, "seconds": float, "rays": int, "refined": int}


def save_training(path: Path, training: Training) -> None:
    """Field, optimiser, occupancy, random numbers and counters. Raises ValueError if the file cannot be written."""
    tensors = {
        **{f"field.{name}": tensor for name, tensor in training.field.state_dict().items()},
        **{f"optimizer.{name}": tensor for name, tensor in training.optimizer.state_dict().items()},
        **{f"occupancy.{name}": tensor for name, tensor in training.occupancy.state_dict().items()},
        "generator": training.generator.get_state(),
    }
    counters = {name: getattr(training, name) for name in COUNTERS}
    write_tensors(path, tensors, {"omnifield_training": json_text(counters)})


def load_training(path: Path, training: Training) -> None:
    """Put a training, made with the same field and configuration, where the saved one was.

    Raises FileNotFoundError, or ValueError if the file is damaged or of another field.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: there is no training to resume.")
    try:
        with safe_open(path, framework="pt") as file:
            counters = json.loads((file.metadata() or {})["omnifield_training"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        training.field.load_state_dict(_part("field.", tensors))
        training.optimizer = Optimizer(training.field.parameter_groups())  # the field may have been refined
        training.optimizer.load_state_dict(_part("optimizer.", tensors))
        training.occupancy.load_state_dict(_part("occupancy.", tensors))
        training.generator.set_state(tensors["generator"].to(torch.uint8))
        for name, kind in COUNTERS.items():
            setattr(training, name, kind(counters[name]))
    except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged, or not a training of this field: {one_line(error)}.") from error


def _part(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
