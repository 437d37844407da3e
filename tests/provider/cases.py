# SPDX-License-Identifier: MIT
"""The cases: what providers say of a machine round by round, and how that is off the truth.

A case is a small function from the round and its cast (one or two machines) to sightings. All that
is hard about the fleet is in here.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Callable

from machines import Cloud
from sightings import FIRST_MODIFIED, both, crowdstrike, qualys, see


def apart(machine, **how):
    """Both know it, but share nothing that identifies: two hosts."""
    return [qualys(machine, ties={machine.label + " by qualys"}, **how),
            crowdstrike(machine, ties={machine.label + " by crowdstrike"}, **how)]


def latest(now, *rounds):
    """The last of these rounds that has come, else the first one of all."""
    return max([1, *(r for r in rounds if r <= now)])


def plain(now, m):
    return both(m)


def qualys_only(now, m):
    return [qualys(m)]


def crowdstrike_only(now, m):
    """Some of them in the clouds that Qualys does not watch."""
    where = m.pick("where", ["azure", "gcp", None])
    cloud = Cloud(where, m.hex_id("account")[:12], m.serial) if where else None
    return [crowdstrike(m, cloud=cloud)]


def shouting(now, m):
    return [qualys(m, quirks={"shouting"}), crowdstrike(m)]


def changed(now, m):
    """Round 3: one of the providers or both learn something new; round 5: both do."""
    if now < 3:
        return both(m)
    if now >= 5:
        return both(m.patched(2), since=5)
    first = m.pick("first to know", ["qualys", "crowdstrike", "qualys and crowdstrike"])
    return [see(provider, m.patched(), since=3) if provider in first else see(provider, m)
            for provider in ("qualys", "crowdstrike")]


def renamed(now, m):
    if now >= 3:
        m = replace(m, hostname=m.other_name)
    return both(m, since=latest(now, 3))


def renamed_late(now, m):
    """CrowdStrike knows the new name two rounds earlier; the cloud holds the two together."""
    new = replace(m, hostname=m.other_name)
    return [qualys(new if now >= 5 else m, since=latest(now, 5)),
            crowdstrike(new if now >= 3 else m, since=latest(now, 3))]


def swapped(now, a, b):
    if now >= 4:
        a, b = trade_places(a, b)
    return both(a, since=latest(now, 4)) + both(b, since=latest(now, 4))


def half_swapped(now, a, b):
    """In round 5 only Qualys has heard: its record of A now meets CrowdStrike's of B."""
    new_a, new_b = trade_places(a, b)
    found = []
    for provider, heard_in in (("qualys", 5), ("crowdstrike", 6)):
        if now >= heard_in:
            found += [see(provider, new_a, since=heard_in, ties={b.label}),
                      see(provider, new_b, since=heard_in, ties={a.label})]
        else:
            found += [see(provider, a), see(provider, b)]
    return found


def trade_places(a, b):
    return (replace(a, hostname=b.hostname, external_ip=b.external_ip),
            replace(b, hostname=a.hostname, external_ip=a.external_ip))


def merged_by_name(now, m):
    if now >= 4:
        return [qualys(m), crowdstrike(m, since=4)]
    before = {m.label + " under another name"}
    return [qualys(m), crowdstrike(m, hostname=m.other_name, ties=before)]


def merged_by_cloud(now, m):
    """Their names never agree; from round 4 on Qualys knows which instance it is."""
    theirs = crowdstrike(m, hostname=m.other_name)
    if now >= 4:
        return [qualys(m, since=4), theirs]
    return [qualys(m, cloud=None, ties={m.label + " outside of the cloud"}), theirs]


def merged_pairs(now, a, b):
    """Two hosts of two sources each: from round 4 on B goes by A's name and address in Qualys."""
    new_b = replace(b, hostname=a.hostname, external_ip=a.external_ip)
    theirs = [*both(a), crowdstrike(b)]
    return [*theirs, qualys(new_b, since=4, ties={a.label, b.label}) if now >= 4 else qualys(b)]


def split(now, m):
    """The agent of CrowdStrike moved to a new instance, with a name and an address of its own."""
    if now < 4:
        return both(m)
    moved = m.cloud._replace(instance_id="i-0" + m.hex_id("moved")[:16])
    new = replace(m, hostname=m.other_name, external_ip=m.other_address, cloud=moved)
    return [qualys(m), crowdstrike(new, since=4, ties={m.label + " moved"})]


def vanished(now, m):
    return both(m) if now < 4 else []


def vanished_from_one(now, m):
    return both(m) if now < 4 else [qualys(m)]


def away_once(now, m):
    return both(m) if now != 4 else []


def away_twice(now, m):
    return both(m) if now not in (4, 5) else []


def new_in_3(now, m):
    return both(m, since=3) if now >= 3 else []


def new_in_5(now, m):
    return both(m, since=5) if now >= 5 else []


def twice(now, m):
    """Two assets in Qualys with the same findings, first found on different days."""
    return [qualys(m), qualys(m, twin=True, quirks={"second look"}), crowdstrike(m)]


def bridged(now, m):
    """A knows the name, C the instance, and only B, which vanishes in round 4, both."""
    name, instance = m.label + " by name", m.label + " by instance"
    ends = [qualys(m, cloud=None, ties={name}),
            crowdstrike(m, hostname="localhost", ties={instance})]
    return ends + [qualys(m, twin=True, ties={name, instance})] * (now < 4)


def private_in_cloud(now, m):
    return [qualys(m), crowdstrike(m, external_ip=m.private_address, hours=30)]


def private_apart(now, m):
    by_qualys, by_crowdstrike = apart(m)
    return [replace(by_qualys, external_ip=m.private_address), by_crowdstrike]


def nameless(now, m):
    return [qualys(m), crowdstrike(m, hostname=None)]


def localhost(now, m):
    """The newer record has the name that is none."""
    return [qualys(m, hostname="localhost", hours=30), crowdstrike(m)]


def localhost_twins(now, a, b):
    """Two machines behind one address, both called localhost in both: four hosts."""
    return [*apart(a, hostname="localhost"),
            *apart(b, hostname="localhost", external_ip=a.external_ip)]


def nobody(now, m):
    return apart(m, hostname=None)


def zero_ids(now, a, b):
    """Two machines that have the same account and instance, both of them zeros."""
    zeros = Cloud("aws", "000000000000", "i-00000000000000000")
    return both(a, cloud=zeros) + both(b, cloud=zeros)


def long_address(now, m):
    return [qualys(m, quirks={"upper v6"}), crowdstrike(m, quirks={"long v6"})]


def same_moment(now, m):
    return both(m, as_of=FIRST_MODIFIED + timedelta(hours=m.roll("moment", 24)))


def undated(now, m):
    """One of the two does not say when its record changed."""
    if m.number % 2:
        return [qualys(m, as_of=None), crowdstrike(m)]
    return [qualys(m), crowdstrike(m, as_of=None)]


def sparse(now, m):
    """Lists are null, missing or empty, strings empty."""
    return both(m, quirks={"sparse"})


@dataclass(frozen=True)
class Case:
    tell: Callable
    per_mille: int  # of the machines; at least one (or one pair) in any fleet of 40 or more
    about: str
    cast: int = 1
    in_cloud: bool | None = None  # None: some are, some are not
    v6: bool = False

    @property
    def name(self):
        return self.tell.__name__


# In the order in which a fleet of fewer than 40 machines takes them.
CASES = [
    Case(qualys_only, 74, "known by Qualys alone"),
    Case(crowdstrike_only, 70, "known by CrowdStrike alone, some in Azure or GCP", in_cloud=False),
    Case(shouting, 49, "upper-case name with a trailing dot in Qualys", in_cloud=False),
    Case(twice, 10, "two assets in Qualys, one machine"),
    Case(private_in_cloud, 10, "private external address in the newer record, joined by the cloud",
         in_cloud=True),
    Case(nameless, 10, "no name in CrowdStrike, joined by the cloud", in_cloud=True),
    Case(localhost, 10, "localhost in the newer record, joined by the cloud", in_cloud=True),
    Case(nobody, 5, "neither name nor cloud: each record is a host of its own", in_cloud=False),
    Case(private_apart, 5, "private external address in Qualys, no cloud: two hosts",
         in_cloud=False),
    Case(localhost_twins, 4, "two machines called localhost behind one address: four hosts",
         cast=2, in_cloud=False),
    Case(zero_ids, 4, "two machines with account and instance of zeros: two hosts",
         cast=2, in_cloud=True),
    Case(bridged, 5, "three records in a chain; the middle one vanishes in round 4", in_cloud=True),
    Case(long_address, 10, "IPv6 in upper case and uncompressed", in_cloud=False, v6=True),
    Case(same_moment, 10, "both records were modified at the same moment"),
    Case(undated, 10, "one of the records is undated"),
    Case(sparse, 20, "lists null, missing or empty; strings empty"),
    Case(changed, 49, "fields change in rounds 3 (in one or both) and 5 (in both)"),
    Case(renamed, 10, "another name in both from round 3 on"),
    Case(renamed_late, 10, "another name in CrowdStrike from round 3, in Qualys from 5 on",
         in_cloud=True),
    Case(swapped, 10, "two machines exchange name and address in round 4", cast=2, in_cloud=False),
    Case(half_swapped, 10, "the same, in Qualys in round 5, in CrowdStrike in 6",
         cast=2, in_cloud=False),
    Case(merged_by_name, 5, "two hosts turn out to be one in round 4, by name and address",
         in_cloud=False),
    Case(merged_by_cloud, 5, "two hosts turn out to be one in round 4, by instance", in_cloud=True),
    Case(merged_pairs, 4, "two hosts of two records each turn out to be one in round 4",
         cast=2, in_cloud=True),
    Case(split, 10, "one host turns out to be two in round 4", in_cloud=True),
    Case(vanished, 10, "not listed from round 4 on"),
    Case(vanished_from_one, 10, "not listed by CrowdStrike from round 4 on"),
    Case(away_once, 5, "not listed in round 4"),
    Case(away_twice, 5, "not listed in rounds 4 and 5"),
    Case(new_in_3, 20, "new in round 3"),
    Case(new_in_5, 10, "new in round 5"),
]
PLAIN = Case(plain, 1000, "known by both, without any trick")
