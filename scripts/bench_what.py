"""What `omnifield bench` trains, as its flags have it: with the same settings as `omnifield train`."""

from pathlib import Path

from ..bench.captures import FRAME, PhotographsPlan
from ..bench.convert import ConvertPlan
from ..bench.fields import FieldsPlan
from ..bench.phone import PhonePlan
from ..bench.phone_film import Phone
from ..bench.process import ProcessPlan
from ..bench.scene_training import Terms
from ..bench.what import What
from ..fields.settings import settings_of
from ..photos.options import ProcessOptions
from ..train.field_file import TrainedField
from ..viewer.display import Display
from .flags.bench import Bench
from .resuming import Chosen
from .view_outputs import PAINTS, difference, figure
from .view_subjects import subject_of


def what_of(flags: Bench) -> What:
    """Raises ValueError for settings that there are not."""
    chosen = _chosen(flags)
    return What(flags.data, chosen.config, chosen.sampler_config, chosen.fit)


def photographs_of(flags: Bench) -> PhotographsPlan:
    """Raises ValueError for settings that there are not."""
    chosen = _chosen(flags)
    terms = Terms(flags.max_seconds, flags.stride, FRAME, chosen.sampler_config, chosen.fit)
    return PhotographsPlan((flags.data, *flags.more), chosen.config, terms)


def process_of(flags: Bench) -> ProcessPlan:
    return ProcessPlan(Path(flags.data), ProcessOptions())


def phone_of(flags: Bench) -> PhonePlan:
    """Raises ValueError for settings that there are not."""
    chosen = _chosen(flags)
    terms = Terms(flags.max_seconds, flags.stride, FRAME, chosen.sampler_config, chosen.fit)
    return PhonePlan(Phone(), ProcessOptions(), chosen.config, terms)


def fields_of(flags: Bench) -> FieldsPlan:
    """Raises ValueError for settings that there are not, and for one that fields of a single kind have."""
    own = settings_of("", flags.set)
    if own:
        raise ValueError(
            f"--set {own[0]}: bench fields takes settings of sampler. and fit., since each field has others."
        )
    chosen = _chosen(flags)
    budget, shared = (flags.max_seconds, flags.stride), (chosen.sampler_config, chosen.fit)
    return FieldsPlan(flags.data, flags.fields, flags.preset, *budget, *shared)


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


def display_of(trained: TrainedField, file: Path) -> Display:
    return Display([subject_of(trained, file)], PAINTS, figure, difference)


def _chosen(flags: Bench) -> Chosen:
    return Chosen(flags.field, flags.preset, flags.sampler, flags.set, flags.seed)
