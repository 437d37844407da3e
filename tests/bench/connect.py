# SPDX-License-Identifier: MIT
"""Kafka Connect with MongoDB's sink: what a user would take instead of the serializer."""

import json
import os
import re
import time
import urllib.error
import urllib.request

from lab import LIMIT_SECONDS, ROOT, Failed, wait_until

WORKER = """
bootstrap.servers={kafka}
listeners=http://127.0.0.1:{port}
plugin.path={root}/.local/connect
plugin.discovery=service_load
offset.storage.file.filename={folder}/connect.offsets
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
connector.client.config.override.policy=All
"""

LOGGING = """
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %m (%c{1})%n%throwable
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""

# A host is replaced by its key, in unordered bulks as large as the serializer's; a text is parsed straight to BSON.
SINK = {
    "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
    "tasks.max": "1",
    "document.id.strategy": "com.mongodb.kafka.connect.sink.processor.id.strategy.PartialValueStrategy",
    "document.id.strategy.partial.value.projection.type": "AllowList",
    "document.id.strategy.partial.value.projection.list": "device_id",
    "writemodel.strategy": "com.mongodb.kafka.connect.sink.writemodel.strategy.ReplaceOneBusinessKeyStrategy",
    "bulk.write.ordered": "false",
    "max.batch.size": "0",
    "consumer.override.max.poll.records": "1000",
    "consumer.override.auto.offset.reset": "earliest",
}
# The identity rules of the host model and the source's key, as the sink's records have them.
INDEXES = (["device_id"], ["hostname", "external_ip"], ["service_provider_account_id", "instance_id"])


class Connect:
    """One worker with one task, warm: it has written all hosts once before it is measured."""

    def __init__(self, lab, topic, count):
        self.lab, self.topic, self.count = lab, topic, count
        port = lab.free_port()
        self.url = f"http://127.0.0.1:{port}"
        properties = lab.folder / "connect.properties"
        properties.write_text(WORKER.format(kafka=lab.kafka, port=port, folder=lab.folder, root=ROOT))
        logging = lab.folder / "connect-log4j2.properties"
        logging.write_text(LOGGING)
        self.process = lab.start("connect", ["java", "-Xmx1g", f"-Dlog4j2.configurationFile={logging}",
                                             "-cp", f"{ROOT}/.local/connect/libs/*",
                                             "org.apache.kafka.connect.cli.ConnectStandalone", properties])
        wait_until(lambda: self.process.check() and self.answers(), "Kafka Connect to answer", 120, 0.2)
        self.write("warm")
        lab.mongo.drop_database("warm")

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/connectors", timeout=60):
                return True
        except urllib.error.URLError:  # refused, or not found as long as it starts
            return False

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as wrong:
            raise Failed(f"Kafka Connect: {method} {path}: {wrong.code} {wrong.read()!r}") from None

    def measure(self, number):
        """Records a second: new ones, and the same ones again."""
        name = f"sink{number}"
        new = self.write(name)
        same = self.write(name, "-again")
        self.lab.mongo.drop_database(name)
        return new, same

    def write(self, database, again=""):
        hosts = self.lab.mongo[database].hosts
        for keys in INDEXES:
            hosts.create_index([(key, 1) for key in keys], unique=True, sparse=True)
        name = database + again
        uri = self.lab.mongo_uri + "&w=majority"
        before = self.replaced()
        self.ask("PUT", f"/connectors/{name}/config", {
            **SINK, "name": name, "topics": self.topic, "connection.uri": uri, "database": database, "collection": "hosts"})
        try:
            begin, first = self.await_replaced(name, before + 1)
            end, last = self.await_replaced(name, before + self.count)
        finally:
            self.ask("DELETE", f"/connectors/{name}")
        stored = hosts.count_documents({})
        if stored != self.count:
            raise Failed(f"Kafka Connect: {stored} hosts are stored, not {self.count}")
        return (last - first) / (end - begin)

    def replaced(self):
        return self.lab.mongo.admin.command("serverStatus", repl=0, metrics=0, locks=0)["opcounters"]["update"]

    def await_replaced(self, name, count):
        """When the server had carried out that many updates, and how many it had."""
        def condition():
            done = self.replaced()
            if done < count:
                self.check(name)
                return None
            return time.monotonic(), done
        return wait_until(condition, f"{name} to write", LIMIT_SECONDS, 0.02)

    def check(self, name):
        self.process.check()
        if said := re.search(r"task .* unrecoverable.*", self.process.said()):
            raise Failed(f"Kafka Connect, {name}: {said[0]}")

    def memory_mb(self):
        return self.process.memory_mb("VmHWM")
