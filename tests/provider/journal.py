# SPDX-License-Identifier: MIT
"""The journal: which page requests came, and what they were answered."""

import threading
import time
from collections import Counter, deque
from contextlib import contextmanager

KEEP = 1_000_000  # entries


class Journal:
    def __init__(self):
        self.lock = threading.Lock()
        self.entries = deque(maxlen=KEEP)
        self.count = 0
        self.open = Counter()
        self.clear()

    def clear(self):
        """Forget what was; the numbering goes on."""
        with self.lock:
            self.entries.clear()
            self.statuses, self.bytes, self.most_open = Counter(), Counter(), Counter()

    @contextmanager
    def request(self, provider):
        """A request is under way."""
        with self.lock:
            self.open[provider] += 1
            self.most_open[provider] = max(self.open[provider], self.most_open[provider])
        try:
            yield
        finally:
            with self.lock:
                self.open[provider] -= 1

    def write(self, provider, status, body_bytes, **more):
        with self.lock:
            self.count += 1
            self.statuses[f"{provider} {status}"] += 1
            self.bytes[provider] += body_bytes
            self.entries.append({"n": self.count, "provider": provider, "status": status, **more,
                                 "t": time.time()})

    def read(self, provider=None, since=0):
        """The entries after number `since`, oldest first."""
        with self.lock:
            return [it for it in self.entries
                    if it["n"] > since and provider in (None, it["provider"])]

    def stats(self):
        with self.lock:
            return {"requests": self.count, "statuses": dict(self.statuses),
                    "bytes": dict(self.bytes), "open": dict(self.open),
                    "most_open": dict(self.most_open)}
