# SPDX-License-Identifier: MIT
"""A stored host as the truth spells it: the fields of schemas/models/host.yaml, each of its type, without the volatile ones."""

import json
from datetime import datetime
from pathlib import Path

import yaml

MODEL = yaml.safe_load((Path(__file__).resolve().parents[2] / "schemas/models/host.yaml").read_text())
# What a stored entity has beside the model's fields.
OWN = {"_id", "rev", "identity", "sources", "from", "created_at", "changed_at", "change", "crowd"}
TEXTS = {"string", "hostname", "ip", "mac"}


class Wrong(Exception):
    """A value is not of the type that the model says."""


def fields_of(doc):
    """{field: value}: dates as text, lists as sorted lists. Wrong when something is not of its type or unknown."""
    found = {}
    for name, value in leaves(doc, ()):
        field = MODEL["fields"].get(name)
        if field is None:
            raise Wrong(f"{name} is no field of the model")
        if not field.get("volatile"):
            found[name] = plain(name, field["type"], value)
    return found


def leaves(doc, path):
    """The fields of a document; `os: {name: …}` is the field os.name."""
    for key, value in doc.items():
        name = ".".join((*path, key))
        if not path and key in OWN:
            continue
        if isinstance(value, dict) and name not in MODEL["fields"]:
            yield from leaves(value, (*path, key))
        else:
            yield name, value


def plain(name, kind, value):
    """The value as JSON has it, of the type that the model says."""
    if isinstance(kind, list):
        return plain_list(name, kind[0], must_be(name, list, value))
    if isinstance(kind, dict) and "enum" in kind:
        if value not in kind["enum"]:
            raise Wrong(f"{name} is {value!r}, which is none of {list(kind['enum'])}")
        return value
    if isinstance(kind, dict):
        return plain_object(name, kind, must_be(name, dict, value))
    if kind in TEXTS:
        return must_be(name, str, value)
    if kind == "bool":
        return must_be(name, bool, value)
    if kind == "int" and not isinstance(value, bool):
        return int(must_be(name, int, value))
    if kind == "datetime":
        moment = must_be(name, datetime, value)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    raise Wrong(f"{name} is {value!r}, not of type {kind}")


def must_be(name, kind, value):
    if not isinstance(value, kind):
        raise Wrong(f"{name} is {value!r}, of type {type(value).__name__}, not {kind.__name__}")
    return value


def plain_list(name, kind, values):
    items = sorted((plain(name, kind, value) for value in values), key=canonical)
    for one, next_one in zip(items, items[1:]):
        if one == next_one:
            raise Wrong(f"{name} has {one!r} twice")
    return items


def plain_object(name, kind, value):
    unknown = set(value) - set(kind)
    if unknown:
        raise Wrong(f"{name} has {sorted(unknown)}, which the model does not know")
    return {member: plain(f"{name}.{member}", about["type"], value[member])
            for member, about in kind.items() if member in value and not about.get("volatile")}


canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
