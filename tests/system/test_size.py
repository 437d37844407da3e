# SPDX-License-Identifier: MIT
"""Big records, big pages, and queries that must not look through whole collections."""

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from muster_lib import Failure, sources_of, wait_until


def test_pages_of_hosts_of_140_kb(muster):
    m = muster(size=40, page_size=2, big_every=2, big_bytes=140_000)
    m.start_all()
    for number in (1, 3):
        m.round(number)
        m.check_truth(number)
    sizes = sorted(len(value) for _, _, value in m.messages("pages"))
    assert sizes[-1] > 140_000, f"the largest page has {sizes[-1]} bytes: this shows nothing"


def test_a_body_of_40_mb_goes_through(muster):
    m = muster(size=420, page_size=400, big_every=1, big_bytes=118_000)
    m.start_all()
    m.round(1, seconds=120)
    sizes = sorted(len(value) for _, _, value in m.messages("pages"))
    assert sizes[-1] > 40_000_000, f"the largest page has {sizes[-1]} bytes: this shows nothing"
    m.check_truth(1)
    before = m.revs()
    m.round(2, seconds=120)
    assert m.revs() == before, "the same page again wrote hosts"


def test_no_query_of_a_stage_looks_through_a_collection(muster):
    m = muster(size=300, page_size=25)
    m.start_all()
    m.db.create_collection("system.profile", capped=True, size=128 << 20)
    m.db.command("profile", 2)
    try:
        for number in (1, 3, 4, 5):
            m.round(number)
        m.run("links", "due", "qualys/hosts")
        host = next(doc for doc in m.living() if doc.get("hostname"))
        for word in (str(host["_id"]), sorted(sources_of(host))[0][1], host["hostname"]):
            m.run("explain", "host", word)
        wait_until(lambda: None if all(link["closed"] == link["gen"] for link in m.links().values()) else "links", "all closed")
    finally:
        m.db.command("profile", 0)

    rows = list(m.db.system.profile.find(OF_STAGES, WITHOUT_TEXTS)) + list(m.db.system.profile.find(OF_COMMANDS, WITHOUT_TEXTS))
    looked_at = {row["ns"].partition(".")[2] for row in rows if "IXSCAN" in row.get("planSummary", "")}
    assert looked_at >= {"links", "hosts", "seen"}, f"the profile has no queries of ours on these: only {looked_at}"
    refuse(m, [row for row in rows if "COLLSCAN" in row.get("planSummary", "")], "looked through a whole collection")
    refuse(m, [row for row in rows if row.get("planSummary") == "IXSCAN { _id: 1 }" and row["docsExamined"] > 250
               and row["ns"].endswith(".hosts")], "walked through all hosts by their ids")


OF_STAGES = {"appName": {"$in": ["muster-producer", "muster-serializer"]}}
OF_COMMANDS = {"appName": "muster", "command.find": {"$exists": True}}  # explain; status and digest have to see everything
WITHOUT_TEXTS = {"appName": 1, "ns": 1, "planSummary": 1, "docsExamined": 1, "_id": 0, "ts": 1}


def refuse(m, rows, what):
    if rows:
        texts = m.db.system.profile.with_options(CodecOptions(document_class=RawBSONDocument))
        told = [f"{row['appName']}: {row['ns']}: {row['planSummary']}, {row.get('docsExamined')} documents: "
                f"{[it['command'].raw[:400] for it in texts.find({'ts': row['ts'], 'ns': row['ns']}).limit(1)]}" for row in rows[:4]]
        raise Failure(f"{len(rows)} queries {what}; the first ones:\n" + "\n".join(told))
