# SPDX-License-Identifier: MIT
"""What the providers list at this moment: the round, and what vanished because a test asked for it.

The one thing that changes as the server runs. Its lock is held for moments only; records are
written down outside of it, once per round.
"""

import threading

import records
import truth
from fleet import PROVIDERS

KEEP_BYTES = 512 << 20  # of written records; then all are forgotten and written again as asked for


class PastTheEnd(Exception):
    """No host at this skip."""


class Listings:
    def __init__(self, fleet):
        self.fleet = fleet
        self.lock = threading.Lock()
        self.leaving = []  # items that will vanish after so many more pages
        self.left = {}  # (provider, key) -> first round that does not list it
        self.missed = set()  # (provider, key, round): moved to a page that had been read already
        self.start(1)

    def start(self, number):
        """Begin a round."""
        with self.lock:
            self.round = number
            self.served = {provider: set() for provider in PROVIDERS}
            self.items = {provider: [s for s in self.fleet.listing(provider, number)
                                     if self.left.get((provider, s.key), number + 1) > number]
                          for provider in PROVIDERS}
            self.written, self.written_bytes = {}, 0

    def has(self, provider, skip):
        return 0 <= skip < len(self.items[provider])

    def page(self, provider, skip, limit, counts=True):
        """The items of a page as bytes; it counts when its reader gets to see them."""
        with self.lock:
            if not self.has(provider, skip):
                raise PastTheEnd
            items, number = self.items[provider][skip:skip + limit], self.round
            if counts:
                self.served[provider].update(item.key for item in items)
                self._count_down(provider)
        return [self._written(item, number) for item in items]

    def _written(self, item, number):
        place = item.provider, item.key, number
        body = self.written.get(place)
        if body is None:
            body = records.encoded(item, number)
            with self.lock:
                if self.written_bytes > KEEP_BYTES:
                    self.written, self.written_bytes = {}, 0
                self.written[place] = body
                self.written_bytes += len(body)
        return body

    def vanish(self, provider, host, after_requests):
        """Let the item that is `host` places from the start vanish after so many more pages."""
        with self.lock:
            key = self.items[provider][host].key
            self.leaving.append({"provider": provider, "key": key, "after": after_requests})
            self._take_away(provider)
        return key

    def _count_down(self, provider):
        for item in self.leaving:
            item["after"] -= item["provider"] == provider
        self._take_away(provider)

    def _take_away(self, provider):
        for going in [it for it in self.leaving if it["provider"] == provider and it["after"] <= 0]:
            self.leaving.remove(going)
            items, served = self.items[provider], self.served[provider]
            at = next((i for i, item in enumerate(items) if item.key == going["key"]), None)
            if at is None:
                continue
            seen = going["key"] in served
            self.left[provider, going["key"]] = self.round + 1 if seen else self.round
            border = 1 + max((i for i, item in enumerate(items) if item.key in served), default=-1)
            if at < border < len(items):
                self.missed.add((provider, items[border].key, self.round))
            self.items[provider] = items[:at] + items[at + 1:]

    def truth(self, number, gone_after):
        with self.lock:
            left, missed = dict(self.left), set(self.missed)

        def unlisted(provider, key, at):
            return at >= left.get((provider, key), at + 1) or (provider, key, at) in missed

        return truth.expected(self.fleet, number, gone_after, unlisted)

    def stats(self):
        with self.lock:
            return {
                "round": self.round,
                "listed": {provider: len(items) for provider, items in self.items.items()},
                "leaving": [dict(it) for it in self.leaving],
                "left": [{"provider": provider, "key": key, "round": since}
                         for (provider, key), since in self.left.items()],
                "missed": [{"provider": provider, "key": key, "round": at}
                           for provider, key, at in sorted(self.missed)],
                "cases": self.fleet.counts(),
            }
