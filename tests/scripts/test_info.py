"""What a file says about itself."""

import json
from pathlib import Path

import pytest
import torch
from omnifield.fields import HashConfig
from omnifield.scripts.info import Info, run_info
from omnifield.train.field_file import load_field, save_field


def test_all_facts_are_there(ball_file, tmp_path: Path, capsys) -> None:
    trained = load_field(ball_file() / "field.safetensors")
    field = HashConfig(**HashConfig.PRESETS["tiny"]).build(trained.field.domain)
    trained.sampler.set_occupied(torch.arange(32**3) < 32**3 // 4)
    path = tmp_path / "field.safetensors"
    save_field(path, type(trained)(**{**vars(trained), "field": field}))
    facts = run_info(Info(path, json=True))
    assert facts["field"] == "hash" and facts["config"]["log2_entries"] == 13
    assert facts["parameters"] == sum(parameter.numel() for parameter in field.parameters())
    assert facts["bytes"] == path.stat().st_size
    assert facts["box"] == {"kind": "box", "lo": [-1.5] * 3, "hi": [1.5] * 3}
    assert facts["cameras"] == [{"views": 4, "width": 32, "height": 32, "lens": "perspective", "near": 0.075}]
    assert facts["occupied"] == 0.25
    assert facts["scene_from_input"] == facts["input_from_original"] == torch.eye(4).tolist()
    assert facts["provenance"] == {"scene": "[b]all"}
    json.dumps(facts, allow_nan=False)
    assert capsys.readouterr().out == ""


def test_people_get_a_panel(ball_file, capsys) -> None:
    run_info(Info(ball_file()))
    text = capsys.readouterr().out
    assert "4 of 32×32, perspective" in text and "scene [b]all" in text and "100.0% of the space" in text


def test_a_frame_of_its_own_is_told(ball_file, capsys) -> None:
    turn = torch.tensor([[0.0, -1, 0, 0.125], [1, 0, 0, 0], [0, 0, 1, -7.5], [0, 0, 0, 1]])
    assert run_info(Info(ball_file(moved=turn), json=True))["scene_from_input"] == turn.tolist()
    run_info(Info(ball_file(moved=turn)))
    text = capsys.readouterr().out
    assert "field's frame from the data's" in text and "0.125" in text and "-7.5" in text
    assert "data's frame from the original  the same" in text


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        run_info(Info(tmp_path / "absent"))
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(ValueError, match="is not a field file, or is cut short"):
        run_info(Info(tmp_path / "cut.safetensors"))
