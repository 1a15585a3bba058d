"""A JSON file as its user wrote it: fields are read by kind, and a wrong one is answered in a sentence."""

import json
import reprlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

LARGEST = 1e30  # beyond it a number is a mistake, and would not survive in float32


@dataclass(frozen=True)
class Document:
    """One JSON object of `file`, found at `place`: "" for the top level, or such as "frames[3].".

    A field that holds null counts as absent. Every reader raises a ValueError that names file and field.
    """

    values: dict[str, Any] = field(repr=False)
    file: Path
    place: str

    def __contains__(self, field: str) -> bool:
        return self.values.get(field) is not None

    def locate(self, field: str) -> str:
        return f"{self.file}: {self.place}{field}"

    def error(self, field: str, complaint: str) -> ValueError:
        return ValueError(f"{self.locate(field)} {complaint}.")

    def number(self, field: str) -> float:
        value = self._present(field)
        if not _is_number(value):
            raise self.error(field, f"is {reprlib.repr(value)}, not a finite number")
        return float(value)

    def number_or(self, field: str, default: float) -> float:
        return self.number(field) if field in self else default

    def positive(self, field: str) -> float:
        value = self.number(field)
        if value <= 0:
            raise self.error(field, f"is {value:g}, but must be greater than zero")
        return value

    def flag(self, field: str) -> bool:
        """True or false (also 1 or 0); absent is false."""
        value = self.values.get(field) or False
        if value not in (True, False):
            raise self.error(field, f"is {reprlib.repr(value)}, not true or false")
        return bool(value)

    def text(self, field: str) -> str:
        return self._checked_text(field, self._present(field))

    def texts(self, field: str) -> list[str]:
        return [self._checked_text(f"{field}[{i}]", value) for i, value in enumerate(self.items(field))]

    def vector(self, field: str) -> tuple[float, float, float]:
        values = self.items(field)
        if len(values) != 3 or not all(map(_is_number, values)):
            raise self.error(field, f"is {reprlib.repr(values)}, not three finite numbers")
        return float(values[0]), float(values[1]), float(values[2])

    def matrix(self, field: str) -> Float[Tensor, "row=4 column=4"]:
        """A 4x4 (or 3x4, completed with 0 0 0 1) affine map in float64."""
        rows = self.items(field)
        if len(rows) not in (3, 4) or not all(isinstance(row, list) and len(row) == 4 for row in rows):
            raise self.error(field, "is not a table of 4 rows of 4 numbers")
        for row in rows:
            for value in row:
                if not _is_number(value):
                    raise self.error(field, f"holds {reprlib.repr(value)}, which is not a finite number")
        matrix = torch.tensor([*rows, [0, 0, 0, 1]][:4], dtype=torch.float64)
        if (matrix[3] - torch.tensor([0, 0, 0, 1])).abs().max() > 1e-6:
            raise self.error(field, f"has the last row {reprlib.repr(rows[3])}, which must be 0 0 0 1")
        return matrix

    def items(self, field: str) -> list[Any]:
        value = self._present(field)
        if not isinstance(value, list):
            raise self.error(field, f"is {reprlib.repr(value)}, not a list")
        return value

    def object(self, field: str) -> "Document":
        value = self._present(field)
        if not isinstance(value, dict):
            raise self.error(field, f"is {reprlib.repr(value)}, not an object in braces")
        return Document(value, self.file, f"{self.place}{field}.")

    def objects(self, field: str) -> "list[Document]":
        values = self.items(field)
        for i, value in enumerate(values):
            if not isinstance(value, dict):
                raise self.error(f"{field}[{i}]", f"is {reprlib.repr(value)}, not an object in braces")
        return [Document(value, self.file, f"{self.place}{field}[{i}].") for i, value in enumerate(values)]

    def _present(self, field: str) -> Any:
        if field not in self:
            raise self.error(field, "is missing")
        return self.values[field]

    def _checked_text(self, field: str, value: Any) -> str:
        # A lone surrogate or a NUL is legal JSON, but no operating system takes it in a path.
        if not isinstance(value, str) or not value or "\0" in value or not _is_encodable(value):
            raise self.error(field, f"is {reprlib.repr(value)}, not a usable text")
        return value


def read_document(file: Path) -> Document:
    """A JSON file's top level. Raises FileNotFoundError or ValueError that names the file and the line."""
    try:
        values = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{file} does not exist.") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}).") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}, line {error.lineno}: this is not valid JSON ({error.msg}).") from None
    except (
        ValueError,
        RecursionError,
    ) as error:  # not UTF-8, a number of 5000 digits, 10,000 nested brackets
        raise ValueError(f"{file} is not a readable JSON file ({error}).") from None
    if not isinstance(values, dict):
        raise ValueError(f"{file}: the top level must be an object in braces, not {reprlib.repr(values)}.")
    return Document(values, file, "")


def _is_number(value: Any) -> bool:
    # The comparison also refuses NaN, the infinities and integers too large for a float.
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def _is_encodable(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
