# SPDX-License-Identifier: MIT
"""The producer: how many links a second it claims in MongoDB and publishes as tasks, among few and among many."""

from contextlib import ExitStack
from datetime import datetime, timezone

from lab import Installation

FEW, MANY = 10_000, 3_000_000
CLAIMED = 100_000  # of the many, in a run
BATCH = 2000  # the producer's own default
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
TEMPLATE = "bench/links?n=0"


class Producer:
    """All links are due and wait for a producer. The clock begins with the first batch that the broker has acknowledged, so
    that the start of the process is not part of it, and ends with the last one."""

    rows = ("claim", "claim-3m", "claim-two")

    def __init__(self, lab, wanted):
        self.lab, self.wanted = lab, wanted
        self.published = {}

    def prepare(self):
        if "claim" in self.wanted:
            self.few = self.installation("few", FEW)
        if self.wanted & {"claim-3m", "claim-two"}:
            self.many = self.installation("many", self.lab.size(MANY))

    def installation(self, name, links):
        run = Installation(self.lab, name, providers="bench").init()
        self.published[name] = 0
        make_links(run.db, links)
        return run

    def measure(self, number):
        found = {}
        if "claim" in self.wanted:
            self.few.db.links.update_many({"stream": "bench/links"}, {"$set": {"due_at": EPOCH}})
            found["claim"] = (self.publish(self.few, FEW), None)
        if "claim-3m" in self.wanted:
            found["claim-3m"] = (self.publish(self.many, self.lab.size(CLAIMED)), None)
        if "claim-two" in self.wanted:
            found["claim-two"] = (self.publish(self.many, self.lab.size(CLAIMED), producers=2), None)
        return found

    def publish(self, run, count, producers=1):
        """Links a second."""
        there = self.published[run.topics]
        with run.awaited("tasks", there + BATCH) as first, run.awaited("tasks", there + count) as last, ExitStack() as stages:
            for _ in range(producers):
                stages.enter_context(run.stage("producer"))
            rate = (count - BATCH) / (last.time() - first.time())
        self.published[run.topics] = run.messages("tasks")  # it has gone on until it was told to stop
        return rate

    def close(self):
        for name in self.published:
            self.lab.mongo.drop_database(name)


def make_links(db, count):
    """Copies of the link that `muster init` made, on the server itself."""
    db.links.delete_many({"_id": {"$ne": TEMPLATE}})
    text = {"$toString": {"$add": [{"$multiply": ["$a", 1000]}, "$b", 1]}}
    db.links.aggregate([
        {"$project": {"link": "$$ROOT", "a": {"$range": [0, count // 1000]}}}, {"$unwind": "$a"},
        {"$addFields": {"b": {"$range": [0, 1000]}}}, {"$unwind": "$b"},
        {"$replaceWith": {"$mergeObjects": ["$link", {
            "_id": {"$concat": ["bench/links?n=", text]}, "params": {"n": text}, "due_at": EPOCH,
            "bucket": {"$toInt": {"$floor": {"$multiply": [{"$rand": {}}, 1024]}}}}]}},
        {"$merge": {"into": "links", "whenMatched": "fail"}}])
    db.links.delete_one({"_id": TEMPLATE})
