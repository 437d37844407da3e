# SPDX-License-Identifier: MIT
"""Is the truth true? It is compared with what brute force makes of the raw records.

The records are mapped by the field lists of schemas/providers, read as text, and connected by
trying every pair of rules; neither knows of machines, cases or ties.
"""

import ipaddress
import json
import pathlib
import re
import unittest
from collections import defaultdict
from datetime import datetime, timezone
from functools import lru_cache

import records
import truth
from fleet import LAST_ROUND, PROVIDERS, WHOLE, Fleet

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "providers"
ROUNDS = range(1, LAST_ROUND + 2)
VOLATILE = {"last_seen_at", "checked_in_at", "last_found_at", "free_bytes"}
CLOUDS = {"AWS": "aws", "AWS_EC2": "aws", "AWS_EC2_V2": "aws", "GCP": "gcp", "GOOGLE": "gcp",
          "AZURE": "azure", "AZURE_ARM": "azure"}


def selections(provider):
    """The fields of the provider file: name -> expression."""
    lines = (SCHEMAS / f"{provider}.yaml").read_text(encoding="utf-8").split("    fields:\n")[1]
    return {name: expression.strip("'") for name, expression
            in re.findall(r"^      ([a-z_.]+): (.*)$", lines, re.MULTILINE)}


def select(expression, value):
    """What a subset of jq selects, as a list; absent lists are empty ones."""
    expression = expression.strip()
    if expression.endswith("}"):
        outer, _, parts = expression.rpartition("{")
        pairs = [part.partition(":")[::2] for part in parts.rstrip("}").split(",")]
        bases = select(outer.strip().rstrip("|"), value) if outer.strip() else [value]
        return [{name.strip(): literal_or_first(path or "." + name.strip(), base)
                 for name, path in pairs} for base in bases]
    if "," in expression:
        return [found for part in expression.split(",") for found in select(part, value)]
    for alternative in expression.split("//"):
        found = [value]
        for name, each in re.findall(r"\.(\w+)|(\[\])", alternative):
            found = [it.get(name) for it in found if it] if name else \
                [it for items in found if items for it in elements(items)]
        if found := [it for it in found if it is not None]:
            return found
    return []


def elements(items):
    return items.values() if isinstance(items, dict) else items


def literal_or_first(path, base):
    if path.strip().startswith('"'):
        return path.strip().strip('"')
    return next(iter(select(path, base)), None)


def typed(name, value):
    """A value as the field of that name has it."""
    if isinstance(value, dict) and set(value) <= {"$date", "$numberLong"}:
        value = next(iter(value.values()))
    if isinstance(value, dict):
        parts = {part: typed(part, it) for part, it in value.items() if part not in VOLATILE}
        return truth.present(parts)
    if value in (None, ""):
        return None
    if name in ("hostname", "names"):
        return value.strip().rstrip(".").lower()
    if name in ("external_ip", "internal_ips"):
        return ipaddress.ip_address(value).compressed
    if name == "macs":
        return value.replace("-", ":").lower()
    if name.endswith("_at"):
        moment = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    if name in ("memory_mb", "port", "instance", "size_bytes", "speed_mhz"):
        return int(value)
    if name == "applied":
        return value
    return CLOUDS[value] if name == "cloud.provider" else str(value).strip()


SELECTIONS = {provider: selections(provider) for provider in PROVIDERS}


def mapped(provider, record):
    """The canonical fields of a raw record."""
    fields = {}
    for name, expression in SELECTIONS[provider].items():
        values = [it for it in (typed(name, found) for found in select(expression, record)) if it]
        if values and name not in VOLATILE:
            fields[name] = truth.union([values], ()) if name in truth.UNIONS else values[0]
    return fields


def tuples(fields):
    """The identities of a record."""
    for rule in (("hostname", "external_ip"), ("cloud.account", "cloud.instance_id")):
        values = tuple(fields.get(name) for name in rule)
        if all(values) and not any(never(name, value) for name, value in zip(rule, values)):
            yield rule, values


def never(name, value):
    if name == "external_ip":
        return not ipaddress.ip_address(value).is_global
    return value == "localhost" or not value.strip("0i-")


@lru_cache(maxsize=None)
def collected(fleet, now):
    """All that the providers list in a round: source -> fields."""
    found = {}
    for s in fleet.sightings(min(now, LAST_ROUND)):
        record = json.loads(records.encoded(s, now))
        found[s.provider, str(record["_id"])] = mapped(s.provider, record)
    return found


def brute_force(fleet, now, gone_after):
    """The hosts as sets of sources, from the raw records alone."""
    last = {source: (at, fields) for at in range(1, now + 1)
            for source, fields in collected(fleet, at).items()}
    hosts = {source: {source} for source, (at, _) in last.items() if now - at < gone_after}
    holders = defaultdict(list)
    for source in hosts:
        for identity in tuples(last[source][1]):
            holders[identity].append(source)
    for first, *others in holders.values():
        for other in others:
            joined = hosts[first] | hosts[other]
            hosts.update(dict.fromkeys(joined, joined))
    return {frozenset(sources) for sources in hosts.values()}


def sources_of(host):
    return frozenset((it["stream"].removesuffix("/hosts"), it["key"]) for it in host["sources"])


class TruthAgainstRecords(unittest.TestCase):

    def test_sources_say_what_their_records_say(self):
        for seed in (1, 2):
            fleet = Fleet(seed, 120, big_every=60, big_bytes=20_000)
            for now in (1, 3, 4, 5, 6):
                for s in fleet.sightings(now):
                    said = {name: truth.union([value], ()) if name in truth.UNIONS else value
                            for name, value in truth.fields(s).items()}
                    self.assertEqual(said, collected(fleet, now)[s.provider, s.key])

    def test_hosts_are_those_that_identity_connects(self):
        for seed, size in ((1, WHOLE), (2, WHOLE), (3, 7), (4, 200)):
            fleet = Fleet(seed, size)
            for now in ROUNDS:
                for gone_after in (1, 2, 3):
                    with self.subTest(seed=seed, size=size, now=now, gone_after=gone_after):
                        hosts = truth.expected(fleet, now, gone_after)
                        self.assertEqual({sources_of(host) for host in hosts},
                                         brute_force(fleet, now, gone_after))

    def test_a_change_has_a_newer_date(self):
        fleet = Fleet(1, 300)
        for now in ROUNDS[1:]:
            before = {(s.provider, s.key): s for s in fleet.listing("qualys", now - 1)
                      + fleet.listing("crowdstrike", now - 1)}
            for s in fleet.sightings(min(now, LAST_ROUND)):
                old = before.get((s.provider, s.key), s)
                if truth.fields(s) != truth.fields(old):
                    self.assertGreater(s.as_of, old.as_of)


class TheFleet(unittest.TestCase):

    def page_bytes(self, fleet, now):
        return {provider: [records.encoded(s, now) for s in fleet.listing(provider, now)]
                for provider in PROVIDERS}

    def test_the_same_arguments_make_the_same_fleet(self):
        self.assertEqual(self.page_bytes(Fleet(5, 60), 4), self.page_bytes(Fleet(5, 60), 4))
        self.assertNotEqual(self.page_bytes(Fleet(5, 60), 4), self.page_bytes(Fleet(6, 60), 4))

    def test_rounds_2_and_7_change_not_a_byte(self):
        fleet = Fleet(1, 100)
        self.assertEqual(self.page_bytes(fleet, 1), self.page_bytes(fleet, 2))
        self.assertEqual(self.page_bytes(fleet, 6), self.page_bytes(fleet, 7))

    def test_in_round_3_most_records_differ_only_in_what_is_volatile(self):
        fleet = Fleet(1, 200)
        unchanged = [s for s in fleet.sightings(3) if s in set(fleet.sightings(2))]
        other = [s for s in unchanged if records.encoded(s, 2) != records.encoded(s, 3)]
        self.assertGreater(len(unchanged), 300)
        self.assertGreater(len(other), len(unchanged) // 2)
        self.assertLess(len(other), len(unchanged))

    def test_forty_machines_play_every_case(self):
        for seed in range(5):
            self.assertGreater(min(Fleet(seed, WHOLE).counts().values()), 0)

    def test_any_size_is_kept(self):
        for size in (0, 1, 2, 7, 39, 40, 41, 999):
            self.assertEqual(sum(Fleet(1, size).counts().values()), size)

    def test_most_machines_are_known_by_both(self):
        fleet = Fleet(1, 1000)
        providers = defaultdict(set)
        for s in fleet.sightings(1):
            providers[s.machine.number].add(s.provider)
        known_by_both = sum(len(it) == 2 for it in providers.values())
        self.assertTrue(800 < known_by_both < 900, known_by_both)

    def test_keys_and_addresses_are_unique_and_lists_in_order(self):
        fleet = Fleet(1, 3000)
        machines = [machine for _, cast in fleet.roles for machine in cast]
        for fact in ("external_ip", "internal_ip", "mac", "hostname"):
            self.assertEqual(len({getattr(m, fact) for m in machines}), 3000, fact)
        for provider in PROVIDERS:
            keys = [s.key for s in fleet.listing(provider, 6)]
            self.assertEqual(keys, sorted(set(keys)))

    def test_big_records_are_about_as_big_as_asked_for(self):
        for s in Fleet(1, 40, big_every=1, big_bytes=110_000).listing("qualys", 1):
            if "sparse" not in s.quirks:
                self.assertAlmostEqual(len(records.encoded(s, 1)), 110_000, delta=6_000)


class HardCases(unittest.TestCase):
    """What is expected of each, told once more by example."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1, WHOLE)
        cls.hosts = {(now, gone_after): truth.expected(cls.fleet, now, gone_after)
                     for now in ROUNDS for gone_after in (1, 2)}

    def of(self, case, now, gone_after=2):
        """The hosts of the machines that play a case, as [(letters of the sources, fields)]."""
        cast = next(cast for it, cast in self.fleet.roles if it.name == case)
        letters = {(s.provider, s.key): s.provider[0] + "AB"[cast.index(m)]
                   for at in ROUNDS[:-1] for s in self.fleet.sightings(at)
                   for m in cast if m.number == s.machine.number}
        found = []
        for host in self.hosts[now, gone_after]:
            mine = [letters[source] for source in sources_of(host) if source in letters]
            if mine:
                found.append((" ".join(sorted(mine)), host["fields"]))
        return sorted(found, key=lambda it: it[0])

    def groups(self, case, now, gone_after=2):
        return [letters for letters, _ in self.of(case, now, gone_after)]

    def names(self, case, now):
        return [fields.get("hostname") for _, fields in self.of(case, now)]

    def test_groups_round_by_round(self):
        expected = {
            "twice": {1: ["cA qA qA"]},
            "nameless": {1: ["cA qA"]},
            "nobody": {1: ["cA", "qA"]},
            "private_apart": {1: ["cA", "qA"]},
            "localhost_twins": {1: ["cA", "cB", "qA", "qB"]},
            "zero_ids": {1: ["cA qA", "cB qB"]},
            "long_address": {1: ["cA qA"]},
            "bridged": {3: ["cA qA qA"], 4: ["cA qA qA"], 5: ["cA", "qA"]},
            "swapped": {3: ["cA qA", "cB qB"], 4: ["cA qA", "cB qB"]},
            "half_swapped": {4: ["cA qA", "cB qB"], 5: ["cA qB", "cB qA"], 6: ["cA qA", "cB qB"]},
            "merged_by_name": {3: ["cA", "qA"], 4: ["cA qA"]},
            "merged_by_cloud": {3: ["cA", "qA"], 4: ["cA qA"]},
            "merged_pairs": {3: ["cA qA", "cB qB"], 4: ["cA cB qA qB"]},
            "split": {3: ["cA qA"], 4: ["cA", "qA"]},
            "vanished": {3: ["cA qA"], 4: ["cA qA"], 5: []},
            "vanished_from_one": {4: ["cA qA"], 5: ["qA"]},
            "away_once": {3: ["cA qA"], 4: ["cA qA"], 5: ["cA qA"]},
            "away_twice": {4: ["cA qA"], 5: [], 6: ["cA qA"]},
            "new_in_3": {2: [], 3: ["cA qA"]},
            "new_in_5": {4: [], 5: ["cA qA"]},
        }
        for case, rounds in expected.items():
            for now, groups in rounds.items():
                with self.subTest(case=case, now=now):
                    self.assertEqual(self.groups(case, now), groups)

    def test_gone_after_one_round_if_asked(self):
        self.assertEqual(self.groups("vanished", 4, gone_after=1), [])
        self.assertEqual(self.groups("away_once", 4, gone_after=1), [])
        self.assertEqual(self.groups("bridged", 4, gone_after=1), ["cA", "qA"])

    def test_swapped_hosts_exchange_names_and_keep_their_serial_numbers(self):
        self.assertEqual(self.names("swapped", 4), self.names("swapped", 3)[::-1])
        serials = [[fields["serial"] for _, fields in self.of("swapped", now)] for now in (3, 4)]
        self.assertEqual(*serials)

    def test_a_value_that_never_identifies_loses_though_it_is_newer(self):
        (_, fields), = self.of("localhost", 1)
        self.assertTrue(fields["hostname"].endswith(".ec2.internal"))
        self.assertIn("localhost", fields["names"])
        (_, fields), = self.of("private_in_cloud", 1)
        self.assertTrue(ipaddress.ip_address(fields["external_ip"]).is_global)

    def test_it_stands_where_there_is_no_other(self):
        self.assertEqual(self.names("localhost_twins", 1), ["localhost"] * 4)
        self.assertEqual([fields["cloud.account"] for _, fields in self.of("zero_ids", 1)],
                         ["000000000000"] * 2)

    def test_the_newest_of_two_assets_has_the_findings_and_the_larger_the_memory(self):
        ours = [s for s in self.fleet.sightings(1) if s.provider == "qualys" and s.machine.number
                == next(cast for case, cast in self.fleet.roles if case.name == "twice")[0].number]
        (_, fields), = self.of("twice", 1)
        newest = max(ours, key=lambda s: s.as_of)
        self.assertEqual({it["first_found_at"] for it in fields["vulnerabilities"]},
                         {truth.date(found) for _, _, found in newest.findings})
        self.assertEqual(fields["memory_mb"], max(s.memory_mb for s in ours))
        self.assertEqual(len(fields["agents"]), 3)

    def test_of_two_records_of_one_moment_the_smaller_source_wins(self):
        (_, fields), = self.of("same_moment", 1)
        self.assertNotIn("08/24/2006", fields["bios.version"])  # so it is CrowdStrike's

    def test_the_provider_named_first_wins_though_its_record_is_older(self):
        fleet = Fleet(2, 100)
        said = {(s.provider, s.key): truth.fields(s) for s in fleet.sightings(1)}
        for host in truth.expected(fleet, 1):
            for name, first in (("maker", "crowdstrike"), ("os.name", "qualys")):
                values = {said[source][name] for source in sources_of(host) if source[0] == first}
                self.assertTrue(not values or host["fields"][name] in values)

    def test_dates_have_milliseconds_and_names_are_canonical(self):
        for host in self.hosts[6, 2]:
            fields = host["fields"]
            self.assertRegex(fields["first_seen_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            for name in [*fields.get("names", []), fields.get("hostname", "x")]:
                self.assertRegex(name, r"^[a-z0-9.-]*[a-z0-9]$")


if __name__ == "__main__":
    unittest.main()
