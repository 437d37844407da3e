# SPDX-License-Identifier: MIT
"""Fixtures of the system tests. They need real servers: run them by `make system`."""

import os
import shutil

import pymongo
import pytest

from muster_lib import Muster, server_pid

MISSING = [name for name in ("MUSTER_KAFKA", "MUSTER_MONGO", "MUSTER_BIN") if name not in os.environ]


def pytest_sessionstart(session):
    if MISSING:
        pytest.exit(f"{', '.join(MISSING)} not set: run these tests by `make system`", returncode=2)
    if not shutil.which("kcat"):
        pytest.exit("kcat is not installed: run tools/setup test", returncode=2)
    if server_pid("mongo"):
        # MongoDB keeps the open transaction of a process that was killed, and what it locks, for 60 s: too long for a test.
        with pymongo.MongoClient(os.environ["MUSTER_MONGO"]) as client:
            client.admin.command("setParameter", 1, transactionLifetimeLimitSeconds=5)


@pytest.fixture
def muster(tmp_path):
    """Makes installations of the test's own: muster(size=48, …). Ended, and looked through for faults, afterwards."""
    made = []

    def make(**options):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Muster(folder, **options))
        return made[-1]

    yield make
    wrong = []
    for each in made:
        try:
            each.close()
        except AssertionError as what:
            wrong.append(str(what))
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


REFERENCE_SIZE = 100
# 4 twice: then all that is gone has been missed by two whole runs, also where a disturbance made more runs of a round.
REFERENCE_ROUNDS = {"1": 1, "3": 3, "4": 4, "4 again": 4}


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """A digest for each of REFERENCE_ROUNDS of a fleet of REFERENCE_SIZE that nobody disturbed."""
    m = Muster(tmp_path_factory.mktemp("undisturbed"), size=REFERENCE_SIZE, page_size=20)
    digests = {}
    try:
        m.start_all()
        for name, number in REFERENCE_ROUNDS.items():
            m.round(number)
            digests[name] = m.digest()
        m.check_truth(4, gone_after=1)
    finally:
        m.close()
    assert len(set(digests.values())) == len(digests), f"rounds that differ have one digest: {digests}"
    return digests
