# SPDX-License-Identifier: MIT
"""A provider that misbehaves: the rest goes through, what is wrong is told and kept, and a clean round afterwards is right."""

import json
import re
import urllib.request

import pytest

from muster_lib import TOKEN, Failure, sources_of, wait_until

SIZE, PAGE = 48, 10
SKIP = 20  # the page that is spoiled begins here: the third one
SHORT = {"fetcher": ["--stall", "1s", "--timeout", "4s"]}


@pytest.fixture
def m(muster):
    m = muster(size=SIZE, page_size=PAGE)
    m.start_all(**SHORT)
    return m


def listed(m, provider):
    return m.provider.stats()["listed"][provider]


def spoiled_record(m, provider):
    """The key of the record that a spoiled page begins with."""
    request = urllib.request.Request(f"{m.provider.url}/api/{provider}/hosts/get?skip={SKIP}&limit=1", method="POST",
                                     headers={"token": TOKEN})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.loads(answer.read())[0]["_id"])


def stored(m, provider):
    return {key for doc in m.living() for stream, key in sources_of(doc) if stream == f"{provider}/hosts"}


def check_other_provider(m, other="crowdstrike"):
    link = m.links()[f"{other}/hosts"]
    assert (link["last"]["outcome"], link["failures"]) == ("ok", 0), f"the other provider's link suffered: {link}"
    assert len(stored(m, other)) == listed(m, other)


def check_clean_round(m):
    """Afterwards everything is as if nothing had been."""
    m.collect()
    m.check_truth(1)
    assert not m.issues(), f"issues are left: {m.issues()[:3]}"
    assert {link["failures"] for link in m.links().values()} == {0}
    assert {link["last"]["outcome"] for link in m.links().values()} == {"ok"}


def check_reject(m, reason, body=None):
    """There is one reject: the page's message as it was, and why."""
    rejects = m.rejects()
    assert len(rejects) == 1, f"one reject was expected, there are {len(rejects)}: {[it[0] for it in rejects]}"
    headers, key, value = rejects[0]
    names = {"topic", "partition", "offset", "stage", "exception.message"}
    assert {f"__connect.errors.{name}" for name in names} <= headers.keys(), f"headers: {headers}"
    assert headers["__connect.errors.topic"] == f"{m.name}.pages"
    assert re.search(reason, headers["__connect.errors.exception.message"]), headers
    assert key.startswith("qualys/hosts")
    pages = {page: whole for page_headers, page, whole in m.messages("pages") if whole == value}
    assert pages, "the reject's value is not that of a page, byte for byte"
    assert body is None or body in value


# What a second try mends

@pytest.mark.parametrize("kind, skip, how", [
    ("429-seconds", SKIP, {"retry_after": 2}), ("429-date", 0, {"retry_after": 2}), ("500", SKIP, {}), ("500", 0, {"times": 3}),
    ("stall", SKIP, {}), ("cut", SKIP, {}), ("cut", 0, {}), ("slow", SKIP, {"seconds": 2})])
def test_what_a_second_try_mends_leaves_no_trace(muster, kind, skip, how):
    m = muster(size=SIZE, page_size=PAGE)
    m.start_all(**SHORT)
    m.provider.misbehave("qualys", kind, skip=skip, **how)
    m.collect()
    m.check_truth(1)
    assert not m.provider.ask("GET", "/misbehave"), "the provider was never asked for the page"
    assert not m.rejects() and not m.issues()
    assert {link["failures"] for link in m.links().values()} == {0}
    if "retry_after" in how:
        asked = [row for row in m.provider.requests() if row["provider"] == "qualys"]
        at = next(i for i, row in enumerate(asked) if row["status"] == 429)
        assert asked[at + 1]["t"] - asked[at]["t"] >= how["retry_after"] - 0.1, "it came back before it was asked to"


def test_when_asked_to_come_back_much_later_the_link_waits_and_goes_on_where_it_was(muster):
    m = muster(size=SIZE, page_size=PAGE)
    m.start_all()
    m.provider.misbehave("qualys", "429-seconds", skip=SKIP, retry_after=12)
    m.make_due()

    def deferred():
        link = m.links()["qualys/hosts"]
        return None if link.get("last", {}).get("outcome") == "deferred" else m._tell("qualys/hosts", link)
    wait_until(deferred, "the link is deferred")
    link = m.links()["qualys/hosts"]
    assert link["resume"]["page"] == SKIP // PAGE
    assert link["failures"] == 0

    m.wait_closed({name: link["gen"] - (name != "qualys/hosts") for name, link in m.links().items()}, 60)
    m.check_truth(1)
    asked = [row for row in m.provider.requests() if row["provider"] == "qualys"]
    at = next(i for i, row in enumerate(asked) if row["status"] == 429)
    assert asked[at + 1]["skip"] == SKIP, "it did not go on where it was"
    assert asked[at + 1]["t"] - asked[at]["t"] >= 11.9, "it came back before it was asked to"
    m.round(2)
    m.check_truth(2)


# What fails a link

def test_a_provider_that_stays_down_fails_its_link_and_no_other(m):
    m.provider.misbehave("qualys", "500", skip=SKIP, times=20)
    m.collect()
    link = m.links()["qualys/hosts"]
    assert link["failures"] == 1 and link["last"]["outcome"] == "failed", link
    assert "500 Internal Server Error" in m.run("status")
    check_other_provider(m)
    assert len(stored(m, "qualys")) == SKIP, "what came before the failure is stored"
    m.provider.ask("DELETE", "/misbehave")
    check_clean_round(m)


def test_a_login_page_where_json_should_be_fails_the_link_and_is_kept(m):
    m.provider.misbehave("qualys", "html", skip=SKIP)
    m.collect()
    link = m.links()["qualys/hosts"]
    assert link["failures"] == 1 and "HTML" in link["last"]["error"], link
    check_reject(m, "HTML", b"Please log in.")
    check_other_provider(m)
    check_clean_round(m)


@pytest.mark.parametrize("kind, reason", [
    ("broken-json", r"ends|end|cut|line \d+"), ("deep", r"deep|nested|64"), ("not-utf8", r"UTF-8")])
def test_a_page_that_cannot_be_read_is_kept_as_a_reject_and_the_rest_goes_through(m, kind, reason):
    m.provider.misbehave("qualys", kind, skip=SKIP)
    m.collect()
    link = m.links()["qualys/hosts"]
    assert link["failures"] == 1 and link["last"]["outcome"] == "rejected", link
    assert re.search(reason, link["last"]["error"]), link["last"]
    check_reject(m, reason)
    assert len(stored(m, "qualys")) == listed(m, "qualys") - PAGE, "more or less than that page is missing"
    check_other_provider(m)
    check_clean_round(m)


def test_a_page_that_cannot_be_read_takes_nothing_away_that_was_known(m):
    m.collect()
    before = m.revs()
    m.provider.misbehave("qualys", "broken-json", skip=SKIP)
    m.collect()
    assert m.revs() == before, "hosts were written though nothing could be learnt"
    m.provider.misbehave("qualys", "broken-json", skip=SKIP)
    m.collect()
    m.check_truth(1)
    check_clean_round(m)


# What is wrong in a record

def test_a_record_without_its_key_is_a_reject_and_the_rest_goes_through(m):
    key = spoiled_record(m, "qualys")
    m.provider.misbehave("qualys", "no-key", skip=SKIP)
    m.collect()
    check_reject(m, r"record 1\b.*key")
    assert stored(m, "qualys") == all_keys(m) - {key}
    assert m.links()["qualys/hosts"]["last"]["outcome"] == "rejects"
    assert "set aside" in m.links()["qualys/hosts"]["last"]["error"]
    check_other_provider(m)
    check_clean_round(m)


def all_keys(m):
    return {source["key"] for host in m.provider.truth(1) for source in host["sources"] if source["stream"] == "qualys/hosts"}


@pytest.mark.parametrize("provider, field, text", [("qualys", "memory_mb", "lots"), ("crowdstrike", "first_seen_at", "yesterday")])
def test_a_value_that_does_not_take_its_type_is_an_issue_and_the_rest_of_its_record_goes_through(m, provider, field, text):
    key = spoiled_record(m, provider)
    m.provider.misbehave(provider, "bad-value", skip=SKIP)
    m.collect()
    issues = m.issues()
    assert len(issues) == 1, f"one issue was expected: {issues}"
    assert (issues[0]["stream"], issues[0]["key"], issues[0]["field"]) == (f"{provider}/hosts", key, field), issues
    assert text in str(issues[0]), f"the issue does not show the value: {issues[0]}"
    only_that(m, provider, key, {field})
    assert not m.rejects()
    assert m.status()["issues"] == 1
    check_clean_round(m)


def only_that(m, provider, key, fields):
    """The database differs from the truth in these fields of the spoiled record's host, and in nothing else."""
    wrong = m.differences(m.provider.truth(1))
    others = [line for line in wrong if not (f"{provider}/hosts {key}" in line and any(f": {it} " in line for it in fields))]
    if others:
        raise Failure("more than the spoiled record differs:\n" + "\n".join(others[:10]))


def test_a_nul_inside_a_string_is_kept(m):
    key = spoiled_record(m, "qualys")
    m.provider.misbehave("qualys", "nul", skip=SKIP)
    m.collect()
    assert m.host_of("qualys/hosts", key)["os"]["name"] == "before\0after"
    only_that(m, "qualys", key, {"os.name"})
    assert not m.rejects() and not m.issues()
    assert "before" in m.run("explain", "host", "qualys/hosts", key)
    check_clean_round(m)


def test_of_a_key_that_stands_twice_the_last_one_counts(m):
    m.provider.misbehave("qualys", "dup-keys", skip=SKIP)
    m.collect()
    m.check_truth(1)
    assert not m.rejects() and not m.issues()
    check_clean_round(m)


def test_numbers_of_64_bits_are_kept_exactly(m):
    m.collect()
    numbers = [it["instance"] for doc in m.living() for it in doc.get("vulnerabilities", [])]
    assert any(number > 2 ** 53 for number in numbers), "the fleet has no number above 2^53, so this shows nothing"
    m.check_truth(1)


# Messages that are none of ours

@pytest.mark.parametrize("topic, stage", [("tasks", "fetcher"), ("pages", "serializer")])
def test_a_message_that_nobody_can_read_is_set_aside_whole_and_the_rest_goes_on(m, topic, stage):
    value = b'{"this": is no message of ours\n\x00\xff'
    m.send(topic, "a key", value)
    wait_until(lambda: None if m.kept("rejects") else "a reject", "the message is set aside")
    headers, key, kept = m.rejects()[0]
    assert (key, kept) == ("a key", value)
    assert headers["__connect.errors.stage"] == stage
    assert headers["__connect.errors.topic"] == f"{m.name}.{topic}"
    assert (headers["__connect.errors.partition"], headers["__connect.errors.offset"]) == ("0", "0")
    assert headers["__connect.errors.exception.message"]
    check_clean_round(m)
    assert m.kept("rejects") == 1
