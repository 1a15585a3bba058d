"""From photographs that nobody has posed to a scene: structure from motion through pycolmap.

Quick to import: the child process that runs pycolmap imports this, and neither torch nor Pillow (whose zlib and
pycolmap's do not get on in one process).
"""
