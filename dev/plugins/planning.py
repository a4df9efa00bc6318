"""What a resource will be (the plan), and how that differs from what it is (the changes).

The rules are those of Terraform's SDK: an input that is not given takes its default, or keeps the last
reported value if it is computed, or is removed; zero, "", false and empty collections equal "not given".
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dev.plugins.checking import DEFAULTS_KEY
from dev.plugins.schema import Block, Field, Kind
from dev.plugins.values import UNKNOWN, PropertyValue

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs.

    Attributes:
        path: as the engine displays it, e.g. `taskSpec.containerSpec.env.TZ`.
        kind: whether the property appears, disappears or has another value.
        replaces: whether the resource has to be replaced for it.
    """

    path: str
    kind: Literal["add", "delete", "update"]
    replaces: bool


def plan(block: Block, inputs: Mapping[str, Any], state: Mapping[str, Any] | None) -> State:
    """The properties that the resource will have.

    Args:
        block: the resource's schema.
        inputs: what the program gives.
        state: what was last reported; None when the resource does not exist yet, in which case computed
            properties are `UNKNOWN`.
    """
    planned: State = {}
    for name, field in block.fields.items():
        value = _plan_field(field, inputs.get(name), state and state.get(name), creating=state is None)
        if value is not None:
            planned[name] = value
    return planned


def _plan_field(field: Field, given: PropertyValue, reported: PropertyValue, *, creating: bool) -> PropertyValue:
    if given is UNKNOWN:
        return UNKNOWN
    if given is None:
        if field.default is not None:
            return field.default
        if field.computed or field.output:
            return UNKNOWN if creating else reported
        return None
    if field.kind is Kind.OBJECT and field.block:
        return plan(field.block, given, None if creating else reported or {})
    if field.kind in {Kind.LIST, Kind.SET} and field.item and field.item.block:
        old_items = reported if field.kind is Kind.LIST and reported else []
        return [
            _plan_field(field.item, item, old_items[index] if index < len(old_items) else {}, creating=creating)
            for index, item in enumerate(given)
        ]
    return given


def with_ignored(planned: Mapping[str, Any], state: Mapping[str, Any], paths: Iterable[str]) -> State:
    """The plan with the reported value at each path of a program's `ignoreChanges`, e.g. `taskSpec.placement`."""
    kept: State = dict(planned)
    for path in paths:
        name, _, rest = path.partition(".")
        if rest and isinstance(kept.get(name), dict):
            kept[name] = with_ignored(kept[name], state.get(name) or {}, [rest])
        elif not rest:
            kept.pop(name, None)
            kept |= {name: state[name]} if name in state else {}
    return kept


def comparable(field: Field, value: PropertyValue) -> PropertyValue:
    """The value in the form in which it is compared: without what equals "not given", sets in one order."""
    if value is None or value is UNKNOWN:
        return value
    if field.comparable:
        return field.comparable(value)
    if field.block:
        items = {name: comparable(part, value.get(name)) for name, part in field.block.fields.items()}
        return {name: item for name, item in items.items() if item is not None} or None
    if field.kind is Kind.MAP:
        return value or None
    if field.item:
        items_ = [comparable(field.item, item) for item in value]
        if field.kind is Kind.SET:
            items_.sort(key=_sort_key)
        return items_ or None
    return value or None


def _sort_key(value: PropertyValue) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def changes(block: Block, old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    """How the planned properties differ from the reported ones."""
    for name, field in block.fields.items():
        yield from _field_changes(field, f"{prefix}{name}", old.get(name), new.get(name))


def _field_changes(field: Field, path: str, old: PropertyValue, new: PropertyValue) -> Iterator[Change]:
    before, after = comparable(field, old), comparable(field, new)
    if before == after:
        return
    if before is None or after is None or before is UNKNOWN or after is UNKNOWN:
        kind: Literal["add", "delete", "update"] = "update"
        if before is None:
            kind = "add"
        elif after is None:
            kind = "delete"
        # Of a value that is not known yet, only what is said of the whole property counts, not of its parts.
        replaces = field.replaces if after is UNKNOWN else _replaces(field, old if after is None else new)
        yield Change(path, kind, replaces)
    elif field.block:
        yield from changes(field.block, old, new, f"{path}.")
    elif field.kind is Kind.MAP:
        yield from _map_changes(field, path, old, new)
    elif field.kind is Kind.SET and field.item:
        yield from _set_changes(field, field.item, path, old, new)
    elif field.kind is Kind.LIST and field.item:
        yield from _list_changes(field, field.item, path, old, new)
    else:
        yield Change(path, "update", field.replaces)


def _map_changes(field: Field, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        kind: Literal["add", "delete", "update"] = "update"
        if key not in old:
            kind = "add"
        elif key not in new:
            kind = "delete"
        simple = key.replace("_", "").isalnum()
        yield Change(f"{path}.{key}" if simple else f"{path}[{json.dumps(key)}]", kind, field.replaces)


def _set_changes(field: Field, item: Field, path: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    before = [comparable(item, element) for element in old]
    after = [comparable(item, element) for element in new]
    for index, element in enumerate(old):
        if before[index] not in after:
            yield Change(f"{path}[{index}]", "delete", field.replaces or _replaces(item, element))
    for index, element in enumerate(new):
        if after[index] not in before:
            yield Change(f"{path}[{index}]", "add", field.replaces or _replaces(item, element))


def _list_changes(field: Field, item: Field, path: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else None
        after = new[index] if index < len(new) else None
        for change in _field_changes(item, f"{path}[{index}]", before, after):
            yield Change(change.path, change.kind, change.replaces or field.replaces)


def _replaces(field: Field, value: PropertyValue) -> bool:
    """Whether the appearance or disappearance of a value replaces the resource."""
    if field.replaces:
        return True
    if value is None or value is UNKNOWN:
        return False
    if field.block:
        return any(
            _replaces(part, value.get(name))
            for name, part in field.block.fields.items()
            if comparable(part, value.get(name)) is not None
        )
    if field.item and field.kind in {Kind.LIST, Kind.SET}:
        item = field.item
        return any(_replaces(item, element) for element in value)
    return False


def known(value: PropertyValue) -> PropertyValue:
    """The value without what is unknown: at an update that is only what the engine will report."""
    if isinstance(value, dict):
        return {key: known(item) for key, item in value.items() if item is not UNKNOWN}
    if isinstance(value, list):
        return [known(item) for item in value if item is not UNKNOWN]
    return value


def in_order_of(block: Block, state: Mapping[str, Any], reference: Mapping[str, Any]) -> State:
    """The state with every set in the order in which `reference` has it, so that displays stay quiet."""
    ordered = dict(state)
    for name, field in block.fields.items():
        ordered_value = _in_order_of(field, state.get(name), reference.get(name))
        if ordered_value is not None:
            ordered[name] = ordered_value
    return ordered


def _in_order_of(field: Field, value: PropertyValue, reference: PropertyValue) -> PropertyValue:
    if value is None or reference is None or reference is UNKNOWN or value is UNKNOWN:
        return value
    if field.block:
        return in_order_of(field.block, value, reference)
    if field.kind is Kind.SET and field.item:
        item = field.item
        wanted = [comparable(item, element) for element in reference]

        def position(element: PropertyValue) -> int:
            form = comparable(item, element)
            return wanted.index(form) if form in wanted else len(wanted)

        return sorted(value, key=position)
    return value


def refreshed_inputs(block: Block, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> State:
    """The inputs as they would have to be written to get the state that was read.

    What the program did not give stays out; what it gave and still holds stays as it was given.
    """
    refreshed: State = {}
    for name, given in inputs.items():
        field = block.fields.get(name)
        if name == DEFAULTS_KEY or field is None:
            refreshed[name] = given
            continue
        reported = state.get(name)
        if comparable(field, given) == comparable(field, reported):
            refreshed[name] = given
        elif field.block and isinstance(given, dict) and isinstance(reported, dict):
            refreshed[name] = refreshed_inputs(field.block, given, reported)
        elif reported is not None:
            refreshed[name] = reported
    return refreshed


def imported_inputs(block: Block, state: Mapping[str, Any]) -> State:
    """The inputs of a resource that is imported: every reported property that can be one."""
    return {
        name: state[name]
        for name, field in block.fields.items()
        if not field.output and comparable(field, state.get(name)) is not None
    }
