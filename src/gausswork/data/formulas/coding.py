"""Which categories of a term get a column per level and which one less, so that nothing repeats.

A category in a term spans its levels; what earlier terms span already must not come again. With
``1 + a + b + a:b`` every category loses its reference level; in ``a - 1`` or ``x:a`` without ``x``
it keeps all. The way is that of Chambers & Hastie, Statistical Models in S (1992), section 2.4.1,
done exactly: a term is split into the spaces that it adds, and these are joined again into as few
products as they fit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import TypeAlias, TypeVar

F = TypeVar("F", bound=Hashable)

# A product of categories: each with all its levels (True) or without its reference (False).
Product: TypeAlias = dict[F, bool]

MOST_CATEGORIES = 12  # in one term: it splits into 2 to that power


def codings(
    terms: Sequence[tuple[Sequence[F], Sequence[F]]], *, intercept: bool
) -> list[list[Product[F]]]:
    """Return for each term the products of categories that it adds.

    Parameters
    ----------
    terms : for each term its numeric factors and its categories, in the order of the terms.
    intercept : whether the model has one.

    Returns
    -------
    For each term a list of products, mostly one; empty where other terms span it already.
    """
    spanned: dict[frozenset[F], set[frozenset[F]]] = {frozenset(): set()}
    if intercept:
        spanned[frozenset()].add(frozenset())
    found = []
    for numbers, categories in terms:
        known = spanned.setdefault(frozenset(numbers), set())
        found.append(_products(list(categories), known))
        known.update(map(frozenset, _subsets(categories)))
    return found


def _products(categories: Sequence[F], known: set[frozenset[F]]) -> list[Product[F]]:
    """Return the products of one term that are not known yet."""
    needed: list[Product[F]] = [
        dict.fromkeys(subset, False)
        for subset in _subsets(categories)
        if frozenset(subset) not in known
    ]
    while True:
        pair = next(
            (
                (short, long, extra)
                for short, long in combinations(needed, 2)
                if (extra := _absorbed(short, long)) is not None
            ),
            None,
        )
        if pair is None:
            break
        short, long, extra = pair
        # The place of the longer one: products stay ordered by length.
        needed = [
            {**product, extra: True} if product is long else product
            for product in needed
            if product is not short
        ]
    return [{name: p[name] for name in categories if name in p} for p in needed]


def _absorbed(short: Product[F], long: Product[F]) -> F | None:
    """Return the category that ``long`` has beyond ``short`` if it can be coded in full instead."""
    extra = [name for name in long if name not in short]
    if len(extra) != 1 or long[extra[0]] or len(long) != len(short) + 1:
        return None
    same = all(long[name] == full for name, full in short.items())
    return extra[0] if same else None


def _subsets(names: Sequence[F]) -> Iterable[tuple[F, ...]]:
    for size in range(len(names) + 1):
        yield from combinations(names, size)
