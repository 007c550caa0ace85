"""Queries as tables: PostgreSQL and SQLite through ADBC, DuckDB through its own Arrow path.

``query.py`` is what a user writes, ``table.py`` what the engine reads; ``postgresql.py``,
``sqlite.py`` and ``embedded.py`` each know one database.
"""
