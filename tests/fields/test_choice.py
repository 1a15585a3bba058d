"""A field by name, preset and settings; and what is refused."""

import dataclasses
from typing import get_args

import pytest
from omnifield.fields import FIELD_CONFIGS, HashConfig, MlpConfig, field_config
from omnifield.scenes import Box


def test_a_name_alone_means_the_defaults() -> None:
    assert field_config("hash") == HashConfig()
    assert field_config("mlp") == MlpConfig()


def test_settings_lie_on_top_of_the_preset() -> None:
    tiny = field_config("hash", "tiny")
    assert tiny != HashConfig()
    settings = ["levels=5", "network_rate=2.5e-3", "levels=6"]
    assert field_config("hash", "tiny", settings) == dataclasses.replace(tiny, levels=6, network_rate=2.5e-3)


@pytest.mark.parametrize("tag", FIELD_CONFIGS)
def test_tags_name_their_configs_and_presets_name_their_fields(tag: str) -> None:
    config = FIELD_CONFIGS[tag]
    assert config.tag == tag
    names = {field.name: field.type for field in dataclasses.fields(config)}
    for preset in config.PRESETS.values():
        assert all(
            type(value) is (str if get_args(names[name]) else names[name]) for name, value in preset.items()
        )


REFUSED = {
    "There is no field named 'hesh': there are .* Did you mean hash?": lambda: field_config("hesh"),
    "There is no field named 'voxelises': there are .*hash.*mlp": lambda: field_config("voxelises"),
    "no preset of the hash field named 'tyny': .* Did you mean tiny?": lambda: field_config("hash", "tyny"),
    "no setting of the mlp field named 'widht': .* Did you mean width?": lambda: field_config(
        "mlp", settings=["widht=3"]
    ),
    "no setting of the mlp field named ''": lambda: field_config("mlp", settings=[""]),
    "no setting of the hash field named 'tag'": lambda: field_config("hash", settings=["tag=mlp"]),
    "The setting levels takes a whole number, not '7.5'": lambda: field_config(
        "hash", settings=["levels=7.5"]
    ),
    "The setting levels takes a whole number, not ''": lambda: field_config("hash", settings=["levels"]),
    "The setting table_rate takes a number, not 'fast'": lambda: field_config(
        "hash", settings=["table_rate=fast"]
    ),
    "The setting coordinate takes one of direction, time, position, not 'dirction'. Did you mean direction?": lambda: (
        field_config("cam", settings=["coordinate=dirction"])
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("?", r"\?")) as caught:
        REFUSED[sentence]()
    assert "\n" not in str(caught.value)


IMPOSSIBLE = [
    ("hash", "levels=0"), ("hash", "levels=-1"), ("hash", "features_per_level=0"), ("hash", "log2_entries=-3"),
    ("hash", "base_resolution=0"), ("hash", "finest_resolution=0"), ("hash", "table_rate=nan"),
    ("hash", "network_rate=-1"), ("mlp", "width=0"), ("mlp", "layers=0"), ("mlp", "octaves=-1"),
    ("mlp", "skip=4"), ("mlp", "rate=inf"), ("cam", "skip=4"), ("cam", "plane_nodes=1"),
    ("sl2a", "degree=0"), ("sl2a", "rank=0"), ("sl2a", "layers=0"), ("sl2a", "rate=0"),
    ("cam", "bits=1"), ("cam", "bits=9"), ("cam", "bits=16"),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "setting"), IMPOSSIBLE)
def test_a_size_that_makes_no_field_is_refused_by_name(tag: str, setting: str) -> None:
    with pytest.raises(ValueError, match=setting.partition("=")[0]):
        field_config(tag, settings=[setting])


def test_parameters_of_the_papers_sizes() -> None:
    """NeRF's trunk and head, figure 7 of its paper; the colour network has harmonics in place of an encoding."""
    trunk = 63 * 256 + 4 * 256 * 256 + (63 + 256) * 256 + 2 * 256 * 256 + 8 * 256
    head = 256 * 257 + 257
    color = (16 + 256) * 128 + 128 * 3
    assert parameters("mlp") == trunk + head + color == 594_305


def test_parameters_of_instant_ngp() -> None:
    """base.json: resolutions 16, 32, …, 2048; the three coarsest levels fit into their r³ entries."""
    table = 4 * (16**3 + 32**3 + 64**3 + 5 * 2**19)
    density = 8 * 4 * 64 + 64 * 16
    color = (16 + 15) * 64 + 64 * 64 + 64 * 3
    assert parameters("hash") == table + density + color == 11_691_136


def parameters(tag: str) -> int:
    field = field_config(tag, "paper").build(Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    return sum(parameter.numel() for parameter in field.parameters())
