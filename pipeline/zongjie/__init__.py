"""zongjie reads Chinese 工作总结 and gives back every measure and every result in them as grounded data.

The face of the package; each name is imported when it is first used, so that ``import zongjie`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zongjie import plot
    from zongjie.dataframes import frames
    from zongjie.errors import ZongjieError
    from zongjie.extractor import Extractor, load
    from zongjie.outputs import read
    from zongjie.period import Period, find_periods, parse_period
    from zongjie.quantity import Quantity, find_quantities, parse_quantity
    from zongjie.record import Record
    from zongjie.view import page

    __version__: str

__all__ = [
    "Extractor",
    "Period",
    "Quantity",
    "Record",
    "ZongjieError",
    "__version__",
    "find_periods",
    "find_quantities",
    "frames",
    "load",
    "page",
    "parse_period",
    "parse_quantity",
    "plot",
    "read",
]

_HOME = {
    "Extractor": "extractor",
    "Period": "period",
    "Quantity": "quantity",
    "Record": "record",
    "ZongjieError": "errors",
    "find_periods": "period",
    "find_quantities": "quantity",
    "frames": "dataframes",
    "load": "extractor",
    "page": "view",
    "parse_period": "period",
    "parse_quantity": "quantity",
    "read": "outputs",
}
_ROOMS = ("plot",)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("zongjie")
    elif name in _HOME:
        value = getattr(import_module(f"zongjie.{_HOME[name]}"), name)
    elif name in _ROOMS:
        value = import_module(f"zongjie.{name}")
    else:
        raise AttributeError(f"module 'zongjie' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
