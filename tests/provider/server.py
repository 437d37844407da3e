# SPDX-License-Identifier: MIT
"""A stand-in for the APIs of Qualys and CrowdStrike that knows the truth about what it serves.

It lists a made-up fleet of machines as each provider knows it, changes the fleet from round to
round, misbehaves when asked to, and tells which hosts a collector must end with.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import misbehave
from fleet import PROVIDERS, WHOLE, Fleet
from journal import Journal
from listings import Listings, PastTheEnd

PAGES = re.compile(f"/api/({'|'.join(PROVIDERS)})/hosts/get")
REQUEST_MAX_BYTES = 1 << 20
STALL_S = 300
SLOW_PIECES = 20
PAST_THE_END = b"""<html><body><h1>Internal Server Error</h1>
<p>invalid skip value, skip must be >=0 and < <b>number of hosts</b></p></body></html>
"""
HINT = """endpoints:
  POST   /api/{qualys,crowdstrike}/hosts/get?skip=S&limit=L   a page, with the header "token: TOKEN"
  GET    /round                          POST /round?n=N      which round it is; begin another
  GET    /truth?round=N[&gone_after=2]                        the hosts that are right after it
  POST   /vanish-at?provider=P&after_requests=K&host=I        item I vanishes after K more pages
  POST   /misbehave   {"provider": P, "kind": KIND, "times": 1, "skip": null, "retry_after": 1}
  GET    /misbehave                      DELETE /misbehave    what is still to go wrong; nothing
  GET    /requests?provider=P&since=N    DELETE /requests     the log of page requests
  GET    /stats                          GET /healthz
kinds of misbehaviour:
  """ + " ".join(misbehave.KINDS)


class BadRequest(Exception):
    """What the caller must mend."""


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict
    order: dict | None = None  # to send it badly


def text(status, line):
    return Answer(status, f"{line}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


def as_json(value):
    body = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    return Answer(200, body, {"Content-Type": "application/json"})


class Provider(ThreadingHTTPServer):
    """The server and all that it knows."""
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address, fleet, token="demo-token", page_max=2):
        self.token, self.page_max = token, page_max
        self.listings, self.journal = Listings(fleet), Journal()
        self.orders = misbehave.Orders(PROVIDERS)
        super().__init__(address, Handler)

    def handle_error(self, request, client_address):
        """A client may leave when it likes; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        """The journal has what is worth knowing."""

    def answer(self):
        url = urlsplit(self.path)
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            self.sent = self.read_body()
            pages = PAGES.fullmatch(url.path)
            if pages and self.command == "POST":
                self.answer_page(pages[1])
            elif endpoint := ENDPOINTS.get((self.command, url.path)):
                self.send(endpoint(self))
            elif pages or any(url.path == path for _, path in ENDPOINTS):
                self.send(text(405, "not by this method"))
            else:
                self.send(text(404, HINT))
        except BadRequest as wrong:
            self.send(text(400, wrong))

    do_GET = do_POST = do_DELETE = do_PUT = answer

    # Pages

    def answer_page(self, provider):
        listings, journal = self.server.listings, self.server.journal
        with journal.request(provider):
            number, answer = listings.round, self.page(provider)
            journal.write(provider, answer.status, len(answer.body), round=number,
                          skip=self.number_or_none("skip"), limit=self.number_or_none("limit"),
                          misbehaviour=answer.order and answer.order["kind"])
            self.send(answer)

    def page(self, provider):
        server = self.server
        if self.headers.get("token") != server.token:
            return text(401, "the header token is missing or is not the right one")
        try:
            skip, limit = self.number("skip"), self.number("limit", 1, server.page_max)
            order = server.orders.next(provider, skip, server.listings.has(provider, skip))
            kind = order and order["kind"]
            if kind in misbehave.INSTEAD:
                return Answer(*misbehave.instead(order), order)
            items = server.listings.page(provider, skip, limit, counts=kind in (None, "slow"))
            return Answer(200, misbehave.spoiled(kind, items), {"Content-Type": "application/json"},
                          order)
        except BadRequest as wrong:
            return text(400, wrong)
        except PastTheEnd:
            return Answer(500, PAST_THE_END, {"Content-Type": "text/html; charset=utf-8"})

    # Control

    def healthz(self):
        return text(200, "ok")

    def get_round(self):
        return as_json({"round": self.server.listings.round})

    def post_round(self):
        self.server.listings.start(self.number("n", 1))
        return self.get_round()

    def truth(self):
        number = self.number("round", 1, default=self.server.listings.round)
        gone_after = self.number("gone_after", 1, default=2)
        hosts = self.server.listings.truth(number, gone_after)
        return as_json({"round": number, "hosts": hosts})

    def vanish_at(self):
        provider, host = self.provider(), self.number("host", 0)
        if not self.server.listings.has(provider, host):
            raise BadRequest(f"host: {provider} lists no item {host}")
        key = self.server.listings.vanish(provider, host, self.number("after_requests", 0))
        return as_json({"provider": provider, "key": key})

    def post_misbehave(self):
        try:
            return as_json(self.server.orders.add(json.loads(self.sent)))
        except ValueError as wrong:
            raise BadRequest(str(wrong)) from None

    def get_misbehave(self):
        return as_json(self.server.orders.list())

    def delete_misbehave(self):
        self.server.orders.clear()
        return self.get_misbehave()

    def get_requests(self):
        provider = self.provider() if self.query.get("provider") else None
        return as_json(self.server.journal.read(provider, self.number("since", 0, default=0)))

    def delete_requests(self):
        self.server.journal.clear()
        return as_json([])

    def stats(self):
        return as_json(self.server.journal.stats() | self.server.listings.stats())

    # Reading

    def read_body(self):
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not length.isdecimal() \
                or int(length) > REQUEST_MAX_BYTES:
            self.close_connection = True
            raise BadRequest(f"a Content-Length of at most {REQUEST_MAX_BYTES} is wanted")
        return self.rfile.read(int(length))

    def number(self, name, least=None, most=None, default=None):
        """A number of the query; BadRequest when it is not one, or not between the two."""
        given = self.query.get(name, "")
        if not given and default is not None:
            return default
        if not re.fullmatch(r"-?[0-9]{1,12}", given, re.ASCII):
            raise BadRequest(f"{name}: a number is wanted, not '{given}'")
        if least is not None and int(given) < least:
            raise BadRequest(f"{name}: at least {least} is wanted, not {given}")
        if most is not None and int(given) > most:
            raise BadRequest(f"{name}: at most {most} is wanted, not {given}")
        return int(given)

    def number_or_none(self, name):
        try:
            return self.number(name)
        except BadRequest:
            return None

    def provider(self):
        name = self.query.get("provider")
        if name not in PROVIDERS:
            raise BadRequest(f"provider: one of {', '.join(PROVIDERS)} is wanted, not {name!r}")
        return name

    # Sending

    def send(self, answer):
        how = answer.order["kind"] if answer.order else None
        self.close_connection |= how in ("cut", "stall")
        head, body = self.head(answer), answer.body
        if how in ("cut", "stall"):
            self.wfile.write(head + body[:len(body) // 2])
            if how == "stall":
                self.wait_for_leave()
        elif how == "slow":
            self.wfile.write(head)
            step = len(body) // SLOW_PIECES + 1
            for start in range(0, len(body), step):
                time.sleep(answer.order["seconds"] / SLOW_PIECES)
                self.wfile.write(body[start:start + step])
        else:
            self.wfile.write(head + body)

    def head(self, answer):
        headers = {"Date": self.date_time_string(), **answer.headers,
                   "Content-Length": len(answer.body)}
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
                 *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def wait_for_leave(self):
        self.connection.settimeout(STALL_S)
        while self.connection.recv(4096):
            pass


ENDPOINTS = {
    ("GET", "/healthz"): Handler.healthz,
    ("GET", "/stats"): Handler.stats,
    ("GET", "/round"): Handler.get_round,
    ("POST", "/round"): Handler.post_round,
    ("GET", "/truth"): Handler.truth,
    ("POST", "/vanish-at"): Handler.vanish_at,
    ("GET", "/misbehave"): Handler.get_misbehave,
    ("POST", "/misbehave"): Handler.post_misbehave,
    ("DELETE", "/misbehave"): Handler.delete_misbehave,
    ("GET", "/requests"): Handler.get_requests,
    ("DELETE", "/requests"): Handler.delete_requests,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog=HINT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    option("--port", type=int, default=0, help="port to listen on; 0 = a free one (%(default)s)")
    option("--port-file", metavar="F", help="write the port into this file once it listens")
    option("--token", default="demo-token", help="what the header token must be (%(default)s)")
    option("--page-max", type=int, default=2, metavar="N",
           help="hosts in a page, at most (%(default)s)")
    option("--seed", type=int, default=1, help="another number is another fleet (%(default)s)")
    option("--size", type=int, default=1000, metavar="N",
           help=f"machines; from {WHOLE} on every hard case is there (%(default)s)")
    option("--big-every", type=int, default=0, metavar="N",
           help="every Nth machine has hundreds of packages and findings in Qualys; 0 = none")
    option("--big-bytes", type=int, default=140_000, metavar="N",
           help="about how long such a record is (%(default)s)")
    return parser.parse_args()


def write_whole(path, line):
    """A reader sees all of the file or none of it."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(line)
    os.replace(path + ".new", path)


def main():
    args = arguments()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(0))
    fleet = Fleet(args.seed, args.size, args.big_every, args.big_bytes)
    with Provider((args.host, args.port), fleet, args.token, args.page_max) as provider:
        port = provider.server_address[1]
        if args.port_file:
            write_whole(args.port_file, f"{port}\n")
        print(f"provider: listening on http://{args.host}:{port}", flush=True)
        provider.serve_forever()


if __name__ == "__main__":
    main()
