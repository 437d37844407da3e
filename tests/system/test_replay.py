# SPDX-License-Identifier: MIT
"""Kept pages once more: into the same database, into another one, by mended files; and stored sources folded by new rules."""

import json
import os
import shutil
import signal
import subprocess

import pymongo
import pytest

from muster_lib import PROVIDERS, ROOT, wait_until

KERNEL = "os.kernel: .kernel_version"


@pytest.fixture
def files(tmp_path):
    """Versions of the files: files(crowdstrike=(old, new)) gives a folder with that one changed."""
    made = []

    def change(**changes):
        folder = tmp_path / f"schemas{len(made)}"
        shutil.copytree(ROOT / "schemas", folder)
        made.append(folder)
        for name, (old, new) in changes.items():
            kind = "models" if name == "host" else "providers"
            file = folder / kind / f"{name}.yaml"
            text = file.read_text()
            assert text.count(old) == 1, f"{file.name} has {old!r} {text.count(old)} times"
            file.write_text(text.replace(old, new))
        return {"MUSTER_SCHEMAS": str(folder)}

    return change


@pytest.fixture
def other():
    """Names of further databases, dropped at the end."""
    made = []

    def name(m, what):
        made.append(f"{m.name}{what}")
        return made[-1]

    yield name
    with pymongo.MongoClient(os.environ["MUSTER_MONGO"]) as client:
        for database in made:
            client.drop_database(database)


def replay(m, *words, env=None):
    """What a replay says of itself, and of each model's differences."""
    told = [json.loads(line) for line in m.run("replay", *words, "--json", env=env).splitlines()]
    return told[0], told[1:]


def diff(m, database, env=None):
    return json.loads(m.run("diff", "host", database, "--json", env=env))


def nothing_differs(told):
    wrong = {name: count for name, count in told["entities"].items() if count and name not in ("was", "is", "equal")}
    assert not wrong and told["entities"]["is"] == told["entities"]["equal"] > 0, wrong or told["entities"]
    assert not told["fields"] and not told["differences"], told


def line_of(link):
    return link["gen"], link["closed"], *[(link.get(it) or {}).get("gen", 0) for it in ("complete", "before", "swept")]


def lines(m, database=None):
    return {link["_id"]: line_of(link) for link in m.mongo[database or m.env["MUSTER_DATABASE"]].links.find()}


def test_another_database_becomes_equal_goes_on_and_can_be_switched_to(muster, other):
    m = muster(size=60, page_size=8)
    m.start_all()
    for number in (1, 2, 3):
        m.round(number)
    database = other(m, "next")

    told, (compared,) = replay(m, "--into", database)
    nothing_differs(compared)
    assert m.digest(database) == m.digest()
    assert told["pages"] == m.kept("pages") and told["rejects"] == 0 and not told["went_on"]
    assert lines(m, database) == lines(m), "links stand where those of the live database stand"

    m.round(4)
    compared = diff(m, database)
    assert compared["entities"]["equal"] < compared["entities"]["was"], "round 4 is not in the other database yet"
    for stage in ("producer", "serializer"):
        m.running(stage)[0].stop()
    m.db.links.update_one({"_id": "qualys/hosts"}, {"$inc": {"gen": 1}})  # a claim that no page tells of
    told, (compared,) = replay(m, "--into", database)
    nothing_differs(compared)
    assert {name: line[0] for name, line in lines(m, database).items()} == {name: link["gen"] for name, link in m.links().items()}
    assert told["went_on"] and 0 < told["pages"] < m.kept("pages")
    told, _ = replay(m, "--into", database)
    assert told["went_on"] and told["pages"] == 0 and told["entities_written"] == 0

    gens = {name: link["gen"] for name, link in m.links().items()}
    old = m.digest()
    live = m.env["MUSTER_DATABASE"]
    m.env["MUSTER_DATABASE"] = database
    kept = m.kept("pages")
    for stage in ("serializer", "producer"):
        m.start(stage).wait_for("event=started")
    m.check_truth(4)
    m.round(5)
    m.check_truth(5)
    assert all(link["gen"] == gens[name] + 1 for name, link in m.links().items()), "gens go on where they were"
    assert m.digest(live) == old, "the old database changes no more"
    serializer = m.running("serializer")[0]
    serializer.stop()
    assert f"event=stopped pages={m.kept('pages') - kept} " in serializer.said(), "it was to go on where the replay ended"
    m.env["MUSTER_DATABASE"] = live


def test_a_mended_file_changes_exactly_its_field_in_another_database_and_then_in_the_same(muster, files, other):
    broken = files(crowdstrike=(KERNEL, "os.kernel: .kernel_versio"))
    m = muster(size=60, page_size=8, settings=broken)
    m.start_all()
    for number in (1, 2, 3):
        m.round(number)
    with_kernel = "crowdstrike/hosts"
    database = other(m, "mended")
    mended = {"MUSTER_SCHEMAS": str(ROOT / "schemas")}

    _, (compared,) = replay(m, "--into", database, env=mended)
    assert compared["fields"].keys() == {"os.kernel"}, compared["fields"]
    entities = compared["entities"]
    changed = entities["changed"]
    assert changed > 10 and entities["equal"] == entities["was"] - changed and entities["was"] == entities["is"]
    assert compared["fields"]["os.kernel"] == {"entities": changed, "streams": {with_kernel: changed}}
    maps = {name: m.mongo[name].maps.find_one({"_id": with_kernel})["map"] for name in (m.db.name, database)}
    assert maps == {m.db.name: 1, database: 2}, "a file that is tried gets the number that it would get"
    kernels = {str(doc["_id"]): doc["os"]["kernel"] for doc in m.mongo[database].hosts.find({"os.kernel": {"$exists": True}})}
    assert len(kernels) == changed
    names = [each["name"] for each in compared["differences"]]
    assert names == sorted(names) and len(names) == changed
    for each in compared["differences"]:
        assert each["kind"] == "changed" and each["fields"].keys() == {"os.kernel"}
        field = each["fields"]["os.kernel"]
        assert field["was"] is None and field["is"] == kernels[each["is"][0]] and field["streams"] == [with_kernel]
    text = m.run("diff", "host", database, "--limit", "1")
    assert f"changed    {changed}" in text and f"{with_kernel} {changed}" in text and text.count(" -> ") == 1, text

    m.stop_all()
    m.env |= mended
    told = m.run("replay", status=78)
    assert "muster init" in told
    m.run("init")
    assert m.digest() != m.digest(database)
    told, more = replay(m)
    assert not more and told["into"] == m.env["MUSTER_DATABASE"]
    assert m.digest() == m.digest(database)
    nothing_differs(diff(m, database))
    again, _ = replay(m)
    assert again["entities_written"] == 0, "what is there already is not written again"

    before = m.revs()
    m.start_all()
    m.round(3)
    m.check_truth(3)
    assert m.revs() == before, "an ordinary round after the replay writes nothing"


def test_a_database_that_was_lost_comes_back_from_the_pages_with_its_maps(muster, files):
    m = muster(size=40, page_size=8)
    m.start_all()
    m.round(1)
    m.stop_all()
    m.env |= files(crowdstrike=(KERNEL, "os.kernel: .kernel_version // .os_build"))
    m.run("init")
    m.start_all()
    m.round(2)
    m.round(3)
    m.stop_all()
    digest, stood = m.digest(), lines(m)
    m.mongo.drop_database(m.db.name)

    m.run("init")
    replay(m)
    m.hold()
    assert m.digest() == digest
    assert {name: line[0] for name, line in lines(m).items()} == {name: line[0] for name, line in stood.items()}
    assert m.db.maps.find_one({"_id": "crowdstrike/hosts"})["map"] == 2
    m.start_all()
    m.round(3)
    m.check_truth(3)


def test_a_replay_beside_the_stages_disturbs_nothing(muster):
    m = muster(size=60, page_size=2, rate="60/s")
    m.start_all()
    for number in (1, 2):
        m.round(number)
    m.provider.begin(3)
    before = m.make_due()
    seen = m.db.seen.count_documents({})
    wait_until(lambda: None if m.db.seen.count_documents({}) > seen else "marks", "round 3 is under way")
    told, _ = replay(m)
    assert told["rejects"] == 0
    m.wait_closed(before)
    m.check_truth(3)
    assert {link["gen"] for link in m.links().values()} == {3}, "no link had to be read again"


def test_only_what_is_asked_for_is_read(muster, other):
    m = muster(size=40, page_size=8)
    m.start_all()
    m.round(1)
    m.stop_all()
    database = other(m, "part")
    kept = {name: 0 for name in PROVIDERS}
    for headers, _, _ in m.messages("pages"):
        kept[headers["muster-stream"].split("/")[0]] += 1
    told, (compared,) = replay(m, "qualys", "--into", database)
    assert (told["pages"], told["passed_over"], told["rejects"]) == (kept["qualys"], kept["crowdstrike"], 0)
    streams = {s["stream"] for doc in m.mongo[database].hosts.find() for s in doc["sources"]}
    assert streams == {"qualys/hosts"}
    assert compared["entities"]["gone"] > 0 and not compared["entities"]["created"]
    told, (compared,) = replay(m, "crowdstrike/hosts", "--into", database)
    assert (told["pages"], told["passed_over"], told["went_on"]) == (kept["crowdstrike"], kept["qualys"], False)
    nothing_differs(compared)
    assert m.digest(database) == m.digest()

    everything = sum(kept.values())
    assert replay(m, "--since", "1h")[0]["pages"] == everything
    place = m.db.hosts.find_one()["sources"][0]["page"]
    one, _ = replay(m, "--from", f"{place['partition']}:{place['offset']}")
    assert 0 < one["pages"] <= everything, "one partition from that page on"
    again, _ = replay(m, "--from", f"{place['partition']}:{place['offset'] + 1}")
    assert again["pages"] == one["pages"] - 1
    for words, expected in (["--since", "soon"], "how long ago"), (["--from", "99:0"], "partitions 0 to"), \
                           (["--from", "1"], "PARTITION:OFFSET"), (["qualis"], "did you mean qualys"), \
                           (["--since", "1h", "--from", "0:0"], "one of them"):
        assert expected in m.run("replay", *words, status=64)
    assert "there is no database" in m.run("diff", "host", "nowhere", status=66)


def test_a_replay_that_is_stopped_goes_on_where_it_ended(muster, other):
    m = muster(size=650, page_size=1, rate="2000/s")
    m.start_all()
    m.round(1)
    m.stop_all()
    database = other(m, "slow")
    words = [os.path.join(os.environ["MUSTER_BIN"], "muster"), "replay", "--into", database]
    count = m.mongo[database].seen.estimated_document_count
    stopped = []
    for number in (signal.SIGKILL, signal.SIGTERM):
        before = count()
        process = subprocess.Popen(words, env=m.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: None if count() > before else "pages", "a batch is written")
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        stopped.append((process.returncode, said.decode()))
    assert stopped[0][0] == -signal.SIGKILL
    assert stopped[1][0] == 75 and "begins where this one ended" in stopped[1][1], stopped[1]
    told, (compared,) = replay(m, "--into", database)
    assert told["went_on"] and told["pages"] < m.kept("pages")
    nothing_differs(compared)
    assert m.digest(database) == m.digest()


# Refold

RULES = "  cloud_instance: [cloud.account, cloud.instance_id]\n"


def refold(m):
    return json.loads(m.run("refold", "host", "--json"))


@pytest.mark.parametrize("old, new, moves", [
    ("  hostname_ip: [hostname, external_ip]\n" + RULES, RULES, True),
    (RULES, "  instance: [cloud.account, cloud.instance_id]\n  address: [external_ip]\n", True),
    ("hostname: [localhost,", "hostname: [web-1, localhost,", False),
    ("merge: {first: [qualys, crowdstrike]}", "merge: {first: [crowdstrike, qualys]}", False),
], ids=["a rule less", "another rule", "a value more that never identifies", "another order of trust"])
def test_a_refold_gives_what_a_replay_into_an_empty_database_gives(muster, files, other, old, new, moves):
    m = muster(size=48, page_size=8)
    m.start_all()
    for number in (1, 2, 3):
        m.round(number)
    m.stop_all()
    before = m.digest()
    m.env |= files(host=(old, new))
    assert "muster init" in m.run("refold", "host", status=78)
    m.run("init")
    wanted = other(m, "wanted")
    replay(m, "--into", wanted)

    told = refold(m)
    assert m.digest() == m.digest(wanted)
    nothing_differs(diff(m, wanted))
    assert (told["merged_or_split"] > 0) == moves, told
    assert not told["need_replay"], told
    rules = {name.removeprefix("identity.") for name in m.db.hosts.index_information() if name.startswith("identity.")}
    assert rules == {name.removeprefix("identity.") for name in m.mongo[wanted].hosts.index_information() if name.startswith("identity.")}
    if moves:
        assert m.digest() != before
    revs = m.revs()
    assert refold(m)["entities_written"] == 0
    assert m.revs() == revs, "what is as it should be is not written again"

    replay(m)
    assert m.digest() == m.digest(wanted)
    m.start_all()
    m.round(3)
    assert m.digest() == m.digest(wanted)


def test_a_refold_says_what_only_a_replay_can_make_again(muster, files):
    m = muster(size=40, page_size=8)
    m.start_all()
    m.round(1)
    m.stop_all()
    m.env |= files(host=("  serial: {type: string,", "  colour: {type: string, about: New.}\n  serial: {type: string,"))
    m.run("init")
    sources = {stream: sum(s["stream"] == stream for doc in m.living() for s in doc["sources"])
               for stream in ("qualys/hosts", "crowdstrike/hosts")}
    told = refold(m)
    assert told["entities_written"] == 0
    assert {row["stream"]: row["sources"] for row in told["need_replay"]} == sources
    assert "muster replay qualys/hosts makes them again" in m.run("refold", "host")
    replay(m)
    assert not refold(m)["need_replay"]


def test_a_rule_of_the_same_name_by_other_fields_is_refused_before_anything_changes(muster, files):
    m = muster(size=40, page_size=8)
    m.start_all()
    m.round(1)
    m.stop_all()
    indexes = m.db.hosts.index_information()
    m.env |= files(host=("hostname_ip: [hostname, external_ip]", "hostname_ip: [hostname, serial]"))
    told = m.run("init", status=78)
    assert "hostname_ip" in told and "a name of its own" in told
    assert m.db.hosts.index_information() == indexes
