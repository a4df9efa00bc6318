"""How a dynamic provider reports an error that a user can mend: one sentence, without a traceback."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class ProviderError(Exception):
    """Something that whoever runs Pulumi can mend; the text says what is wrong, where, and what to do."""

    # The SDK reports `format_exc()`, which names the module of every class but a built-in one.
    __module__ = "builtins"

    def __init_subclass__(cls) -> None:
        cls.__module__ = "builtins"


def in_one_sentence(method: Callable[P, R]) -> Callable[P, R]:
    """Have a ProviderError that `method` raises reported without its traceback; a bug keeps its own.

    The SDK's dynamic provider server formats whatever a provider raises with `traceback.format_exc()`
    (sdk/python/lib/pulumi/dynamic/__main__.py), which heeds nothing but `sys.tracebacklimit`.
    """

    @functools.wraps(method)
    def reported(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except ProviderError as error:
            sys.tracebacklimit = 0
            raise error from None
        except Exception:
            if hasattr(sys, "tracebacklimit"):
                del sys.tracebacklimit
            raise

    return reported
