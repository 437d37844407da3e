# SPDX-License-Identifier: MIT
"""What was set aside: looked at, read again by a mended file, counted, kept apart. And the pages behind an entity."""

import base64
import json
import os
import shutil
import subprocess

import pytest

from muster_lib import ROOT, TOKEN, Muster, kcat, sources_of, wait_until

SIZE, PAGE = 48, 10
SKIP = 20  # the page that is spoiled begins here: the third one
PAGES = 5  # of one provider
# A file that rejects whole pages, and one that rejects half of what it finds on each and reads the rest, not quite right.
BROKEN = {"pages": {"key: ._id": "key: .idd"},
          "records": {"records: .[]": "records: .[].nothing, .[]", "memory_mb: .totalMemory": "memory_mb: .totalMemoriy"}}


@pytest.fixture
def broken(tmp_path):
    """broken("pages") is a folder of provider files, of which that of qualys is wrong."""
    def make(what):
        folder = tmp_path / f"schemas-{what}"
        shutil.copytree(ROOT / "schemas", folder)
        file = folder / "providers/qualys.yaml"
        text = file.read_text()
        for old, new in BROKEN[what].items():
            assert old in text
            text = text.replace(old, new, 1)
        file.write_text(text)
        return str(folder)
    return make


def installed(muster, folder=None, **words):
    m = muster(size=SIZE, page_size=PAGE, settings={"MUSTER_SCHEMAS": folder} if folder else {}, **words)
    m.start("fetcher").wait_for("event=started")
    m.start("serializer").wait_for("event=started")
    m.start("producer").wait_for("event=started")
    return m


def collect_once(m):
    """Fetch everything once, and nothing by itself afterwards: a link that failed would come due again."""
    m.collect()
    m.stages["producer"][-1].stop()


def listed(m, *words):
    return [json.loads(line) for line in m.run("rejects", "list", "--json", *words).splitlines()]


def standings(m, *words):
    return sorted(it["standing"] for it in listed(m, *words))


def wait_rejects(m, count):
    wait_until(lambda: None if m.kept("rejects") == count else f"{count} rejects, there are {m.kept('rejects')}", "rejects came")


def wait_read(m):
    wait_until(lambda: [row for row in m.status()["topics"] if row.get("waiting")] or None, "all is read")


def restart_serializers(m, count):
    for process in m.running("serializer"):
        process.expected_end = True
        assert process.wait(20) == 78, "a serializer with the old files goes on"
    for _ in range(count):
        m.start("serializer").wait_for("event=started")


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The digest of a run that nothing disturbed."""
    m = Muster(tmp_path_factory.mktemp("clean"), size=SIZE, page_size=PAGE)
    try:
        m.start_all()
        m.collect()
        m.check_truth(1)
        return m.digest()
    finally:
        m.close()


# Read again

@pytest.mark.parametrize("what", BROKEN)
def test_rejects_that_a_mended_file_reads_give_the_digest_of_a_clean_run(muster, broken, clean, what):
    m = installed(muster, broken(what))
    m.start("serializer").wait_for("event=started")
    m.start("serializer").wait_for("event=started")
    collect_once(m)
    assert m.digest() != clean, "the broken file has no effect: this shows nothing"
    assert standings(m) == ["waits"] * PAGES
    pages = m.kept("pages")
    assert "mend the file" in m.run("rejects", "retry", "--all")
    assert m.kept("pages") == pages, "what the same file would reject again was sent all the same"

    m.env["MUSTER_SCHEMAS"] = str(ROOT / "schemas")
    if what == "pages":  # those of the other file are marked: a retry by the same map would change nothing
        assert "run muster init" in m.run("rejects", "retry", listed(m)[0]["id"], status=78)
        assert m.kept("pages") == pages, "a retry went out before muster init numbered the mended file"
    m.run("init")
    restart_serializers(m, 3)
    assert standings(m) == ["open"] * PAGES
    said = m.run("rejects", "retry", "--all", "--dry-run")
    assert said.count("would retry") == PAGES and "by map 2, which map 1 rejected" in said, said
    assert m.kept("pages") == pages, "a dry run has sent something"

    said = m.run("rejects", "retry", "--all")
    assert said.count("retried") == PAGES, said
    wait_read(m)
    assert m.kept("pages") == pages + PAGES
    assert m.digest() == clean
    m.check_truth(1)
    link = m.links()["qualys/hosts"]
    assert (link["last"]["outcome"], link["failures"], link["complete"]["run"]) == ("ok", 0, link["run"]), link
    assert "no rejects" in m.run("rejects")
    assert set(standings(m, "--all")) == {"read"}

    said = m.run("rejects", "retry", "--all")
    assert f"not retried, {PAGES}: read since, by map 2" in said, said
    assert m.kept("pages") == pages + PAGES, "what has been read was sent once more"


def test_retried_twice_before_anybody_reads_it_goes_out_once(muster, broken, clean):
    m = installed(muster, broken("pages"))
    collect_once(m)
    m.env["MUSTER_SCHEMAS"] = str(ROOT / "schemas")
    m.run("init")
    restart_serializers(m, 0)
    pages = m.kept("pages")
    m.run("rejects", "retry", "--all")
    assert standings(m) == ["sent"] * PAGES
    assert f"not retried, {PAGES}: retried, and not read yet" in m.run("rejects", "retry", "--all")
    assert m.kept("pages") == pages + PAGES
    insisting = listed(m)[0]["id"]
    m.run("rejects", "retry", insisting)  # a person may insist: it does no harm
    assert m.kept("pages") == pages + PAGES + 1
    m.start("serializer").wait_for("event=started")
    wait_read(m)
    assert m.digest() == clean
    assert m.kept("rejects") == PAGES, "a page was rejected again"


def test_one_that_a_retry_does_not_mend_is_counted_and_in_the_end_set_aside(muster):
    m = installed(muster)
    m.provider.misbehave("qualys", "broken-json", skip=SKIP)
    collect_once(m)
    for retries in range(3):
        (it,) = listed(m)
        assert (it["standing"], it["retries"]) == ("waits", retries), it
        assert "would retry" not in m.run("rejects", "retry", "--all", "--dry-run")
        assert f"retry {retries + 1}" in m.run("rejects", "retry", it["id"])
        wait_rejects(m, retries + 2)
        wait_read(m)
    (it,) = listed(m)
    assert (it["standing"], it["retries"]) == ("aside", 3), it
    assert "retried 3 times in vain" in m.run("rejects", "retry", "--all")
    wait_read(m)
    assert m.kept("rejects") == 4
    assert standings(m, "--all") == ["aside"] + ["replaced"] * 3
    assert listed(m, "--max-retries", "5")[0]["standing"] == "waits"
    bodies = {value for _, _, value in m.rejects()}
    assert len(bodies) == 1, "a retry has changed the payload"
    keys = {key for _, key, _ in m.rejects()}
    assert len(keys) == 1, "a retry has changed the key"


def test_a_reject_of_before_a_whole_run_is_late_and_left_alone(muster):
    m = installed(muster)
    m.provider.misbehave("qualys", "broken-json", skip=SKIP)
    m.collect()
    (it,) = listed(m)
    m.collect()
    pages, digest = m.kept("pages"), m.digest()
    m.check_truth(1)
    said = m.run("rejects", "retry", it["id"])
    assert "late: the link has been read whole since" in said, said
    assert m.kept("pages") == pages
    assert "no rejects" in m.run("rejects")
    assert m.digest() == digest


def test_a_page_that_comes_again_is_listed_once(muster):
    m = installed(muster)
    m.provider.misbehave("qualys", "broken-json", skip=SKIP)
    collect_once(m)
    wait_rejects(m, 1)
    again = {"MUSTER_DATABASE": f"{m.name}again"}  # whose serializers read all pages from the first on
    m.run("init", env=again)
    m.start("serializer", env=again).wait_for("event=started")
    wait_rejects(m, 2)
    m.mongo.drop_database(again["MUSTER_DATABASE"])
    assert len(listed(m, "--all")) == 1
    assert m.run("rejects").count("qualys/hosts") == 2, "the kind and the one reject, a line each"


def test_a_login_page_is_listed_and_not_retried(muster):
    m = installed(muster)
    m.provider.misbehave("qualys", "html", skip=SKIP)
    collect_once(m)
    (it,) = listed(m)
    assert it["standing"] == "answer", it
    assert "the answer itself was a failure" in m.run("rejects", "retry", it["id"])
    assert m.kept("rejects") == 1


@pytest.mark.parametrize("topic", ["tasks", "pages"])
def test_what_nobody_can_read_is_sent_by_its_id_only_and_comes_back_counted(muster, topic):
    m = installed(muster)
    value = b'{"this": is no message of ours\n\x00\xff'
    m.send(topic, "a key", value)
    wait_rejects(m, 1)
    (it,) = listed(m)
    assert (it["standing"], it["stream"], it["retries"]) == ("waits", "", 0), it
    assert "retried" not in m.run("rejects", "retry", "--all").replace("not retried", "")
    m.run("rejects", "retry", it["id"])
    wait_rejects(m, 2)
    (again,) = listed(m)
    assert (again["retries"], again["retry_of"]) == (1, it["id"]), again
    assert [(key, body) for _, key, body in m.rejects()] == [("a key", value)] * 2
    shown = json.loads(m.run("rejects", "show", again["id"], "--json"))
    assert base64.b64decode(shown["value_base64"]) == value


def old_form(m, key, value, partition, offset):
    """A reject as they were before they kept their message's headers."""
    words = [f"__connect.errors.{name}={value}" for name, value in {
        "topic": f"{m.name}.pages", "partition": partition, "offset": offset, "stage": "serializer",
        "exception.message": "in the words of an older serializer"}.items()]
    kcat("-P", "-t", f"{m.name}.rejects", "-p", "0", "-k", key, "-D", "\x1e", *[it for word in words for it in ("-H", word)],
         given=value)


def test_rejects_without_headers_are_known_by_their_original(muster, broken, clean):
    m = installed(muster, broken("pages"))
    collect_once(m)
    for headers, key, value in m.rejects():
        old_form(m, key, value, headers["__connect.errors.partition"], headers["__connect.errors.offset"])
    old_form(m, key, value, "0", "999999")  # its original is gone
    m.env["MUSTER_SCHEMAS"] = str(ROOT / "schemas")
    m.run("init")
    restart_serializers(m, 1)
    assert standings(m) == ["lost"] + ["open"] * PAGES
    assert {(it["link"], it["reason"]) for it in listed(m)} == {("qualys/hosts", "in the words of an older serializer")}
    assert "the original has been removed by retention" in m.run("rejects", "retry", "--all")
    wait_read(m)
    assert m.digest() == clean


# Looked at

def test_the_list_tells_kinds_first_and_takes_words_to_choose(muster):
    m = installed(muster)
    m.provider.misbehave("qualys", "no-key", skip=SKIP)
    m.provider.misbehave("qualys", "no-key", skip=SKIP + PAGE)
    m.provider.misbehave("crowdstrike", "deep", skip=SKIP)
    collect_once(m)
    lines = m.run("rejects").splitlines()
    assert lines[0].split() == ["rejects", "first", "last", "stage", "stream", "reason"]
    assert lines[1].split()[0] == "2" and "record #: no key at ._id" in lines[1], lines[1]
    assert lines[2].split()[0] == "1" and "crowdstrike/hosts" in lines[2], lines[2]
    assert len(lines) == 3 + 2 + 3, lines
    assert len(listed(m, "--stream", "qualys/hosts")) == 2
    assert len(listed(m, "--reason", "no key")) == 2
    assert len(listed(m, "--since", "1h")) == 3
    assert "and 2 older" in m.run("rejects", "--limit", "1")
    (it,) = listed(m, "--stream", "crowdstrike/hosts")
    assert (it["stage"], it["link"], it["page"], it["map"]) == ("serializer", "crowdstrike/hosts", SKIP // PAGE, 1)
    for words in (["rejects", "shwo"], ["rejects", "show"], ["rejects", "retry"], ["rejects", "show", "41"]):
        m.run(*words, status=64)
    m.run("rejects", "show", "0:4711", status=66)


def test_a_reject_is_shown_whole_or_cut_and_can_do_a_terminal_no_harm(muster, tmp_path):
    m = installed(muster)
    m.provider.misbehave("qualys", "not-utf8", skip=SKIP)
    collect_once(m)
    (headers, key, value), = m.rejects()
    (it,) = listed(m)
    shown = m.run("rejects", "show", it["id"])
    assert "… cut here" in shown and len(shown) < len(value)
    for wanted in (it["reason"], f"{m.name}.pages partition", "muster-url", "ce_time", key, f"payload, {len(value)} bytes"):
        assert wanted in shown, f"{wanted!r} is missing:\n{shown}"
    assert TOKEN not in shown and "__connect" not in shown
    whole = m.run("rejects", "show", it["id"], "--full")
    assert "cut here" not in whole and "bad \\xc3( and \\xff" in whole

    m.run("rejects", "export", "--into", str(tmp_path / "cases"))
    name = it["id"].replace(":", "-")
    assert (tmp_path / f"cases/{name}.body").read_bytes() == value
    assert json.loads((tmp_path / f"cases/{name}.json").read_text())["headers"]["muster-link"] == "qualys/hosts"
    (line,) = m.run("rejects", "export", it["id"]).splitlines()
    assert base64.b64decode(json.loads(line)["value_base64"]) == value


# The pages behind an entity

def raw_bytes(m, *words):
    return subprocess.run([os.path.join(os.environ["MUSTER_BIN"], "muster"), "raw", "host", *words], env=m.env, cwd=ROOT,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def test_raw_prints_the_pages_and_records_behind_an_entity(muster):
    m = installed(muster)
    collect_once(m)
    doc = next(it for it in m.living() if len(it["sources"]) == 2)
    bodies = [value for _, _, value in m.messages("pages")]
    done = raw_bytes(m, str(doc["_id"]), "--source", "1")
    assert done.returncode == 0 and done.stdout in bodies
    said = done.stderr.decode()
    source = doc["sources"][0]
    for wanted in ("[1]", source["stream"], source["key"], f"partition {source['page']['partition']} offset {source['page']['offset']}",
                   "/hosts/get?", "status 200"):
        assert wanted in said, f"{wanted!r} is missing:\n{said}"
    assert TOKEN not in said
    both = raw_bytes(m, str(doc["_id"]))
    assert both.stdout.startswith(done.stdout) and both.stdout[len(done.stdout):] in bodies

    record = json.loads(raw_bytes(m, str(doc["_id"]), "--source", "2", "--record").stdout)
    stream, key = doc["sources"][1]["stream"], doc["sources"][1]["key"]
    assert key in (str(record.get("device_id")), str(record.get("_id"))), f"{stream} {key} is not {record}"
    lines = [json.loads(line) for line in m.run("raw", "host", stream, key, "--json").splitlines()]
    assert [line["source"] for line in lines] == [1, 2] and lines[0]["body"].encode() == done.stdout

    m.run("raw", "host", "nobody-knows-this", status=66)
    m.run("raw", "host", str(doc["_id"]), "--source", "3", status=64)
    m.db.hosts.update_one({"_id": doc["_id"]}, {"$set": {"sources.0.page.offset": 999999}})
    gone = raw_bytes(m, str(doc["_id"]))
    assert gone.returncode == 66 and b"retention has removed it" in gone.stderr and gone.stdout in bodies


def test_raw_prints_a_page_of_several_sources_once(muster):
    m = installed(muster)
    collect_once(m)
    doc = next(it for it in m.living() if len(sources_of(it)) == 2)
    m.db.hosts.update_one({"_id": doc["_id"]}, {"$set": {"sources.1.page": doc["sources"][0]["page"]}})
    done = raw_bytes(m, str(doc["_id"]))
    assert b"the same page as that of [1]" in done.stderr
    assert done.stdout in [value for _, _, value in m.messages("pages")]
