"""The catalog: servers that a stack may name without knowing their packages, one file each."""

import difflib
import json
from pathlib import Path

from pydantic import ValidationError

from .catalog_entry import Entry

FOLDER = Path(__file__).resolve().parent.parent / "catalog"
"""The folder of the entries that come with this program."""


class CatalogError(ValueError):
    """There is no such entry, or it won't do. The message says why and what to do."""


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of all entries."""
    return sorted(file.stem for file in folder.glob("*.json"))


def read_entry(name: str, folder: Path = FOLDER) -> Entry:
    """Return the entry of this name. Raises CatalogError where there is none, or with all that is wrong in it."""
    known = names(folder)
    if name not in known:
        raise CatalogError(f"there is no {name!r} in the catalog{_nearest(name, known)}")
    file = folder / f"{name}.json"
    try:
        entry = Entry.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = "; ".join(f"{_key(fault['loc'])}{fault['msg']}" for fault in error.errors())
        raise CatalogError(f"catalog/{file.name} won't do: {faults}") from error
    except ValueError as error:
        raise CatalogError(f"catalog/{file.name} is no valid JSON: {error}") from error
    if entry.label != name:
        raise CatalogError(f"catalog/{file.name} has the name {entry.name}; its last part must be {name}")
    return entry


def _key(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""


def _nearest(name: str, known: list[str]) -> str:
    """As problems.nearest, which is not imported: Pulumi's SDK would come with it, and the command line would wait."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return "; `fleet catalog search` lists what is there"
