"""What goes wrong in production, done to the real server: crashes, kills, broken models, exhausted limits, bad clients."""
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import grpc
from inference import grpc_service_pb2 as pb
from support import connections, kserve
from support.kserve import Client
from support.prometheus import free_port
from support.server import BINARY, MODELS, SANITIZE, SOURCE, Server, wait_until

DEMO = {"sentiment": MODELS / "demo-sentiment"}
TEXTS, LABELS = ["I love my cat.", "My cat hates me."], [b"POSITIVE", b"NEGATIVE"]
RETRIES = ("grpc.service_config", """{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 5,
  "initialBackoff": "0.3s", "maxBackoff": "3s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}""")


class Load:
    """Callers that classify until told to stop. `answers` counts right answers; `failures` has the errors of the others."""

    def __init__(self, make_channel, callers=8, pause=0.0):
        self.answers, self.failures = 0, []
        self._pause = pause
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(Client(make_channel()),)) for _ in range(callers)]

    def _run(self, client):
        while not self._stop.is_set():
            try:
                labels = client.infer("sentiment", {"text": TEXTS})["label"]
                with self._lock:
                    if labels == LABELS:
                        self.answers += 1
                    else:
                        self.failures.append(AssertionError(f"wrong: {labels}"))
            except grpc.RpcError as error:
                with self._lock:
                    self.failures.append(error)
                time.sleep(0.01)
            if self._pause:
                time.sleep(self._pause)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        goal = self.answers + more
        wait_until(lambda: self.answers >= goal, f"{more} more right answers; failures: {self.failures[:3]}")


class CrashTest(unittest.TestCase):
    def test_a_killed_server_that_starts_again_loses_no_request_of_a_retrying_client(self):
        port = free_port()
        first = Server(DEMO, port=port)
        with first:
            channel = lambda: first.channel(**dict([RETRIES, ("grpc.initial_reconnect_backoff_ms", 100),
                                                    ("grpc.max_reconnect_backoff_ms", 300)]))
            load = Load(channel)
            with load:
                load.wait_for(50)
                first.process.kill()
                first.process.wait()
                second = self.enterContext(Server(DEMO, port=port))
                self.assertEqual(second.address, first.address)
                load.wait_for(50)
            self.assertEqual(load.failures, [])
            first.expect_exit = -signal.SIGKILL

    def test_a_drain_under_load_fails_no_accepted_request(self):
        with Server(DEMO, ["--log-level", "debug"]) as server, Load(server.channel, callers=16) as load:
            load.wait_for(100)
            server.terminate()
            server.process.wait(60)
        log = "\n".join(server.log)
        self.assertIn('"message":"drained"', log)
        # What the server finished, its clients have; what they do not have was refused.
        self.assertEqual(load.answers, len(re.findall(r'"method":"ModelInfer".*"code":"OK"', log)))
        self.assertEqual({error.code() for error in load.failures}, {grpc.StatusCode.UNAVAILABLE})


class ModelsTest(unittest.TestCase):
    def setUp(self):
        self.repository = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(MODELS / "demo-sentiment", self.repository / "sentiment" / "1")

    def serve(self, *flags):
        server = self.enterContext(Server(flags=["--model-repository", str(self.repository), "--enable-admin", *flags]))
        return server, Client(server.channel())

    def add_version(self, version, break_it=False):
        """Copied beside the others under a name that is no version, then renamed: there at once."""
        fresh = self.repository / "sentiment" / "copying"
        shutil.copytree(MODELS / "demo-sentiment", fresh)
        if break_it:
            weights = fresh / "model.safetensors"
            weights.write_bytes(weights.read_bytes()[:-1000])
        fresh.rename(self.repository / "sentiment" / str(version))

    def version(self, client):
        return client.stub.ModelMetadata(pb.ModelMetadataRequest(name="sentiment")).versions[0]

    def test_a_directory_that_is_missing_at_reload_leaves_the_old_one(self):
        _, client = self.serve()
        (self.repository / "sentiment").rename(self.repository / "elsewhere")
        with self.assertRaises(grpc.RpcError) as raised:
            client.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="sentiment"))
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(client.infer("sentiment", {"text": TEXTS})["label"], LABELS)

    def test_a_corrupt_new_version_leaves_the_old_one(self):
        server, client = self.serve("--model-repository-poll", "100ms")
        self.add_version(2, break_it=True)
        wait_until(lambda: any("model not loaded" in line for line in server.log), "the log says so")
        self.assertEqual((self.version(client), client.infer("sentiment", {"text": TEXTS})["label"]), ("1", LABELS))
        with self.assertRaises(grpc.RpcError) as raised:
            client.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="sentiment"))
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual((self.version(client), client.infer("sentiment", {"text": TEXTS})["label"]), ("1", LABELS))

    def test_versions_are_swapped_under_load_without_a_failed_request(self):
        server, client = self.serve("--model-repository-poll", "100ms")
        with Load(server.channel) as load:
            for version in ("2", "3", "10"):
                self.add_version(version)
                wait_until(lambda: self.version(client) == version, f"version {version} serves")
                load.wait_for(20)
        self.assertEqual(load.failures, [])
        self.assertEqual(server.metric("attentiond_model_ready", model="sentiment", version="10"), 1)
        self.assertEqual(server.metric("attentiond_model_ready", model="sentiment", version="1"), 0)

    def test_models_come_and_go_with_their_folders(self):
        server, client = self.serve("--model-repository-poll", "100ms")
        shutil.copytree(MODELS / "demo-sentiment", self.repository / "second")
        wait_until(lambda: server.metric("attentiond_model_ready", model="second") == 1, "it is loaded")
        shutil.rmtree(self.repository / "second")
        wait_until(lambda: server.metric("attentiond_model_ready", model="second") == 0, "it is unloaded")
        self.assertEqual(client.infer("sentiment", {"text": TEXTS})["label"], LABELS)

    def test_sighup_looks_at_once(self):
        server, client = self.serve("--model-repository-poll", "1h")
        self.add_version(2)
        for _ in range(2):   # a folder must look the same twice
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
        wait_until(lambda: self.version(client) == "2", "version 2 serves", timeout=10)


class ExhaustionTest(unittest.TestCase):
    def test_file_descriptors(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (80, hard))
        with Server(DEMO, preexec=limit) as server, Load(server.channel, callers=2, pause=0.01) as load:
            load.wait_for(5)
            crowd = [connections.connect(server) for _ in range(200)]
            load.wait_for(20)    # those that were there before are served
            for connection in crowd:
                connection.close()
            newcomer = lambda: Client(server.channel()).infer("sentiment", {"text": TEXTS})["label"]
            wait_until(lambda: self.answers(newcomer) == LABELS, "newcomers are served again")
        self.assertEqual(load.failures, [])

    @staticmethod
    def answers(call):
        try:
            return call()
        except grpc.RpcError:
            return None

    def test_ten_thousand_connections_opened_and_dropped(self):
        with Server(DEMO) as server:
            client = Client(server.channel())
            def crowd(rounds):
                for number in range(rounds):
                    opened = [connections.connect(server) for _ in range(250)]
                    if number % 2:
                        for connection in opened:
                            connection.sendall(connections.PREFACE)
                    for connection in opened:
                        connection.close()
                    self.assertEqual(client.infer("sentiment", {"text": TEXTS})["label"], LABELS)
            crowd(8)
            wait_until(lambda: server.metric("process_open_fds") < 60, "descriptors are given back")
            before = server.resident_bytes()
            crowd(32)
            wait_until(lambda: server.metric("process_open_fds") < 60, "descriptors are given back")
            # A leak of one page for each of the 8000 would be 31 MiB.
            if not SANITIZE:
                self.assertLess(server.resident_bytes() - before, 16 << 20)

    def test_a_full_disk_under_the_log(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            port = free_port()
            process = subprocess.Popen([BINARY, "--model", f"sentiment={DEMO['sentiment']}", "--listen", f"127.0.0.1:{port}",
                                        "--metrics-listen", "127.0.0.1:0", "--log-level", "debug"], stderr=full)
            try:
                channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[
                    ("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 200)])
                # Calls that fail at once would not drive the client's attempts to connect.
                grpc.channel_ready_future(channel).result(timeout=60)
                client = Client(channel)
                for _ in range(100):
                    self.assertEqual(client.infer("sentiment", {"text": TEXTS})["label"], LABELS)
            finally:
                process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0)


class BadClientTest(unittest.TestCase):
    def test_one_that_never_reads_its_stream(self):
        with Server(DEMO, ["--max-in-flight-bytes", "64MiB"]) as server:
            client = Client(server.channel())
            client.infer("sentiment", {"text": TEXTS})
            before = server.resident_bytes()
            # Each reply is larger than what HTTP/2 lets through unread.
            message = kserve.request("sentiment", {"text": ["I love my cat, " * 25] * 4}, outputs=["attentions"])
            sent = threading.Semaphore(0)

            def endless():
                while True:
                    sent.release()
                    yield message
            streams = [Client(server.channel()).stub.ModelStreamInfer(endless()) for _ in range(4)]
            for _ in range(4 * 40):
                if not sent.acquire(timeout=10):
                    break   # the server has stopped reading from those that do not read
            for _ in range(50):
                self.assertEqual(client.infer("sentiment", {"text": TEXTS})["label"], LABELS)
            # Of what is in flight there are a message and its bytes; without the limit it would be 128 replies of 3 MB.
            # A sanitizer has as much again for what it knows of them, and keeps freed memory.
            self.assertLess(server.resident_bytes() - before, (1200 if SANITIZE else 300) << 20)
            start = time.monotonic()
            server.terminate()
            self.assertEqual(server.process.wait(60), 0)
            self.assertLess(time.monotonic() - start, 35, "the drain's limit holds")
            for stream in streams:
                stream.cancel()

    def test_half_a_message_and_no_more(self):
        with Server(DEMO, ["--keepalive-time", "1s", "--keepalive-timeout", "8s"]) as server:
            client = Client(server.channel())
            halves = []
            for payload in (b"", b"\x00", b"\x00\x00\x10\x00\x00" + b"x" * 100, b"\x00\xff\xff\xff\xff"):
                connection = connections.connect(server)
                connection.sendall(connections.PREFACE +
                                   connections.headers("/inference.GRPCInferenceService/ModelInfer") +
                                   connections.frame(connections.DATA, 0, payload))
                halves.append(connection)
            self.assertEqual(client.infer("sentiment", {"text": TEXTS})["label"], LABELS)
            for connection in halves:
                # They answer no ping either. A client that is idle looks for pings every five seconds.
                self.assertTrue(connections.is_closed(connection, 30))
                connection.close()
            self.assertEqual(client.infer("sentiment", {"text": TEXTS})["label"], LABELS)
            wait_until(lambda: server.metric("attentiond_in_flight_requests") == 0, "nothing is left of them")


@unittest.skipIf("thread" in SANITIZE, "ThreadSanitizer must be the first library to intercept the clock")
class ClockTest(unittest.TestCase):
    def test_the_wall_clock_jumps(self):
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        library, offset = directory / "clock_jump.so", directory / "offset"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE / "tests/integration/clock_jump.c", "-ldl"], check=True)
        offset.write_text("0")
        environment = {"LD_PRELOAD": str(library), "CLOCK_JUMP_FILE": str(offset), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        with Server(DEMO, env=environment) as server, Load(server.channel, callers=4) as load:
            load.wait_for(20)
            for seconds in (3600, -3600, 10 * 365 * 86400, 0):
                offset.write_text(str(seconds))
                load.wait_for(50)
            year = re.search(r"attentiond_request_duration_seconds_sum\{[^}]*ModelInfer[^}]*\} (\S+)", server.http("/metrics")[1])
            self.assertLess(float(year[1]), 3600, "durations follow the monotonic clock")
        self.assertEqual(load.failures, [])


if __name__ == "__main__":
    unittest.main()
