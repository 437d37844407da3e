# SPDX-License-Identifier: MIT
"""The table, for the terminal and for docs/benchmarks.md."""

import os
import re
import subprocess
from datetime import date
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
TITLES = ("row", "what", "ours", "other side", "ratio", "wish", "met", "spread")


def amount(value, unit):
    text = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return f"{text} {unit}"


def numbers(row, sample):
    ours, other = sample
    return amount(ours, row.unit) + (f" against {amount(other, row.unit)}, {ours / other:.2f}×" if other else "")


def line(name, row, samples):
    ours = median(ours for ours, _ in samples)
    others = [other for _, other in samples if other]
    ratios = [ours / other for ours, other in samples if other]
    ratio = median(ratios) if ratios else None
    spread = [f"{r:.2f}" for r in (min(ratios), max(ratios))] if ratios else \
             [amount(v, "").strip() for v in (min(s[0] for s in samples), max(s[0] for s in samples))]
    met = row.is_met(ours, ratio)
    return (name, row.what, amount(ours, row.unit),
            f"{row.other}: {amount(median(others), row.unit)}" if others else row.other,
            f"{ratio:.2f}" if ratio else "", row.wish, "" if met is None else "yes" if met else "**no**", "–".join(spread))


def table(rows, samples):
    lines = [TITLES, *(line(name, row, samples[name]) for name, row in rows.items() if name in samples)]
    widths = [max(len(each[i]) for each in lines) for i in range(len(TITLES))]
    texts = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(each, widths)) + " |" for each in lines]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def said(*argv):
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()


def circumstances(runs):
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / (1 << 20)
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    libraries = ", ".join(f"{name} {said('pkg-config', '--modversion', package)}" for name, package in (
        ("librdkafka", "rdkafka"), ("libmongoc", "libmongoc-1.0"), ("libcurl", "libcurl"), ("yyjson", "yyjson")))
    load = Path("/proc/loadavg").read_text().split()[2]
    changed = " with changes" if said("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs") else ""
    return (f"Measured on {date.today()} at commit {said('git', 'rev-parse', '--short', 'HEAD')}{changed}, medians of "
            f"{runs} runs, by {os.cpu_count()} × {cpu[1].strip() if cpu else os.uname().machine}, {memory:.0f} GB, "
            f"{system[1] if system else 'Linux'}, Linux {os.uname().release}; {libraries}; Kafka 4.3.0, MongoDB 6.0.5, "
            f"{said('nginx', '-v').split(': ')[-1]}. Load of the last 15 minutes: {load}.")


def record(text, runs):
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{circumstances(runs)}\n\n{text}\n{END}{after}")
    print(f"\nwritten into {PAGE.relative_to(ROOT)}")
