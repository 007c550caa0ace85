"""Sums over consecutive blocks of rows, added in one fixed tree whoever adds them, and where.

Sums of rounded numbers depend on the order of adding. Here the order is a function of the block
numbers alone: eight blocks make a node, eight nodes one of the next level, and so on; the children
of a node are added from left to right. A reader may add block after block, tasks on many machines
may each add some neighbouring blocks, and spans may be joined in any grouping: the last bit agrees.
The depth is logarithmic, so rounding errors grow with the logarithm of the number of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from gausswork.errors import InputError

T = TypeVar("T")

FAN = 8  # children of a node


class Node(NamedTuple, Generic[T]):
    """The sum of some neighbouring siblings of the tree.

    Attributes
    ----------
    level : of the siblings; blocks are of level 0.
    first : number of the first one within its level.
    width : how many there are, fewer than :data:`FAN`.
    value : their sum.
    """

    level: int
    first: int
    width: int
    value: T


class Forest(Generic[T]):
    """The sums of the blocks ``start`` to ``stop``, as far up the tree as they reach.

    Parameters
    ----------
    add : adds two sums, the left one first, and leaves both as they are.
    start : number of the first block.
    nodes : of an earlier forest that ended in block ``stop``, to go on from there.
    """

    __slots__ = ("_nodes", "add", "start", "stop")

    def __init__(
        self,
        add: Callable[[T, T], T],
        start: int = 0,
        stop: int | None = None,
        nodes: Iterable[Node[T]] = (),
    ) -> None:
        self.add = add
        self.start = start
        self.stop = start if stop is None else stop
        self._nodes = list(nodes)

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def nodes(self) -> tuple[Node[T], ...]:
        """What has been added up so far, from left to right: all that a checkpoint must keep."""
        return tuple(self._nodes)

    def append(self, value: T) -> None:
        """Add the sum of the next block."""
        self._push(0, self.stop, value)
        self.stop += 1

    def extend(self, other: Forest[T]) -> None:
        """Add the sums of the blocks that follow.

        Raises
        ------
        InputError
            The blocks of ``other`` do not begin where these end.
        """
        if other.start != self.stop:
            raise InputError(
                f"these sums end at block {self.stop} and the others begin at block {other.start}; "
                "only neighbours can be joined. Join them in the order of the rows."
            )
        for node in other._nodes:
            if node.width == 1:
                self._push(node.level, node.first, node.value)
            else:
                self._nodes.append(node)  # it starts where a parent starts: nothing absorbs it
        self.stop = other.stop

    def total(self) -> T:
        """Return the sum of all blocks, of which there must be one, from block 0 on."""
        assert self.start == 0
        assert self._nodes
        total = self._nodes[-1].value
        for node in reversed(self._nodes[:-1]):  # an unfinished node is its parent's last child
            total = self.add(node.value, total)
        return total

    def _push(self, level: int, number: int, value: T) -> None:
        last = self._nodes[-1] if self._nodes else None
        if (
            number % FAN
            and last is not None
            and last.level == level
            and last.first % FAN == 0
            and last.first + last.width == number
        ):
            self._nodes.pop()
            value = self.add(last.value, value)
            if last.width + 1 == FAN:
                self._push(level + 1, number // FAN, value)
            else:
                self._nodes.append(Node(level, last.first, last.width + 1, value))
        else:
            self._nodes.append(Node(level, number, 1, value))
