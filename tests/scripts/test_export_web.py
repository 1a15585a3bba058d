"""`omnifield export web` as it is typed: what it writes, what it prints, and one sentence for what it cannot do."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from omnifield.export.page_bake import rounded, why_not_shown
from omnifield.train import load_field

from .conftest import Typed

SMALL = ("--preset", "tiny", "--set", "samples_per_step=1024", "--max-steps", "3", "--device", "cpu")


@pytest.fixture
def typed(typed: Typed) -> Typed:
    return partial(typed, "export", "web")


def test_any_field_becomes_a_page(ball_file, tmp_path: Path, typed: Typed) -> None:
    run, shown = ball_file(), tmp_path / "shown.safetensors"
    code, out, err = typed(run, *SMALL, "--field-output", shown, "--json")
    assert code == 0
    result, page = json.loads(out), run / "field.html"
    assert result["file"] == str(page) and result["bytes"] == page.stat().st_size
    assert result["bricks"] > 0 and result["seconds"] > 0 and result["agreement_psnr"] > 15
    assert "<title>[b]all" in page.read_text() and f"Open it in a browser: {page}" in err
    field = load_field(shown)
    assert why_not_shown(field) == "" and field.provenance["converted_from"] == "ball"
    assert all(
        bool((one == other).all())
        for one, other in zip(
            field.field.state_dict().values(), rounded(field).field.state_dict().values(), strict=True
        )
    )
    # And a field that a page can show is shown as it is.
    site = tmp_path / "site"
    code, out, err = typed(shown, "--folder", "--output", site, "--title", "A ball", "--json")
    assert code == 0 and json.loads(out)["agreement_psnr"] is None
    assert {each.name for each in site.iterdir()} == {"index.html", "page.js", "part-0.bin"}
    assert "<title>A ball<" in (site / "index.html").read_text()


def test_a_page_shows_what_is_in_the_box(ball_file, tmp_path: Path, typed: Typed) -> None:
    """In the coordinates of the data, which are turned in the scene: y there is z here."""
    turned = torch.tensor([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    run, shown = ball_file(moved=turned), tmp_path / "shown.safetensors"
    box = ("--box", "-1", "-1", "-1", "1", "0", "1")
    assert typed(run, *SMALL, *box, "--field-output", shown)[0] == 0
    domain = load_field(shown).field.domain
    assert domain.lo == pytest.approx((-1, -1, -1)) and domain.hi == pytest.approx((1, 1, 0))
    # A field that a page can show as it is has to be cropped too.
    assert (
        typed(
            shown,
            *SMALL,
            "--box",
            "0",
            "-1",
            "-1",
            "1",
            "0",
            "1",
            "--field-output",
            tmp_path / "b.safetensors",
        )[0]
        == 0
    )
    assert load_field(tmp_path / "b.safetensors").field.domain.lo == pytest.approx((0, -1, -1), abs=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--output", "page.pdf"), "ends in .html"),
        (("--folder", "--output", "site.html"), "a folder, whose name has no dot"),
        (("--output", "run/field.safetensors/page.html"), "page.html cannot be written"),
        (("--field-output", "run/field.safetensors"), "another file than the field's own"),
        (("--time", "2"), "--time must be from 0 to 1"),
        (("--box", "2", "2", "2", "3", "3", "3"), "lies outside the scene"),
        (("--preset", "huge"), "huge"),
        (("--camera-path", "nowhere.json"), "nowhere.json"),
        (("--max-seconds", "0.01", "--preset", "tiny"), "The budget is too small"),
    ],
)
def test_what_cannot_be_done_is_said(
    ball_file,
    tmp_path: Path,
    typed: Typed,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ball_file()
    before = sorted(tmp_path.rglob("*"))
    code, out, err = typed(run, *words)
    assert code == 2 and out == "" and said in " ".join(err.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_is_not_there(tmp_path: Path, typed: Typed) -> None:
    code, _, err = typed(tmp_path / "nowhere")
    assert code == 2 and "There is no file or folder" in err
