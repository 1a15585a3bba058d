"""How a field is fitted, kept, and judged."""

from .evaluate import judge
from .field_file import TrainedField, load_field, save_field
from .loop import Budget, FitConfig, Progress, Training, begin, fit

__all__ = [
    "Budget",
    "FitConfig",
    "Progress",
    "TrainedField",
    "Training",
    "begin",
    "fit",
    "judge",
    "load_field",
    "save_field",
]
