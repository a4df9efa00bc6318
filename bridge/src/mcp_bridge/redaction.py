"""Keeps secret values out of everything that is logged or shown."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

MASK: Final = "***"
_LINE_CHARACTERS: Final = 8
"""Lines of a longer secret (a key in PEM) that are at least this long are masked on their own as well."""


class Redactor:
    """Replaces known secret values in text. Over-masking beats leaking."""

    def __init__(self, values: Iterable[str]) -> None:
        found: set[str] = set()
        for value in values:
            found.add(value)
            found.add(value.strip())
            found.update(line for line in value.splitlines() if len(line) >= _LINE_CHARACTERS)
        # As it stands in JSON, in a Python literal, and in a URL.
        for value in tuple(found):
            found.update((json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]))
            found.add(quote(value, safe="", errors="surrogatepass"))
        found.discard("")
        self._values = sorted(found, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return `text` with every secret value masked."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        return text


class SecretsError(Exception):
    """The secrets directory can't be read, or holds what can't be a variable. Names the file, never the value."""


def read_secrets(directory: Path | None) -> dict[str, str]:
    """Read a directory of files, each a variable: the name is the variable's, the content its value.

    One line feed at the end of a file is not part of the value, all before it is, to the byte. Raises SecretsError.
    """
    if directory is None:
        return {}
    try:
        files = sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
        return {path.name: _value(path) for path in files}
    except OSError as error:
        raise SecretsError(f"{error.filename or directory}: {error.strerror}.") from error


def _value(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")  # read_text would make line feeds of all line ends
    except UnicodeDecodeError as error:
        raise SecretsError(f"{path}: not UTF-8, so it can't be an environment variable.") from error
    if "\0" in text:
        raise SecretsError(f"{path}: has a zero byte, so it can't be an environment variable.")
    return text.removesuffix("\n")
