"""How one field becomes another: progressive volume distillation (PVD, arXiv 2211.15977; PVD-AL, arXiv 2304.04012)."""

from .convert import Conversion, Watch, Wishes, convert
from .curriculum import Plan
from .loop import Distillation, Progress, distill
from .queried import Edits, queried

__all__ = [
    "Conversion",
    "Distillation",
    "Edits",
    "Plan",
    "Progress",
    "Watch",
    "Wishes",
    "convert",
    "distill",
    "queried",
]
