# SPDX-License-Identifier: MIT
"""The machines: what is true of each, whatever a provider says of it.

Every fact is worked out from the seed, the machine's number and its patch level, so nothing is
stored, and the same fleet stands here on every computer. Facts are in canonical form (lower-case
names, colons in hardware addresses); it is records.py that spells them as the providers do.
"""

import ipaddress
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import NamedTuple

# name as Qualys says it, as CrowdStrike says it, platform, kernel, build (Windows only)
SYSTEMS = [
    ("Amazon Linux 2", "Amazon Linux 2", "Linux", "4.14.{}-256.516.amzn2.x86_64", None),
    ("Ubuntu Linux 22.04.3", "Ubuntu 22.04", "Linux", "5.15.0-{}-generic", None),
    ("Debian GNU/Linux 12.4", "Debian GNU 12", "Linux", "6.1.0-{}-amd64", None),
    ("Microsoft Windows Server 2019 Datacenter 1809 64 bit", "Windows Server 2019", "Windows",
     "10.0.17763.{}", "17763"),
]
# maker and product as Qualys says it, as CrowdStrike says it, maker of the firmware, its version
CLOUD_HARDWARE = [
    (("Xen", "HVM domU"), ("Xen", "HVM domU"), "Xen", "4.11.amazon"),
    (("Amazon", "EC2 t3.micro"), ("Amazon EC2", "t3.micro"), "Amazon EC2", "1.0"),
    (("Amazon", "EC2 m5.large"), ("Amazon EC2", "m5.large"), "Amazon EC2", "1.0"),
]
OWN_HARDWARE = [
    (("Dell", "PowerEdge R640"), ("Dell Inc.", "PowerEdge R640"), "Dell Inc.", "2.19.1"),
    (("Hewlett Packard", "DL380 Gen10"), ("HPE", "ProLiant DL380 Gen10"), "HPE", "U30 v2.68"),
    (("VMware", "Virtual Platform"), ("VMware, Inc.", "VMware7,1"), "Phoenix Ltd", "6.00"),
]
ROLES = ["web", "db", "mail", "build", "cache", "queue", "proxy", "desk"]
SITES = ["fra", "ams", "nyc", "sgp"]
PACKAGES = [
    "bash", "openssl-libs", "python3", "glibc", "systemd", "curl", "zlib", "openssh-server",
    "sudo", "kernel", "perl-libs", "libxml2", "sqlite", "tar", "rsync", "vim-minimal", "dnsmasq",
    "Zürich Prüfdienst", "日本語フォント", "Café Agent ☕",
]
TAGS = ["Cloud Agent", "production", "staging", "EC2", "Überwacht", "本番環境", "données", "🚀 edge"]
SERVICES = [(22, "TCP", "ssh"), (80, "TCP", "http"), (443, "TCP", "https"), (123, "UDP", "ntp"),
            (5432, "TCP", "postgresql"), (53, "UDP", "domain"), (53, "TCP", "domain")]
USERS = ["root", "ec2-user", "Administrator", "deploy", "ssm-user", "zoë"]
PROCESSORS = [("Intel(R) Xeon(R) CPU E5-2676 v3 @ 2.40GHz", 2400), ("AMD EPYC 7571", 2200),
              ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", 2500)]
POLICY_KINDS = [("prevention", "prevention"), ("sensor_update", "sensor-update"),
                ("global_config", "globalconfig"), ("remote_response", "remote-response"),
                ("device_control", "device-control"), ("firewall", "firewall")]
ACCOUNTS = ["205767712438", "011288443991", "730335219045"]
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2"]

FIRST_OTHER = 8_000_000  # numbers from here on are for second names and addresses of machines
YEAR_2023 = datetime(2023, 1, 1, tzinfo=timezone.utc)


def dice(*what):
    """A large number that depends on nothing but its arguments."""
    text = "/".join(map(str, what)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def scatter(number, bits):
    """A number of so many bits, another one for every `number`: odd factors permute."""
    return number * 0x9E3779B97F4A7C15 % (1 << bits)


class Cloud(NamedTuple):
    """What identifies a machine within a cloud."""
    provider: str
    account: str
    instance_id: str


@dataclass(frozen=True)
class Machine:
    """One machine as it is in one round; a change is a new object with the same number."""
    seed: int
    number: int
    hostname: str
    external_ip: str
    cloud: Cloud | None
    level: int = 0  # how often its owner has changed it: packages, kernel, tags, memory, ports
    extra: int = 0  # how many packages and findings it has beyond the usual few

    def roll(self, what, sides):
        """A number below `sides`, always the same for this machine and this question."""
        return dice(self.seed, self.number, what) % sides

    def pick(self, what, options):
        return options[self.roll(what, len(options))]

    def some(self, what, options, least, most):
        """Between `least` and `most` different options, starting anywhere."""
        start = self.roll(what, len(options))
        count = least + self.roll(f"how many {what}", most - least + 1)
        return [options[(start + i) % len(options)] for i in range(count)]

    def hex_id(self, what):
        return f"{dice(self.seed, self.number, what):016x}{dice(what, self.number, self.seed):016x}"

    def patched(self, times=1):
        return replace(self, level=self.level + times)

    # Names and addresses
    @property
    def label(self):
        return str(self.number)

    @property
    def other_name(self):
        return f"renamed-{self.number:05d}.example.net"

    @property
    def other_address(self):
        return public_address(FIRST_OTHER + self.number)

    @property
    def internal_ip(self):
        return internal_address(self.number)

    @property
    def gateway(self):
        return self.internal_ip.rsplit(".", 1)[0] + ".1"

    @property
    def private_address(self):
        """What stands where a public address should be."""
        a, b, c = (self.roll(f"private {i}", 254) + 1 for i in range(3))
        return self.pick("private", [f"10.{a}.{b}.{c}", f"172.{16 + a % 16}.{b}.{c}",
                                     f"192.168.{b}.{c}"])

    @property
    def inner_v6(self):
        return f"fe80::{scatter(self.number, 16) | 0x1000:x}:abcd"

    @property
    def mac(self):
        return (b"\x0a" + scatter(self.number, 40).to_bytes(5, "big")).hex(":")

    @property
    def inner_name(self):
        return f"ip-{self.internal_ip.replace('.', '-')}.ec2.internal"

    @property
    def public_name(self):
        return f"ec2-{self.external_ip.replace('.', '-')}.compute-1.amazonaws.com"

    # What it is made of
    @property
    def system(self):
        return self.pick("system", SYSTEMS)

    @property
    def kernel(self):
        return self.system[3].format(100 + self.roll("kernel", 50) + self.level)

    @property
    def hardware(self):
        return self.pick("hardware", CLOUD_HARDWARE if self.cloud else OWN_HARDWARE)

    def maker_and_product(self, provider):
        return self.hardware[0 if provider == "qualys" else 1]

    @property
    def serial(self):
        return str(uuid.UUID(self.hex_id("serial")))

    @property
    def memory_mb(self):
        return self.pick("memory", [983, 3907, 15881, 64216]) + 1024 * self.level

    @property
    def processors(self):
        return [self.pick("processor", PROCESSORS)]

    @property
    def volumes(self):
        """(name, bytes): the second one does not fit into 32 bits."""
        both = [("/", 8_577_331_200 + self.number), ("/data", (1 << 42) + self.number)]
        return both[:1 + self.number % 2]

    # What is on it
    @property
    def ports(self):
        """(number, protocol, service): of some the service is not known."""
        added = [(8443, "TCP", "https-alt")] * (self.level > 0)
        return [(number, protocol, service if (self.number + number) % 5 else None)
                for number, protocol, service in self.some("ports", SERVICES, 1, 4) + added]

    @property
    def software(self):
        count = 6 + self.roll("software", 6)
        start = self.roll("package", len(PACKAGES))
        return [(PACKAGES[(start + i) % len(PACKAGES)] + (f"-{i}" if i >= len(PACKAGES) else ""),
                 f"{1 + i % 9}.{self.level if i < 2 else i % 5}.{(self.number + i) % 40}")
                for i in range(count + self.extra)]

    @property
    def findings(self):
        """(fault, number of this finding, first found): the numbers exceed 2^32, some 2^53."""
        count = 2 + self.roll("findings", 4) + self.extra
        first = ((1 << 53) + 1 if self.number % 4 == 0 else 11_730_616_285) + self.number * 10_000
        found = self.day("found")
        faults = (370_000 + (self.number * 31 + i * 17) % 9_000 for i in range(count))
        return [(fault, first + i, found + timedelta(hours=i)) for i, fault in enumerate(faults)]

    @property
    def users(self):
        return self.some("users", USERS, 1, 4)

    @property
    def tags(self):
        return self.some("tags", TAGS, 1, 4) + [f"patched-{self.level}"] * (self.level > 0)

    @property
    def groups(self):
        return [f"{dice('group', i):016x}" * 2 for i in self.some("groups", range(12), 0, 3)]

    @property
    def policies(self):
        """(key in the record, kind, id, applied)"""
        kinds = POLICY_KINDS[:4 + self.roll("policies", 3)]
        return [(key, kind, f"{dice(kind, self.number % 5):016x}" * 2, self.roll(kind, 8) > 0)
                for key, kind in kinds]

    # Where and since when
    @property
    def region(self):
        return self.pick("region", REGIONS)

    @property
    def zone(self):
        return self.region + self.pick("zone", "abc")

    @property
    def instance_type(self):
        return self.pick("type", ["t3.micro", "m5.large", "c6i.xlarge"])

    @property
    def image(self):
        return "ami-" + self.hex_id("image")[:17]

    @property
    def network(self):
        return "vpc-" + self.hex_id("network")[:17]

    def agent_version(self, provider):
        return f"{6 if provider == 'qualys' else 7}.{10 + self.level}.17706.0"

    @property
    def status(self):
        return "containment_pending" if self.level % 2 else "normal"

    def day(self, what):
        """Some moment of 2023."""
        return YEAR_2023 + timedelta(seconds=self.roll(what, 360 * 86_400))


def public_address(number):
    """An address of a block that belongs to a cloud or a carrier; another one for every number."""
    return f"{(18, 34, 52)[number % 3]}.{dotted(scatter(number, 24))}"


def internal_address(number):
    return f"10.{dotted(scatter(number + 77, 24))}"


def dotted(bits24):
    return f"{bits24 >> 16}.{bits24 >> 8 & 255}.{bits24 & 255}"


def build(seed, number, in_cloud=True, v6=False, extra=0):
    """The machine of that number as it is in round 1."""
    machine = Machine(seed, number, "", public_address(number), None, extra=extra)
    if v6:
        address = ipaddress.IPv6Address(0x26001F18 << 96 | scatter(number, 48) << 16 | 10)
        machine = replace(machine, external_ip=address.compressed)
    if in_cloud:
        instance = f"i-0{scatter(number, 60):015x}a"
        cloud = Cloud("aws", machine.pick("account", ACCOUNTS), instance)
        return replace(machine, hostname=machine.inner_name, cloud=cloud)
    role, site = machine.pick("role", ROLES), machine.pick("site", SITES)
    return replace(machine, hostname=f"{role}-{number:05d}.{site}.example.com")
