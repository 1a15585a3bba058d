"""What a field's file says of itself, told without torch, whose import takes seconds."""

import json
from pathlib import Path
from typing import Any

ENTRY = "omnifield"  # of the safetensors' metadata
KINDS = {
    "field": str,
    "config": dict,
    "parameters": int,
    "box": dict,
    "cameras": list,
    "scene_from_input": list,
    "input_from_original": list,
    "sampler": dict,
    "occupied": float,
    "background": list,
    "provenance": dict,
}
LENGTH = 8  # bytes before a safetensors file's header, which say how long it is
LONGEST = 1 << 24  # bytes of a header


def facts_of(file: Path) -> dict[str, Any]:
    """A file that does not say them is loaded, and with it torch: it is older, and its field tells them, or it is no
    whole field's file. Raises ValueError or FileNotFoundError in the user's words."""
    facts = _stated(file)
    if facts is None:
        from ..train.field_file import facts as facts_of_field
        from ..train.field_file import load_field

        facts = facts_of_field(load_field(file))
    return facts | {"bytes": file.stat().st_size}


def _stated(file: Path) -> dict[str, Any] | None:
    """None where they are not all there, or the file is not as long as it says."""
    try:
        header, length = _header(file)
        facts = json.loads(header.pop("__metadata__")[ENTRY])["facts"]
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
        whole = length + max(ends) == file.stat().st_size
        complete = all(isinstance(facts[name], kind) for name, kind in KINDS.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return facts if whole and complete else None


def _header(file: Path) -> tuple[dict[str, Any], int]:
    """A safetensors file's, and how many bytes go before its tensors. Raises OSError, or ValueError where there is
    none."""
    with open(file, "rb") as content:
        length = int.from_bytes(content.read(LENGTH), "little")
        if length > LONGEST:
            raise ValueError(f"its header would be {length} bytes long")
        return json.loads(content.read(length)), LENGTH + length
