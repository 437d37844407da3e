# SPDX-License-Identifier: MIT
"""All three stages at rest: how long until a link that came due is a stored host, and how much memory they hold."""

import json
import random
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from statistics import median

from fetcher_rows import Nginx
from lab import Installation, wait_until

LINK = "bench/news"
SAMPLES = 20
POLL_SECONDS = 0.1  # how often a producer looks when nothing is due


class Pipeline:
    """A link is made due; its answer is one host with a new kernel. The clock begins before the write that makes it due and
    ends when a find sees the new kernel. The stages have done all this when their memory is read."""

    rows = ("latency", "idle")

    def __init__(self, lab, wanted):
        self.lab = lab

    def prepare(self):
        self.nginx = Nginx(self.lab)
        self.chance = random.Random(1)
        self.kernels = 0

    def measure(self, number):
        run = Installation(self.lab, f"idle{number}", providers="bench", MUSTER_BENCH_BASE_URL=self.nginx.url).init()
        with ExitStack() as started:
            stages = [started.enter_context(run.stage(name, "--log-level=debug"))
                      for name in ("serializer", "fetcher", "producer")]
            for stage, event in zip(stages, ("partition_came", "lane_came", "started")):
                stage.time_of(event, 0)
            self.sample(run)  # the first one makes connections
            took = [self.sample(run) for _ in range(SAMPLES)]
            memory = max(stage.memory_mb() for stage in stages)
        run.drop()
        return {"latency": (median(took) * 1000, None), "idle": (memory, None)}

    def sample(self, run):
        self.kernels += 1
        kernel = f"6.1.{self.kernels}"
        fresh = self.nginx.www / "news.new"
        fresh.write_text(json.dumps([{"device_id": "1", "hostname": "web-1.example.com", "kernel_version": kernel}]))
        fresh.rename(self.nginx.www / "news.json")
        # A link comes due at any time between two looks of the producer, and not right behind one.
        time.sleep(self.chance.uniform(0, POLL_SECONDS))
        begin = time.time()
        run.db.links.update_one({"_id": LINK}, {"$set": {"due_at": datetime.now(timezone.utc)}})
        wait_until(lambda: run.db.hosts.find_one({"os.kernel": kernel}, {"_id": 1}), "the host to be stored", 30, 0.001)
        took = time.time() - begin
        # The link is closed behind the host, and that moves its due time.
        wait_until(lambda: run.db.links.find_one({"_id": LINK, "$expr": {"$eq": ["$closed", "$gen"]}}), "the link to be closed", 30)
        return took

    def close(self):
        self.nginx.close()
