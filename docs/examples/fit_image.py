"""A picture as a network, plain and with coordinate-aware modulation (Lee et al. 2024, arXiv 2311.14993).

    python docs/examples/fit_image.py picture.png --size 128 --steps 500

The paper's setting: 256 Gaussian Fourier frequencies, three layers of 256, and with CAM one 32×32 grid of γ and one of
β for each of them: 2% more parameters. Prints the PSNR of both networks, and writes them beside the truth where told.
"""
# pyright: reportMissingImports=false

import argparse
import math
import subprocess
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch
from jaxtyping import Float
from omnifield.fields.cam import modulated
from omnifield.ops import Grid, GridLayout, grid_lookup, keep_freed_memory
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

FREQUENCIES, SIGMA = 256, 10.0
WIDTH, LAYERS, NODES = 256, 3, 32
NETWORK_RATE, GRID_RATE = 1e-3, 1e-2
DROPS = (0.5, 0.75)  # of the steps: there the rates fall to a tenth
GRIDS = GridLayout((Grid((0, 1), (NODES, NODES), 0),), 2 * LAYERS)


class FourierNetwork(nn.Module):
    """sigmoid(mlp(sin 2πBx, cos 2πBx)), B ~ N(0, σ²) (Tancik et al. 2020, arXiv 2006.10739)."""

    frequencies: Float[Tensor, "frequency xy=2"]

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(FREQUENCIES, 2) * SIGMA)
        widths = [2 * FREQUENCIES] + [WIDTH] * LAYERS
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        self.out = nn.Linear(WIDTH, 3)

    def forward(self, x: Float[Tensor, "n xy=2"]) -> Float[Tensor, "n rgb=3"]:
        phase = 2 * math.pi * x @ self.frequencies.T
        hidden = torch.cat([phase.sin(), phase.cos()], -1)
        for index, layer in enumerate(self.hidden):
            hidden = self.activate(index, layer(hidden), x)
        return torch.sigmoid(self.out(hidden))

    def activate(
        self, index: int, hidden: Float[Tensor, "n width"], x: Float[Tensor, "n xy=2"]
    ) -> Float[Tensor, "n width"]:
        del index, x
        return torch.relu(hidden)

    def parameter_groups(self) -> list[dict]:
        return [{"params": list(self.parameters()), "lr": NETWORK_RATE}]


class ModulatedNetwork(FourierNetwork):
    """The same with relu(γ(x) · norm(h) + β(x)) in place of relu(h), norm over the channels of each pixel."""

    def __init__(self) -> None:
        super().__init__()
        ones = torch.ones(GRIDS.rows, LAYERS)
        self.grids = nn.Parameter(torch.cat([ones, 0 * ones], -1))

    def activate(
        self, index: int, hidden: Float[Tensor, "n width"], x: Float[Tensor, "n xy=2"]
    ) -> Float[Tensor, "n width"]:
        values = grid_lookup(functional.pad(x, (0, 1)), self.grids, GRIDS)
        normed = functional.layer_norm(hidden, hidden.shape[1:])
        return modulated(normed, values[:, index], values[:, LAYERS + index])

    def parameter_groups(self) -> list[dict]:
        networks = [parameter for parameter in self.parameters() if parameter is not self.grids]
        return [{"params": networks, "lr": NETWORK_RATE}, {"params": [self.grids], "lr": GRID_RATE}]


def fit(network: FourierNetwork, picture: Float[Tensor, "height width rgb=3"], steps: int) -> Tensor:
    """Every step sees every pixel. The network's picture at the end."""
    height, width, _ = picture.shape
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij"
    )
    places, truth = torch.stack([x, y], -1).reshape(-1, 2), picture.reshape(-1, 3)
    optimizer = torch.optim.Adam(network.parameter_groups())
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(drop * steps) for drop in DROPS])
    for step in range(steps):
        loss = 0.5 * (network(places) - truth).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(f"  step {step}: {psnr(2 * loss.item()):.2f} dB", flush=True)
    with torch.no_grad():
        return network(places).reshape(picture.shape)


def psnr(mean_square: float) -> float:
    return -10 * math.log10(max(mean_square, 1e-10))


def read_picture(path: Path, size: int) -> Float[Tensor, "height width rgb=3"]:
    """The middle square of a picture in sRGB, `size` pixels wide."""
    image = _read_linear(path) if path.suffix.lower() == ".exr" else Image.open(path).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    small = image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BOX)
    return torch.from_numpy(np.array(small)).float() / 255


def _read_linear(path: Path) -> Image.Image:
    """An EXR file, by way of ffmpeg and PFM, brought from linear light to sRGB."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(path)]
    wanted = ["-f", "image2pipe", "-c:v", "pfm", "-pix_fmt", "gbrpf32le", "-"]
    content = subprocess.run([*command, *wanted], stdout=subprocess.PIPE, check=True).stdout
    _, size, _, pixels = content.split(b"\n", 3)
    width, height = map(int, size.split())
    light = np.frombuffer(pixels, "<f4").reshape(height, width, 3)[::-1].clip(0, 1)  # from the bottom up
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray((encoded * 255).round().astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit a picture with a network, with and without CAM.")
    parser.add_argument("picture", type=Path, help="any picture, or an EXR in linear light")
    parser.add_argument("--size", type=int, default=128, help="pixels of its side (the paper: 512)")
    parser.add_argument(
        "--steps", type=int, default=2000, help="of Adam, with all pixels in each (the paper: 2000)"
    )
    parser.add_argument("--output", type=Path, help="where to write truth, FFN and FFN + CAM side by side")
    flags = parser.parse_args()
    keep_freed_memory()
    picture = read_picture(flags.picture, flags.size)
    shown = [picture]
    for name, kind in {"FFN": FourierNetwork, "FFN + CAM": ModulatedNetwork}.items():
        torch.manual_seed(0)
        network = kind()
        count = sum(parameter.numel() for parameter in network.parameters())
        print(f"{name}, {count} parameters", flush=True)
        shown.append(fit(network, picture, flags.steps))
        print(f"{name}: {psnr((shown[-1] - picture).square().mean().item()):.2f} dB", flush=True)
    if flags.output:
        side_by_side = (torch.cat(shown, 1) * 255).round().byte().numpy()
        Image.fromarray(side_by_side).save(flags.output)


if __name__ == "__main__":
    main()
