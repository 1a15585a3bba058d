"""A training as one file, to go on from as if nothing had happened."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .files import write_atomically
from .loop import Training


def save_training(path: Path, training: Training) -> None:
    """Field, optimiser, occupancy, random numbers and counters. Raises ValueError if the file cannot be written."""
    tensors = {
        **{f"field.{name}": tensor for name, tensor in training.field.state_dict().items()},
        **{f"optimizer.{name}": tensor for name, tensor in training.optimizer.state_dict().items()},
        **{f"occupancy.{name}": tensor for name, tensor in training.occupancy.state_dict().items()},
        "generator": training.generator.get_state(),
    }
    counters = {"step": training.step, "seconds": training.seconds, "rays": training.rays}
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(
        path, lambda beside: save_file(ready, beside, {"omnifield_training": json.dumps(counters)})
    )


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
        for part in (training.field, training.optimizer, training.occupancy):
            prefix = {training.field: "field.", training.optimizer: "optimizer."}.get(part, "occupancy.")
            part.load_state_dict(
                {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            )
        training.generator.set_state(tensors["generator"].to(torch.uint8))
        training.step, training.seconds, training.rays = (
            counters[key] for key in ("step", "seconds", "rays")
        )
    except (SafetensorError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged, or not a training of this field: {error}.") from error
