"""What people have: one file per format, and the way from what a user calls their data to a scene."""

from .load import load_scene

__all__ = ["load_scene"]
