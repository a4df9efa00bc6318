"""What the SQL API answers, as far as it is used, and what the tools return.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel)


class Column(_Answer):
    """A column of a result."""

    name: str
    type: str


class Partition(_Answer):
    """A part of a result."""

    row_count: int


class MetaData(_Answer):
    """What a result is like; parts after the first come without it."""

    num_rows: int
    partition_info: tuple[Partition, ...] = ()
    row_type: tuple[Column, ...] = ()


class ResultSet(_Answer):
    """Rows, whose values are texts; SQL's NULL is null."""

    data: tuple[tuple[str | None, ...], ...] = ()
    result_set_meta_data: MetaData | None = None
    statement_handle: str | None = None


class StatementStatus(_Answer):
    """A statement that is not done."""

    statement_handle: str


class Rows(BaseModel):
    """Part of what a statement found, or that it is still running.

    Values are texts as Snowflake writes them: dates are numbers of days or seconds since 1970. Columns, `rows_in_all`,
    and `parts` stand in the first part alone.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    running: bool
    handle: str
    """For get_result."""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    rows_in_all: int | None = None
    parts: int | None = None
    """How many parts there are; the first is part 0."""


class Said(BaseModel):
    """What a function said; none while it still works: get_result has it then."""

    model_config = ConfigDict(frozen=True)

    text: str | None
    handle: str
