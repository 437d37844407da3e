# SPDX-License-Identifier: MIT
"""The JSON Schemas are what editors complete from: they take the shipped files and refuse what the loader refuses."""

import copy
import json
import pathlib

import jsonschema
import pytest
import yaml

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"


class Text(yaml.SafeLoader):
    """Dates stay text, as in Muster."""


Text.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text):
    return yaml.load(text, Loader=Text)


def validator(kind):
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


MODEL, PROVIDER = validator("model"), validator("provider")


@pytest.mark.parametrize("file", sorted((SCHEMAS / "models").glob("*.yaml")), ids=lambda f: f.name)
def test_a_shipped_model_fits(file):
    MODEL.validate(read(file.read_text()))


@pytest.mark.parametrize("file", sorted((SCHEMAS / "providers").glob("*.yaml")), ids=lambda f: f.name)
def test_a_shipped_provider_fits(file):
    PROVIDER.validate(read(file.read_text()))


@pytest.mark.parametrize("kind", ["model", "provider"])
def test_every_key_of_the_file_has_a_description(kind):
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text())
    for name, child in schema["properties"].items():
        assert "description" in child, name


MODEL_GOOD = """
model: host
collection: hosts
fields:
  name: {type: hostname, merge: newest}
  size: {type: int, merge: max}
  tags: {type: [string], merge: union}
  ports: {type: [{port: {type: int}, at: {type: datetime, volatile: true}}], merge: {union: [port]}}
  kind: {type: {enum: {vm: [VM]}}, merge: {first: [qualys]}}
identity: {name_size: [name, size]}
never: {name: [localhost]}
"""

PROVIDER_GOOD = """
provider: acme
settings: {base_url: {}, token: {secret: true}, page_size: {default: "2"}}
streams:
  hosts:
    model: host
    every: 1h
    request: {method: POST, url: "${base_url}/x", query: {n: 5}, headers: {token: "${token}"}, body: {a: [1]}}
    pages: {by: offset, size: "${page_size}", end_when: {status: 500, body_has: end}}
    limits: {rate: 300/min, in_flight: 2}
    records: .[]
    key: ._id
    fields: {name: .hostname, os.name: .os}
"""


def changed(good, path, value):
    """The good file with one place changed; DELETE takes it away."""
    data = copy.deepcopy(read(good))
    *parents, last = path
    place = data
    for step in parents:
        place = place[step]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return data


DELETE = object()
HOSTS = ("streams", "hosts")

GOOD_PAGES = {
    "none": "none",
    "none_as_a_map": {"by": "none"},
    "offset": {"by": "offset", "size": 2, "end_when": {"records": 0}},
    "number": {"by": "number", "first": 0, "end_when": {"total": ".n"}, "max": 5},
    "short_pages_with_a_size": {"by": "number", "size": 5, "end_when": {"short": True}},
    "cursor": {"by": "cursor", "cursor": ".next"},
    "a_status": {"by": "offset", "size": "${page_size}", "end_when": {"status": 404}},
}

MODEL_FAULTS = {
    "no_model": (("model",), DELETE),
    "no_collection": (("collection",), DELETE),
    "a_collection_of_musters_own": (("collection",), "links"),
    "an_unknown_section": (("nevr",), {}),
    "a_name_with_capitals": (("model",), "Host"),
    "no_fields": (("fields",), {}),
    "an_unknown_type": (("fields", "name", "type"), "hostnam"),
    "no_type": (("fields", "name", "type"), DELETE),
    "an_unknown_key_of_a_field": (("fields", "name", "volatil"), True),
    "a_single_object": (("fields", "name", "type"), {"a": {"type": "int"}}),
    "a_list_of_two_types": (("fields", "tags", "type"), ["string", "int"]),
    "a_list_in_a_list": (("fields", "tags", "type"), [["string"]]),
    "a_list_in_an_object": (("fields", "ports", "type"), [{"port": {"type": ["int"]}}]),
    "an_empty_enum": (("fields", "kind", "type"), {"enum": {}}),
    "an_enum_as_a_list": (("fields", "kind", "type"), {"enum": ["vm"]}),
    "an_unknown_merge_rule": (("fields", "name", "merge"), "newst"),
    "first_without_providers": (("fields", "name", "merge"), "first"),
    "first_of_nobody": (("fields", "kind", "merge"), {"first": []}),
    "a_list_merged_by_newest": (("fields", "tags", "merge"), "newest"),
    "a_single_value_united": (("fields", "name", "merge"), "union"),
    "the_least_of_texts": (("fields", "name", "merge"), "min"),
    "a_field_of_musters_own": (("fields", "sources"), {"type": "int"}),
    "a_nested_field_of_musters_own": (("fields", "from.x"), {"type": "int"}),
    "a_name_with_an_empty_part": (("fields", "a..b"), {"type": "int"}),
    "a_rule_of_five_fields": (("identity", "name_size"), ["a", "b", "c", "d", "e"]),
    "an_empty_rule": (("identity", "name_size"), []),
    "never_as_text": (("never", "name"), "localhost"),
}

PROVIDER_FAULTS = {
    "no_provider": (("provider",), DELETE),
    "no_streams": (("streams",), {}),
    "an_unknown_section": (("setings",), {}),
    "a_coming_section": (("auth",), {}),
    "a_name_with_a_dash": (("provider",), "my-acme"),
    "a_built_in_setting": (("settings", "plain_http"), {}),
    "a_setting_called_like_its_file": (("settings", "token_file"), {}),
    "a_secret_with_a_default": (("settings", "token", "default"), "x"),
    "an_unknown_key_of_a_setting": (("settings", "token", "secrt"), True),
    "an_unknown_key_of_a_stream": ((*HOSTS, "recrods"), ".[]"),
    "a_coming_key_of_a_stream": ((*HOSTS, "steps"), []),
    "no_pages": ((*HOSTS, "pages"), DELETE),
    "no_records": ((*HOSTS, "records"), DELETE),
    "no_key": ((*HOSTS, "key"), DELETE),
    "no_time": ((*HOSTS, "every"), DELETE),
    "a_bad_time": ((*HOSTS, "every"), "often"),
    "no_selections": ((*HOSTS, "fields"), {}),
    "a_list_as_a_selection": ((*HOSTS, "fields", "name"), [".a"]),
    "a_parameter_with_a_name_in_it": ((*HOSTS, "params"), {"a": "${token}"}),
    "no_url": ((*HOSTS, "request", "url"), DELETE),
    "another_scheme": ((*HOSTS, "request", "url"), "ftp://x"),
    "another_method": ((*HOSTS, "request", "method"), "PUT"),
    "a_body_without_a_post": ((*HOSTS, "request", "method"), DELETE),
    "a_bad_header_name": ((*HOSTS, "request", "headers"), {"a b": "x"}),
    "a_header_of_two_lines": ((*HOSTS, "request", "headers"), {"a": "x\ny"}),
    "an_unknown_paging": ((*HOSTS, "pages", "by"), "ofset"),
    "a_key_of_another_paging": ((*HOSTS, "pages", "cursor"), ".x"),
    "offset_without_a_size": ((*HOSTS, "pages", "size"), DELETE),
    "a_bad_size": ((*HOSTS, "pages", "size"), "many"),
    "a_listing_without_an_end": ((*HOSTS, "pages", "end_when"), DELETE),
    "an_empty_end": ((*HOSTS, "pages", "end_when"), {}),
    "an_unknown_end": ((*HOSTS, "pages", "end_when"), {"record": 0}),
    "an_end_at_one_record": ((*HOSTS, "pages", "end_when"), {"records": 1}),
    "a_body_text_without_a_status": ((*HOSTS, "pages", "end_when"), {"body_has": "x"}),
    "an_end_at_success": ((*HOSTS, "pages", "end_when"), {"status": 200}),
    "short_pages_without_a_size": ((*HOSTS, "pages"), {"by": "number", "end_when": {"short": True}}),
    "a_cursor_from_nowhere": ((*HOSTS, "pages"), {"by": "cursor"}),
    "an_end_of_one_page": ((*HOSTS, "pages"), {"by": "none", "end_when": {"records": 0}}),
    "an_unknown_limit": ((*HOSTS, "limits", "rat"), 5),
    "a_bad_rate": ((*HOSTS, "limits", "rate"), "fast"),
    "a_rate_of_zero": ((*HOSTS, "limits", "rate"), 0),
    "too_much_in_flight": ((*HOSTS, "limits", "in_flight"), 2000),
}


def test_the_good_model_is_good():
    MODEL.validate(read(MODEL_GOOD))


def test_the_good_provider_is_good():
    PROVIDER.validate(read(PROVIDER_GOOD))


@pytest.mark.parametrize("pages", GOOD_PAGES.values(), ids=GOOD_PAGES)
def test_pages_may_be(pages):
    PROVIDER.validate(changed(PROVIDER_GOOD, (*HOSTS, "pages"), pages))


@pytest.mark.parametrize("fault", MODEL_FAULTS.values(), ids=MODEL_FAULTS)
def test_a_model_is_refused_for(fault):
    assert not MODEL.is_valid(changed(MODEL_GOOD, *fault))


@pytest.mark.parametrize("fault", PROVIDER_FAULTS.values(), ids=PROVIDER_FAULTS)
def test_a_provider_is_refused_for(fault):
    assert not PROVIDER.is_valid(changed(PROVIDER_GOOD, *fault))
