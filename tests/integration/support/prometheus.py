"""A real Prometheus as a child process, and its query API."""
import contextlib
import json
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import urllib.parse
import urllib.request

from .server import wait_until


def free_port():
    """Below those that the system gives to connections, which another program could have by the time that this one is used."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Prometheus:
    def __init__(self, base):
        self.base = base

    def get(self, path, **parameters):
        """The reply's data; None: it is not up yet, or does not understand."""
        try:
            with urllib.request.urlopen(f"{self.base}/api/v1/{path}?" + urllib.parse.urlencode(parameters), timeout=10) as reply:
                return json.load(reply)["data"]
        except OSError:
            return None

    def series(self, expression):
        """What an instant query finds: [{"metric": labels, "value": [time, text]}]; None as get()."""
        data = self.get("query", query=expression)
        return None if data is None else data["result"]

    def value(self, expression):
        """Of the first series; None when there is none."""
        result = self.series(expression)
        return float(result[0]["value"][1]) if result else None


@contextlib.contextmanager
def run_prometheus(server, rule_files=()):
    """Scrapes `server` as job "attentiond" five times a second."""
    assert shutil.which("prometheus"), "prometheus is not on the PATH; scripts/setup --test provides it"
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        config = pathlib.Path(directory, "prometheus.yml")
        config.write_text(f"""
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
rule_files: {json.dumps([str(path) for path in rule_files])}
scrape_configs:
  - job_name: attentiond
    static_configs: [{{targets: ["{server.metrics_address}"]}}]
""")
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], stderr=subprocess.DEVNULL)
        try:
            prometheus = Prometheus(f"http://127.0.0.1:{port}")
            wait_until(lambda: prometheus.value('up{job="attentiond"}') == 1, "Prometheus scrapes the server")
            yield prometheus
        finally:
            process.terminate()
            process.wait(20)
