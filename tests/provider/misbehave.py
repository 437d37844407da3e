# SPDX-License-Identifier: MIT
"""Misbehaviour on request: which page request goes wrong next, and how.

Each order stands for a number of requests and is used up by those that it fits; orders are tried
oldest first. A kind either answers in place of a page (429, 500, html), spoils the page's records
or its bytes, or spoils the way it is sent.
"""

import json
import math
import threading
import time
from email.utils import formatdate

INSTEAD = {"429-seconds", "429-date", "500", "html"}
RECORDS = {"no-key", "bad-value", "nul", "not-utf8", "dup-keys", "deep"}
BYTES = {"broken-json"}
SENDING = {"stall", "cut", "slow"}
KINDS = sorted(INSTEAD | RECORDS | BYTES | SENDING)

DEEP = 10_000
KEYS = ("_id", "id", "device_id")


class Orders:
    """What went wrong on purpose, and what is still to."""

    def __init__(self, providers):
        self.providers = providers
        self.lock = threading.Lock()
        self.orders = []

    def add(self, order):
        """Take an order, or say what is wrong with it (ValueError)."""
        known = {"provider", "kind", "times", "skip", "retry_after", "seconds"}
        if not isinstance(order, dict) or not set(order) <= known:
            raise ValueError(f"an object with some of {', '.join(sorted(known))} is wanted")
        order = {"provider": None, "kind": None, "times": 1, "skip": None, "retry_after": 1,
                 "seconds": 2} | order
        if order["provider"] not in self.providers:
            raise ValueError(f"provider is one of {', '.join(self.providers)}")
        if order["kind"] not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        numbers = [order["times"], order["retry_after"], order["seconds"]]
        if not all(type(number) in (int, float) and number >= 0 for number in numbers):
            raise ValueError("times, retry_after and seconds are numbers from 0 up")
        if not (order["skip"] is None or type(order["skip"]) is int):
            raise ValueError("skip is a number or null")
        with self.lock:
            self.orders.append(order)
        return order

    def next(self, provider, skip, has_page):
        """Use up one turn of the first order that fits this request; None = behave."""
        with self.lock:
            for order in self.orders:
                fits = order["provider"] == provider and order["skip"] in (None, skip)
                if fits and order["times"] > 0 and (has_page or order["kind"] in INSTEAD):
                    order["times"] -= 1
                    self.orders = [it for it in self.orders if it["times"] > 0]
                    return order
        return None

    def list(self):
        with self.lock:
            return [dict(order) for order in self.orders]

    def clear(self):
        with self.lock:
            self.orders.clear()


def instead(order):
    """The whole answer in place of a page: status, body, headers."""
    kind = order["kind"]
    if kind == "429-seconds":
        return 429, b"slow down\n", {"Retry-After": math.ceil(order["retry_after"])}
    if kind == "429-date":
        # Dates have whole seconds: the next one, so that nobody is asked to come back too early.
        at = math.ceil(time.time() + order["retry_after"])
        return 429, b"slow down\n", {"Retry-After": formatdate(at, usegmt=True)}
    if kind == "500":
        return 500, b"internal error\n", {"Content-Type": "text/plain"}
    return 200, b"<html><body>Please log in.</body></html>\n", {"Content-Type": "text/html"}


def spoiled(kind, items):
    """The bytes of a page whose first record, or whose end, has been spoiled."""
    if kind in RECORDS:
        items = [spoiled_record(kind, items[0]), *items[1:]]
    body = page(items)
    return body[:len(body) * 2 // 3] if kind in BYTES else body


def page(items):
    return b"[" + b",".join(items) + b"]"


def spoiled_record(kind, body):
    record = json.loads(body)
    system = "os" if "os" in record else "os_version"
    if kind == "no-key":
        record = {name: value for name, value in record.items() if name not in KEYS}
    elif kind == "bad-value":
        record["totalMemory" if "totalMemory" in record else "first_seen"] = \
            "lots" if "totalMemory" in record else "yesterday"
    elif kind == "nul":
        record[system] = "before\0after"
    elif kind == "not-utf8":
        record[system] = "@bad@"
    text = json.dumps(record, separators=(",", ":")).encode()
    if kind == "not-utf8":
        return text.replace(b"@bad@", b"bad \xc3\x28 and \xff")
    if kind == "dup-keys":
        return f'{{"{system}":"the first of two",'.encode() + text[1:]
    if kind == "deep":
        return text[:-1] + b',"nested":' + b"[" * DEEP + b"]" * DEEP + b"}"
    return text
