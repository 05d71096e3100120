"""The real server as a child process on ports of its own choosing."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.request

import grpc

SOURCE = pathlib.Path(os.environ["INTEGRATION_SOURCE_DIR"])
BINARY = pathlib.Path(os.environ["INTEGRATION_BINARY_DIR"]) / "bin" / "attentiond"
CLIENT = pathlib.Path(os.environ["INTEGRATION_BINARY_DIR"]) / "bin" / "attention-client"
GOLDEN = SOURCE / "tests" / "golden"
MODELS = SOURCE / "models"
SANITIZE = os.environ["INTEGRATION_SANITIZE"]   # empty, or which sanitizers the server was built with

MESSAGE_LIMIT = 1 << 30


class Server:
    """`with Server(models={"name": directory}) as server:` starts it, waits until it is ready, and drains it at the end.

    On leaving, the exit code must be 0: a crash, a leak that a sanitizer found or a failed drain fails the test.
    """

    def __init__(self, models=None, flags=(), env=None, expect_exit=0, preexec=None, port=0):
        command = [str(BINARY), "--listen", f"127.0.0.1:{port}", "--metrics-listen", "127.0.0.1:0", "--log-format", "json"]
        for name, directory in (models or {}).items():
            command += ["--model", f"{name}={directory}"]
        self.command = command + list(flags)
        self.env = {**os.environ, **(env or {})}
        self.expect_exit = expect_exit
        self.preexec = preexec   # called in the child before it becomes the server
        self.log = []
        self._asked_to_stop = False
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, env=self.env, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, preexec_fn=self.preexec)
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if not self._ready.wait(timeout=120) or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError("the server did not become ready:\n" + "\n".join(self.log))
        return self

    def _read_log(self):
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
            try:
                fields = json.loads(line)
            except ValueError:
                continue
            if "listen" in fields and "metrics_listen" in fields and not self._ready.is_set():
                self.address, self.metrics_address = fields["listen"], fields["metrics_listen"]
                self.health_address = fields.get("health_listen", "")
                self._ready.set()
        self._ready.set()  # it ended

    def __exit__(self, kind, value, traceback):
        code = self.stop()
        if kind is None and code != self.expect_exit:
            raise AssertionError(f"exit code {code}, expected {self.expect_exit}:\n" + "\n".join(self.log[-60:]))

    def terminate(self):
        """Asks for a drain, once: a second signal would end the process at once."""
        if not self._asked_to_stop:
            self._asked_to_stop = True
            self.process.send_signal(signal.SIGTERM)

    def stop(self, timeout=60):
        if self.process.poll() is None:
            self.terminate()
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join(timeout=10)
        self.process.stdout.close()
        return code

    def channel(self, **options):
        return grpc.insecure_channel(self.address, options=[
            ("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT),
            ("grpc.use_local_subchannel_pool", 1), *options.items()])

    def http(self, path):
        """(status, body) of a GET on the metrics port."""
        try:
            with urllib.request.urlopen(f"http://{self.metrics_address}{path}", timeout=20) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The sum of the series of `name` that carry `labels`."""
        total = 0.0
        for line in self.http("/metrics")[1].splitlines():
            if line.startswith("#") or not line:
                continue
            series, _, value = line.rpartition(" ")
            metric, _, rest = series.partition("{")
            if metric == name and all(f'{key}="{val}"' in rest for key, val in labels.items()):
                total += float(value)
        return total

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def wait_until(condition, what, timeout=60):
    """Polls `condition` until it is true; for what another process does in its own time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.02)
