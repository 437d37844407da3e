# SPDX-License-Identifier: MIT
"""The records: a sighting in the words of its provider, with that provider's quirks of spelling.

Beside what a sighting says, a record has what lists of real agents have: duplicates, white space at
the ends, absent and empty values, 64-bit numbers in wrappers, dates in three spellings. None of it
changes what the record means; what changes the meaning is in cases.py.
"""

import ipaddress
import json
from datetime import timedelta

from fleet import checkins
from sightings import FIRST_MODIFIED


def record(sighting, now):
    """The item of the list as an object."""
    return (qualys if sighting.provider == "qualys" else crowdstrike)(sighting, now)


def encoded(sighting, now):
    """The same as the bytes of a page; half of the records have their text escaped."""
    escape = sighting.machine.number % 2 == 0
    return json.dumps(record(sighting, now), ensure_ascii=escape, separators=(",", ":")).encode()


def qualys(s, now):
    m = s.machine
    qid = int(s.key)
    system, (maker, product) = m.system, m.maker_and_product("qualys")
    public = shown_address(s)
    name = shown_name(s)
    scanned = iso(checkin(s, now, "scan"))
    asset = {
        "_id": qid,
        "id": qid,
        "address": m.internal_ip,
        "name": name,
        "dnsHostName": None if m.number % 9 == 0 else name,
        "fqdn": name,
        "os": f"  {system[0]} " if m.number % 6 == 0 else system[0],
        "manufacturer": maker,
        "model": product,
        "biosDescription": f"{m.hardware[2]} {m.hardware[3]} 08/24/2006",
        "cloudProvider": "AWS" if s.cloud else None,
        "created": iso(s.created, offset=m.number % 11 == 0),
        "modified": iso(s.as_of) if s.as_of else None,
        "lastSystemBoot": iso(m.day("boot")),
        "lastComplianceScan": iso(m.day("compliance")),
        "lastVulnScan": {"$date": scanned},
        "lastLoggedOnUser": m.users[0],
        "isDockerHost": "false",
        "networkGuid": m.hex_id("network"),
        "qwebHostId": qid - 100_000_000,
        "timezone": "+00:00",
        "totalMemory": s.memory_mb,
        "trackingMethod": "QAGENT",
        "type": "HOST",
        "agentInfo": {
            "agentId": s.agent_id,
            "agentVersion": m.agent_version("qualys"),
            "platform": system[2],
            "status": "STATUS_ACTIVE",
            "chirpStatus": "Inventory Scan Complete",
            "location": "Ashburn, Virginia, United States",
            "locationGeoLatitude": "39.0438",
            "locationGeoLongtitude": "-77.4874",
            "lastCheckedIn": {"$date": iso(checkin(s, now, "agent"))},
            "connectedFrom": public,
            "activatedModule": "AGENT_VM,AGENT_SCA",
            "manifestVersion": {"sca": "VULNSIGS-SCA-2.5.938.2-1", "vm": "VULNSIGS-VM-2.5.950.3-2"},
            "activationKey": {"title": "Main key", "activationId": m.hex_id("activation")},
            "agentConfiguration": {"id": 1433500, "name": "Default CAPS Config"},
        },
        "account": wrapped("HostAssetAccount", [{"username": it} for it in [*m.users, ""]]),
        "networkInterface": wrapped("HostAssetInterface", interfaces(m, name)),
        "openPort": wrapped("HostAssetOpenPort", [port(m, *it) for it in m.ports]),
        "processor": wrapped("HostAssetProcessor", 2 * [{"name": name, "speed": speed}
                                                        for name, speed in m.processors]),
        "software": wrapped("HostAssetSoftware", packages(m)),
        "tags": wrapped("TagSimple", [{"id": 7_650_400 + i, "name": tag}
                                      for i, tag in enumerate(padded(m, m.tags))]),
        "volume": wrapped("HostAssetVolume", [volume(m, now, *it) for it in m.volumes]),
        "vuln": wrapped("HostAssetVuln", [finding(scanned, *it) for it in s.findings]),
        "sourceInfo": {"list": [*cloud_sources(s, public), {"AssetSource": {}}]},
    }
    hide_absent_name(m, asset, ["dnsHostName", "fqdn", "name"] if s.hostname is None else [])
    if not s.as_of and m.number % 3 == 0:
        del asset["modified"]
    if "sparse" in s.quirks:
        asset |= {"software": None, "tags": None, "networkInterface": None, "processor": {},
                  "openPort": {"list": None}, "volume": {"list": []},
                  "biosDescription": "", "lastLoggedOnUser": "", "model": "", "timezone": ""}
        del asset["vuln"], asset["account"]
    return asset


def crowdstrike(s, now):
    m = s.machine
    system, (maker, product) = m.system, m.maker_and_product("crowdstrike")
    _, _, bios_maker, bios_version = m.hardware
    mac = m.mac.replace(":", "-")
    device = {
        "_id": s.key,
        "device_id": s.key,
        "cid": "0123456789abcdef0123456789abcdef",
        "hostname": shown_name(s),
        "local_ip": m.internal_ip,
        "external_ip": shown_address(s),
        "connection_ip": m.internal_ip,
        "default_gateway_ip": m.gateway,
        "mac_address": mac,
        "connection_mac_address": mac.upper() if m.number % 2 else mac,
        "instance_id": s.cloud.instance_id if s.cloud else None,
        "service_provider": cloud_word(s),
        "service_provider_account_id": s.cloud.account if s.cloud else None,
        "zone_group": m.zone if s.cloud else None,
        "first_seen": iso(s.first_seen),
        "last_seen": iso(checkin(s, now, "agent")),
        "agent_local_time": iso(checkin(s, now, "clock")),
        "modified_timestamp": {"$date": iso(s.as_of)} if s.as_of else None,
        "os_version": system[1],
        "os_build": system[4],
        "platform_id": "0" if system[2] == "Windows" else "3",
        "platform_name": system[2],
        "kernel_version": m.kernel,
        "major_version": m.kernel.split(".")[0],
        "minor_version": m.kernel.split(".")[1],
        "bios_manufacturer": bios_maker,
        "bios_version": bios_version,
        "system_manufacturer": maker,
        "system_product_name": product,
        "serial_number": m.serial,
        "status": m.status,
        "provision_status": "Provisioned",
        "product_type_desc": "Server",
        "chassis_type": "1",
        "chassis_type_desc": "Other",
        "agent_version": m.agent_version("crowdstrike"),
        "agent_load_flags": "0",
        "config_id_base": "65994763",
        "config_id_build": "17706",
        "config_id_platform": "8",
        "cpu_signature": "198386",
        "reduced_functionality_mode": "no",
        "group_hash": m.hex_id("groups"),
        "groups": m.groups,
        "tags": [*padded(m, ["FalconGroupingTags/" + tag for tag in m.tags]), ""],
        "policies": [policy(m, *it) for it in m.policies[:1]],
        "device_policies": {it[0]: policy(m, *it) for it in m.policies},
        "meta": {"version": str(100 + m.level), "version_string": f"{100 + m.level}:{m.number}"},
    }
    if device["os_build"] is None:
        del device["os_build"]
    hide_absent_name(m, device, ["hostname"] if s.hostname is None else [])
    if "sparse" in s.quirks:
        device |= {"tags": None, "device_policies": None, "bios_version": "", "serial_number": "",
                   "kernel_version": "", "system_product_name": ""}
        del device["groups"]
    return device


# Parts of a record

def wrapped(wrapper, items):
    return {"list": [{wrapper: item} for item in items]}


def interfaces(m, name):
    """The interface that both providers know, its inner IPv6 address, and one without hardware."""
    inner = {"interfaceName": "eth0", "macAddress": m.mac, "gatewayAddress": m.gateway,
             "address": m.internal_ip, "hostname": name}
    v6 = shouted(m.inner_v6) if m.number % 2 else m.inner_v6
    bridge = {"interfaceName": "docker0", "address": "172.17.0.1", "hostname": name}
    second = {**inner, "macAddress": m.mac.upper(), "address": v6}
    return [inner, second] + [bridge] * (m.number % 4 == 0)


def port(m, number, protocol, service):
    absent = [{"serviceName": None}, {"serviceName": ""}, {}][m.number % 3]
    named = {"serviceName": service} if service else absent
    return {**named, "protocol": protocol, "port": number}


def packages(m):
    items = [{"name": name, "version": version} for name, version in m.software]
    items[0]["name"] += "  " * (m.number % 5 == 2)
    return items + items[-1:] * (m.number % 4 == 1)


def padded(m, texts):
    """The first one with white space around it, and once more without."""
    return [f" {texts[0]}\t", *texts] if m.number % 5 == 3 else texts


def volume(m, now, name, size):
    free = size // 3 + checkins(now) * 4096
    long = m.number % 2 == 0
    return {"name": name, "size": long_number(size) if long else size,
            "free": free if long else long_number(free)}


def finding(scanned, qid, instance, first_found):
    return {"hostInstanceVulnId": long_number(instance), "qid": qid,
            "firstFound": iso(first_found), "lastFound": scanned}


def long_number(number):
    return {"$numberLong": str(number)}


def cloud_sources(s, public):
    m = s.machine
    if s.cloud is None:
        return []
    return [{"Ec2AssetSourceSimple": {
        "assetId": int(s.key),
        "type": "EC_2",
        "firstDiscovered": iso(m.day("discovered")),
        "lastUpdated": iso(m.day("discovered") + timedelta(days=9)),
        "instanceId": s.cloud.instance_id,
        "accountId": s.cloud.account,
        "region": m.region,
        "availabilityZone": m.zone,
        "zone": "VPC",
        "vpcId": m.network,
        "subnetId": "subnet-" + m.hex_id("subnet")[:17],
        "imageId": m.image,
        "instanceType": m.instance_type,
        "instanceState": "RUNNING",
        "privateIpAddress": m.internal_ip,
        "publicIpAddress": None if m.number % 7 == 0 else public,  # then connectedFrom has it
        "privateDnsName": m.inner_name,
        "publicDnsName": m.public_name,
        "macAddress": m.mac,
        "ec2InstanceTags": {"tags": {"list": [{"EC2Tags": {"key": "Name", "value": m.hostname}}]}},
    }}]


def policy(m, key, kind, policy_id, applied):
    more = {"firewall": {"rule_groups": []},
            "sensor_update": {"uninstall_protection": "ENABLED"}}.get(key, {})
    return {"policy_type": kind, "policy_id": policy_id, "applied": applied,
            "settings_hash": m.hex_id(kind)[:8], "assigned_date": iso(m.day("assigned")),
            "applied_date": iso(m.day("assigned")), **more}


# Spellings

def shown_name(s):
    if s.hostname and "shouting" in s.quirks:
        return s.hostname.upper() + "."
    return s.hostname


def hide_absent_name(m, item, names):
    """An absent name is null, the empty string or not there at all."""
    for name in names:
        item[name] = None if m.number % 3 else ""
        if m.number % 3 == 2:
            del item[name]


def shown_address(s):
    if "upper v6" in s.quirks:
        return shouted(s.external_ip)
    return uncompressed(s.external_ip) if "long v6" in s.quirks else s.external_ip


def uncompressed(address):
    return ipaddress.ip_address(address).exploded


def shouted(address):
    return uncompressed(address).upper()


def cloud_word(s):
    if s.cloud is None:
        return None
    return s.machine.pick("cloud word", {"aws": ["AWS_EC2_V2", "AWS_EC2", "AWS"],
                                         "azure": ["AZURE", "AZURE_ARM"],
                                         "gcp": ["GCP", "GOOGLE"]}[s.cloud.provider])


def checkin(s, now, what):
    """When the agent last did something: later in every round, but for the machines that sleep."""
    m = s.machine
    rounds = 0 if m.number % 5 == 0 else checkins(now)
    return FIRST_MODIFIED + timedelta(days=30 + rounds, seconds=m.roll(what, 86_400))


def iso(moment, offset=False):
    """A date as JSON has it: milliseconds where there are any, Z or an offset."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if moment.microsecond:
        text += f".{moment.microsecond // 1000:03d}"
    return text + ("+00:00" if offset else "Z")
