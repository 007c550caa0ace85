"""The lab: a page on loopback in which one sees least squares, the bell and initialisation.

A face. The mathematics is the library's public interface, called by the rooms; the browser draws.

    launch.py   port, token, browser: what ``gausswork lab`` does
    app.py      the routes, and the socket that all rooms share
    guard.py    who may ask: Host, Origin, token, content security policy, sizes
    wire.py     messages: read, refused, written
    work.py     long work: outside the event loop, streamed, stopped, found again after a reload
    tables.py   uploaded tables, in memory, limited
    kept.py     what was computed of a table, so that its rows are read once
    rooms/      one module per room: START, read, answer, script
    static/     the page; plain modules that need no build
"""

from __future__ import annotations
