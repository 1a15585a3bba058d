"""C++ kernels: importing this fills the cells (op, "cpu", float32) of the table in `backend`, file by file."""

import importlib
import pkgutil

for module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(module.name)
