"""What a training is made of, kept in its folder, so that it can go on as it began and not as anything else."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..fields import FieldConfig, field_config
from ..fields.settings import known, owner_of, settings_of
from ..renderers import SamplerConfig, sampler_config
from ..scenes import Scene
from ..scenes.views import cameras_of, full_size, names_of, view_count
from ..train.field_file import CAMERA_TENSORS, FIELD_FILE, TrainedField, load_field
from ..train.held_out import SAME_FRAME
from ..train.schedule import Budget, FitConfig, fit_config
from .budget import budget_of

Number = (int, float)
KINDS = {
    "field": str,
    "preset": str,
    "sampler": str,
    "set": list,
    "seed": int,
    "downscale": int,
    "test_every": (int, type(None)),
    "scales": int,
    "max_seconds": (*Number, type(None)),
    "max_steps": (int, type(None)),
}
BUDGET = ("max_seconds", "max_steps")
OWNERS = ("fit", "sampler")  # of settings; those that name none are the field's


@dataclass(frozen=True)
class Chosen:
    """The flags that decide what comes of a training, the data apart. What they make raises ValueError for settings
    that there are not."""

    field: str = "hash"
    preset: str = "default"
    sampler: str = "occupancy"
    set: tuple[str, ...] = ()
    seed: int = 0
    downscale: int = 1
    test_every: int | None = None
    scales: int = 1
    max_seconds: float | None = None
    max_steps: int | None = None

    @property
    def config(self) -> FieldConfig:
        for owner in filter(None, map(owner_of, self.set)):
            known(owner, list(OWNERS), "group of settings")
        return field_config(self.field, self.preset, settings_of("", self.set))

    @property
    def sampler_config(self) -> SamplerConfig:
        return sampler_config(self.sampler, settings_of("sampler", self.set))

    @property
    def fit(self) -> FitConfig:
        return fit_config(settings_of("fit", self.set), self.seed)

    @property
    def budget(self) -> Budget:
        return budget_of(self.max_seconds, self.max_steps)


def chosen(given: dict[str, Any]) -> Chosen:
    """Of the flags that were given; None is one that was not."""
    return Chosen(**{name: value for name, value in given.items() if value is not None})


def resumed(folder: Path | None, given: dict[str, Any]) -> Chosen:
    """What the run was begun with; a budget given now takes the place of the old one.

    Raises FileNotFoundError, or ValueError where something else was given than the run has.
    """
    if folder is None:
        raise ValueError("--resume needs --run-dir, the folder of the training to go on with.")
    kept = _as_it_was(_config_of(folder))
    for name, value in given.items():
        if name not in (*BUDGET, "set") and value not in (None, getattr(kept, name)):
            flag = name.replace("_", "-")
            raise ValueError(
                f"--resume: the training in {folder} has --{flag} {getattr(kept, name)}, not {value}: leave --{flag} "
                "out, or begin another training."
            )
    more = dataclasses.replace(kept, set=(*kept.set, *given["set"]))
    if (more.config, more.sampler_config, more.fit) != (kept.config, kept.sampler_config, kept.fit):
        raise ValueError(
            f"--resume: the training in {folder} has other settings than --set {' --set '.join(given['set'])}: leave "
            "them out, or begin another training."
        )
    if all(given[name] is None for name in BUDGET):
        return kept
    return dataclasses.replace(kept, **{name: given[name] for name in BUDGET})


def _as_it_was(config: dict[str, Any]) -> Chosen:
    """With the settings that it had: those that flags do not name were the defaults of the day."""
    kept = chosen(config["flags"])
    now = {
        "": ("config", kept.config),
        "sampler.": ("sampler", kept.sampler_config),
        "fit.": ("fit", kept.fit),
    }
    changed = [
        each for of, (name, values) in now.items() for each in _changed(of, config.get(name, {}), values)
    ]
    return dataclasses.replace(kept, set=(*changed, *kept.set))


def _changed(owner: str, before: dict[str, Any], now: Any) -> list[str]:
    """The settings that were others before, as flags have them."""
    values = dataclasses.asdict(now)
    return [f"{owner}{name}={value}" for name, value in before.items() if values.get(name, value) != value]


def kept_in_config(what: Chosen, scene: Scene) -> dict[str, Any]:
    """The content of a run's config.json."""
    flags = {name: getattr(what, name) for name in KINDS}
    configs = {
        "config": dataclasses.asdict(what.config),
        "sampler": dataclasses.asdict(what.sampler_config),
        "fit": dataclasses.asdict(what.fit),
    }
    return {"flags": flags, **configs, "data": _fingerprint(scene)}


def refuse_other_data(folder: Path, scene: Scene, data: str) -> None:
    """Raises ValueError where the run in the folder was begun with other data; where they lie is no matter."""
    differs = _difference(folder, scene)
    if differs:
        raise ValueError(f"--resume: {data} is not what the training in {folder} was begun with: {differs}.")


def _config_of(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: there is no training to resume in {folder}.")
    try:
        config = json.loads(path.read_text())
        older = {"scales": 1, "sampler": "occupancy", "test_every": None}  # runs that do not state them
        stated = older | config["flags"]
        flags = {name: stated[name] for name in KINDS}
        wrong = [name for name, kind in KINDS.items() if not isinstance(flags[name], kind)]
        if wrong:
            raise ValueError(f"{wrong[0]} is {flags[wrong[0]]!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}.") from error
    return config | {"flags": flags | {"set": tuple(flags["set"])}}


def _fingerprint(scene: Scene) -> dict[str, Any]:
    """What tells data apart that have the same cameras: of names a digest, since there may be hundreds."""
    train, test = full_size(scene.train), full_size(scene.test)
    names = "\n".join((*names_of(train), "", *names_of(test)))
    return {
        "views": [view_count(train), view_count(test)],
        "size": [side for each in cameras_of(train) for side in (each.width, each.height)],
        "names": hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest(),
    }


def _difference(folder: Path, scene: Scene) -> str:
    """In words, or nothing."""
    now, before = _fingerprint(scene), _config_of(folder).get("data") or {}  # older runs do not state it
    for name, value in now.items():
        if before.get(name, value) != value:
            return {
                "views": f"they have {_views(now)}, and not {_views(before)}",
                "size": f"their pictures are of {_size(now)} pixels, and not of {_size(before)}",
                "names": "their pictures have other names",
            }[name]
    path = folder / FIELD_FILE
    return _difference_of_cameras(load_field(path), scene) if path.is_file() else ""


def _difference_of_cameras(trained: TrainedField, scene: Scene) -> str:
    domain, groups = scene.domain, cameras_of(scene.train)
    tolerance = SAME_FRAME * max(1.0, domain.side)
    before = trained.field.domain
    corners, corners_before = (torch.tensor([box.lo, box.hi]) for box in (domain, before))
    if type(domain) is not type(before) or not _near(corners, corners_before, tolerance):
        return "their box is another one"
    alike = len(groups) == len(trained.cameras) and all(
        _near(getattr(cameras, name).cpu(), getattr(known, name), tolerance)
        for cameras, known in zip(groups, trained.given_cameras, strict=True)
        for name in CAMERA_TENSORS
        if name != "world_from_camera" or trained.knows_given
    )
    return "" if alike else "their cameras are others"


def _near(one: Tensor, other: Tensor, tolerance: float) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=SAME_FRAME, atol=tolerance)


def _views(data: dict[str, Any]) -> str:
    return "{} training and {} held-out views".format(*data["views"])


def _size(data: dict[str, Any]) -> str:
    """Of each group in turn; those of older runs are of the only one."""
    sides = data["size"]
    return " and ".join(f"{width}×{height}" for width, height in zip(sides[::2], sides[1::2], strict=True))
