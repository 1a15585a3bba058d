"""A mesh as it is in its file."""

from pathlib import Path

import numpy as np
from omnifield.studio.mesh_file import read_parts
from omnifield.studio.mesh_part import Studio, shown
from omnifield.studio.surface import Surface


def read_mesh(path: Path) -> Surface:
    """As one surface in the file's own units and axes."""
    return shown(read_parts(path), Studio(np.eye(3, dtype=np.float32), np.zeros(3), 1.0))
