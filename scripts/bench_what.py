"""What `omnifield bench` trains, as its flags have it: with the same settings as `omnifield train`."""

from ..bench.convert import ConvertPlan
from ..bench.what import What
from ..fields.settings import settings_of
from ..renderers import SamplerConfig
from ..train.schedule import FitConfig
from .flags.bench import Bench
from .resuming import Chosen


def what_of(flags: Bench) -> What:
    """Raises ValueError for settings that there are not."""
    chosen = _chosen(flags)
    return What(flags.data, chosen.config, chosen.sampler_config, chosen.fit)


def shared_settings(flags: Bench) -> tuple[SamplerConfig, FitConfig]:
    """Those that fields of all kinds have. Raises ValueError where one of a single kind was given."""
    own = settings_of("", flags.set)
    if own:
        raise ValueError(
            f"--set {own[0]}: bench fields takes settings of sampler. and fit., since each field has others."
        )
    chosen = _chosen(flags)
    return chosen.sampler_config, chosen.fit


def conversions_of(flags: Bench) -> ConvertPlan:
    return ConvertPlan(
        data=flags.data,
        tags=flags.fields,
        to=flags.to,
        preset=flags.preset,
        train_seconds=flags.max_seconds,
        convert_seconds=flags.convert_seconds,
        seed=flags.seed,
    )


def _chosen(flags: Bench) -> Chosen:
    return Chosen(flags.field, flags.preset, flags.sampler, flags.set, flags.seed)
