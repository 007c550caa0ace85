"""A column of the visitor's own table, as a room's state names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.lab.fields import Fields

if TYPE_CHECKING:
    from gausswork.lab.tables import Table, Tables

Array: TypeAlias = npt.NDArray[np.float64]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """Which column of which table.

    Attributes
    ----------
    chosen : id of the table and name of the column; None until they are chosen.
    """

    chosen: tuple[str, str] | None

    @property
    def name(self) -> str:
        """The name of the column; empty until one is chosen."""
        return self.chosen[1] if self.chosen else ""

    def values(self, tables: Tables) -> Array:
        """Return the (n,) values that there are.

        Raises
        ------
        InputError
            None is chosen, the table is not held any more, or the column holds no numbers.
        """
        values = self._table(tables).numbers(self.name)
        return values[~np.isnan(values)]

    def remembered(self, tables: Tables, what: str, make: Callable[[], Made]) -> Made:
        """Return what was made of the column before, or make it now; errors as :meth:`values`."""
        return self._table(tables).kept.get((what, self.name), make)

    def lines(self, tables: Tables, variable: str) -> list[str]:
        """Return lines of Python that read the column; errors as :meth:`values`."""
        return self._table(tables).column_script(self.name, variable)

    def _table(self, tables: Tables) -> Table:
        if self.chosen is None:
            raise InputError("no column is chosen. Choose one here, or open a CSV file.")
        return tables.get(self.chosen[0])


def own_column(fields: Fields) -> OwnColumn:
    """Read which column a state names.

    Raises
    ------
    InputError
        It is no column.
    """
    return OwnColumn(fields.column("column"))
