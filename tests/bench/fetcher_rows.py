# SPDX-License-Identifier: MIT
"""The fetcher: how fast, beside a bare curl loop and Scrapy, and how big with 1,000 transfers at once."""

import asyncio
import json
import os
import threading

from lab import HERE, ROOT, Installation, bare, wait_until

TASKS = 100_000
SCRAPED = 5000  # a fraction of them: it takes as long
CONNECTIONS = 100  # as in_flight of the stream bench/pages
PAGE_BYTES = 2048
HELD = 1000


def page():
    """A list of hosts of PAGE_BYTES."""
    hosts = [{"device_id": f"{n:032x}", "hostname": f"web-{n}.example.com", "about": ""} for n in range(3)]
    hosts[0]["about"] = "x" * (PAGE_BYTES - len(json.dumps(hosts)))
    return json.dumps(hosts)


NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/json;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    keepalive_requests 100000000;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {folder}/www;
        location /pages/ {{ open_file_cache max=16; try_files /page.json =404; }}
        location / {{ etag off; }}
    }}
}}
"""


class Nginx:
    """One worker. Every address below /pages/ is the same page; other files are read anew each time."""

    def __init__(self, lab):
        self.www = lab.folder / "www"
        self.www.mkdir(exist_ok=True)
        (self.www / "page.json").write_text(page())
        port = lab.free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = lab.folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""  # the folder of a run is its owner's alone
        config.write_text(NGINX.format(folder=lab.folder, port=port, user=user))
        path = f"{os.environ['PATH']}:/usr/sbin"
        self.process = lab.start("nginx", ["nginx", "-e", lab.folder / "nginx-error.log", "-c", config],
                                 {**os.environ, "PATH": path})
        pid = lab.folder / "nginx.pid"
        wait_until(lambda: self.process.check() and pid.exists() and pid.read_text().strip(), "nginx to start")

    def close(self):
        self.process.stop()


class Fetcher:
    """The tasks lie in Kafka before a fetcher starts. Its clock begins when it gets its lane and ends when the broker has
    acknowledged the last page."""

    rows = ("fetch", "fetch-scrapy")

    def __init__(self, lab, wanted):
        self.lab, self.wanted = lab, wanted
        self.tasks = lab.size(TASKS)

    def prepare(self):
        self.nginx = Nginx(self.lab)
        self.run = Installation(self.lab, "fetch", providers="bench", MUSTER_BENCH_BASE_URL=self.nginx.url).init()

    def measure(self, number):
        self.run.feed("tasks", self.tasks, "bench/pages", lane_of(self.run))
        with self.run.awaited("pages", number * self.tasks) as filled, \
             self.run.stage("fetcher", "--log-level=debug") as stage:
            begin = stage.time_of("lane_came", 0)
            rate = self.tasks / (filled.time() - begin)
        url = f"{self.nginx.url}/pages/"
        found = {"fetch": (rate, bare([self.lab.tools / "bare_fetch", url, self.tasks, CONNECTIONS]))}
        if "fetch-scrapy" in self.wanted:
            argv = ["/usr/bin/python3", "-B", HERE / "pages_spider.py", url, self.lab.size(SCRAPED), CONNECTIONS]
            found["fetch-scrapy"] = (rate, bare(argv, {**os.environ, "PYTHONPATH": f"{ROOT}/.local/scrapy/lib"}))
        return found

    def close(self):
        self.nginx.close()


def lane_of(run):
    return run.db.lanes.find_one({"_id": "bench"})["lanes"][0]


class InFlight:
    """A server that sends half of each of 1,000 answers, waits until all 1,000 are under way, and then sends the rest."""

    rows = ("in-flight",)

    def __init__(self, lab, wanted):
        self.lab = lab

    def prepare(self):
        self.server = HoldingServer(page().encode(), HELD)
        self.run = Installation(self.lab, "held", providers="bench", MUSTER_BENCH_BASE_URL=self.server.url).init()

    def measure(self, number):
        self.run.feed("tasks", HELD, "bench/held", lane_of(self.run))
        with self.run.awaited("pages", number * HELD) as filled, \
             self.run.stage("fetcher", f"--window={HELD}") as stage:
            filled.time()
            return {"in-flight": (stage.memory_mb("VmHWM"), None)}

    def close(self):
        self.server.close()


class HoldingServer:
    def __init__(self, body, count):
        self.count, self.held = count, []
        half = len(body) // 2
        self.first = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:half]
        self.rest = body[half:]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=4096), self.loop)
        self.server = listening.result(10)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.first)
                self.held.append(writer)
                if len(self.held) == self.count:
                    held, self.held = self.held, []
                    for one in held:
                        one.write(self.rest)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def close(self):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
