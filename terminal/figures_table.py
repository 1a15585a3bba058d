"""What held-out views say of a field, as a table."""

from collections.abc import Sequence
from typing import Any

from rich.table import Column, Table

HEADS = {
    "psnr": "PSNR (dB)",
    "psnr_posed": "right half, pose refined on the left (dB)",
    "psnr_fitted": "right half, colours fitted on the left (dB)",
    "ssim": "SSIM",
    "lpips": "LPIPS",
}
DIGITS = {"psnr": ".2f", "psnr_posed": ".2f", "psnr_fitted": ".2f", "ssim": ".4f", "lpips": ".4f"}


def figures_table(images: Sequence[dict[str, Any]], means: dict[str, Any]) -> Table:
    """A row for each view, and the means: of each scale where they tell of `scales`, and of all views."""
    table = Table("view", *(Column(HEADS[name], justify="right") for name in HEADS if name in means))
    for row in images:
        table.add_row(row["name"], *_cells(row))
    table.add_section()
    for part in means.get("scales", []):
        table.add_row(f"mean at scale {part['scale']:g}", *_cells(part))
    table.add_row(f"mean of {len(images)}", *_cells(means))
    return table


def _cells(figures: dict[str, Any]) -> list[str]:
    names = [name for name in HEADS if name in figures]
    return ["–" if figures[name] is None else f"{figures[name]:{DIGITS[name]}}" for name in names]
