"""Packages that a few features need and the program does not: imported where they are used, never before."""

from importlib import import_module
from types import ModuleType

# What `pip install 'omnifield[...]'` cannot bring: libraries of the system, and what no index has.
LIBRARIES = {"open3d": "apt-get install libusb-1.0-0 libgl1"}
SOURCES = {"tinycudann": "git+https://github.com/NVlabs/tiny-cuda-nn/#subdirectory=bindings/torch"}


def need(module: str, extra: str) -> ModuleType:
    """The optional package `module`, which `pip install 'omnifield[extra]'` brings.

    Raises ValueError, with the command that mends it, where the package or a system library of it is missing.
    """
    package = module.split(".")[0]
    install = f"pip install '{SOURCES.get(package, f'omnifield[{extra}]')}'"
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"This needs {error.name}, which is not installed: {install}") from error
    except (ImportError, OSError) as error:
        mend = LIBRARIES.get(package, install)
        raise ValueError(f"This needs {package}, which does not load ({error}): {mend}") from error
