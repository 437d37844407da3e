# SPDX-License-Identifier: MIT
"""The fleet: which items each provider lists in which round, in which order.

round | what happens (cases.py has each case; what is not named stays as it was)
----- | -----------------------------------------------------------------------------------------
  1   | the fleet as it is first seen
  2   | nothing: every page is the same, byte for byte
  3   | most agents check in (volatile fields only, `modified` stays); some hosts change; some get
      | a new name, in both providers or in CrowdStrike only; new hosts
  4   | check-ins; two hosts swap name and address; two hosts turn out to be one (by name, by
      | instance, two records each); one turns out to be two; hosts vanish, from both providers
      | or from one; the record that held two others together vanishes; some hosts are away, for
      | one round or for two
  5   | check-ins; Qualys, but not CrowdStrike, hears of a swap; hosts change again; names that
      | CrowdStrike had reach Qualys; new hosts; those that were away for one round are back
  6   | check-ins; CrowdStrike hears of the swap; those that were away for two rounds are back
  7…  | nothing: as in round 6, byte for byte

Lists are in the order of their keys, so what vanishes moves all that comes later.
"""

import random
from functools import lru_cache

from cases import CASES, PLAIN
from machines import build

PROVIDERS = ("crowdstrike", "qualys")
LAST_ROUND = 6  # in which anything happens
WHOLE = 40  # machines in the smallest fleet that has every case
USUAL_BYTES = 4_200  # of a record of Qualys
EXTRA_BYTES = 222  # by which one package and one finding more make it longer


class Fleet:
    """Machines and the cases that they play. Pure: the same arguments make the same fleet."""

    def __init__(self, seed=1, size=1000, big_every=0, big_bytes=140_000):
        self.seed, self.size = seed, size
        self.big_every, self.extra = big_every, max(0, big_bytes - USUAL_BYTES) // EXTRA_BYTES
        self.roles = list(self._cast())
        # A larger fleet is asked for one round at a time, a small one for many.
        self.sightings = lru_cache(maxsize=8 if size <= 20_000 else 3)(self._sightings)

    def _sightings(self, now):
        return [sighting for case, machines in self.roles for sighting in case.tell(now, *machines)]

    def listing(self, provider, now):
        """All that a provider lists in a round, in its order."""
        return sorted((s for s in self.sightings(min(now, LAST_ROUND)) if s.provider == provider),
                      key=lambda sighting: sighting.key)

    def counts(self):
        """How many machines play each case."""
        counts = {case.name: 0 for case in [PLAIN, *CASES]}
        for case, machines in self.roles:
            counts[case.name] += len(machines)
        return counts

    def _cast(self):
        """Give every machine a role; the numbers, and so the order of the lists, are shuffled."""
        cases = []
        left = self.size
        for case in CASES:
            count = max(1, self.size * case.per_mille // 1000 // case.cast)
            count = min(count, left // case.cast) if self.size >= WHOLE else left >= 2 * case.cast
            cases += [case] * count
            left -= count * case.cast
        cases += [PLAIN] * left
        random.Random(self.seed).shuffle(cases)
        number = 0
        for case in cases:
            yield case, [self._build(case, number + i) for i in range(case.cast)]
            number += case.cast

    def _build(self, case, number):
        in_cloud = number % 10 < 7 if case.in_cloud is None else case.in_cloud
        big = self.big_every and number % self.big_every == 0
        return build(self.seed, number, in_cloud, case.v6, self.extra if big else 0)


def checkins(now):
    """How often the agents have checked in since the first round."""
    return max(0, min(now, LAST_ROUND) - 2)
