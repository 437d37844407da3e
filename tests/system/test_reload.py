# SPDX-License-Identifier: MIT
"""SIGHUP: a stage reads files and secrets anew, goes on with what is under way, and keeps the old ones when the new are bad."""

import shutil
import signal
import sys

import pytest

from muster_lib import PROVIDERS, ROOT, STAGES, TOKEN, ask, wait_until
from test_changes import Consumer

sys.path.insert(0, str(ROOT / "tools"))
from server_probe import free_ports  # noqa: E402

OTHER_TOKEN = "another-token-that-nobody-may-see"


@pytest.fixture
def schemas(tmp_path):
    """A copy of the files, to change under the stages' feet."""
    folder = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas", folder)
    return folder


def change(schemas, old, new, provider="qualys"):
    """Returns the line."""
    file = schemas / "providers" / f"{provider}.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return text[:text.index(old)].count("\n") + 1


def reload(process, event="reloaded"):
    before = process.said().count(f"event={event} ")
    process.send(signal.SIGHUP)
    wait_until(lambda: None if process.said().count(f"event={event} ") > before else process.said()[-1500:],
               f"{process.name} says {event}", 20)


def files_check(process):
    status, text, _ = process.ask("/readyz?verbose")
    assert status == 200, text
    return next(line for line in text.splitlines() if line.startswith("files "))


@pytest.mark.parametrize("stage", (*STAGES, "announcer"))
def test_a_bad_file_is_named_and_the_old_ones_go_on_to_count(muster, schemas, stage):
    m = muster(size=40, settings={"MUSTER_SCHEMAS": str(schemas)})
    m.start_all()
    m.start("announcer").wait_for("event=announces")
    process = m.stages[stage][0]
    m.env["MUSTER_SCHEMAS"] = str(ROOT / "schemas")  # of the command
    line = change(schemas, "in_flight: 2", "in_flihgt: 2")
    reload(process, "not_reloaded")
    check = files_check(process)
    assert "warns since" in check and f"qualys.yaml:{line}:" in check and "in_flihgt" in check, check
    m.round(1)
    m.check_truth(1)
    change(schemas, "in_flihgt: 2", "in_flight: 2")
    reload(process)
    assert files_check(process) == "files ok"
    _, metrics, _ = process.ask("/metrics")
    assert f'muster_{stage}_reloads_total{{result="ok"}} 1' in metrics
    assert f'muster_{stage}_reloads_total{{result="failed"}} 1' in metrics
    m.round(3)
    m.check_truth(3)


def test_an_announcer_with_files_read_anew_goes_on_at_its_bookmark(muster):
    m = muster(size=40, settings={"MUSTER_CHANGES": "yes"})
    m.start_all()
    announcer = m.start("announcer")
    announcer.wait_for('event=announces from="a survey"')
    m.round(1)
    reload(announcer)
    announcer.wait_for('event=announces from="the bookmark"')
    m.round(3)
    Consumer(m).wait_until_equal()
    assert announcer.said().count('from="a survey"') == 1, "it surveyed all anew"


def test_a_secret_that_changed_is_used_after_sighup_and_is_nowhere_to_be_seen(muster, tmp_path):
    m = muster(size=40)
    secret = tmp_path / "token"
    secret.write_text(OTHER_TOKEN)
    for name in PROVIDERS:
        del m.env[f"MUSTER_{name.upper()}_TOKEN"]
        m.env[f"MUSTER_{name.upper()}_TOKEN_FILE"] = str(secret)
    m.start_all()
    before = m.make_due()
    m.wait_closed(before)
    assert {link["last"]["status"] for link in m.links().values()} == {401}, "the wrong secret works: this shows nothing"
    secret.write_text(TOKEN)
    reload(m.stages["fetcher"][0])
    m.round(1)
    m.check_truth(1)
    secret.unlink()
    reload(m.stages["fetcher"][0], "not_reloaded")
    m.round(3)
    m.check_truth(3)
    for process in m.processes:
        assert TOKEN not in process.said() and OTHER_TOKEN not in process.said(), process.name


def test_a_page_under_way_ends_by_the_old_files_and_the_next_one_is_asked_by_the_new(muster, schemas):
    m = muster(size=40, settings={"MUSTER_SCHEMAS": str(schemas)})
    m.start_all(fetcher=["--stall", "60s", "--timeout", "60s"])
    fetcher = m.stages["fetcher"][0]
    m.provider.misbehave("qualys", "slow", seconds=3)
    before = m.make_due()
    wait_until(lambda: "the request" if m.provider.ask("GET", "/misbehave") else None, "the slow page is asked for")
    # Other limits are another map, so what is under way goes on as it began.
    change(schemas, "limits: {rate: \"${rate}\", in_flight: 2}", "limits: {rate: \"${rate}\", in_flight: 1}")
    reload(fetcher)
    reload(fetcher)
    m.wait_closed(before)
    m.check_truth(1)
    assert {link["gen"] for link in m.links().values()} == {1}
    m.run("init")
    for stage in ("producer", "serializer"):
        reload(m.stages[stage][0])
    m.round(3)
    m.check_truth(3)


@pytest.mark.parametrize("told", [True, False])
def test_a_mended_file_takes_effect_without_a_restart(muster, schemas, told):
    """In place, then muster init: stages that are told read it anew, and those that are not find it before they give up."""
    change(schemas, "memory_mb: .totalMemory", "memory_mb: .totalMemoriy")
    m = muster(size=40, settings={"MUSTER_SCHEMAS": str(schemas)})
    m.start_all()
    m.round(1)
    assert m.differences(m.provider.truth(1)), "the spoilt file has no effect: this shows nothing"
    change(schemas, "memory_mb: .totalMemoriy", "memory_mb: .totalMemory")
    if told:  # too early: what is not numbered yet does not count
        for stage in ("producer", "serializer"):
            reload(m.stages[stage][0], "not_reloaded")
            assert "muster init" in files_check(m.stages[stage][0])
    assert "map 2: stream qualys/hosts" in m.run("init")
    reload(m.stages["fetcher"][0])
    for stage in ("producer", "serializer"):
        if told:
            reload(m.stages[stage][0])
        else:
            m.stages[stage][0].wait_for("event=reloaded", 30)
        assert files_check(m.stages[stage][0]) == "files ok"
    m.round(2)
    m.check_truth(2)


def test_a_provider_that_is_new_is_fetched_after_sighup(muster, schemas):
    file = schemas / "providers" / "qualys.yaml"
    kept = file.read_text()
    file.unlink()
    m = muster(size=40, settings={"MUSTER_SCHEMAS": str(schemas)})
    m.start_all()
    m.round(1)
    file.write_text(kept)
    m.run("init")
    for stage in reversed(STAGES):
        reload(m.stages[stage][0])
    m.wait_closed({})  # its link is new, and so due at once
    m.round(2)
    m.check_truth(2)
    assert {link["_id"] for link in m.db.links.find()} == {"qualys/hosts", "crowdstrike/hosts"}


def test_a_sighup_while_a_stage_waits_at_the_start_does_no_harm(muster):
    away, own = (f"127.0.0.1:{port}" for port in free_ports(2))
    m = muster(size=40)
    process = m.start("fetcher", "--wait", "60s", "--listen", own, "--kafka", away)
    process.wait_for("event=waits")
    process.send(signal.SIGHUP)
    assert ask(own, "/livez")[0] == 200
    process.stop()
