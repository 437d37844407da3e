# SPDX-License-Identifier: MIT
"""What the system tests need: Muster's programs, a stand-in provider, and a comparison with its truth.

Every `Muster` has topics and a database of its own, and every wait is for a condition. A condition
is a function that returns None when it holds, else a sentence that says what is still missing.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import pymongo

from host_model import Wrong, fields_of

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("producer", "fetcher", "serializer")
PROVIDERS = ("qualys", "crowdstrike")
TOKEN = "a-token-that-nobody-may-see"
SHOWN = 12  # differences in a failure's message
FAULTS = re.compile(r"ERROR: \w+Sanitizer|runtime error:|Sanitizer:DEADLYSIGNAL|Assertion .* failed")


class Failure(AssertionError):
    """What was found not to be as it must."""


def wait_until(condition, what, seconds=60, every=0.05):
    """Ask again and again; fails with what is missing once the time is over."""
    deadline = time.monotonic() + seconds
    while (missing := condition()) is not None:
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s for this: {what}\nstill missing: {missing}")
        time.sleep(every)


def shorten(lines):
    more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join(lines[:SHOWN] + more)


def ask(address, path, seconds=10):
    """(status, text, content type), whatever the status."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=seconds) as answer:
            return answer.status, answer.read().decode(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as other:
        return other.code, other.read().decode(), other.headers["Content-Type"]


class Process:
    """A program of ours that runs in the background, and all that it said."""

    def __init__(self, name, argv, env, log):
        self.name, self.log, self.argv = name, log, argv
        self.expected_end = False
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(argv, env=env, cwd=ROOT, stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=out, start_new_session=True)

    @property
    def is_running(self):
        return self.popen.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern, seconds=20):
        def condition():
            if re.search(pattern, self.said()):
                return None
            ended = "" if self.is_running else f"; it has ended with {self.popen.returncode}"
            return f"{self.name} said:\n{self.said()[-2000:]}{ended}"
        wait_until(condition, f"{self.name} says /{pattern}/", seconds)

    def ask(self, path, seconds=10):
        """(status, text, content type) of what the stage serves."""
        self.wait_for(r"\blisten=\S+")
        address = re.findall(r"\blisten=(\S+)", self.said())[-1]
        return ask(address, path, seconds)

    def send(self, number):
        if self.is_running:
            os.kill(self.popen.pid, number)

    def wait(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} still runs after {seconds} s; it said:\n"
                          f"{self.said()[-2000:]}") from None

    def stop(self, seconds=15):
        """SIGTERM; it has to end with 0 in time."""
        self.expected_end = True
        self.send(signal.SIGTERM)
        status = self.wait(seconds)
        if status != 0:
            raise Failure(f"{self.name} ended with {status} after SIGTERM:\n{self.said()[-3000:]}")

    def kill(self):
        self.expected_end = True
        self.send(signal.SIGKILL)
        self.popen.wait(10)

    def fault(self):
        """What a sanitizer or an assertion reported, with what follows it."""
        found = FAULTS.search(self.said())
        return f"{self.name}:\n{self.said()[found.start():][:4000]}" if found else None


class Provider:
    """The stand-in provider server: tests/provider/README.md."""

    def __init__(self, folder, **options):
        port_file = folder / "provider.port"
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.process = Process(
            "provider", ["/usr/bin/python3", "-B", "tests/provider/server.py", f"--token={TOKEN}",
                         f"--port-file={port_file}", *words], dict(os.environ), folder / "provider.log")
        self.process.wait_for("listening on", 60)
        self.url = f"http://127.0.0.1:{port_file.read_text().strip()}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=data)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as wrong:
            raise Failure(f"{method} {path}: {wrong.code} {wrong.read()!r}") from None

    def stats(self):
        return self.ask("GET", "/stats")

    def begin(self, number):
        self.ask("POST", f"/round?n={number}")

    def misbehave(self, provider, kind, **how):
        self.ask("POST", "/misbehave", {"provider": provider, "kind": kind, **how})

    def requests(self, since=0):
        return self.ask("GET", f"/requests?since={since}")

    def truth(self, number, gone_after=2):
        return self.ask("GET", f"/truth?round={number}&gone_after={gone_after}")["hosts"]


class Muster:
    """One installation: its settings, its stages, its database."""
    numbers = count(1)

    def __init__(self, folder, *, size=48, page_size=10, rate="500/s", partitions=6, provider=None,
                 settings=None, init=True, **provider_options):
        self.folder = folder
        self.processes = []
        self.stages = defaultdict(list)  # stage -> processes, in the order of their start
        self.name = f"t{os.getpid()}x{next(self.numbers)}"
        self.own_provider = provider is None
        self.provider = provider or Provider(folder, size=size, page_max=max(page_size, 2), seed=1,
                                             **provider_options)
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith("MUSTER_")}
        self.env |= {
            "MUSTER_KAFKA": os.environ["MUSTER_KAFKA"], "MUSTER_MONGO": os.environ["MUSTER_MONGO"],
            "MUSTER_TOPICS": self.name, "MUSTER_DATABASE": self.name,
            "MUSTER_SCHEMAS": str(ROOT / "schemas"), "MUSTER_WAIT": "20s", "MUSTER_LISTEN": "127.0.0.1:0"}
        for name in PROVIDERS:
            self.env |= {f"MUSTER_{name.upper()}_{key}": value for key, value in {
                "BASE_URL": self.provider.url, "TOKEN": TOKEN, "PLAIN_HTTP": "yes",
                "PRIVATE_HOSTS": "127.0.0.1", "RATE": rate, "PAGE_SIZE": str(page_size)}.items()}
        self.env |= settings or {}
        self.mongo = pymongo.MongoClient(os.environ["MUSTER_MONGO"], tz_aware=True)
        if init:
            self.run("init", "--lanes", "4", "--page-partitions", str(partitions))
            self.hold()

    @property
    def db(self):
        return self.mongo[self.env["MUSTER_DATABASE"]]

    # Programs

    def run(self, *words, status=0, program="muster", env=None, seconds=60):
        """Run a program to its end, with this status or one of these; its stdout or, when it was to fail, its stderr."""
        path = os.path.join(os.environ["MUSTER_BIN"], program)
        try:
            done = subprocess.run([path, *words], env={**self.env, **(env or {})}, cwd=ROOT,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{program} {' '.join(words)} still runs after {seconds} s; it said:\n"
                          f"{(late.stderr or b'').decode(errors='replace')[-2000:]}") from None
        out, err = done.stdout.decode(), done.stderr.decode(errors="replace")
        if FAULTS.search(err) or done.returncode not in (status if isinstance(status, tuple) else (status,)):
            raise Failure(f"{program} {' '.join(words)} ended with {done.returncode}, not {status}:"
                          f"\n{err[-4000:]}{out[-1000:]}")
        return out if status == 0 else err

    def start(self, stage, *words, env=None):
        path = os.path.join(os.environ["MUSTER_BIN"], f"muster-{stage}")
        number = len(self.processes)
        process = Process(f"{stage}-{number}", [path, *words], {**self.env, **(env or {})},
                          self.folder / f"{number:02d}-{stage}.log")
        self.processes.append(process)
        self.stages[stage].append(process)
        return process

    def start_all(self, copies=1, **words):
        """One of each stage, or several; words["fetcher"] are its flags. Returns once all are up."""
        started = [self.start(stage, *words.get(stage, ()))
                   for stage in reversed(STAGES) for _ in range(copies)]
        for process in started:
            process.wait_for("event=started")

    def check_running(self):
        for process in self.processes:
            if not process.is_running and not process.expected_end:
                raise Failure(f"{process.name} ended by itself with {process.popen.returncode}")

    def running(self, stage):
        return [process for process in self.stages[stage] if process.is_running]

    def stop_all(self):
        """As an operator would: all at once, each has to end well."""
        living = [process for process in self.processes if process.is_running]
        for process in living:
            process.send(signal.SIGTERM)
        for process in living:
            process.stop()

    def close(self):
        """Ends what still runs; says what went wrong on the way, and is silent otherwise."""
        wrong = [f"{process.name} ended by itself with {process.popen.returncode}:\n"
                 f"{process.said()[-3000:]}" for process in self.processes
                 if not process.is_running and not process.expected_end]
        try:
            self.stop_all()
        except Failure as late:
            wrong.append(str(late))
        for process in self.processes:
            process.kill()
        if self.own_provider:
            self.provider.process.kill()
        wrong += filter(None, (process.fault() for process in self.processes))
        if server_pid("mongo") is None:  # a user's own; ours ends with all that it holds
            self.mongo.drop_database(self.db.name)
        self.mongo.close()
        if wrong:
            raise Failure("\n".join(wrong))

    # Waiting

    def links(self):
        return {link["_id"]: link for link in self.db.links.find()}

    def hold(self):
        """New links are due at once; here nothing begins before the test says so."""
        self.db.links.update_many({}, {"$set": {"due_at": datetime.now(timezone.utc) + timedelta(hours=1)}})

    def make_due(self):
        """All links are due now. Returns their gens before, to wait for greater ones."""
        before = {name: link["gen"] for name, link in self.links().items()}
        self.run("links", "due", "--all")
        return before

    def status(self):
        return json.loads(self.run("status", "--json"))

    def kept(self, topic):
        """Messages in a topic."""
        return next(row["messages"] for row in self.status()["topics"] if row["topic"] == topic)

    def wait_closed(self, before, seconds=60):
        """Each link was claimed since, has been read to its end, and nothing waits in Kafka."""
        def condition():
            self.check_running()
            now = datetime.now(timezone.utc)
            for name, link in self.links().items():
                if not link["closed"] == link["gen"] > before.get(name, 0) or link["due_at"] <= now:
                    return self._tell(name, link)
            waiting = [row for row in self.status()["topics"] if row.get("waiting")]
            return f"{waiting} to be empty" if waiting else None
        try:
            wait_until(condition, "all links closed, nothing waiting", seconds)
        except Failure as late:
            raise Failure(f"{late}\n{self.logs()}") from None

    @staticmethod
    def _tell(name, link):
        return (f"link {name} to be closed: gen {link['gen']}, closed {link['closed']}, run {link['run']}, "
                f"due {link['due_at']}, last {link.get('last')}")

    def logs(self):
        return "\n".join(f"--- {process.name}{'' if process.is_running else ' (ended)'}\n"
                         + "\n".join(process.said().splitlines()[-8:]) for process in self.processes)

    def collect(self, seconds=60):
        """Fetch everything once."""
        self.wait_closed(self.make_due(), seconds)

    def round(self, number, seconds=60):
        """Begin a round of the fleet and collect it."""
        self.provider.begin(number)
        self.collect(seconds)

    # Looking

    def digest(self, database=None):
        env = {"MUSTER_DATABASE": database} if database else {}
        out = self.run("digest", "host", env=env).split()
        if not out or not re.fullmatch("[0-9a-f]{64}", out[0]):
            raise Failure(f"muster digest host said {out}, which does not begin with a SHA-256")
        return out[0]

    def revs(self):
        return {doc["_id"]: doc["rev"] for doc in self.db.hosts.find({}, {"rev": 1})}

    def living(self):
        """The hosts that are: neither redirects nor gone."""
        return self.db.hosts.find({"merged_into": {"$exists": False}, "gone": {"$ne": True}})

    def host_of(self, stream, key):
        found = [doc for doc in self.living() if (stream, key) in sources_of(doc)]
        if len(found) != 1:
            raise Failure(f"{stream} {key} is in {len(found)} hosts, not in one")
        return found[0]

    def differences(self, expected):
        """What the database has otherwise than the truth, as lines."""
        wrong, stored = [], {}
        for doc in self.living():
            try:
                stored[sources_of(doc)] = fields_of(doc)
            except Wrong as what:
                wrong.append(f"host {doc['_id']}: {what}")
                stored[sources_of(doc)] = None
        wanted = {frozenset((s["stream"], s["key"]) for s in host["sources"]): host["fields"]
                  for host in expected}
        wrong += [f"the truth has one host of {tell(sources)}; stored: {self._who_has(sources, stored)}"
                  for sources in wanted if sources not in stored]
        wrong += [f"a host is stored of {tell(sources)}, which the truth does not have"
                  for sources in stored if sources not in wanted]
        for sources in wanted.keys() & stored.keys():
            if stored[sources] is not None:
                wrong += [f"host of {tell(sources)}: {line}"
                          for line in differing(wanted[sources], stored[sources])]
        return wrong + self._dangling_redirects()

    def _dangling_redirects(self):
        ids = {doc["_id"] for doc in self.db.hosts.find({}, {"_id": 1})}
        return [f"redirect {doc['_id']} leads to {doc['merged_into']}, which does not exist"
                for doc in self.db.hosts.find({"merged_into": {"$exists": True}})
                if doc["merged_into"] not in ids]

    @staticmethod
    def _who_has(sources, stored):
        parts = [tell(other) for other in stored if other & sources]
        return " and ".join(parts) or "none of these"

    def check_truth(self, number, gone_after=2):
        wrong = self.differences(self.provider.truth(number, gone_after))
        if wrong:
            raise Failure(f"after round {number} the database differs from the truth in "
                          f"{len(wrong)} places:\n{shorten(wrong)}")

    def issues(self):
        return list(self.db.issues.find())

    def messages(self, topic):
        """All messages of a topic: (headers, key, value)."""
        return [(dict(HEADER.findall(headers + ",")), key, value) for headers, key, value in read_topic(f"{self.name}.{topic}")]

    def send(self, topic, key, value):
        """A message of our own, without headers."""
        kcat("-P", "-t", f"{self.name}.{topic}", "-p", "0", "-k", key, "-D", "\x1e", given=value)

    def rejects(self):
        return self.messages("rejects")


# `%h` of kcat is NAME=VALUE,NAME=VALUE, and a value may have commas.
HEADER = re.compile(r"([\w.-]+)=(.*?),(?=[\w.-]+=|$)", re.DOTALL)


def kcat(*words, given=b""):
    done = subprocess.run(["kcat", "-q", "-b", os.environ["MUSTER_KAFKA"], *words], input=given, capture_output=True, timeout=60)
    if done.returncode:
        raise Failure(f"kcat: {done.stderr.decode(errors='replace')}")
    return done.stdout


def read_topic(topic):
    """Headers, key and value of each message."""
    rest = kcat("-C", "-e", "-o", "beginning", "-t", topic, "-f", "%h\\x1f%k\\x1f%S\\x1f%s")
    while rest:
        headers, key, length, rest = rest.split(b"\x1f", 3)
        size = max(0, int(length))
        yield headers.decode(errors="replace"), key.decode(errors="replace"), rest[:size]
        rest = rest[size:]


def sources_of(doc):
    """The living sources of a host, as (stream, key)."""
    return frozenset((s["stream"], s["key"]) for s in doc.get("sources", []) if not s.get("gone"))


def tell(sources):
    return "{" + ", ".join(sorted(f"{stream} {key}" for stream, key in sources)) + "}"


def differing(wanted, stored):
    for name in sorted(wanted.keys() | stored.keys()):
        if wanted.get(name) == stored.get(name):
            continue
        if isinstance(wanted.get(name), list) and isinstance(stored.get(name), list):
            yield f"{name} lacks {lacks(wanted[name], stored[name])}, has too much {lacks(stored[name], wanted[name])}"
        else:
            yield f"{name} is {stored.get(name)!r}, the truth is {wanted.get(name)!r}"


def lacks(some, others):
    return [item for item in some if item not in others][:5]


def server_pid(name):
    """The process of a server that tools/with-servers started; None when it is a user's own."""
    file = Path(os.environ.get("MUSTER_RUN", "/nowhere")) / f"{name}.pid"
    return int(file.read_text()) if file.exists() else None


if sys.flags.optimize:
    raise SystemExit("run without -O: the tests are assertions")
