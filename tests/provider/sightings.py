# SPDX-License-Identifier: MIT
"""A sighting: what one provider says of one machine in one round.

`ties` are the expected outcome: sightings that share a tie, directly or through others, are the
same host. They are written down by hand from what a case is about, never worked out from the
records, so they can tell a right answer from a wrong one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from machines import Cloud, Machine

FIRST_MODIFIED = datetime(2024, 3, 1, tzinfo=timezone.utc)
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Sighting:
    """One item of one provider's list, in one round. None means that the provider has no value."""
    provider: str
    key: str
    machine: Machine
    hostname: str | None
    external_ip: str | None
    cloud: Cloud | None
    as_of: datetime | None
    ties: frozenset[str]
    quirks: frozenset[str]  # how it is written down, see records.py

    @property
    def second_look(self):
        """The second asset of a machine was made a day later and counts less memory."""
        return "second look" in self.quirks

    @property
    def agent_id(self):
        if self.provider == "crowdstrike":
            return self.key
        return f"{self.machine.serial[:24]}{int(self.key):012x}"

    @property
    def memory_mb(self):
        return self.machine.memory_mb - 16 * self.second_look

    @property
    def created(self):
        return self.machine.day("created") + timedelta(days=self.second_look)

    @property
    def findings(self):
        return [(fault, number, found + timedelta(days=self.second_look))
                for fault, number, found in self.machine.findings]

    @property
    def first_seen(self):
        fraction = timedelta(milliseconds=self.machine.roll("ms", 1000))
        return self.machine.day("first seen") + fraction


def see(provider, machine, *, since=1, hours=0, ties=None, quirks=(), twin=False, **says):
    """What a provider says of a machine that last changed in round `since`; `says` overrules it."""
    if provider == "qualys":
        key = str((700_000_000 if twin else 305_000_000) + machine.number)
        step = 1000  # its clock shows whole seconds
    else:
        key, step = machine.hex_id("device"), 1
    jitter = machine.roll(f"modified by {key}", DAY_MS) // step * step
    plain = {
        "hostname": machine.hostname,
        "external_ip": machine.external_ip,
        "cloud": machine.cloud,
        "as_of": FIRST_MODIFIED + timedelta(days=since, hours=hours, milliseconds=jitter),
    }
    return Sighting(provider=provider, key=key, machine=machine, quirks=frozenset(quirks),
                    ties=frozenset(ties or {machine.label}), **(plain | says))


def qualys(machine, **how):
    return see("qualys", machine, **how)


def crowdstrike(machine, **how):
    return see("crowdstrike", machine, **how)


def both(machine, **how):
    return [qualys(machine, **how), crowdstrike(machine, **how)]
