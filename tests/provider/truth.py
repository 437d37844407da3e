# SPDX-License-Identifier: MIT
"""The truth: the hosts that must be known after a round has been collected.

It is worked out from the machines and the cases, never from the records and never by the code
under test: what a source says comes from the machine's facts, and which sources are one host from
the ties that the case declares. The rules of merging are those of schemas/models/host.yaml, said
once more.
"""

import ipaddress
import json
from datetime import timedelta
from itertools import chain
from operator import itemgetter

from sightings import FIRST_MODIFIED

# field -> rule; a union has the parts by which two elements are the same one, () = all parts
RULES = {
    "hostname": "newest", "external_ip": "newest",
    "os.name": ("qualys", "crowdstrike"), "os.platform": ("crowdstrike", "qualys"),
    "os.version": "newest", "os.kernel": "newest",
    "maker": ("crowdstrike", "qualys"), "product": ("crowdstrike", "qualys"), "serial": "newest",
    "bios.maker": "newest", "bios.version": "newest",
    "cloud.provider": "newest", "cloud.account": "newest", "cloud.region": "newest",
    "cloud.zone": "newest", "cloud.instance_id": "newest", "cloud.instance_type": "newest",
    "cloud.image": "newest", "cloud.network": "newest", "status": "newest",
    "memory_mb": "max", "first_seen_at": "min",
}
UNIONS = {
    "names": (), "internal_ips": (), "macs": (), "software": (), "processors": (), "users": (),
    "tags": (), "groups": (), "agents": ("provider", "id"), "ports": ("port", "protocol"),
    "vulnerabilities": ("id", "instance"), "volumes": ("name",), "policies": ("kind", "id"),
}
NEVER = {
    "hostname": {"localhost"}.__contains__,
    "external_ip": lambda text: ipaddress.ip_address(text).is_private,
    "cloud.account": {"000000000000"}.__contains__,
    "cloud.instance_id": {"i-00000000000000000"}.__contains__,
}


def expected(fleet, now, gone_after=2, unlisted=lambda provider, key, at: False):
    """The hosts after rounds 1 to `now` were collected, once each and whole, as a list in order.

    A source is gone once `gone_after` rounds in a row have not listed it; until then it counts as
    it was last listed. `unlisted` knows of items that vanished by a request of the test.
    """
    known = {}
    for at in range(max(1, now - gone_after + 1), now + 1):
        for s in fleet.listing("qualys", at) + fleet.listing("crowdstrike", at):
            if not unlisted(s.provider, s.key, at):
                known[s.provider, s.key] = s
    groups = [sorted(sightings, key=source) for sightings in tied(known.values())]
    return [host(sightings) for sightings in sorted(groups, key=lambda it: [*map(source, it)])]


def tied(sightings):
    """Lists of sightings that ties connect."""
    hosts = {}  # tie -> (its ties, its sightings), one object for all the ties of a host
    for sighting in sightings:
        joined = {id(hosts[tie]): hosts[tie] for tie in sighting.ties if tie in hosts}
        ties, members = set(sighting.ties), [sighting]
        for more_ties, more_members in joined.values():
            ties |= more_ties
            members += more_members
        hosts.update(dict.fromkeys(ties, (ties, members)))
    return [members for _, members in {id(it): it for it in hosts.values()}.values()]


def host(sightings):
    """One host: its sources, which are in order, and the fields that they make together."""
    ranked = sorted(sightings, key=rank)
    said = [(s.provider, fields(s)) for s in ranked]
    merged = {name: merge(name, rule, said) for name, rule in RULES.items()}
    merged |= {name: union([own.get(name, []) for _, own in said], parts)
               for name, parts in UNIONS.items()}
    sources = [{"stream": f"{s.provider}/hosts", "key": s.key} for s in sightings]
    return {"sources": sources, "fields": present(merged)}


def source(sighting):
    return sighting.provider, sighting.key


def rank(sighting):
    """The newest first, then those without a date; of equals the smallest source."""
    age = FIRST_MODIFIED - sighting.as_of if sighting.as_of else timedelta.max
    return age, source(sighting)


def merge(name, rule, said):
    """`said` has the newest first."""
    values = [(provider, own[name]) for provider, own in said if name in own]
    if rule in ("min", "max"):
        return {"min": min, "max": max}[rule]((value for _, value in values), default=None)
    if rule != "newest":
        values.sort(key=lambda it: rule.index(it[0]))
    never = NEVER.get(name, lambda value: False)
    values.sort(key=lambda it: never(it[1]))  # sorting is stable
    return values[0][1] if values else None


def union(lists, parts):
    """Elements once each; of those that agree in `parts` the whole of the newest source's."""
    kept = {}
    for element in chain.from_iterable(lists):
        text = canonical(element)
        same = canonical([element[part] for part in parts]) if parts else text
        kept.setdefault(same, (text, element))
    return [element for _, element in sorted(kept.values(), key=itemgetter(0))]


canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def present(values):
    return {name: value for name, value in values.items() if value not in (None, "", [])}


# What a source says, as schemas/providers/*.yaml maps it and schemas/models/host.yaml types it

def fields(sighting):
    own = (qualys if sighting.provider == "qualys" else crowdstrike)(sighting)
    return present(own | cloud(sighting))


def cloud(s):
    if s.cloud is None:
        return {}
    m = s.machine
    own = {"cloud.provider": s.cloud.provider, "cloud.account": s.cloud.account,
           "cloud.instance_id": s.cloud.instance_id, "cloud.zone": m.zone}
    if s.provider == "qualys":
        own |= {"cloud.region": m.region, "cloud.image": m.image, "cloud.network": m.network,
                "cloud.instance_type": m.instance_type}
    return own


def qualys(s):
    m = s.machine
    maker, product = m.maker_and_product("qualys")
    own = {
        "hostname": s.hostname,
        "names": [*filter(None, [s.hostname]), *([m.inner_name, m.public_name] if s.cloud else [])],
        "external_ip": s.external_ip,
        "internal_ips": [m.internal_ip, m.inner_v6] + ["172.17.0.1"] * (m.number % 4 == 0),
        "macs": [m.mac],
        "os.name": m.system[0],
        "os.platform": m.system[2],
        "maker": maker,
        "product": product,
        "bios.version": f"{m.hardware[2]} {m.hardware[3]} 08/24/2006",
        "agents": [{"provider": "qualys", "id": s.agent_id, "status": "STATUS_ACTIVE",
                    "version": m.agent_version("qualys")}],
        "ports": [present({"port": number, "protocol": protocol, "service": service})
                  for number, protocol, service in m.ports],
        "software": [{"name": name, "version": version} for name, version in m.software],
        "vulnerabilities": [{"id": str(fault), "instance": number, "first_found_at": date(found)}
                            for fault, number, found in s.findings],
        "volumes": [{"name": name, "size_bytes": size} for name, size in m.volumes],
        "processors": [{"name": name, "speed_mhz": speed} for name, speed in m.processors],
        "memory_mb": s.memory_mb,
        "users": m.users,
        "tags": m.tags,
        "first_seen_at": date(s.created),
    }
    if "sparse" in s.quirks:
        for name in ["software", "ports", "volumes", "tags", "processors", "bios.version",
                     "product", "vulnerabilities", "users"]:
            del own[name]
        own |= {"macs": [m.mac] * bool(s.cloud), "internal_ips": [m.internal_ip]}
    return own


def crowdstrike(s):
    m = s.machine
    maker, product = m.maker_and_product("crowdstrike")
    own = {
        "hostname": s.hostname,
        "external_ip": s.external_ip,
        "internal_ips": [m.internal_ip],
        "macs": [m.mac],
        "os.name": m.system[1],
        "os.version": m.system[4],
        "os.platform": m.system[2],
        "os.kernel": m.kernel,
        "maker": maker,
        "product": product,
        "serial": m.serial,
        "bios.maker": m.hardware[2],
        "bios.version": m.hardware[3],
        "agents": [{"provider": "crowdstrike", "id": s.agent_id, "status": "Provisioned",
                    "version": m.agent_version("crowdstrike")}],
        "tags": ["FalconGroupingTags/" + tag for tag in m.tags],
        "groups": m.groups,
        "policies": [{"kind": kind, "id": policy_id, "applied": applied}
                     for _, kind, policy_id, applied in m.policies],
        "status": m.status,
        "first_seen_at": date(s.first_seen),
    }
    if "sparse" in s.quirks:
        for name in ["tags", "policies", "groups", "bios.version", "serial", "os.kernel",
                     "product"]:
            del own[name]
    return own


def date(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
