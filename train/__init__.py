"""How a field is fitted, kept, and judged."""

from .evaluate import judge
from .field_file import TrainedField, load_field, save_field
from .loop import Callback, Progress, Training, begin, fit
from .losses import Loss, Term
from .schedule import Budget, FitConfig

__all__ = [
    "Budget",
    "Callback",
    "FitConfig",
    "Loss",
    "Progress",
    "Term",
    "TrainedField",
    "Training",
    "begin",
    "fit",
    "judge",
    "load_field",
    "save_field",
]
