# SPDX-License-Identifier: MIT
"""What a stage shows to those who watch it: four pages on a port of its own, also while a server is away."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timezone

import pytest
from bson import ObjectId
from prometheus_client.parser import text_string_to_metric_families

from muster_lib import ROOT, STAGES, Muster, ask, server_pid, wait_until

sys.path.insert(0, str(ROOT / "tools"))
from server_probe import free_ports  # noqa: E402

SERVING = (*STAGES, "announcer")
CHECKS = {"producer": {"stage", "kafka", "mongo", "files"}, "fetcher": {"stage", "kafka", "files"},
          "serializer": {"stage", "kafka", "mongo", "files"}, "announcer": {"stage", "kafka", "mongo", "files"}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One installation whose stages run, and have fetched once."""
    m = Muster(tmp_path_factory.mktemp("running"), size=40, settings={"MUSTER_CHANGES": "yes"})
    m.start_all()
    m.start("announcer").wait_for("event=announces")
    m.round(1)
    yield m
    m.close()


@pytest.mark.parametrize("stage", SERVING)
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


def samples_of(process):
    """{name and labels: value}, by another reader than ours; what breaks the rules of the format or of naming fails."""
    status, text, kind = process.ask("/metrics")
    assert status == 200 and kind.startswith("text/plain; version=0.0.4")
    found, families = {}, list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "a family stands twice"
    for family in families:
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total"), sample
            if family.type == "histogram":
                assert re.fullmatch(f"{family.name}_(bucket|sum|count)", sample.name), sample
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in found, f"{key} stands twice"
            found[key] = sample.value
    for (name, *labels), value in found.items():
        if name.endswith("_count"):  # the last bucket holds all
            buckets = [v for (n, *l), v in found.items() if n == name[:-6] + "_bucket" and set(labels) <= set(l)]
            assert buckets == sorted(buckets) and buckets[-1] == value, f"{name} {labels}: {buckets}"
    return found


def total(samples, name, **labels):
    """Over all series that have these labels."""
    return sum(value for (n, *l), value in samples.items() if n == name and labels.items() <= dict(l).items())


def test_what_a_round_did_stands_in_the_metrics(running):
    producer, fetcher, serializer = (samples_of(running.stages[stage][0]) for stage in STAGES)
    links = len(running.links())
    assert total(producer, "muster_producer_links_claimed_total") >= links
    assert total(producer, "muster_due_to_claimed_seconds_count") >= links
    pages = total(fetcher, "muster_fetcher_pages_total", outcome="ok")
    assert pages >= 2 * 40 // 10
    # The end of a listing is an answer with status 500 here, and a page too.
    assert total(fetcher, "muster_http_requests_total") == total(fetcher, "muster_http_request_duration_seconds_count") == pages
    assert total(fetcher, "muster_http_requests_total", end="2xx", stream="qualys/hosts") > 0
    assert total(fetcher, "muster_fetcher_page_bytes_total") > 1000 * pages / 2
    assert total(fetcher, "muster_fetcher_lanes") == 4
    assert total(serializer, "muster_serializer_pages_total") == pages
    assert total(serializer, "muster_due_to_stored_seconds_count") == pages
    assert 0 < total(serializer, "muster_due_to_stored_seconds_sum") < 60 * pages
    assert total(serializer, "muster_batch_duration_seconds_count") > 0
    assert total(serializer, "muster_serializer_runs_total", result="whole") == links
    assert total(serializer, "muster_serializer_partitions") == 6


@pytest.mark.parametrize("stage", SERVING)
def test_each_stage_measures_its_process_and_its_checks(running, stage):
    samples = samples_of(running.stages[stage][0])
    version = json.loads(running.stages[stage][0].ask("/version")[1])
    assert total(samples, "muster_build_info", version=version["version"]) == 1
    assert {dict(l)["check"] for (name, *l), value in samples.items() if name == "muster_check_ready" and value == 1} == CHECKS[stage]
    assert total(samples, "process_resident_memory_bytes") > 1 << 20
    assert total(samples, "process_open_fds") > 5
    assert total(samples, "process_cpu_seconds_total") > 0
    assert abs(total(samples, "process_start_time_seconds") - time.time()) < 600
    assert total(samples, "muster_log_lines_total", level="error") == 0


def test_what_was_announced_stands_in_the_metrics_of_the_one_that_announces(running):
    announcer = running.stages["announcer"][0]
    created = running.db.hosts.count_documents({"merged_into": None, "gone": {"$ne": True}})
    assert created > 0
    wait_until(lambda: None if total(samples_of(announcer), "muster_announcer_events_total", change="created") >= created
               else f"{created} events", "all hosts are announced")
    wait_until(lambda: None if total(samples_of(announcer), "muster_announcer_undelivered_events") == 0 else "the rest",
               "Kafka has all events")
    samples = samples_of(announcer)
    events = total(samples, "muster_announcer_events_total")
    assert events == running.kept("changes")
    assert total(samples, "muster_changed_to_told_seconds_count") == events
    assert 0 < total(samples, "muster_changed_to_told_seconds_sum") < 60 * events
    assert total(samples, "muster_announcer_surveys_total") == 1
    assert total(samples, "muster_announcer_publish_failures_total") == total(samples, "muster_announcer_retries_total") == 0
    assert total(samples, "muster_announcer_announces") == 1

    second = running.start("announcer")
    second.wait_for("event=stands_by")
    assert second.ask("/readyz")[:2] == (200, "ready\n")
    assert total(samples_of(second), "muster_announcer_announces") == 0
    assert total(samples_of(second), "muster_announcer_events_total") == 0
    announcer_before = running.stages["announcer"].pop(0)
    announcer_before.stop()
    wait_until(lambda: None if total(samples_of(second), "muster_announcer_announces") == 1 else "its turn", "the other one takes over")
    assert total(samples_of(second), "muster_announcer_surveys_total") == 0, "it goes on at the bookmark"


def test_one_trace_goes_from_the_claim_through_tasks_and_pages(muster):
    m = muster(size=40, page_size=2)
    m.start_all(fetcher=["--stretch-pages", "3"])
    m.round(1)
    tasks = [json.loads(value) for value in kcat(m, "tasks", "%s\n").splitlines()]
    pages = [dict(pair.split("=", 1) for pair in line.split(",") if "=" in pair)
             for line in kcat(m, "pages", "%h\n").splitlines()]
    for link in m.links():
        of_tasks = [t["traceparent"] for t in tasks if t["link"] == link]
        of_pages = [p["traceparent"] for p in pages if p["muster-link"] == link]
        assert len(of_tasks) > 3 and len(of_pages) > 9, "the rest of the listing never became a task: this shows nothing"
        assert {len(trace) for trace in of_tasks + of_pages} == {55}
        assert len({trace.split("-")[1] for trace in of_tasks + of_pages}) == 1, f"{link} has several traces"
        spans_of_pages = {trace.split("-")[2] for trace in of_pages}
        assert len(spans_of_pages) == len(of_tasks), "one span for each stretch"
        # A rest names the stretch that published it; the first task was published by no stretch.
        assert len({trace.split("-")[2] for trace in of_tasks} - spans_of_pages) == 1
        assert {t["due"] for t in tasks if t["link"] == link} != {0}
        assert all(p["muster-due"] < p["ce_time"] for p in pages)
    assert len({p["traceparent"].split("-")[1] for p in pages}) == len(m.links())


def kcat(m, topic, form):
    return subprocess.run(["kcat", "-C", "-e", "-q", "-b", m.env["MUSTER_KAFKA"], "-t", f"{m.name}.{topic}", "-o",
                           "beginning", "-f", form], check=True, capture_output=True, timeout=60).stdout.decode(errors="replace")


@pytest.mark.parametrize("stage", SERVING)
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
                                           ("serializer", "kafka"), ("serializer", "mongo"),
                                           ("announcer", "kafka"), ("announcer", "mongo")])
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


@pytest.mark.parametrize("stage", SERVING)
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
    m.start("announcer").wait_for("event=announces")
    if server == "mongo":  # one that stands by asks nothing else
        m.start("announcer").wait_for("event=stands_by")
    m.round(1)
    needs_it = [process for stage in SERVING if server in CHECKS[stage] for process in m.stages[stage]]

    def unready(process):
        status, text, _ = process.ask("/readyz")
        return None if status == 503 and f"{server} waits since" in text else f"{process.name}: {status} {text}"

    def ready(process):
        status, text, _ = process.ask("/readyz")
        return None if status == 200 else f"{process.name}: {status} {text}"

    before = {name: link["gen"] for name, link in m.links().items()}
    os.kill(pid, signal.SIGSTOP)
    try:
        if server == "kafka":  # a producer that has nothing to publish asks Kafka nothing, nor does an announcer
            m.make_due()
            m.db.hosts.insert_one({"_id": ObjectId(), "rev": ObjectId(), "merged_into": ObjectId(), "changed_at": datetime.now(timezone.utc)})
        for process in needs_it:
            wait_until(lambda process=process: unready(process), f"{process.name} sees that {server} is away", 40)
        for process in m.processes:
            assert process.ask("/livez")[:2] == (200, "ok\n"), process.name
    finally:
        os.kill(pid, signal.SIGCONT)
    for process in m.processes:
        wait_until(lambda process=process: ready(process), f"{process.name} sees that {server} is back", 60)
    if server == "mongo":
        m.make_due()
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
