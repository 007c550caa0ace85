"""Where a database is: addresses read, checked, and shown without what is secret in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

from gausswork.errors import InputError

POSTGRESQL, SQLITE, DUCKDB = "postgresql", "sqlite", "duckdb"

_HIDDEN = "•••"
_ALIASES = {"postgres": POSTGRESQL, "sqlite3": SQLITE}
_KNOWN = "postgresql://host/name, sqlite:///file.db or duckdb:///file.duckdb"
_SECRET_PARAMETERS = ("password", "sslpassword")
_MAGIC = {SQLITE: b"SQLite format 3\0"}
# A name, a number, [IPv6] or the percent-encoded folder of a socket; and a port.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(%\w+)?\]|[\w.-]*|(%2[Ff][\w.-]*)+)(:\d*)?")
# postgresql://user:password@host, and password=… as connection strings and SQL have it
_USERINFO = re.compile(r"(?<=://)[^\s/@'\"]*:[^\s'\"]*@|(?<=://)[^\s/@'\"]+@")
_ASSIGNED = re.compile(
    r"((?:ssl)?password|passwd|pwd|secret|api_?key|token)(\s*(?:=>|:=|=)\s*)"
    r"('(?:[^']|'')*'|\"[^\"]*\"|[^\s&'\",;)]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """A database.

    Attributes
    ----------
    scheme : ``"postgresql"``, ``"sqlite"`` or ``"duckdb"``.
    shown : the address without user, password and parameters.
    path : the file, where the database is one; None in memory.
    uri : what the driver is given; never shown.
    secrets : what must not be shown, as it may turn up in a message.
    """

    scheme: str
    shown: str
    path: Path | None = None
    uri: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, text: str | None) -> Address:
        """Read an address.

        Raises
        ------
        InputError
            It is of no database known here, or cannot be read; no message repeats its secrets.
        """
        if text is None:
            return cls(DUCKDB, "duckdb://")
        if text.startswith("env:"):
            return cls.of(_from_environment(text[4:]))
        scheme, mark, rest = text.partition("://")
        scheme = scheme.strip().lower().partition("+")[0]  # postgresql+psycopg is postgresql
        scheme = _ALIASES.get(scheme, scheme)
        if not mark or scheme not in (POSTGRESQL, SQLITE, DUCKDB):
            raise InputError(_unknown(text, scheme if mark else ""))
        if scheme == POSTGRESQL:
            return _postgresql(rest)
        return _file(scheme, rest)

    @property
    def place(self) -> str:
        """Where, in words: ``"PostgreSQL (db.example/shop)"``, ``"shop.db"``."""
        if self.scheme == POSTGRESQL:
            return f"PostgreSQL ({self.shown.partition('://')[2] or 'by its defaults'})"
        return "local files" if self.path is None else self.path.name

    def clean(self, text: str) -> str:
        """Return a message of the database without anything secret in it."""
        for secret in (*self.secrets, os.environ.get("PGPASSWORD", "")):
            if secret:
                whole = rf"(?<!\w){re.escape(secret)}(?!\w)"
                text = re.sub(whole, lambda _: _HIDDEN, text)
        return veiled(text)


def veiled(text: str) -> str:
    """Hide what looks like the password of an address or of a connection string in a text."""
    text = _USERINFO.sub(f"{_HIDDEN}@", text)
    return _ASSIGNED.sub(lambda found: f"{found[1]}{found[2]}{_HIDDEN}", text)


def names_database(text: str) -> bool:
    """Whether a text is the address of a database, where a path was expected."""
    scheme = text.partition("://")[0].strip().lower().partition("+")[0]
    return "://" in text and _ALIASES.get(scheme, scheme) in (POSTGRESQL, SQLITE, DUCKDB)


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value or value.startswith("env:"):
        raise InputError(
            f"the environment variable {name!r} holds no address of a database. "
            f"Set it to one such as {_KNOWN}."
        )
    return value


def _unknown(text: str, scheme: str) -> str:
    if not scheme:
        path = Path(text)
        for known, magic in _MAGIC.items():
            if _head(path, len(magic)) == magic:
                return f"the address of a database begins with its kind. Write {known}:///{text}."
        if path.suffix in (".duckdb", ".ddb") and path.exists():
            return f"the address of a database begins with its kind. Write duckdb:///{text}."
        return f"this is not the address of a database. Give one such as {_KNOWN}."
    return (
        f"databases of the kind {scheme!r} are not read. Give {_KNOWN}; or export the rows to "
        "Parquet, or pass a data frame or an Arrow stream of them."
    )


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(size)
    except (OSError, ValueError):
        return b""


def _postgresql(rest: str) -> Address:
    """Take an address apart and put it together again, so that libpq cannot misread it.

    libpq repeats in its messages what it takes for a host or a port; of an address whose
    password is not percent-encoded that would be a piece of the password.
    """
    main, _, query = rest.partition("?")
    authority, slash, database = main.partition("/")
    if "@" in database or "#" in main or "@" in query.partition("=")[0]:
        raise InputError(
            "the address of the database cannot be read: a user name or password in it has one of "
            "the characters / ? # @. Leave the password out and set PGPASSWORD or ~/.pgpass, or "
            "percent-encode it (/ is %2F, ? is %3F, # is %23, @ is %40)."
        )
    userinfo, _, hosts = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    user, password = unquote(user), unquote(password)
    if not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        raise InputError(
            "host and port in the address of the database cannot be read. The form is "
            "postgresql://user@host:5432/name; a password stands before the @, or better is left "
            "out: PGPASSWORD and ~/.pgpass serve."
        )
    parameters = parse_qsl(query, keep_blank_values=True)
    secrets = [password, *(v for k, v in parameters if k.lower() in _SECRET_PARAMETERS)]
    given = {name.lower() for name, _ in parameters}
    if "fallback_application_name" not in given:
        parameters.append(("fallback_application_name", "gausswork"))
    if "client_encoding" not in given:  # Arrow's text is UTF-8, whatever the database's is
        parameters.append(("client_encoding", "UTF8"))
    if "connect_timeout" not in given and not os.environ.get("PGCONNECT_TIMEOUT"):
        parameters.append(("connect_timeout", "20"))  # libpq would wait for ever
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    uri = (
        f"postgresql://{login}{'@' if login else ''}{hosts}{slash}{database}"
        f"?{urlencode(parameters, quote_via=quote)}"
    )
    named = dict(parameters)
    where = hosts or named.get("host", "") or named.get("service", "")
    name = unquote(database) or named.get("dbname", "")
    shown = f"postgresql://{where}{f'/{name}' if name else ''}"
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
    return Address(POSTGRESQL, shown, uri=uri, secrets=tuple(sorted(forms, key=len, reverse=True)))


def _file(scheme: str, rest: str) -> Address:
    """Read the address of a file: three slashes and a relative path, four and an absolute one."""
    name = unquote(rest.partition("?")[0])
    if not name.startswith("/"):
        if name and name != ":memory:":
            raise InputError(
                f"the address {f'{scheme}://{name}'!r} lacks a slash: write {scheme}:///{name} for "
                f"a file in this folder, {scheme}:////{name} for one at the root."
            )
        name = "/" + name
    name = name[1:]
    if name in ("", ":memory:"):
        if scheme == SQLITE:
            raise InputError(
                "an SQLite database in memory is empty here. Give the path of a file, as in "
                "sqlite:///shop.db."
            )
        return Address(scheme, "duckdb://")
    path = Path(name).expanduser()
    shown = f"{scheme}:///{name}"
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder, not a database.")
    if not path.exists():
        absolute = Path("/") / name
        meant = f" Did you mean {scheme}:///{absolute}?" if absolute.exists() else ""
        raise InputError(
            f"there is no file {str(path)!r}.{meant} A path after {scheme}:/// is relative to this "
            f"folder; an absolute one has four slashes, as in {scheme}:////data/shop.db."
        )
    magic = _MAGIC.get(scheme)
    if magic is not None and path.stat().st_size and _head(path, len(magic)) != magic:
        raise InputError(f"{path.name} is not an SQLite database. Give the file of one.")
    return Address(scheme, shown, path)
