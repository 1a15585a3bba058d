"""How one field becomes another: progressive volume distillation (PVD, arXiv 2211.15977; PVD-AL, arXiv 2304.04012)."""

from .combine import Edits, combined
from .convert import Callbacks, Conversion, Goal, convert
from .curriculum import Plan
from .loop import Distillation, Progress, distill

__all__ = [
    "Callbacks",
    "Conversion",
    "Distillation",
    "Edits",
    "Goal",
    "Plan",
    "Progress",
    "combined",
    "convert",
    "distill",
]
