# SPDX-License-Identifier: MIT
"""What a stage shows to those who watch it: four pages on a port of its own, also while a server is away."""

import json
import os
import signal
import socket
import sys

import pytest

from muster_lib import ROOT, STAGES, Muster, ask, server_pid, wait_until

sys.path.insert(0, str(ROOT / "tools"))
from server_probe import free_ports  # noqa: E402

CHECKS = {"producer": {"stage", "kafka", "mongo"}, "fetcher": {"stage", "kafka"}, "serializer": {"stage", "kafka", "mongo"}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One installation whose stages run, and have fetched once."""
    m = Muster(tmp_path_factory.mktemp("running"), size=40)
    m.start_all()
    m.round(1)
    yield m
    m.close()


@pytest.mark.parametrize("stage", STAGES)
def test_a_running_stage_is_alive_and_ready_and_says_what_it_is(running, stage):
    process = running.stages[stage][0]
    assert process.ask("/livez")[:2] == (200, "ok\n")
    assert process.ask("/readyz")[:2] == (200, "ready\n")
    status, text, kind = process.ask("/version")
    assert (status, kind) == (200, "application/json")
    said = json.loads(text)
    assert said["program"] == f"muster-{stage}"
    lines = running.run("--version", program=f"muster-{stage}").splitlines()
    assert lines[0].split()[:2] == [said["program"], said["version"]]
    assert dict(line.split() for line in lines[1:]) == said["libraries"]
    assert {"librdkafka", "libmongoc", "libmicrohttpd"} <= said["libraries"].keys()


@pytest.mark.parametrize("stage", STAGES)
def test_verbose_readiness_names_every_check(running, stage):
    status, text, _ = running.stages[stage][0].ask("/readyz?verbose")
    assert status == 200, text
    assert set(text.splitlines()) == {f"{name} ok" for name in CHECKS[stage]} | {"ready"}


def test_other_paths_and_methods_are_refused_with_what_there_is(running):
    process = running.stages["fetcher"][0]
    status, text, _ = process.ask("/")
    assert status == 404 and "/readyz?verbose" in text
    address = process.said().split("listen=")[1].split()[0].split(":")
    for head, begin in {"POST /livez": "HTTP/1.1 405", "HEAD /livez": "HTTP/1.1 200", "nonsense": "HTTP/1.1 400"}.items():
        with socket.create_connection((address[0], int(address[1])), 5) as s:
            s.sendall(f"{head} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            assert s.recv(100).decode().startswith(begin), head


def test_those_who_connect_and_say_nothing_do_not_shut_out_who_asks(running):
    process = running.stages["serializer"][0]
    host, port = process.said().split("listen=")[1].split()[0].split(":")
    silent = [socket.create_connection((host, int(port)), 5) for _ in range(24)]
    try:  # the places that they take are free again after ten seconds of silence
        assert process.ask("/livez", 30)[0] == 200
    finally:
        for s in silent:
            s.close()


@pytest.mark.parametrize("stage, server", [("fetcher", "kafka"), ("producer", "kafka"), ("producer", "mongo"),
                                           ("serializer", "kafka"), ("serializer", "mongo")])
def test_a_stage_that_waits_for_a_server_at_the_start_is_alive_and_not_ready(running, stage, server):
    away, own = (f"127.0.0.1:{port}" for port in free_ports(2))
    value = away if server == "kafka" else f"mongodb://{away}/?replicaSet=rs0"
    process = running.start(stage, "--wait", "60s", "--listen", own, f"--{server}", value)
    process.expected_end = True
    process.wait_for("event=waits")
    assert ask(own, "/livez")[:2] == (200, "ok\n")
    status, text, _ = ask(own, "/readyz")
    assert status == 503
    assert f"{server} waits since " in text and away in text and text.endswith("not ready\n"), text
    process.stop()


@pytest.mark.parametrize("stage", STAGES)
def test_a_taken_port_is_refused_with_what_to_do_and_a_range_has_room(running, stage):
    taken, free = free_ports(2)
    with socket.create_server(("127.0.0.1", taken)):
        said = running.run("--listen", f"127.0.0.1:{taken}", program=f"muster-{stage}", status=69)
        assert f"127.0.0.1:{taken} is taken" in said and "--listen" in said, said
    said = running.run("--listen", "9310", program=f"muster-{stage}", status=78)
    assert "HOST:PORT" in said, said
    process = running.start(stage, "--listen", "none")
    process.wait_for("event=started.* listen=none")
    process.stop()


@pytest.mark.parametrize("server", ["kafka", "mongo"])
def test_a_server_that_stands_still_makes_stages_unready_and_leaves_them_alive(muster, server):
    pid = server_pid(server)
    if pid is None:
        pytest.skip(f"{server} is yours: it is not for a test to stop it")
    m = muster(size=40)
    m.start_all()
    m.round(1)
    needs_it = [process for stage in STAGES if server in CHECKS[stage] for process in m.stages[stage]]

    def unready(process):
        status, text, _ = process.ask("/readyz")
        return None if status == 503 and f"{server} waits since" in text else f"{process.name}: {status} {text}"

    def ready(process):
        status, text, _ = process.ask("/readyz")
        return None if status == 200 else f"{process.name}: {status} {text}"

    before = m.make_due()
    os.kill(pid, signal.SIGSTOP)
    try:
        for process in needs_it:
            wait_until(lambda process=process: unready(process), f"{process.name} sees that {server} is away", 40)
        for process in m.processes:
            assert process.ask("/livez")[:2] == (200, "ok\n"), process.name
    finally:
        os.kill(pid, signal.SIGCONT)
    for process in m.processes:
        wait_until(lambda process=process: ready(process), f"{process.name} sees that {server} is back", 60)
    m.wait_closed(before, 90)


def test_a_draining_stage_is_alive_and_not_ready(muster):
    m = muster(size=40)
    m.start_all()
    fetcher = m.stages["fetcher"][0]
    m.provider.misbehave("qualys", "stall")
    m.make_due()
    wait_until(lambda: "the request" if m.provider.ask("GET", "/misbehave") else None, "the fetcher asks for the page that stalls")
    fetcher.expected_end = True
    fetcher.send(signal.SIGTERM)
    fetcher.wait_for("event=draining")
    status, text, _ = fetcher.ask("/readyz")
    assert status == 503 and "stage waits since" in text, text
    assert fetcher.ask("/livez")[0] == 200
    fetcher.wait(15)
