"""Parquet and Arrow IPC files as one table, with the types that suit all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gausswork.data.files import DataFile, extra_columns, missing_in_file
from gausswork.data.kinds import Kind, field_of, require_distinct
from gausswork.data.streams import DatasetTable
from gausswork.errors import DataFileError


def columnar_table(files: Sequence[DataFile], description: str) -> DatasetTable:
    """Open Parquet or Arrow files as one dataset, with the types that suit all of them."""
    import pyarrow as pa
    from pyarrow import dataset as pads

    schemas: list[Any] = []
    sizes: list[tuple[str, int, int]] = []
    for file in files:
        try:
            one = pads.dataset(str(file.path), format=_format(file.format, ()))
            sizes.append((file.name, file.size, one.count_rows()))
        except (pa.ArrowException, OSError) as error:
            raise DataFileError(
                f"{file.name} cannot be read as {file.format}: {error}. "
                "The file is damaged or incomplete: write it again."
            ) from error
        require_distinct(tuple(one.schema.names), place=file.name, error=DataFileError)
        schemas.append(one.schema)
    text = tuple(
        field.name
        for field in schemas[0]
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    )

    def check(names: Sequence[str]) -> None:
        for file, schema in zip(files, schemas, strict=True):
            _check_schema(schema, schemas[0], names, file.name, files[0].name)

    named = [(file.name, schema.names) for file, schema in zip(files, schemas, strict=True)]
    dataset = pads.dataset(
        [str(file.path) for file in files],
        schema=_common_schema(schemas, text) if len(files) > 1 else None,
        format=_format(files[0].format, text),
    )
    return DatasetTable(
        dataset,
        description=description,
        files=sizes,
        findings=extra_columns(named),
        check=check,
    )


def _format(name: str, text: Sequence[str]) -> Any:
    from pyarrow import dataset as pads

    if name == "ipc":
        return pads.IpcFileFormat()
    # text arrives as dictionary codes: as they lie in the file, and cheap to count
    options = pads.ParquetReadOptions(dictionary_columns=set(text))
    return pads.ParquetFileFormat(read_options=options)


def _common_schema(schemas: Sequence[Any], text: Sequence[str]) -> Any:
    """Types of the first file; float64 where files store a number in different ways."""
    import pyarrow as pa

    fields = []
    for field in schemas[0]:
        types = {schema.field(field.name).type for schema in schemas if field.name in schema.names}
        if len(types) > 1:
            kinds = {field_of(field.name, kind).kind for kind in types}
            if kinds <= {Kind.NUMBER, Kind.EMPTY}:
                field = field.with_type(pa.float64())
            elif Kind.EMPTY in kinds and len(kinds) == 2:
                known = next(k for k in types if not pa.types.is_null(k))
                field = field.with_type(known)
        if field.name in text:
            field = field.with_type(pa.dictionary(pa.int32(), field.type))
        fields.append(field)
    return pa.schema(fields)


def _check_schema(
    schema: Any, reference: Any, names: Sequence[str], place: str, first: str
) -> None:
    for name in names:
        if name not in schema.names:
            raise DataFileError(missing_in_file(name, place, first))
        here, there = (field_of(name, one.field(name).type) for one in (schema, reference))
        if here.kind != there.kind and Kind.EMPTY not in (here.kind, there.kind):
            raise DataFileError(
                f"column {name!r} holds {here.holds} in {place} and {there.holds} in {first}. "
                "Make the files agree, or fit them apart."
            )
