# SPDX-License-Identifier: MIT
"""Starting: what is not as it must be is said in words that help, with the exit code that fits."""

import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from muster_lib import PROVIDERS, ROOT, STAGES, TOKEN, Muster

sys.path.insert(0, str(ROOT / "tools"))
from server_probe import free_ports  # noqa: E402

USES_MONGO = ("muster-producer", "muster-serializer", "muster-announcer", "muster")
USES_KAFKA = ("muster-producer", "muster-fetcher", "muster-serializer", "muster-announcer", "muster")


def words_of(program):
    return ["status"] if program == "muster" else []


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """One that is set up and never changed: for tests that only try to start something."""
    m = Muster(tmp_path_factory.mktemp("installed"), size=40)
    yield m
    m.close()


@pytest.mark.parametrize("program", USES_KAFKA)
def test_kafka_away_at_start_is_waited_for_and_then_given_up_with_69(installed, program):
    address = f"127.0.0.1:{free_ports(1)[0]}"
    began = time.monotonic()
    said = installed.run(*words_of(program), "--wait", "2s", "--kafka", address, program=program, status=69, seconds=20)
    assert 1.5 < time.monotonic() - began < 10, f"it gave up after {time.monotonic() - began:.1f} s, not after 2"
    assert "Kafka" in said and address in said, f"it does not say for what it waited:\n{said}"


@pytest.mark.parametrize("program", USES_MONGO)
def test_mongodb_away_at_start_is_waited_for_and_then_given_up_with_69(installed, program):
    address = f"127.0.0.1:{free_ports(1)[0]}"
    began = time.monotonic()
    said = installed.run(*words_of(program), "--wait", "2s", "--mongo", f"mongodb://{address}/?replicaSet=rs0",
                         program=program, status=69, seconds=20)
    assert 1.5 < time.monotonic() - began < 10, f"it gave up after {time.monotonic() - began:.1f} s, not after 2"
    assert "MongoDB" in said and address in said, f"it does not say for what it waited:\n{said}"


@pytest.mark.parametrize("stage, server", [("fetcher", "kafka"), ("producer", "kafka"), ("producer", "mongo"),
                                           ("serializer", "kafka"), ("serializer", "mongo"),
                                           ("announcer", "kafka"), ("announcer", "mongo")])
def test_a_stage_says_for_what_it_waits_and_a_signal_ends_the_waiting(installed, stage, server):
    address = f"127.0.0.1:{free_ports(1)[0]}"
    value = address if server == "kafka" else f"mongodb://{address}/?replicaSet=rs0"
    process = installed.start(stage, "--wait", "60s", f"--{server}", value)
    process.expected_end = True
    process.wait_for({"kafka": "Kafka", "mongo": "MongoDB"}[server] + f".*{address}", 6)
    process.send(signal.SIGTERM)
    process.wait(6)
    assert process.popen.returncode in (0, 69), f"it ended with {process.popen.returncode}"


def test_a_mongodb_that_is_no_replica_set_is_refused_with_the_command_that_mends_it(installed, tmp_path):
    mongod = ROOT / ".local/mongod/mongod"
    if not mongod.exists():
        pytest.skip("no mongod of our own to start alone")
    port = free_ports(1)[0]
    alone = subprocess.Popen([mongod, "--quiet", "--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket",
                              "--dbpath", tmp_path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for program in USES_MONGO:
            for options in ("", "?replicaSet=rs0"):
                said = installed.run(*words_of(program), "--mongo", f"mongodb://127.0.0.1:{port}/{options}", program=program,
                                     status=78, seconds=40)
                assert re.search(rf"127\.0\.0\.1:{port} is not .*replica set", said), said
                assert "--replSet" in said and "rs.initiate()" in said, f"{program} does not say how to mend it:\n{said}"
    finally:
        alone.kill()
        alone.wait()


@pytest.mark.parametrize("stage", STAGES)
def test_missing_topics_are_named_with_the_command_that_makes_them(installed, stage):
    said = installed.run("--topics", "nobody", program=f"muster-{stage}", status=(69, 78))
    assert re.search(r"nobody\.(tasks|pages|rejects)\b.*run muster init", said), said


@pytest.mark.parametrize("stage", ["producer", "serializer"])
def test_a_database_that_was_never_set_up_is_refused_with_the_command_that_does_it(installed, stage):
    said = installed.run("--database", installed.name + "empty", program=f"muster-{stage}", status=78)
    assert "muster init" in said, said
    installed.mongo.drop_database(installed.name + "empty")


def test_init_can_be_repeated(installed):
    assert "nothing to do" in installed.run("init")


# Provider files

@pytest.fixture
def schemas(tmp_path):
    """A copy of the files, to spoil: schemas("qualys", old, new) gives its folder."""
    folder = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas", folder)

    def spoil(provider, old, new):
        file = folder / "providers" / f"{provider}.yaml"
        text = file.read_text()
        assert text.count(old) >= 1, f"{file.name} has no {old!r}"
        file.write_text(text.replace(old, new, 1))
        line = text[:text.index(old)].count("\n") + 1
        return str(folder), line

    return spoil


def spoiled(installed, schemas, old, new, *expected):
    """Every program refuses the file with its name, the line, a column and these words."""
    folder, line = schemas("qualys", old, new)
    for program, words in [("muster", ["check"]), ("muster", ["init"]), ("muster-fetcher", []), ("muster-producer", []),
                           ("muster-serializer", []), ("muster-announcer", [])]:
        said = installed.run(*words, "--schemas", folder, program=program, status=78)
        assert re.search(rf"qualys\.yaml:{line}:\d+: ", said), f"{program}: no file:line:column with line {line}:\n{said}"
        for word in expected:  # in a log line quotes are escaped
            assert word in said.replace('\\"', '"'), f"{program}: {word!r} is missing:\n{said}"


def test_an_unknown_key_is_named_with_the_nearest_right_one(installed, schemas):
    spoiled(installed, schemas, "in_flight: 2", "in_flihgt: 2", "in_flihgt", "in_flight")


def test_an_unknown_field_is_named_with_the_nearest_right_one(installed, schemas):
    spoiled(installed, schemas, "      hostname: .dns", "      hostnam: .dns", "hostnam", "hostname")


def test_a_bad_path_is_named(installed, schemas):
    spoiled(installed, schemas, "os.name: .os", "os.name: .os)", 'unexpected ")"')


def test_a_jq_program_that_is_not_known_yet_is_refused(installed, schemas):
    spoiled(installed, schemas, "os.name: .os", "os.name: .os | ascii_downcase", "ascii_downcase", "not supported yet")


def test_broken_yaml_is_refused(installed, schemas):
    folder, _ = schemas("qualys", "    pages:\n", "    pages: [\n")
    said = installed.run("check", "--schemas", folder, status=78)
    assert re.search(r"qualys\.yaml:\d+:\d+: ", said), said


def test_an_unset_secret_stops_the_fetcher_and_check_warns_of_it(installed, monkeypatch):
    monkeypatch.delitem(installed.env, "MUSTER_QUALYS_TOKEN")
    said = installed.run("check")
    assert re.search(r"warning.*MUSTER_QUALYS_TOKEN\b", said), said
    said = installed.run(program="muster-fetcher", status=78)
    assert "MUSTER_QUALYS_TOKEN" in said and "no value" in said, said
    installed.run("--wait", "2s", program="muster-serializer", status=69, seconds=20, env={
        "MUSTER_KAFKA": f"127.0.0.1:{free_ports(1)[0]}"})  # it needs no secrets: it got as far as waiting for Kafka


def test_a_secret_can_come_from_a_file(muster, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    m = muster(size=40)
    for name in PROVIDERS:
        del m.env[f"MUSTER_{name.upper()}_TOKEN"]
        m.env[f"MUSTER_{name.upper()}_TOKEN_FILE"] = str(tmp_path / "token")
    m.start_all()
    m.round(1)
    m.check_truth(1)


def test_a_folder_that_does_not_exist_is_named(installed):
    for program, words in [("muster", ["check"]), ("muster-fetcher", []), ("muster-producer", []), ("muster-serializer", []),
                           ("muster-announcer", [])]:
        said = installed.run(*words, "--schemas", "/nowhere/schemas", program=program, status=66)
        assert "/nowhere/schemas" in said, said


@pytest.mark.parametrize("words", [["--kafak", "x"], ["--wait", "soon"]])
@pytest.mark.parametrize("program", USES_KAFKA)
def test_a_command_line_that_is_wrong_is_64_and_explained(installed, program, words):
    said = installed.run(*words_of(program), *words, program=program, status=64)
    assert words[0].lstrip("-") in said, said


def test_a_mended_file_takes_effect_on_pages_that_did_not_change(muster, schemas):
    """Init gives a changed file a number; stages with the older one end, and the new ones read the same pages anew."""
    m = muster(size=40, page_size=20)
    mended = m.env["MUSTER_SCHEMAS"]
    m.env["MUSTER_SCHEMAS"], _ = schemas("qualys", "memory_mb: .totalMemory", "memory_mb: .totalMemoriy")
    for stage in ("producer", "serializer"):
        said = m.run(program=f"muster-{stage}", status=78)
        assert "qualys/hosts" in said and "muster init" in said, said
    assert "map 2: stream qualys/hosts" in m.run("init")
    m.start_all()
    m.round(1)
    assert m.differences(m.provider.truth(1)), "the spoilt file has no effect: this shows nothing"

    m.env["MUSTER_SCHEMAS"] = mended
    assert "map 3: stream qualys/hosts" in m.run("init")
    for stage in ("producer", "serializer"):
        process = m.stages[stage][0]
        process.expected_end = True
        assert process.wait(15) == 78, f"{process.name} ended with {process.popen.returncode}"
        assert "muster init" in process.said()
    m.stages["fetcher"][0].stop()
    m.start_all()
    m.round(2)
    m.check_truth(2)
