"""Rooms of the lab as widgets, in Jupyter and marimo: regression, descent, the bell curve.

The widgets are the rooms of ``gausswork lab``, drawn by the same modules and answered by the same
library calls. ``widget.state`` is what was set by hand, ``widget.shown`` the numbers on the screen;
setting ``state`` moves the picture.

    import gausswork.notebook as gwn
    widget = gwn.regression([1, 2, 3], [2, 4, 5])
    widget.shown["slope"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from gausswork.lab.tables import Tables

_DATA = "data.parquet"  # what Show Python calls a table that came from memory


def regression(x: Any = None, y: Any = None, *, data: Any = None, **state: Any) -> Any:
    """Return the widget of the regression line.

    Parameters
    ----------
    x, y : (n,) values of the predictor and the target, which become points to drag; with ``data``
        the names of two of its columns. Without them the room begins as in the lab.
    data : anything with named columns that :func:`gausswork.fit` takes. Up to 2000 rows become
        points; more are shown as they are.
    state : any part of the room's state, such as ``band="prediction"`` or ``level=0.9``.

    Raises
    ------
    InputError
        The values cannot be used, or the room knows no such state.
    MissingPackageError
        anywidget is not installed.
    """
    return _widget("regression", *_pairs(x, y, data), state)


def descent(x: Any = None, y: Any = None, *, data: Any = None, **state: Any) -> Any:
    """Return the widget of gradient descent: the valley of the loss and the path down.

    Parameters
    ----------
    x, y, data : as for :func:`regression`.
    state : any part of the room's state, such as ``learning_rate=0.05`` or ``standardize=True``.

    Raises
    ------
    InputError
        The values cannot be used, or the room knows no such state.
    MissingPackageError
        anywidget is not installed.
    """
    return _widget("descent", *_pairs(x, y, data), state)


def bell(values: Any = None, *, name: str = "values", **state: Any) -> Any:
    """Return the widget of the bell curve.

    Parameters
    ----------
    values : (n,) values to compare with the bell, such as a column of a frame.
    name : what they are called.
    state : any part of the room's state, such as ``mean=70.0, sd=10.0, a=60.0, b=80.0``.

    Raises
    ------
    InputError
        The values cannot be used, or the room knows no such state.
    MissingPackageError
        anywidget is not installed.
    """
    from gausswork.lab.tables import Tables

    tables = Tables()
    given: dict[str, Any] = {}
    if values is not None:
        column = {str(getattr(values, "name", None) or name): _numbers(values, "values")}
        table = tables.add_data(_DATA, column)
        given = {"sample": "column", "column": {"table": table.id, "column": next(iter(column))}}
    return _widget("bell", tables, given, state)


def _pairs(x: Any, y: Any, data: Any) -> tuple[Tables, dict[str, Any]]:
    """Return the tables and the part of a state that two variables make."""
    import numpy as np

    from gausswork.lab.pairs import MOST_POINTS
    from gausswork.lab.tables import Tables

    tables = Tables()
    if x is None and y is None and data is None:
        return tables, {}
    if x is None or y is None:
        raise InputError("x and y belong together: give both, or neither.")
    names = (_name(x, "x"), _name(y, "y"))
    if data is not None:
        if not isinstance(x, str) or not isinstance(y, str):
            raise InputError(
                "with data= x and y are names of its columns, such as x='height'. To show arrays, "
                "leave data= out."
            )
        table = tables.add_data(_DATA, data)
        columns = (table.numbers(x), table.numbers(y))
        names = (x, y)
    else:
        columns = (_numbers(x, "x"), _numbers(y, "y"))
        if len(columns[0]) != len(columns[1]):
            raise InputError(
                f"x has {len(columns[0])} values and y {len(columns[1])}: each point needs both."
            )
    kept = ~(np.isnan(columns[0]) | np.isnan(columns[1]))
    if np.count_nonzero(kept) <= MOST_POINTS:
        points = [column[kept].tolist() for column in columns]
        named = {"x_name": names[0], "y_name": names[1]}
        return Tables(), {"x": points[0], "y": points[1], **named}
    if data is None:
        names = names if names[0] != names[1] else ("x", "y")
        table = tables.add_data(_DATA, dict(zip(names, columns, strict=True)))
    return tables, {"table": table.id, "x_column": names[0], "y_column": names[1]}


def _name(values: Any, default: str) -> str:
    name = getattr(values, "name", None)
    return name if isinstance(name, str) and name else default


def _numbers(values: Any, argument: str) -> npt.NDArray[Any]:
    import numpy as np

    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be numbers: {error}. Convert them first.") from None
    if array.ndim != 1 or not array.size:
        raise InputError(
            f"{argument} must be one column of numbers; got shape {array.shape}. Pass one column."
        )
    if np.isinf(array).any():
        raise InputError(f"{argument} holds an infinity. Correct it, or make it NaN.")
    return array


def _widget(room: str, tables: Tables, given: dict[str, Any], state: dict[str, Any]) -> Any:
    from gausswork.data.kinds import nearest
    from gausswork.lab import rooms
    from gausswork.lab.widget import widget_class

    module = rooms.room(room)
    for name in state:
        if name not in module.START:
            guess = nearest(name, list(module.START))
            meant = f"Did you mean {guess!r}? " if guess else ""
            raise InputError(
                f"{room} has no state {name!r}. {meant}It has {', '.join(module.START)}."
            )
    whole = {**given, **state}
    module.read({**module.START, **whole})
    return widget_class()(room, whole, tables)
