# SPDX-License-Identifier: MIT
"""The main job: after each round of the fleet the database holds the truth, and can be made again from the kept pages."""

import json

import pytest

from muster_lib import PROVIDERS, TOKEN, sources_of, wait_until


def test_every_round_equals_the_truth_and_the_kept_pages_give_the_same_hosts_again(muster):
    m = muster(size=60, page_size=8)
    m.start_all()

    m.round(1)
    m.check_truth(1)

    before = m.revs()
    m.round(2)
    m.check_truth(2)
    written = {host for host, rev in m.revs().items() if before.get(host) != rev}
    assert not written, f"round 2 lists what round 1 did, but {len(written)} hosts were written again"
    assert m.revs().keys() == before.keys()

    for number in (3, 4, 5, 6, 7, 8):
        m.round(number)
        m.check_truth(number)
    assert not m.issues(), f"no value of the fleet is wrong, but: {m.issues()[:3]}"
    assert not m.rejects()

    rebuild(m, copies=1)
    rebuild(m, copies=2)


def rebuild(m, copies):
    """Serializers of another database have a group of their own, and read all kept pages into it."""
    fresh = f"{m.name}again{copies}"
    m.run("init", "--database", fresh)
    started = [m.start("serializer", "--database", fresh) for _ in range(copies)]
    wanted = {name: ends_of(link) for name, link in m.links().items()}

    def condition():
        found = {name: ends_of(link) for name, link in ((it["_id"], it) for it in m.mongo[fresh].links.find())}
        return None if found == wanted else f"links to be {wanted}; they are {found}"

    try:
        wait_until(condition, f"{copies} serializers have read all kept pages again")
        for process in started:
            process.stop()
        old, m.env["MUSTER_DATABASE"] = m.env["MUSTER_DATABASE"], fresh
        m.check_truth(8)
        m.env["MUSTER_DATABASE"] = old
        assert m.digest(fresh) == m.digest(), "the rebuilt database has another digest"
    finally:
        m.mongo.drop_database(fresh)


def ends_of(link):
    return link["gen"], link["closed"], *[(link.get(it) or {}).get("gen", 0) for it in ("complete", "before", "swept")]


@pytest.mark.parametrize("host, after", [(1, 3), (40, 3)], ids=["already read", "not yet read"])
def test_a_host_that_vanishes_in_the_middle_of_a_listing(muster, host, after):
    m = muster(size=60, page_size=4)
    m.start_all()
    m.round(1)

    m.provider.begin(2)
    for name in PROVIDERS:
        m.provider.ask("POST", f"/vanish-at?provider={name}&after_requests={after}&host={host}")
    m.collect()
    stats = m.provider.stats()
    assert len(stats["left"]) == 2, f"one host was to vanish from each provider: {stats['left']}"
    assert len(stats["missed"]) == (2 if host == 1 else 0), f"the listing did not shift as meant: {stats['missed']}"
    m.check_truth(2)
    for number in (3, 4, 5):
        m.round(number)
        m.check_truth(number)


def test_a_list_that_became_empty_takes_its_hosts_away_only_after_two_runs(muster):
    """Everything vanishes from one provider: the first whole run without an item proves nothing, the second does."""
    m = muster(size=40, page_size=50)
    m.start_all()
    m.round(1)
    count = m.provider.stats()["listed"]["crowdstrike"]
    m.provider.begin(2)
    for _ in range(count - 1):
        m.provider.ask("POST", "/vanish-at?provider=crowdstrike&after_requests=0&host=0")
    m.collect()
    m.check_truth(2)
    assert sum(1 for doc in m.living() if any(s == "crowdstrike/hosts" for s, _ in sources_of(doc)))
    m.round(3)
    m.check_truth(3)
    assert m.status()["entities"][0]["gone"] > 0, "hosts that only CrowdStrike knew are gone"


def test_what_explain_says_of_a_merged_host_is_what_is_stored(muster):
    m = muster(size=48, page_size=20)
    m.start_all()
    m.round(1)
    host = next(doc for doc in m.living() if len(sources_of(doc)) == 2 and doc.get("hostname"))
    stream, key = sorted(sources_of(host))[0]
    for words in [str(host["_id"])], [stream, key], [key]:
        told = json.loads(m.run("explain", "host", *words, "--json"))
        assert told["id"] == str(host["_id"])
        assert {(s["stream"], s["key"]) for s in told["sources"]} == sources_of(host)
        assert told["fields"]["hostname"]["value"] == host["hostname"]
        assert told["fields"]["os.name"]["value"] == host["os"]["name"]
        assert all(field["from"] for field in told["fields"].values()), "a field is from nobody"
        assert len(told["ties"][0]["sources"]) == 2, f"no rule joins them: {told['ties']}"
    names = [field["value"] for field in told["fields"]["os.name"]["others"]] + [host["os"]["name"]]
    assert len(set(names)) == 2, "the two providers spell the system differently, and explain shows both"
    assert host["os"]["name"] in m.run("explain", "host", key)
    raw = told["sources"][0]["raw_page"]
    assert raw["topic"].endswith("pages") and raw["offset"] >= 0


def test_a_wrong_token_fails_the_links_of_its_provider_only_and_says_so(muster):
    m = muster(size=48, page_size=20, settings={"MUSTER_QUALYS_TOKEN": "another-secret-that-is-wrong"})
    m.start_all()
    m.round(1)
    links = m.links()
    assert links["crowdstrike/hosts"]["last"]["outcome"] == "ok"
    assert links["crowdstrike/hosts"]["failures"] == 0
    assert links["qualys/hosts"]["failures"] == 1
    status = m.run("status")
    for words in ("qualys/hosts", "401", "the token was refused", "MUSTER_QUALYS_TOKEN"):
        assert words in status, f"status does not say {words!r}:\n{status}"
    assert "another-secret" not in status
    streams = {stream for doc in m.living() for stream, _ in sources_of(doc)}
    assert streams == {"crowdstrike/hosts"}


def test_no_secret_stands_in_a_log_a_topic_or_the_database(muster):
    m = muster(size=48, page_size=20)
    m.start_all(fetcher=["--log-level", "debug"], producer=["--log-level", "debug"], serializer=["--log-level", "debug"])
    m.round(1)
    m.stop_all()
    places = {process.name: process.said() for process in m.processes}
    for topic in ("tasks", "pages", "rejects"):
        messages = [(str(headers), key, value) for headers, key, value in m.messages(topic)]
        assert messages or topic == "rejects", f"{topic} is empty"
        places[topic] = str([(headers, key) for headers, key, _ in messages])
        places[topic] += b"".join(value for _, _, value in messages).decode()
    for collection in m.db.list_collection_names():
        places[collection] = str(list(m.db[collection].find()))
    places["status"] = m.run("status") + m.run("links", "list") + m.run("check")
    shown = [name for name, text in places.items() if TOKEN in text]
    assert not shown, f"the token stands in {shown}"


def test_pages_are_kept_byte_for_byte_with_what_is_needed_to_read_them_alone(muster):
    m = muster(size=48, page_size=20)
    m.start_all()
    m.round(1)
    pages = [(headers, value) for headers, key, value in m.messages("pages")
             if headers["muster-stream"] == "qualys/hosts"]
    records = [record for headers, value in pages if value for record in json.loads(value)]
    assert len(records) == m.provider.stats()["listed"]["qualys"]
    for headers, value in pages:
        needed = {"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "muster-link", "muster-gen", "muster-run",
                  "muster-page", "muster-map", "muster-outcome", "muster-sha256"}
        assert needed <= headers.keys(), f"headers are missing: {needed - headers.keys()}"
    assert [headers for headers, _ in pages if headers.get("muster-final") == "true"], "no page is the final one"
