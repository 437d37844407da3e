# SPDX-License-Identifier: MIT
"""The rows of the table, in its order, and who measures them."""

from dataclasses import dataclass

from fetcher_rows import Fetcher, InFlight
from pipeline_rows import Pipeline
from producer_rows import Producer
from serializer_rows import Serializer


@dataclass(frozen=True)
class Row:
    what: str
    other: str  # the other side; empty where there is only a limit
    unit: str
    least_ratio: float = 0  # ours to the other side
    least: float = 0
    most: float = 0

    def is_met(self, ours, ratio):
        """None where nothing is wished."""
        if self.least_ratio:
            return ratio >= self.least_ratio
        if self.least:
            return ours >= self.least
        return ours <= self.most if self.most else None

    @property
    def wish(self):
        if self.least_ratio:
            return f"≥ {self.least_ratio:g}×"
        if self.least:
            return f"≥ {self.least:,.0f}"
        return f"≤ {self.most:g}" if self.most else ""


ROWS = {
    "new": Row("serializer, new hosts", "bare libmongoc inserts", "records/s", least_ratio=0.6),
    "new-connect": Row("serializer, new hosts", "Kafka Connect's sink", "records/s", least_ratio=3),
    "unchanged": Row("serializer, unchanged hosts", "bare consume + yyjson", "records/s", least_ratio=0.15),
    "unchanged-connect": Row("serializer, unchanged hosts", "Kafka Connect's sink", "records/s", least_ratio=20),
    "touched": Row("serializer, unchanged hosts on changed pages", "bare consume + yyjson", "records/s"),
    "new-memory": Row("serializer, memory at most, new hosts", "Kafka Connect", "MB"),
    "fetch": Row("fetcher, pages of 2 kB", "bare curl_multi loop", "pages/s", least_ratio=0.5),
    "fetch-scrapy": Row("fetcher, pages of 2 kB", "Scrapy", "pages/s", least_ratio=20),
    "in-flight": Row("fetcher, memory at most, 1,000 transfers at once", "", "MB", most=64),
    "claim": Row("producer, claim + publish, 10 thousand links", "", "links/s", least=20_000),
    "claim-3m": Row("producer, claim + publish, 3 million links", "", "links/s", least=20_000),
    "claim-two": Row("two producers, claim + publish, 3 million links", "", "links/s"),
    "latency": Row("due link to stored host, idle system, median", "", "ms", most=150),
    "idle": Row("idle memory of a stage, the largest of the three", "", "MB", most=20),
}

SUBJECTS = (Serializer, Fetcher, InFlight, Producer, Pipeline)
