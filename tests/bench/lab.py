# SPDX-License-Identifier: MIT
"""What the bench works with: real servers, Muster's programs, and the clocks and scales.

Every wait is for a condition. Times come from the programs' own log lines, from the broker or from the database, so that
starting a process is never part of a figure.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pymongo

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LIMIT_SECONDS = 600
NEEDED = ("MUSTER_KAFKA", "MUSTER_MONGO", "MUSTER_RUN", "MUSTER_BUILD")


class Failed(Exception):
    """Nothing can be measured; the text says why."""


def wait_until(condition, what, seconds=60, every=0.02):
    """The first true value of condition()."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds} s for this: {what}")
        time.sleep(every)
    return found


class Process:
    """A program in the background, and what it wrote."""

    def __init__(self, name, argv, env, log):
        self.name, self.log = name, log
        with open(log, "wb") as out:
            self.popen = subprocess.Popen([str(word) for word in argv], env=env, cwd=ROOT, stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=out, start_new_session=True)

    def said(self):
        return self.log.read_text(errors="replace")

    def check(self):
        if self.popen.poll() is not None:
            raise Failed(f"{self.name} ended with {self.popen.returncode}:\n{self.said()[-2000:]}")
        return True

    def memory_mb(self, which="VmRSS"):
        """Resident memory now, or VmHWM: at its highest."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) / 1024

    def stop(self):
        if self.popen.poll() is None:
            os.kill(self.popen.pid, signal.SIGTERM)
        try:
            self.popen.wait(20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Stage(Process):
    """A stage of Muster, which logs in JSON."""

    def events(self, name):
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line["event"] == name]

    def time_of(self, name, nth=-1):
        """When it logged the nth event of that name, unix seconds."""
        found = wait_until(lambda: self.check() and self.events(name), f"{self.name} logs {name}")
        return datetime.fromisoformat(found[nth]["time"].replace("Z", "+00:00")).timestamp()


class Installation:
    """A prefix of topics, a database, and the stages that work on them."""

    def __init__(self, lab, topics, database=None, providers="crowdstrike", **settings):
        self.lab, self.topics, self.database = lab, topics, database or topics
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        self.env |= {"MUSTER_KAFKA": lab.kafka, "MUSTER_MONGO": lab.mongo_uri, "MUSTER_TOPICS": topics,
                     "MUSTER_DATABASE": self.database, "MUSTER_SCHEMAS": str(lab.schemas), "MUSTER_PROVIDERS": providers,
                     "MUSTER_CROWDSTRIKE_BASE_URL": "http://127.0.0.1", "MUSTER_CROWDSTRIKE_TOKEN": "bench",
                     "MUSTER_BENCH_BASE_URL": "http://127.0.0.1", "MUSTER_BENCH_PLAIN_HTTP": "yes",
                     "MUSTER_BENCH_PRIVATE_HOSTS": "127.0.0.1", **settings}

    @property
    def db(self):
        return self.lab.mongo[self.database]

    def init(self):
        run([self.lab.bin / "muster", "init", "--lanes", "4", "--page-partitions", "6"], self.env)
        # New links are due at once; here nothing begins before a row says so.
        self.db.links.update_many({}, {"$set": {"due_at": datetime(9999, 1, 1)}})
        return self

    def feed(self, *words):
        run([self.lab.tools / "feed", *words], self.env)

    @contextmanager
    def stage(self, name, *flags):
        process = Stage(name, [self.lab.bin / f"muster-{name}", "--log-format=json", *flags], self.env, self.lab.new_log(name))
        try:
            yield process
        finally:
            process.stop()

    @contextmanager
    def awaited(self, topic, count):
        """Inside, the topic is filled; .time() then is when it held `count` messages, unix seconds."""
        waiting = Waiting([self.lab.tools / "await", self.lab.kafka, f"{self.topics}.{topic}", count], self.env)
        try:
            yield waiting
        finally:
            waiting.popen.kill()
            waiting.popen.wait()

    def messages(self, topic):
        status = json.loads(run([self.lab.bin / "muster", "status", "--json"], self.env))
        return next(row["messages"] for row in status["topics"] if row["topic"] == topic)

    def drop(self):
        self.lab.mongo.drop_database(self.database)


class Waiting:
    def __init__(self, argv, env):
        self.popen = subprocess.Popen([str(word) for word in argv], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def time(self):
        out, err = self.popen.communicate(timeout=LIMIT_SECONDS)
        if self.popen.returncode:
            raise Failed(err.decode(errors="replace"))
        return int(out) / 1000


def run(argv, env=None):
    """A program to its end; what it printed."""
    argv = [str(word) for word in argv]
    done = subprocess.run(argv, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_SECONDS)
    if done.returncode:
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')[-3000:]}")
    return done.stdout.decode()


def bare(argv, env=None):
    """A bare loop: how many a second."""
    count, seconds = run(argv, env).split()
    return int(count) / float(seconds)


class Lab:
    """The servers that tools/with-servers started, the programs of the bench build, and a folder for all that is made."""

    def __init__(self, quick=False):
        missing = [name for name in NEEDED if name not in os.environ]
        if missing:
            raise Failed(f"{', '.join(missing)} not set: run it by `make bench`")
        self.kafka, self.mongo_uri = os.environ["MUSTER_KAFKA"], os.environ["MUSTER_MONGO"]
        build = Path(os.environ["MUSTER_BUILD"])
        self.bin, self.tools = build / "bin", build / "tests/bench"
        self.folder = Path(os.environ["MUSTER_RUN"]) / "bench"
        self.folder.mkdir()
        self.mongo = pymongo.MongoClient(self.mongo_uri, tz_aware=True)
        self.schemas = self.folder / "schemas"
        shutil.copytree(ROOT / "schemas", self.schemas)
        shutil.copy(HERE / "bench.yaml", self.schemas / "providers")
        self.logs = 0
        self.quick = quick
        self.servers = []

    def size(self, count):
        """How many of something; a twentieth for who only wants to see the bench run."""
        return count // 20 if self.quick else count

    def new_log(self, name):
        self.logs += 1
        return self.folder / f"{self.logs:03d}-{name}.log"

    def start(self, name, argv, env=None):
        process = Process(name, argv, env or dict(os.environ), self.new_log(name))
        self.servers.append(process)
        return process

    def free_port(self):
        return int(run(["/usr/bin/python3", ROOT / "tools/server_probe.py", "ports", "1"]))

    def close(self):
        for process in self.servers:
            process.stop()
        self.mongo.close()
