"""A held-out photograph beside what a training shows of it, for the documentation: `python docs/capture_picture.py NAME
RUN` writes docs/images/photographs-NAME.jpg from the run's own picture. That of banana was made by
`omnifield train banana --max-seconds 90 --run-dir RUN`, of a folder with the 16 photographs alone."""

import sys
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parent / "images"
QUALITY = 88


def main(name: str, run: str) -> None:
    beside_truth = Image.open(Path(run) / "picture.png").convert("RGB")
    beside_truth.save(IMAGES / f"photographs-{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
