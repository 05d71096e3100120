"""The real server as a child process, and attention-client's load on it: for the scripts that measure serving."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request


class Server:
    """On free ports; `ready_seconds` is from exec to the line that says it is ready."""

    def __init__(self, build, name, directory, *flags):
        self.build = pathlib.Path(build)
        start = time.monotonic()
        self.process = subprocess.Popen(
            [self.build / "bin/attentiond", "--model", f"{name}={directory}", "--listen", "127.0.0.1:0", "--metrics-listen",
             "127.0.0.1:0", "--log-format", "json", *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            fields = json.loads(line)
            if "listen" in fields and "metrics_listen" in fields:
                break
        else:
            sys.exit("the server did not start:\n" + "".join(lines))
        self.ready_seconds = time.monotonic() - start
        self.address, self.metrics_address = fields["listen"], fields["metrics_listen"]

    def metric(self, name):
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics") as reply:
            text = reply.read().decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
                   if re.match(rf"{name}(\{{| )", line))

    def resident_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def load(self, task, model, concurrency, seconds, *flags):
        """attention-client's report of a closed loop."""
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            subprocess.run([self.build / "bin/attention-client", "--address", self.address, "bench", "--task", task, "--model",
                            model, "--concurrency", str(concurrency), "--duration", str(seconds), "--json", report.name, *flags],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return json.load(open(report.name))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.read()
        self.process.wait(60)
