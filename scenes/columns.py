"""Frozen dataclasses whose fields are columns: tensors of as many rows, or such dataclasses again.

What is done to every column is done by its name, so that a new one shifts none and is never forgotten.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

Table = TypeVar("Table")  # a dataclass, for which Python has no type of its own


def each_column(change: Callable[..., Tensor], table: Table, *others: Table) -> Table:
    """The same dataclass of changed columns; `change` is given those of all tables that have one name."""
    first: Any = table
    columns = {}
    for field in fields(first):
        alike = [vars(each)[field.name] for each in (table, *others)]
        whole = isinstance(alike[0], Tensor)
        columns[field.name] = change(*alike) if whole else each_column(change, *alike)
    return replace(first, **columns)


def joined(tables: Sequence[Table]) -> Table:
    """One table of all rows, in order."""
    return each_column(lambda *columns: torch.cat(columns), *tables)
