# SPDX-License-Identifier: MIT
"""Does the server keep its word? Asked over HTTP, as a collector would."""

import http.client
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from email.utils import parsedate_to_datetime

import truth
from fleet import Fleet
from server import Provider


class ServerTest(unittest.TestCase):
    size, page_max, big = 60, 2, {}

    def setUp(self):
        self.fleet = Fleet(1, self.size, **self.big)
        self.server = Provider(("127.0.0.1", 0), self.fleet, "secret", self.page_max)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.client = http.client.HTTPConnection(*self.server.server_address, timeout=10)

    def tearDown(self):
        self.client.close()
        self.server.shutdown()
        self.server.server_close()

    def ask(self, method, path, body=None, token="secret"):
        self.client.request(method, path, body, {"token": token} if token else {})
        answer = self.client.getresponse()
        return answer.status, answer.headers, answer.read()

    def page(self, skip, limit=2, provider="qualys", **how):
        return self.ask("POST", f"/api/{provider}/hosts/get?skip={skip}&limit={limit}", **how)

    def control(self, method, path, **body):
        status, _, answer = self.ask(method, path, json.dumps(body) if body else None, token=None)
        self.assertEqual(status, 200, answer)
        return json.loads(answer)

    def collect(self, provider="qualys"):
        """The keys of a whole listing."""
        keys = []
        while True:
            status, _, body = self.page(len(keys), provider=provider)
            if status != 200:
                self.assertEqual(status, 500)
                self.assertIn(b">number of hosts", body)
                return keys
            keys += [str(record["_id"]) for record in json.loads(body)]

    def keys(self, provider, now):
        return [s.key for s in self.fleet.listing(provider, now)]


class CommandLine(unittest.TestCase):

    def test_it_says_where_it_listens_and_ends_when_told_to(self):
        for ending in (signal.SIGTERM, signal.SIGINT):
            with tempfile.TemporaryDirectory() as folder:
                port_file = pathlib.Path(folder, "port")
                server = subprocess.Popen(
                    [sys.executable, "-B", pathlib.Path(__file__).with_name("server.py"),
                     "--size", "7", "--port-file", port_file], stdout=subprocess.PIPE, text=True)
                with server:
                    line = server.stdout.readline()
                    self.assertEqual(line, "provider: listening on http://127.0.0.1:"
                                     + port_file.read_text())
                    server.send_signal(ending)
                    self.assertEqual(server.wait(timeout=10), 0)


class Pages(ServerTest):

    def test_a_listing_is_whole_and_in_order_in_every_round(self):
        for now in (1, 4):
            self.control("POST", f"/round?n={now}")
            for provider in ("qualys", "crowdstrike"):
                self.assertEqual(self.collect(provider), self.keys(provider, now))

    def test_the_last_page_may_be_short(self):
        listed = self.control("GET", "/stats")["listed"]["qualys"]
        self.assertEqual(len(json.loads(self.page(listed - 1)[2])), 1)

    def test_bad_requests(self):
        for status, answer in (
                (401, self.page(0, token=None)), (401, self.page(0, token="other")),
                (400, self.page(0, limit=3)), (400, self.page(0, limit=0)),
                (400, self.page("x")), (400, self.page("")), (500, self.page(-1)),
                (400, self.ask("POST", "/api/qualys/hosts/get?skip=0")),
                (405, self.ask("GET", "/api/qualys/hosts/get?skip=0&limit=2")),
                (404, self.ask("POST", "/api/other/hosts/get?skip=0&limit=2")),
                (400, self.ask("POST", "/round?n=0")), (400, self.ask("POST", "/misbehave", "{")),
                (400, self.ask("POST", "/misbehave", '{"provider":"qualys","kind":"odd"}'))):
            self.assertEqual(answer[0], status, answer[2])

    def test_the_log_has_every_page_request(self):
        self.page(0)
        self.page("x", provider="crowdstrike")
        first, second = self.control("GET", "/requests")
        self.assertAlmostEqual(first.pop("t"), time.time(), delta=60)
        self.assertEqual(first, {"n": 1, "provider": "qualys", "skip": 0, "limit": 2, "status": 200,
                                 "round": 1, "misbehaviour": None})
        self.assertEqual((second["status"], second["skip"]), (400, None))
        self.assertEqual(self.control("GET", "/requests?since=1"), [second])
        self.assertEqual(len(self.control("GET", "/requests?provider=qualys")), 1)
        self.control("DELETE", "/requests")
        self.assertEqual(self.control("GET", "/requests"), [])


class BigPages(ServerTest):
    size, page_max, big = 40, 400, {"big_every": 1, "big_bytes": 110_000}

    def test_a_page_has_all_that_page_max_allows(self):
        status, headers, body = self.page(0, limit=400)
        self.assertEqual(status, 200)
        self.assertGreater(int(headers["Content-Length"]), 3_500_000)
        self.assertEqual(len(json.loads(body)), len(self.keys("qualys", 1)))


class Vanishing(ServerTest):

    def test_one_that_vanishes_makes_another_be_missed(self):
        keys = self.keys("qualys", 1)
        gone = self.control("POST", "/vanish-at?provider=qualys&after_requests=3&host=1")["key"]
        self.assertEqual(gone, keys[1])
        self.assertEqual(self.collect(), keys[:6] + keys[7:])
        self.assertEqual(self.collect(), keys[:1] + keys[2:])
        stats = self.control("GET", "/stats")
        self.assertEqual(stats["left"], [{"provider": "qualys", "key": gone, "round": 2}])
        self.assertEqual(stats["missed"], [{"provider": "qualys", "key": keys[6], "round": 1}])

    def test_the_truth_knows_that_it_vanished(self):
        gone = self.control("POST", "/vanish-at?provider=qualys&after_requests=0&host=5")["key"]
        for now, is_known in ((1, False), (2, False)):
            self.assertEqual(self.truth_knows(gone, now), is_known)
        self.control("POST", "/round?n=2")
        later = self.control("POST", "/vanish-at?provider=qualys&after_requests=0&host=7")["key"]
        for now, is_known in ((1, True), (2, True), (3, False)):
            self.assertEqual(self.truth_knows(later, now), is_known)
        self.page(8)
        seen = self.control("POST", "/vanish-at?provider=qualys&after_requests=0&host=9")["key"]
        for now, is_known in ((2, True), (3, True), (4, False)):
            self.assertEqual(self.truth_knows(seen, now), is_known)

    def truth_knows(self, key, now):
        hosts = self.control("GET", f"/truth?round={now}")["hosts"]
        return any({"stream": "qualys/hosts", "key": key} in host["sources"] for host in hosts)

    def test_without_it_the_truth_is_that_of_the_fleet(self):
        self.assertEqual(self.control("GET", "/truth?round=4&gone_after=1"),
                         {"round": 4, "hosts": truth.expected(self.fleet, 4, 1)})


class Misbehaviour(ServerTest):

    def order(self, kind, **more):
        return self.control("POST", "/misbehave", provider="qualys", kind=kind, **more)

    def spoiled(self, kind):
        """The records of a page gone wrong in this way, and of the same page put right."""
        self.order(kind)
        return json.loads(self.page(0)[2], strict=False), json.loads(self.page(0)[2])

    def test_so_many_times_and_then_no_more(self):
        self.order("500", times=2)
        self.assertEqual([self.page(0)[0] for _ in range(3)], [500, 500, 200])
        self.assertEqual(self.control("GET", "/misbehave"), [])

    def test_only_where_it_is_asked_for(self):
        self.order("500", skip=4)
        self.assertEqual(self.page(4, provider="crowdstrike")[0], 200)
        self.assertEqual([self.page(skip)[0] for skip in (0, 2, 4, 4)], [200, 200, 500, 200])

    def test_what_spoils_a_page_waits_for_one(self):
        self.order("broken-json")
        self.assertIn(b">number of hosts", self.page(10_000)[2])
        self.assertEqual(len(self.control("GET", "/misbehave")), 1)
        self.control("DELETE", "/misbehave")
        self.assertEqual(self.control("GET", "/misbehave"), [])

    def test_429_says_when_to_come_back(self):
        self.order("429-seconds", retry_after=3)
        status, headers, _ = self.page(0)
        self.assertEqual((status, headers["Retry-After"]), (429, "3"))
        self.order("429-date", retry_after=3)
        status, headers, _ = self.page(0)
        wait = parsedate_to_datetime(headers["Retry-After"]).timestamp() - time.time()
        self.assertTrue(status == 429 and 2 < wait <= 4, (status, wait))

    def test_html_instead_of_json(self):
        self.order("html")
        status, headers, body = self.page(0)
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html"))
        self.assertTrue(body.startswith(b"<html>"))

    def test_broken_json_has_an_honest_length(self):
        self.order("broken-json")
        status, headers, body = self.page(0)
        self.assertEqual((status, int(headers["Content-Length"])), (200, len(body)))
        self.assertRaises(ValueError, json.loads, body)

    def test_text_that_is_not_utf8(self):
        self.order("not-utf8")
        self.assertRaises(UnicodeDecodeError, self.page(0)[2].decode)

    def test_nested_too_deep(self):
        self.order("deep")
        self.assertIn(b"[" * 10_000 + b"]" * 10_000, self.page(0)[2])

    def test_a_record_without_its_key(self):
        bad, good = self.spoiled("no-key")
        self.assertEqual(good[0].keys() - bad[0].keys(), {"_id", "id"})
        self.assertEqual(bad[1], good[1])

    def test_a_value_that_will_not_take_its_type(self):
        self.assertEqual(self.spoiled("bad-value")[0][0]["totalMemory"], "lots")

    def test_nul_in_a_string(self):
        self.assertEqual(self.spoiled("nul")[0][0]["os"], "before\0after")

    def test_a_key_given_twice(self):
        self.order("dup-keys")
        pairs = json.loads(self.page(0)[2], object_pairs_hook=list)
        self.assertEqual([name for name, _ in pairs[0]].count("os"), 2)

    def test_a_body_cut_short(self):
        self.order("cut")
        self.assertRaises(http.client.IncompleteRead, self.page, 0)

    def test_a_stall_lasts_until_the_client_leaves(self):
        self.order("stall")
        with socket.create_connection(self.server.server_address) as client:
            client.settimeout(0.3)
            client.sendall(b"POST /api/qualys/hosts/get?skip=0&limit=2 HTTP/1.1\r\n"
                           b"token: secret\r\n\r\n")
            self.assertRegex(client.recv(1 << 20), b"^HTTP/1.1 200 OK\r\n")
            self.assertRaises(TimeoutError, lambda: [client.recv(1 << 20) for _ in range(99)])
        deadline = time.monotonic() + 5
        while self.control("GET", "/stats")["open"]["qualys"] and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.control("GET", "/stats")["open"]["qualys"], 0)

    def test_a_slow_page_is_a_good_one(self):
        self.order("slow", seconds=0.2)
        start = time.monotonic()
        body = self.page(0)[2]
        self.assertGreater(time.monotonic() - start, 0.15)
        self.assertEqual(body, self.page(0)[2])


if __name__ == "__main__":
    unittest.main()
