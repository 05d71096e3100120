"""Who may do what, and how much: tokens, admin calls, paths in load requests, connections and metadata. docs/SECURITY.md names
the threat that each test covers."""
import pathlib
import shutil
import signal
import tempfile
import threading
import unittest

import grpc
from inference import grpc_service_pb2 as pb
from inference import grpc_service_pb2_grpc as rpc
from support import kserve
from support.certificates import replace
from support.connections import PREFACE, connect, is_closed
from support.kserve import Client
from support.server import MODELS, Server, wait_until

DEMO = {"sentiment": MODELS / "demo-sentiment"}


def code_of(call, **metadata):
    """The name of the code that `call` (of a stub) ends with, and its message."""
    try:
        call(metadata=list(metadata.items()), timeout=20)
        return "OK", ""
    except grpc.RpcError as error:
        return error.code().name, error.details()


class TokensTest(unittest.TestCase):
    def setUp(self):
        self.file = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "tokens")
        self.file.write_text("first\nsecond\n")
        self.server = self.enterContext(Server(DEMO, ["--auth-token-file", str(self.file)]))
        stub = rpc.GRPCInferenceServiceStub(self.server.channel())
        self.call = lambda **options: stub.ServerReady(pb.ServerReadyRequest(), **options)

    def code(self, token):
        return code_of(self.call, **({"authorization": f"Bearer {token}"} if token else {}))[0]

    def test_missing_wrong_and_right(self):
        self.assertEqual([self.code(token) for token in ("first", "second", "third", "firs", "")],
                         ["OK", "OK", "UNAUTHENTICATED", "UNAUTHENTICATED", "UNAUTHENTICATED"])

    def test_a_changed_file_is_read_without_a_signal(self):
        self.file.write_text("third\n")
        wait_until(lambda: self.code("third") == "OK", "the new token is accepted", timeout=10)
        self.assertEqual(self.code("first"), "UNAUTHENTICATED")

    def test_sighup_reads_it_too_and_a_broken_file_locks_nobody_out(self):
        self.file.write_text("# nothing yet\n")
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("holds no token" in line for line in self.server.log), "the log says so")
        self.assertEqual(self.code("first"), "OK")
        replacement = self.file.with_suffix(".next")
        replacement.write_text("fourth\n")
        replace(replacement, self.file)
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.code("fourth") == "OK", "the new token is accepted", timeout=10)

    def test_no_core_dump_carries_them(self):
        limits = pathlib.Path(f"/proc/{self.server.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        # A process that is not dumpable belongs to root in /proc, whoever runs it.
        self.assertEqual(pathlib.Path(f"/proc/{self.server.process.pid}/environ").stat().st_uid, 0)

    def test_tokens_are_never_written(self):
        self.code("first")
        self.code("a-wrong-one")
        log = "\n".join(self.server.log) + self.server.http("/metrics")[1]
        for token in ("first\"", "=first", "a-wrong-one"):
            self.assertNotIn(token, log)


class AdminTest(unittest.TestCase):
    def setUp(self):
        outside = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.repository = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(MODELS / "demo-sentiment", outside / "secret")
        shutil.copytree(MODELS / "demo-sentiment", self.repository / "good")
        (self.repository / "folder-link").symlink_to(outside / "secret")
        shutil.copytree(MODELS / "demo-sentiment", self.repository / "file-link")
        (self.repository / "file-link" / "config.json").unlink()
        (self.repository / "file-link" / "config.json").symlink_to(outside / "secret" / "config.json")
        (self.repository / "version-link").mkdir()
        (self.repository / "version-link" / "1").symlink_to(outside / "secret")
        self.outside = outside

    def serve(self, *flags):
        server = self.enterContext(Server(DEMO, ["--model-repository", str(self.repository), *flags]))
        return server, Client(server.channel()).stub

    def test_off_unless_the_flag_says_otherwise(self):
        _, stub = self.serve()
        for name, call in (("RepositoryModelLoad", lambda **o: stub.RepositoryModelLoad(
                               pb.RepositoryModelLoadRequest(model_name="good"), **o)),
                           ("RepositoryModelUnload", lambda **o: stub.RepositoryModelUnload(
                               pb.RepositoryModelUnloadRequest(model_name="good"), **o))):
            code, message = code_of(call)
            self.assertEqual((code, message), ("PERMISSION_DENIED", f"{name} is off; the server's flag --enable-admin turns it on"))
        self.assertTrue(stub.ModelReady(pb.ModelReadyRequest(name="good")).ready)
        self.assertGreaterEqual(len(stub.RepositoryIndex(pb.RepositoryIndexRequest()).models), 2)   # looking is free

    def test_paths_stay_inside_the_repository(self):
        _, stub = self.serve("--enable-admin")
        escapes = ["../secret", "..", ".", "/", str(self.outside / "secret"), "good/../../secret", "good/..", "a\\..\\b", "good\0",
                   "%2e%2e/secret", "\u202e", "x" * 5000, "folder-link", "file-link", "version-link"]
        for name in escapes:
            with self.subTest(name=name[:40]):
                code, message = code_of(lambda **o: stub.RepositoryModelLoad(
                    pb.RepositoryModelLoadRequest(model_name=name), **o))
                self.assertIn(code, ("INVALID_ARGUMENT", "NOT_FOUND"), message)
                self.assertNotIn("hidden_size", message)
        names = [model.name for model in stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=True)).models]
        self.assertEqual(sorted(names), ["attention", "good", "sentiment"])
        self.assertEqual(code_of(lambda **o: stub.RepositoryModelLoad(
            pb.RepositoryModelLoadRequest(model_name="good"), **o))[0], "OK")


class ConnectionsTest(unittest.TestCase):
    def test_more_than_the_limit_are_closed_and_places_are_given_back(self):
        with Server(DEMO, ["--max-connections", "20"]) as server:
            connections = [connect(server) for _ in range(60)]
            wait_until(lambda: server.metric("attentiond_connections_refused_total") >= 30, "the limit holds")
            self.assertGreaterEqual(sum(not is_closed(connection, 0.05) for connection in connections), 15)
            for connection in connections:
                connection.close()
            client = Client(server.channel())
            wait_until(lambda: code_of(lambda **o: client.stub.ServerLive(pb.ServerLiveRequest(), **o))[0] == "OK",
                       "a place is free again")

    def test_who_says_nothing_is_closed(self):
        with Server(DEMO, ["--keepalive-time", "200ms", "--keepalive-timeout", "300ms"]) as server:
            with connect(server) as dead:
                dead.sendall(PREFACE)   # and never answers a ping
                self.assertTrue(is_closed(dead, 20))

    def test_an_idle_connection_is_closed_and_opened_again(self):
        with Server(DEMO, ["--max-connection-idle", "300ms"]) as server:
            states = []
            channel = server.channel()
            channel.subscribe(states.append)
            client = Client(channel)
            client.infer("sentiment", {"text": ["I love my cat."]})
            wait_until(lambda: grpc.ChannelConnectivity.IDLE in states[1:], "the server closed it")
            client.infer("sentiment", {"text": ["I love my cat."]})

    def test_metadata_is_bounded(self):
        with Server(DEMO, ["--max-metadata-bytes", "4KiB"]) as server:
            stub = Client(server.channel()).stub
            call = lambda **o: stub.ServerLive(pb.ServerLiveRequest(), **o)
            self.assertEqual(code_of(call, note="x" * 1000)[0], "OK")
            self.assertEqual(code_of(call, note="x" * 10000)[0], "RESOURCE_EXHAUSTED")
            # gRPC may close the connection with it.
            wait_until(lambda: code_of(call)[0] == "OK", "others are answered")

    def test_calls_of_one_connection_are_bounded(self):
        with Server(DEMO, ["--max-connection-calls", "2"]) as server:
            stub = Client(server.channel()).stub
            # Streams that stay open: each has sent one request and got its reply.
            over = threading.Event()
            request = kserve.request("sentiment", {"text": ["I love my cat."]})

            def requests():
                yield request
                over.wait(60)
            streams = [stub.ModelStreamInfer(requests(), timeout=60) for _ in range(2)]
            for stream in streams:
                self.assertEqual(next(stream).error_message, "")
            code = code_of(lambda **o: stub.ServerLive(pb.ServerLiveRequest(), **{**o, "timeout": 0.5}))[0]
            self.assertEqual(code, "DEADLINE_EXCEEDED")   # it waits in the client
            other = Client(server.channel()).stub
            self.assertEqual(code_of(lambda **o: other.ServerLive(pb.ServerLiveRequest(), **o))[0], "OK")
            over.set()
            for stream in streams:
                stream.cancel()

    def test_bytes_in_flight_are_bounded(self):
        with Server(DEMO, ["--max-in-flight-bytes", "1MiB"]) as server:
            client = Client(server.channel())
            with self.assertRaises(grpc.RpcError) as raised:
                client.infer("sentiment", {"text": ["x" * (2 << 20)]}, parameters={"truncate": True})
            self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertIn("limit of 1048576", raised.exception.details())
            client.infer("sentiment", {"text": ["I love my cat."]})


class LogTest(unittest.TestCase):
    def test_a_sample_of_requests_with_their_traces(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        with Server(DEMO, ["--access-log", "2"]) as server:
            stub = Client(server.channel()).stub
            message = kserve.request("sentiment", {"text": ["I love my cat."]})
            for _ in range(4):
                _, call = stub.ModelInfer.with_call(message, metadata=[("traceparent", f"00-{trace}-00f067aa0ba902b7-01")])
                answered = dict(call.trailing_metadata())["traceparent"]
                self.assertRegex(answered, f"^00-{trace}-[0-9a-f]{{16}}-01$")
            lines = lambda: [line for line in server.log if f'"traceparent":"00-{trace}-' in line and '"level":"info"' in line]
            wait_until(lambda: len(lines()) == 2, "every second request is logged")
            self.assertTrue(any(answered in line for line in server.log) or len(lines()) == 2)

    def test_a_request_cannot_write_lines_of_its_own(self):
        with Server(DEMO, ["--log-level", "debug"]) as server:
            stub = Client(server.channel()).stub
            code_of(lambda **o: stub.ModelReady(pb.ModelReadyRequest(name='x\n{"level":"error","message":"forged"}\u001b[31m'), **o))
            wait_until(lambda: any("NOT_FOUND" in line for line in server.log), "it is logged")
            self.assertFalse(any(line.startswith('{"level":"error"') for line in server.log))
            self.assertFalse(any("\u001b" in line for line in server.log))


if __name__ == "__main__":
    unittest.main()
