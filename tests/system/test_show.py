# SPDX-License-Identifier: MIT
"""`muster show`: every form has what is stored, filters find what they say, and millions would go through."""

import csv
import io
import json
import os
import re
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from bson import ObjectId

from muster_lib import FAULTS, Failure, differing, sources_of

MANY = 50_000


def entity(number, **fields):
    """A host as the serializer would store it, as far as it is looked at here."""
    now = datetime(2024, 5, 1, tzinfo=timezone.utc)
    sources = fields.pop("sources", ["qualys/hosts"])
    return {"_id": ObjectId(f"{number:024x}"), "rev": ObjectId(), "created_at": now, "changed_at": now,
            "identity": {"item": [{"stream": stream, "key": str(number)} for stream in sources]},
            "sources": [{"link": stream, "stream": stream, "key": str(number), "fields": {}} for stream in sources], **fields}


def show(m, *words, **how):
    return [json.loads(line) for line in m.run("show", "host", *words, "--as", "ndjson", **how).splitlines()]


def names(m, *words):
    return [row.get("hostname") for row in show(m, *words, "--columns", "hostname")]


def test_every_form_shows_the_hosts_that_are_stored(muster):
    m = muster(size=48, page_size=20)
    m.start_all()
    m.round(1)
    m.round(3)
    rows = show(m)
    stored = {str(doc["_id"]): doc for doc in m.living()}
    assert {row["_id"] for row in rows} == stored.keys()
    for row in rows:
        doc = stored[row["_id"]]
        assert {(source["stream"], source["key"]) for source in row["sources"]} == sources_of(doc)
        wrong = list(differing(flat(doc, rows), {name: value for name, value in row.items() if name not in ("_id", "sources")}))
        assert not wrong, f"host {row['_id']}: {wrong}"

    assert json.loads(m.run("show", "host", "--as", "json")) == rows
    assert json.loads(m.run("show", "host", "--json")) == rows
    text = m.run("show", "host", "--as", "csv")
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert text.count("\r\n") == len(lines) + 1
    check_cells(header, lines, rows)
    header, *lines = [[unescape(cell) for cell in line.split("\t")] for line in m.run("show", "host", "--as", "tsv").splitlines()]
    check_cells(header, lines, rows)
    table = m.run("show", "host", "--columns", "hostname,_id").splitlines()
    assert table[0].split() == ["hostname", "_id"] and table[-1] == f"hosts: {len(rows)}"
    assert [line.split()[-1] for line in table[1:-1]] == [row["_id"] for row in rows]

    known = [row["_id"] for row in show(m, "sources.provider=qualys", "sources.provider!=crowdstrike")]
    assert known == sorted(name for name, doc in stored.items() if {stream for stream, _ in sources_of(doc)} == {"qualys/hosts"})
    gone = show(m, "--gone")
    assert {row["_id"] for row in gone} == {str(doc["_id"]) for doc in m.db.hosts.find()} - stored.keys()


def flat(doc, rows):
    """What is stored, under the names of the columns."""
    found = {}
    for name in sorted({name for row in rows for name in row} - {"_id", "sources"}):
        value = doc
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[name] = plain(value)
    return found


def plain(value):
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):  # as the canonical order of texts and numbers has it
        items = [plain(each) for each in value]
        return items if any(isinstance(item, dict) for item in items) else sorted(items)
    return value


def check_cells(header, lines, rows):
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows):
        assert len(line) == len(header)
        assert [cell for cell in line] == [readable(row.get(name)) for name in header]
    assert {name for row in rows for name in row} <= set(header)


def readable(value):
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, list):
        return ", ".join(readable(item) for item in value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {readable(each)}" for key, each in value.items()) + "}"
    return str(value)


def unescape(cell):
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[found[1]], cell)


@pytest.fixture
def small(muster):
    """Five hosts, one that is gone, one that was merged away."""
    m = muster(size=2)
    now = datetime.now(timezone.utc)
    m.db.hosts.insert_many([
        entity(1, hostname="web-1", external_ip="203.0.113.7", os={"name": "Ubuntu 22.04"}, memory_mb=8192, tags=["prod", "web"],
               last_seen_at=now - timedelta(days=1), software=[{"name": "openssl", "version": "3.0"}, {"name": "bash", "version": "5"}]),
        entity(2, hostname="web-2", external_ip="203.0.113.200", os={"name": "Ubuntu 24.04"}, memory_mb=4096, tags=["web"],
               last_seen_at=now - timedelta(days=10), software=[{"name": "openssl", "version": "1.1"}, {"name": "bash", "version": "3.0"}],
               sources=["crowdstrike/hosts", "qualys/hosts"]),
        entity(3, hostname="db-1", external_ip="2001:db8::7", os={"name": "Windows \"Server\", 2022\r\nDatacenter\t*"}, serial="=1+1"),
        entity(4, hostname="db-2", external_ip="2001:db9::7", internal_ips=["10.1.2.3", "192.168.0.1"],
               cloud={"provider": "aws"}, sources=["crowdstrike/hosts"]),
        entity(5, policies=[{"kind": "a", "id": "1", "applied": True}]),
        {**entity(6), "gone": True, "identity": {}},
        {"_id": ObjectId(f"{7:024x}"), "rev": ObjectId(), "merged_into": ObjectId(f"{1:024x}"), "changed_at": now},
    ])
    for number, source in ((6, "qualys/hosts"),):
        m.db.hosts.update_one({"_id": ObjectId(f"{number:024x}")}, {"$set": {"sources.0.gone": True}})
    return m


def test_filters_find_what_they_say(small):
    for words, found in [
        ([], ["web-1", "web-2", "db-1", "db-2", None]),
        (["tags=prod"], ["web-1"]),
        (["tags!=prod"], ["web-2", "db-1", "db-2", None]),
        (["os.name=Ubuntu*"], ["web-1", "web-2"]),
        (["os.name~WINDOWS"], ["db-1"]),
        (["os.name=Windows*Datacenter*"], ["db-1"]),
        (["os.name=*\\*"], ["db-1"]),
        (["os.name!=Ubuntu*", "hostname!="], ["db-1", "db-2"]),
        (["hostname="], [None]),
        (["hostname=WEB-1"], ["web-1"]),
        (["memory_mb>=4096", "memory_mb<8192"], ["web-2"]),
        (["memory_mb>4096"], ["web-1"]),
        (["last_seen_at>-7d"], ["web-1"]),
        (["last_seen_at<-7d"], ["web-2"]),
        (["created_at=2024-05-01", "tags!="], ["web-1", "web-2"]),
        (["external_ip=203.0.113.0/25"], ["web-1"]),
        (["external_ip=2001:db8::/32"], ["db-1"]),
        (["external_ip!=203.0.113.0/24", "hostname!="], ["db-1", "db-2"]),
        (["internal_ips=10.0.0.0/8"], ["db-2"]),
        (["software.name=openssl", "software.version=3.*"], ["web-1"]),
        (["software.name=openssl", "software.version=1.1", "software.name=bash", "software.version=3.0"], ["web-2"]),
        (["software.version!=3.0", "software.name!="], []),
        (["cloud.provider=AWS_EC2"], ["db-2"]),
        (["policies.applied=yes"], [None]),
        (["sources.provider=crowdstrike"], ["web-2", "db-2"]),
        (["sources.provider=crowdstrike", "sources.provider!=qualys"], ["db-2"]),
        (["sources.stream=qualys/hosts", "sources.key=3"], ["db-1"]),
        ([f"_id={5:024x}"], [None]),
        (["--sort", "-hostname", "hostname!="], ["web-2", "web-1", "db-2", "db-1"]),
        (["--sort", "-memory_mb,hostname", "--limit", "3"], ["web-1", "web-2", None]),
        (["--limit", "1", "external_ip=2001:db9::/32"], ["db-2"]),
    ]:
        assert names(small, *words) == found, words
    gone = show(small, "--gone")
    assert [row["_id"] for row in gone] == [f"{6:024x}", f"{7:024x}"]
    assert gone[0]["sources"][0]["key"] == "6" and gone[1]["merged_into"] == f"{1:024x}"
    assert len(show(small, "--gone", "sources.key=6")) == 1


def test_forms_keep_odd_texts(small):
    odd = small.db.hosts.find_one({"hostname": "db-1"})["os"]["name"]
    words = ["hostname=db-1", "--columns", "os.name,serial"]
    assert show(small, *words) == [{"os.name": odd, "serial": "=1+1"}]
    assert list(csv.reader(io.StringIO(small.run("show", "host", *words, "--as", "csv"), newline=""), strict=True))[1] == [odd, "=1+1"]
    cells = small.run("show", "host", *words, "--as", "tsv").splitlines()[1].split("\t")
    assert [unescape(cell) for cell in cells] == [odd, "=1+1"]
    table = small.run("show", "host", *words)
    assert "\r" not in table and len(table.splitlines()) == 3, "a line break of a provider breaks the table"


def test_a_table_tells_of_more_and_fits_a_terminal(small):
    assert small.run("show", "host", "--limit", "2").splitlines()[-1] == "hosts: 2, and there are more"
    assert small.run("show", "host", "--limit", "5").splitlines()[-1] == "hosts: 5"
    assert small.run("show", "host", "hostname=none-such").splitlines() == ["hosts: 0"]
    narrow = small.run("show", "host", env={"COLUMNS": "40"}).splitlines()
    assert max(len(line) for line in narrow) <= 40 and narrow[0].split() == ["hostname", "external_ip"]
    wide = small.run("show", "host", env={"COLUMNS": "200"}).splitlines()[0].split()
    assert wide == ["hostname", "external_ip", "os.name", "serial", "cloud.provider", "memory_mb", "last_seen_at"], wide


def test_mistakes_are_told_before_anything_is_read(small):
    for words, says in [(["hostnam=x"], "did you mean hostname?"), (["--columns", "kernel"], "did you mean os.kernel?"),
                        (["--sort", "tags"], "may have several values"), (["--as", "xml"], "table|json|ndjson|csv|tsv"),
                        (["--as", "csv", "--json"], "only one form"), (["sources.provider=qualis"], "did you mean qualys?")]:
        assert says in small.run("show", "host", *words, status=64), words


def test_many_go_through_in_constant_memory_and_a_closed_pipe_is_no_failure(muster):
    m = muster(size=2)
    text = "x" * 400
    for begin in range(0, MANY, 10_000):
        m.db.hosts.insert_many([entity(n, hostname=f"host-{n:05}", tags=[f"tag-{n % 7}", text], os={"name": text})
                                for n in range(begin, begin + 10_000)])
    for form in ("json", "csv", "table"):
        few, many = peak(m, form, 5_000), peak(m, form, MANY)
        # All of them have 40 MB of text; what MongoDB sends at once is the same for both.
        assert many - few < 8_000, f"--as {form}: {few} kB for 5,000 hosts, {many} kB for {MANY:,}"
    assert len(show(m, "--columns", "_id", "--sort", "-os.name,-hostname")) == MANY
    for before in ("", 'trap "" PIPE; '):
        done = subprocess.run(["bash", "-c", f'{before}"$0" show host --as csv | head -n 1; exit ${{PIPESTATUS[0]}}', binary()],
                              env=m.env, cwd="/", capture_output=True, timeout=60, check=False)
        assert done.returncode == (0 if before else 141) and not done.stderr, (before, done)
        assert done.stdout.startswith(b"_id,hostname,")
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), "show", "host"], env=m.env, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 74 and b"No space left" in done.stderr, done


def binary():
    return os.path.abspath(os.path.join(os.environ["MUSTER_BIN"], "muster"))


def peak(m, form, count):
    """The greatest memory of a `muster show`, in kB, when nearly all was read; it waits then, as the pipe is full."""
    env = {**m.env, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}  # freed memory comes back
    process = subprocess.Popen([binary(), "show", "host", "--as", form, "--limit", str(count)], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    with process:
        lines = 0
        for _ in process.stdout:
            lines += 1
            if lines == count - 2_000:
                status = open(f"/proc/{process.pid}/status", encoding="ascii").read()
                found = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
        said = process.stderr.read()
    if process.returncode or FAULTS.search(said) or lines < count:
        raise Failure(f"show --as {form} ended with {process.returncode} after {lines} lines: {said[-2000:]}")
    return found
