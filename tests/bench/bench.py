#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures Muster beside bare loops on the same libraries and beside what people use instead.

Run it by `make bench`. Each row is measured RUNS times; a run measures both sides of a row, one behind the other, on the
same servers. docs/benchmarks.md says what each row does.
"""

import argparse
import sys

from lab import Failed, Lab
from rows import ROWS, SUBJECTS
import report


def main():
    args = arguments()
    wanted = set(args.rows or ROWS)
    lab = None
    try:
        lab = Lab(args.quick)
        samples = measure(lab, wanted, args.runs)
    except Failed as what:
        sys.exit(f"bench: {what}")
    finally:
        if lab:
            lab.close()
    table = report.table(ROWS, samples)
    print("\n" + table)
    if args.record:
        report.record(table, args.runs)


def arguments():
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a twentieth of everything: to see the bench run, not for its figures")
    parser.add_argument("--record", action="store_true", help="write the table into docs/benchmarks.md; takes all rows")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    args = parser.parse_args()
    if unknown := set(args.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if args.record and (args.rows or args.quick):
        parser.error("RECORD=1 takes all rows in full: what stands in one table is measured in one go")
    return args


def measure(lab, wanted, runs):
    """Row -> [(ours, the other side or None)], one for each run."""
    samples = {}
    for make in SUBJECTS:
        if not wanted & set(make.rows):
            continue
        subject = make(lab, wanted)
        say(f"{make.__name__.lower()}: preparing")
        subject.prepare()
        for number in range(1, runs + 1):
            for row, sample in subject.measure(number).items():
                if row in wanted:
                    samples.setdefault(row, []).append(sample)
                    say(f"run {number}: {row}: {report.numbers(ROWS[row], sample)}")
        subject.close()
    return samples


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
