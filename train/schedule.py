"""How long a training goes on, and what it does when: what a user may set of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..fields.settings import given
from ..ops import STOP
from ..renderers.shading import VISIBLE


@dataclass(frozen=True)
class Budget:
    """When a training ends: after so many seconds of training or so many steps, whichever comes first."""

    seconds: float = math.inf
    steps: int = 1 << 62

    def spent(self, seconds: float, steps: int) -> float:
        """The fraction of the budget that is used up."""
        return max(seconds / self.seconds, steps / self.steps)


HEAVIEST = 1e9
BOUNDS = {
    "warmup": (0.0, 1.0),
    "coarse": (1.0, 64.0),
    "final_rate": (1e-6, 1.0),
    "stop": (STOP, 0.1),
    "visible": (VISIBLE, 0.1),
    "distortion": (0.0, HEAVIEST),
    "exposure": (0.0, 0.1),
    "robust": (0.0, 10.0),
    "poses": (0.0, 0.01),
    "background_entropy": (0.0, HEAVIEST),
    "sample_color": (0.0, HEAVIEST),
    "opacity_sparsity": (0.0, HEAVIEST),
}


@dataclass(frozen=True)
class FitConfig:
    """How a field is fitted. Rates are relative to the field's own. Raises ValueError for what makes no sense."""

    warmup: float = 0.01  # fraction of the budget over which the rate rises from nothing
    coarse: float = 3.0  # how many times as long the first steps along a ray are as the last
    final_rate: float = 0.03  # what the rate has fallen to, evenly, at the end
    # The transmittance at which a ray is no longer followed. What lies behind hardly changes a pixel: a hundredth is
    # enough to learn from, and leaves time for more rays. Pictures are rendered down to STOP.
    stop: float = 0.01
    # The weight up to which a sample is not asked for its colour, and has the mean colour of its ray's others.
    visible: float = 0.001
    # The weight of the distortion loss, in unbounded scenes alone: around an object silhouettes say what is empty.
    distortion: float = 0.02
    # The learning rate of each photograph's exposure and white balance; 0: none is learnt. For photographs that differ
    # by chance: what follows the place or the direction, as an automatic exposure does, the field learns by itself.
    exposure: float = 0.0
    robust: float = 0.0  # the error, of 1, from which on a pixel counts little; 0: all count
    poses: float = 0.0  # the learning rate of corrections of the cameras' poses; 0: they are believed
    background_entropy: float = (
        0.0  # this and the next two: weights of `ray_losses`, beside those of the field
    )
    sample_color: float = 0.0
    opacity_sparsity: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"The setting fit.{name} must be from {least:g} to {most:g}, not {value:g}.")

    def rate_at(self, spent: float) -> float:
        """A short warm-up, then a straight line over the budget (Defazio et al. 2023, arXiv 2310.07831)."""
        risen = min(spent / self.warmup, 1.0) if self.warmup else 1.0
        return risen * (1 - (1 - self.final_rate) * min(spent, 1.0))

    def step_at(self, spent: float) -> float:
        """How many times as long as the last ones the steps along rays are."""
        return self.coarse ** (1 - spent)


def fit_config(settings: Sequence[str], seed: int) -> FitConfig:
    """Of settings "name=value". Raises ValueError for an unknown name or a value of the wrong kind or size."""
    values = given(FitConfig, settings, "setting of the training")
    if "seed" in values:
        raise ValueError("The seed of a training is no setting: --seed says it.")
    return FitConfig(**values, seed=seed)  # pyright: ignore[reportArgumentType]  # of the kinds that `given` made
