"""A training that is saved and taken up again is the training that was never interrupted."""

import resource
from pathlib import Path

import pytest
import torch
from omnifield.fields import FieldConfig
from omnifield.fields.vm import VmConfig
from omnifield.fields.voxel import VoxelConfig
from omnifield.scenes import Scene
from omnifield.train import Budget, FitConfig, Training, begin, fit
from omnifield.train.checkpoint import load_training, save_training
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from .sphere_scene import HASH, MLP, sphere_scene

STEPS = Budget(steps=20)
VM = VmConfig(**VmConfig.PRESETS["tiny"], refined_until=0.5, samples_per_step=1 << 12)
VOXEL = VoxelConfig(**VoxelConfig.PRESETS["tiny"], refined_until=0.5, samples_per_step=1 << 12)


@pytest.fixture(autouse=True)
def look_from_the_first_step_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnifield.renderers.occupancy.FIRST_LOOK", 0)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return sphere_scene()


def everything(training: Training) -> dict[str, Tensor]:
    parts = {"field": training.field, "optimizer": training.optimizer, "occupancy": training.sampler}
    tensors = {f"{part}.{name}": t for part, each in parts.items() for name, t in each.state_dict().items()}
    counters = torch.tensor([training.step, training.rays])
    return {**tensors, "generator": training.generator.get_state(), "counters": counters}


def differences(a: Training, b: Training) -> list[str]:
    ours, theirs = everything(a), everything(b)
    return [name for name in ours if not torch.equal(bits(ours[name]), bits(theirs[name]))]


def bits(tensor: Tensor) -> Tensor:
    """So that NaN equals itself."""
    return tensor.contiguous().view(torch.uint8) if tensor.ndim else tensor


def advance(training: Training, scene: Scene, steps: int) -> Training:
    end = training.step + steps
    fit(training, scene, STEPS, [lambda progress: progress.step == end])
    return training


@pytest.mark.parametrize("config", [HASH, MLP, VM, VOXEL], ids=["hash", "mlp", "vm", "voxel"])
@pytest.mark.parametrize("half", [8, 11])
def test_two_halves_are_the_whole_to_the_last_bit(
    scene: Scene, config: FieldConfig, half: int, tmp_path: Path
) -> None:
    """The look at the occupancy every eight steps falls on either side of the break, and so does a refinement."""
    whole = advance(begin(scene, config), scene, 20)
    first = advance(begin(scene, config), scene, half)
    save_training(tmp_path / "state.safetensors", first)
    second = begin(scene, config)
    assert differences(first, second)
    load_training(tmp_path / "state.safetensors", second)
    assert differences(first, second) == [] and second.seconds == first.seconds
    advance(second, scene, 20 - half)
    assert second.step == 20 and differences(whole, second) == []


def test_saving_changes_nothing(scene: Scene, tmp_path: Path) -> None:
    plain, saved = begin(scene, HASH), begin(scene, HASH)
    for _ in range(3):
        advance(plain, scene, 3)
        advance(saved, scene, 3)
        save_training(tmp_path / "state.safetensors", saved)
    assert differences(plain, saved) == []
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


@pytest.fixture
def path(scene: Scene, tmp_path: Path) -> Path:
    save_training(tmp_path / "state.safetensors", begin(scene, MLP))
    return tmp_path / "state.safetensors"


def test_nothing_there(scene: Scene, tmp_path: Path) -> None:
    for absent in (tmp_path / "absent", tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no training to resume"):
            load_training(absent, begin(scene, MLP))


def refusal(path: Path, scene: Scene, config: FieldConfig = MLP) -> str:
    with pytest.raises(ValueError, match="is damaged, or not a training of this field") as caught:
        load_training(path, begin(scene, config))
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.9999])
def test_cut_short(path: Path, scene: Scene, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refusal(path, scene)


def test_of_another_field(path: Path, scene: Scene) -> None:
    assert "\n" not in refusal(path, scene, HASH)


def test_somebody_elses_safetensors(path: Path, scene: Scene) -> None:
    save_file({"weight": torch.zeros(3)}, path)
    refusal(path, scene)


@pytest.mark.parametrize("counters", ["[]", "7", "{}", "{", '{"step": "many", "seconds": 1, "rays": 1}'])
def test_counters_that_make_no_sense(path: Path, scene: Scene, counters: str) -> None:
    save_file(everything(begin(scene, MLP)), path, {"omnifield_training": counters})
    refusal(path, scene)


def kept(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        return file.metadata(), {name: file.get_tensor(name).clone() for name in file.keys()}


def test_a_training_of_a_gpu_goes_on_without_its_random_numbers(path: Path, scene: Scene) -> None:
    metadata, tensors = kept(path)
    save_file(tensors | {"generator": torch.zeros(16, dtype=torch.uint8)}, path, metadata)
    training = begin(scene, MLP)
    first = training.generator.get_state()
    [sentence] = load_training(path, training)
    assert "another kind of device" in sentence and sentence.endswith(".")
    torch.rand(1, generator=training.generator)
    assert not torch.equal(first, training.generator.get_state())
    save_file(tensors | {"generator": torch.zeros(15, dtype=torch.uint8)}, path, metadata)
    refusal(path, scene)


@pytest.mark.parametrize("name", ["steps", "second_moment"])
def test_moments_that_cannot_be_are_refused_and_nothing_is_changed(
    path: Path, scene: Scene, name: str
) -> None:
    metadata, tensors = kept(path)
    spoilt = next(key for key in tensors if key.endswith(name))
    save_file(tensors | {spoilt: tensors[spoilt] - 1}, path, metadata)
    training = begin(scene, MLP, FitConfig(seed=1))
    before = {name: tensor.clone() for name, tensor in everything(training).items()}
    with pytest.raises(ValueError, match="has numbers below zero"):
        load_training(path, training)
    assert all(torch.equal(bits(before[key]), bits(value)) for key, value in everything(training).items())


def test_a_full_disk_is_one_sentence_and_the_old_file_stays(path: Path, scene: Scene) -> None:
    content, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ValueError, match="cannot be written: ") as caught:
            save_training(path, begin(scene, MLP, FitConfig(seed=1)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content and [each.name for each in path.parent.iterdir()] == [path.name]
