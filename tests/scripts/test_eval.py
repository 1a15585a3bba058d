"""Figures against figures worked out from the pictures themselves."""

import json
import math
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import tyro
from omnifield.scripts.eval import Eval, run_eval
from omnifield.scripts.train import Train, run_train
from omnifield.train.field_file import load_field, save_field
from omnifield.train.perceptual import Lpips, find_lpips
from PIL import Image

MIDDLE = (0.3, -0.2, 0.4)


def emptied(run: Path) -> Path:
    """The same field with nothing occupied: it renders its background, white, everywhere."""
    trained = load_field(run / "field.safetensors")
    trained.sampler.bits.zero_()
    save_field(run / "field.safetensors", trained)
    return run


def test_figures_are_those_of_the_pictures(ball_file, lego) -> None:
    data = lego()
    result = run_eval(Eval(emptied(ball_file()), str(data), json=True))
    expected = []
    for i in range(2):
        rgba = np.asarray(Image.open(data / "test" / f"r_{i}.png")).astype(np.float64) / 255
        truth = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
        expected.append(-10 * math.log10(((truth - 1) ** 2).mean()))
    assert [image["name"] for image in result["images"]] == ["r_0", "r_1"]
    assert [image["psnr"] for image in result["images"]] == pytest.approx(expected, abs=1e-4)
    assert result["psnr"] == pytest.approx(sum(expected) / 2, abs=1e-4)
    assert 0 < result["ssim"] < 1 and result["ssim"] == pytest.approx(result["images"][0]["ssim"], abs=0.05)


def test_a_field_that_is_right_scores_high_and_a_wrong_one_does_not(ball_file, lego) -> None:
    data = str(lego(MIDDLE))
    right = run_eval(Eval(ball_file(MIDDLE), data))
    wrong = run_eval(Eval(ball_file((-0.3, -0.2, 0.4)), data))
    assert right["psnr"] > 25 and right["ssim"] > 0.95
    assert wrong["psnr"] < 20


def test_views_are_moved_into_the_fields_frame_with_a_warning(ball_file, lego, capsys) -> None:
    data = str(lego(MIDDLE))
    quarter_turn = torch.tensor([[0.0, -1, 0, 0.1], [1, 0, 0, 0], [0, 0, 1, -0.1], [0, 0, 0, 1]])
    there = quarter_turn @ torch.tensor([*MIDDLE, 1.0])
    result = run_eval(Eval(ball_file(tuple(there[:3].tolist()), quarter_turn), data))
    assert result["psnr"] > 25
    text = capsys.readouterr().err
    assert "lies in another frame than" in text and "trained on other cameras" not in text


def test_other_cameras_are_warned_about(ball_file, lego, capsys) -> None:
    run, data = ball_file(), lego()
    content = json.loads((data / "transforms_train.json").read_text())
    (data / "transforms_train.json").write_text(json.dumps({**content, "frames": content["frames"][:3]}))
    run_eval(Eval(run, str(data), stride=4))
    assert "was trained on other cameras than those of" in capsys.readouterr().err


def test_pictures_and_figures_are_written(ball_file, lego, tmp_path: Path, capsys) -> None:
    result = run_eval(Eval(ball_file(), str(lego()), output=tmp_path / "out", stride=2))
    assert json.loads((tmp_path / "out" / "eval.json").read_text()) == result
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names == ["0000_r_0.png", "0001_r_1.png"]
    assert Image.open(tmp_path / "out" / names[0]).size == (3 * 16, 16)
    captured = capsys.readouterr()
    assert captured.out == "" and "mean of 2" in captured.err


def test_json_has_numbers_only_and_leaves_standard_output_alone(ball_file, lego, capsys) -> None:
    result = run_eval(Eval(ball_file(), str(lego()), stride=4, json=True))
    assert result["ssim"] is None
    json.dumps(result, allow_nan=False)
    captured = capsys.readouterr()
    assert captured.out == "" and "mean of" not in captured.err


def test_a_picture_with_pixels_left_out_has_no_ssim(ball_file, lego, capsys) -> None:
    """Not even where it is large enough: at a stride of 2 these are 16 pixels wide."""
    result = run_eval(Eval(ball_file(), str(lego()), stride=2))
    assert result["ssim"] is None and {image["ssim"] for image in result["images"]} == {None}
    assert "SSIM is not reported: it is of whole pictures" in capsys.readouterr().err


def masked(data: Path, ignored: np.ndarray, view: int) -> None:
    """Lets a mask of nerfstudio's, black where nothing counts, hide pixels of a test view."""
    Image.fromarray(np.where(ignored, 0, 255).astype(np.uint8)).save(data / f"mask_{view}.png")
    path = data / "transforms_test.json"
    content = json.loads(path.read_text())
    content["frames"][view]["mask_path"] = f"mask_{view}.png"
    path.write_text(json.dumps(content))


def damaged(data: Path, where: np.ndarray, view: int) -> None:
    """Noise where nothing is to count."""
    file = data / "test" / f"r_{view}.png"
    rgba = np.array(Image.open(file))
    rgba[where] = np.random.default_rng(0).integers(0, 256, (int(where.sum()), 4))
    Image.fromarray(rgba).save(file)


def test_no_figure_depends_on_what_is_masked(ball_file, lego, monkeypatch) -> None:
    def distance(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return (first - second).abs().mean()

    monkeypatch.setattr("omnifield.scripts.eval.find_lpips", lambda device: Lpips("vgg", distance))
    monkeypatch.setattr("omnifield.train.perceptual.SMALLEST_SIDE", 8)
    run, data = ball_file(), lego(MIDDLE)
    whole = run_eval(Eval(run, str(data)))["images"][0]
    ignored = np.zeros((32, 32), bool)
    ignored[:, :9] = True
    masked(data, ignored, 0)
    before = run_eval(Eval(run, str(data)))["images"][0]
    damaged(data, ignored, 0)
    after = run_eval(Eval(run, str(data)))["images"][0]
    for figure in ("psnr", "ssim", "lpips"):
        assert after[figure] == pytest.approx(before[figure], abs=1e-9), figure
    assert after["ssim"] != whole["ssim"]


def test_a_view_that_is_masked_everywhere_is_named_and_left_out(ball_file, lego, tmp_path, capsys) -> None:
    run, data = ball_file(MIDDLE), lego(MIDDLE)
    other = run_eval(Eval(run, str(data)))["images"][1]
    masked(data, np.ones((32, 32), bool), 0)
    capsys.readouterr()
    result = run_eval(Eval(run, str(data), output=tmp_path / "out"))
    text = capsys.readouterr().err
    assert "Held-out view r_0 is masked everywhere, and left out of all figures." in text
    assert result["images"][0] == {"name": "r_0", "psnr": None, "ssim": None}
    assert (result["psnr"], result["ssim"]) == (other["psnr"], other["ssim"])
    assert "NaN" not in (tmp_path / "out" / "eval.json").read_text()
    json.dumps(result, allow_nan=False)


def test_a_training_whose_held_out_views_are_masked_everywhere_has_no_figure(lego, tmp_path, capsys) -> None:
    data = lego(MIDDLE)
    for view in (0, 1):
        masked(data, np.ones((32, 32), bool), view)
    small = {"preset": "tiny", "set": ("samples_per_step=1024",), "device": "cpu"}
    run_train(Train(str(data), run_dir=tmp_path / "run", max_steps=1, **small))
    said = capsys.readouterr().err
    assert "Held-out views r_0, r_1 are masked everywhere" in said and "held-out views – dB" in said
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["psnr"] is None
    assert json.loads((tmp_path / "run" / "curve.json").read_text()) == []


def test_every_scale_is_reported_and_their_mean(ball_file, lego, tmp_path: Path, capsys) -> None:
    data = lego()
    result = run_eval(Eval(emptied(ball_file()), str(data), output=tmp_path / "out", scales=3))
    expected = []
    for factor in (1, 2, 4):
        for i in range(2):
            rgba = np.asarray(Image.open(data / "test" / f"r_{i}.png")).astype(np.float64) / 255
            over = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
            mean = over.reshape(32 // factor, factor, 32 // factor, factor, 3).mean((1, 3))
            expected.append(-10 * math.log10(((mean - 1) ** 2).mean()))
    assert [image["psnr"] for image in result["images"]] == pytest.approx(expected, abs=0.02)
    assert [image["name"] for image in result["images"]] == [
        f"r_{i}{d}" for d in ("", "_d1", "_d2") for i in (0, 1)
    ]
    assert [scale["scale"] for scale in result["scales"]] == [1, 0.5, 0.25]
    means = [sum(expected[level : level + 2]) / 2 for level in (0, 2, 4)]
    assert [scale["psnr"] for scale in result["scales"]] == pytest.approx(means, abs=0.02)
    assert result["psnr"] == pytest.approx(sum(means) / 3, abs=0.02)
    assert result["scales"][2]["ssim"] is None and result["scales"][0]["ssim"] > 0  # 8 pixels are too few
    assert len(list((tmp_path / "out").glob("*.png"))) == 6
    assert "mean at scale 0.5" in capsys.readouterr().err


def test_a_training_at_several_scales_says_what_an_evaluation_says(lego, tmp_path: Path, capsys) -> None:
    small = {"preset": "tiny", "set": ("samples_per_step=2048",), "device": "cpu"}
    flags = Train(str(lego()), run_dir=tmp_path / "run", max_steps=3, scales=2, **small)
    trained = run_train(flags)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == trained
    assert "32×32 at 2 scales" in capsys.readouterr().err
    result = run_eval(Eval(tmp_path / "run", flags.data, scales=2, device="cpu"))
    assert trained["psnr"] == pytest.approx(result["psnr"], abs=1e-3)
    scales = [(each["scale"], each["psnr"]) for each in result["scales"]]
    assert [(each["scale"], each["psnr"]) for each in trained["scales"]] == [
        (scale, pytest.approx(psnr, abs=1e-3)) for scale, psnr in scales
    ]
    again = run_train(Train(flags.data, run_dir=tmp_path / "run", max_steps=4, resume=True, device="cpu"))
    assert again["steps"] == 4 and len(again["scales"]) == 2
    assert "scales" not in run_eval(Eval(tmp_path / "run", flags.data, device="cpu"))


def test_scales_as_they_are_typed() -> None:
    assert tyro.cli(Eval, args=["run", "--scales", "4", "data"]) == Eval(Path("run"), "data", scales=4)
    assert tyro.cli(Train, args=["data", "--scales", "4"]) == Train("data", scales=4)


def test_bad_input(ball_file, lego, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--stride must be 1 or more, not 0"):
        run_eval(Eval(ball_file(), str(lego()), stride=0))
    with pytest.raises(
        ValueError, match=r"--stride 5 leaves 7x7 of the 32x32 pixels of a view, too few .* at least 8"
    ):
        run_eval(Eval(tmp_path / "run", str(tmp_path / "lego"), stride=5))
    with pytest.raises(ValueError, match="--stride 4 leaves 4x4 of the 16x16 pixels"):
        run_eval(Eval(tmp_path / "run", str(tmp_path / "lego"), stride=4, scales=2))
    with pytest.raises(ValueError, match="--scales must be from 1 to 4 for images of 32x32 pixels, not 9"):
        run_eval(Eval(tmp_path / "run", str(tmp_path / "lego"), scales=9))
    with pytest.raises(FileNotFoundError, match=r"There is no file or folder .*absent"):
        run_eval(Eval(tmp_path / "absent", "demo"))
    with pytest.raises(FileNotFoundError, match=r"lego holds no field\.safetensors"):
        run_eval(Eval(tmp_path / "lego", "demo"))
    with pytest.raises(FileNotFoundError, match="absent"):
        run_eval(Eval(tmp_path / "run", str(tmp_path / "absent")))


def test_lpips_is_left_out_with_a_word_where_it_is_not_at_hand(ball_file, lego, monkeypatch, capsys) -> None:
    def missing(device: torch.device) -> Lpips:
        raise LookupError("the optional package lpips is not installed")

    monkeypatch.setattr("omnifield.scripts.eval.find_lpips", missing)
    result = run_eval(Eval(ball_file(), str(lego()), stride=4))
    assert "lpips" not in result
    assert "LPIPS is not reported: the optional package lpips is not installed." in capsys.readouterr().err


def test_lpips_is_reported_with_its_net(ball_file, lego, monkeypatch) -> None:
    distance = Lpips("vgg", lambda first, second: (first - second).abs().mean())
    monkeypatch.setattr("omnifield.scripts.eval.find_lpips", lambda device: distance)
    monkeypatch.setattr("omnifield.train.perceptual.SMALLEST_SIDE", 8)
    result = run_eval(Eval(ball_file(), str(lego()), stride=4))
    assert result["lpips_net"] == "vgg"
    assert result["lpips"] == pytest.approx(sum(image["lpips"] for image in result["images"]) / 2)


def test_lpips_is_the_mean_over_the_pixels_that_count(generator: torch.Generator) -> None:
    truth, image = torch.rand(2, 64, 70, 3, generator=generator)
    counted = torch.rand(64, 70, generator=generator) < 0.7
    lpips = Lpips("vgg", lambda first, second: (first - second).abs().mean())
    expected = 2 * (image - truth).abs()[counted].mean().item()
    assert lpips.distance(image, truth, counted) == pytest.approx(expected, rel=1e-5)
    assert math.isnan(lpips.distance(image, truth, torch.zeros_like(counted)))


def test_lpips_takes_the_net_whose_weights_are_there(tmp_path: Path, monkeypatch) -> None:
    made = []
    for name in ("lpips", "torchvision"):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)

    def build(net: str, verbose: bool) -> torch.nn.Module:
        made.append((net, verbose))
        return torch.nn.Identity()

    sys.modules["lpips"].LPIPS = build  # pyright: ignore
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(LookupError, match="neither the weights of VGG-16"):
        find_lpips(torch.device("cpu"))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth").touch()
    assert find_lpips(torch.device("cpu")).net == "alex"
    assert made == [("alex", False)]
