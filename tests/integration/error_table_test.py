"""Every row of the error table, against the real server; after each, it answers a good request."""
import pathlib
import subprocess
import tempfile
import time
import unittest

import grpc
from inference import grpc_service_pb2 as pb
import numpy as np
from google.rpc import error_details_pb2, status_pb2
from support.kserve import Client, request
from support.server import GOLDEN, MODELS, Server, wait_until

Code = grpc.StatusCode


def details(error, kind):
    """The google.rpc detail messages of type `kind` that came with an error."""
    found = []
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for entry in status_pb2.Status.FromString(value).details:
                message = kind()
                if entry.Unpack(message):
                    found.append(message)
    return found


def big_attention(length=6144, heads=8):
    """A call of some hundred milliseconds: something to be in the way of others."""
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal((1, heads, length, 64), np.float32) for name in ("query", "key", "value")}


class Blocked:
    """Two long calls: while the second waits, the first computes."""

    def __init__(self, server, client):
        self.calls = [client.stub.ModelInfer.future(request("attention", big_attention())) for _ in range(2)]
        wait_until(lambda: server.metric("attentiond_queue_requests", model="attention") > 0, "the second call waits")

    def wait(self):
        for call in self.calls:
            call.result()


class ErrorTableTest(unittest.TestCase):
    FLAGS = ("--max-queue-requests", "4")

    @classmethod
    def setUpClass(cls):
        cls.server = Server({"sentiment": MODELS / "demo-sentiment", "embed": GOLDEN / "bert-embed",
                             "layer": GOLDEN / "mha-0"}, cls.FLAGS).__enter__()
        cls.client = Client(cls.server.channel())

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def tearDown(self):
        self.assertEqual(self.client.infer("sentiment", {"text": ["I love my cat."]})["label"], [b"POSITIVE"])

    def fails(self, code, inputs, *names, model="sentiment", wanted=(), parameters=None, **more):
        with self.assertRaises(grpc.RpcError) as raised:
            self.client.infer(model, inputs, wanted, parameters, **more)
        error = raised.exception
        self.assertEqual(error.code(), code, error.details())
        for name in names:
            self.assertIn(name, error.details())
        return error

    # ---- INVALID_ARGUMENT
    def test_malformed_tensor(self):
        message = request("sentiment", {"text": ["one"]})
        message.raw_input_contents[0] = b"\xff\xff\xff\x7fshort"
        with self.assertRaises(grpc.RpcError) as raised:
            self.client.stub.ModelInfer(message)
        self.assertEqual(raised.exception.code(), Code.INVALID_ARGUMENT)
        violations = [v.field for d in details(raised.exception, error_details_pb2.BadRequest) for v in d.field_violations]
        self.assertTrue(any("text" in field for field in violations), violations)

    def test_wrong_shape_and_type(self):
        one = np.zeros((1, 1, 2, 4), np.float32)
        self.fails(Code.INVALID_ARGUMENT, {"query": one, "key": one, "value": np.zeros((1, 1, 3, 4), np.float32)}, "value",
                   "3", "2", model="attention")
        self.fails(Code.INVALID_ARGUMENT, {"query": one, "key": one.astype(np.float16), "value": one}, "key", "FP16",
                   model="attention")
        self.fails(Code.INVALID_ARGUMENT, {"query": one, "key": one, "value": one, "mask": np.ones((1, 1, 3, 2), np.bool_)},
                   "mask", model="attention")
        self.fails(Code.INVALID_ARGUMENT, {"query": one, "key": one, "value": one}, "window", model="attention",
                   parameters={"window": -1})
        self.fails(Code.INVALID_ARGUMENT, {"query": one, "key": one, "value": one,
                                           "kv_lengths": np.array([5], np.int64)}, "kv_lengths", "5", model="attention")

    def test_unknown_parameter(self):
        self.fails(Code.INVALID_ARGUMENT, {"text": ["one"]}, "temperature", parameters={"temperature": 1.0})

    def test_too_long_without_truncate(self):
        text = {"text": ["cat " * 500]}
        self.fails(Code.INVALID_ARGUMENT, text, "128", "truncate")
        self.client.infer("sentiment", text, parameters={"truncate": True})

    def test_invalid_utf8(self):
        self.fails(Code.INVALID_ARGUMENT, {"text": [b"caf\xe9"]}, "UTF-8")

    def test_ids_outside_the_vocabulary(self):
        for bad in (-1, 1 << 20):
            self.fails(Code.INVALID_ARGUMENT, {"input_ids": np.array([[2, bad, 3]], np.int64)}, "input_ids", str(bad))

    def test_more_rows_than_the_queue_ever_holds(self):
        self.fails(Code.INVALID_ARGUMENT, {"text": ["one"] * 5}, "5 rows", "holds 4")

    # ---- NOT_FOUND, FAILED_PRECONDITION
    def test_unknown_model_and_version(self):
        self.fails(Code.NOT_FOUND, {"text": ["one"]}, "nobody", model="nobody")
        self.fails(Code.NOT_FOUND, {"text": ["one"]}, "77", model_version="77")

    def test_wrong_task(self):
        import attentiond.v1.attention_service_pb2 as v1
        import attentiond.v1.attention_service_pb2_grpc as v1_rpc
        typed = v1_rpc.AttentionServiceStub(self.server.channel())
        with self.assertRaises(grpc.RpcError) as raised:
            typed.Classify(v1.ClassifyRequest(model="embed", inputs=[{"text": "one"}]))
        self.assertEqual(raised.exception.code(), Code.FAILED_PRECONDITION)
        self.assertIn("embed", raised.exception.details())

    # ---- RESOURCE_EXHAUSTED
    def test_queue_limit(self):
        small = request("attention", {name: np.ones((1, 1, 1, 1), np.float32) for name in ("query", "key", "value")})
        blocked = Blocked(self.server, self.client)
        calls = [self.client.stub.ModelInfer.future(small) for _ in range(12)]
        refused = [call.exception() for call in calls if call.exception() is not None]
        blocked.wait()
        self.assertTrue(refused, "12 calls fitted a queue of 4")
        for error in refused:
            self.assertEqual(error.code(), Code.RESOURCE_EXHAUSTED, error.details())
            self.assertTrue(details(error, error_details_pb2.RetryInfo))
        self.assertGreater(self.server.metric("attentiond_rejected_total", model="attention"), 0)

    # ---- DEADLINE_EXCEEDED, CANCELLED
    def test_deadline_passes_before_compute(self):
        """Behind a long call, one with a short deadline never reaches compute: the batch count shows it."""
        before = self.server.metric("attentiond_tokens_total", model="layer")
        batches = self.server.metric("attentiond_batch_requests_count", model="layer")
        query = np.zeros((1, 4, 32), np.float32)
        blocked = Blocked(self.server, self.client)
        self.fails(Code.DEADLINE_EXCEEDED, {"query": query}, model="layer", timeout=0.005)
        blocked.wait()
        self.client.infer("attention", {name: np.ones((1, 1, 1, 1), np.float32) for name in ("query", "key", "value")})
        self.assertEqual(self.server.metric("attentiond_batch_requests_count", model="layer"), batches)
        self.assertEqual(self.server.metric("attentiond_tokens_total", model="layer"), before)

    def test_client_goes_away(self):
        rejected = self.server.metric("attentiond_rejected_total", reason="cancelled")
        batches = self.server.metric("attentiond_batch_requests_count", model="embed")
        blocked = Blocked(self.server, self.client)
        gone = self.client.stub.ModelInfer.future(request("embed", {"text": ["one"]}))
        wait_until(lambda: self.server.metric("attentiond_queue_requests", model="embed") > 0, "queued")
        gone.cancel()
        blocked.wait()
        wait_until(lambda: self.server.metric("attentiond_rejected_total", reason="cancelled") > rejected, "counted")
        self.assertEqual(self.server.metric("attentiond_batch_requests_count", model="embed"), batches)


class UnavailableTest(unittest.TestCase):
    def test_draining_and_unloaded(self):
        with Server({"sentiment": MODELS / "demo-sentiment"}) as server:
            client = Client(server.channel())
            client.infer("sentiment", {"text": ["one"]})
            running = client.stub.ModelInfer.future(request("attention", big_attention(4096)))
            wait_until(lambda: server.metric("attentiond_in_flight_requests") > 0, "in flight")
            server.terminate()
            refused = None
            deadline = time.monotonic() + 20
            while refused is None and time.monotonic() < deadline:
                try:
                    client.infer("sentiment", {"text": ["one"]})
                except grpc.RpcError as error:
                    refused = error
            self.assertEqual(refused.code(), Code.UNAVAILABLE, refused.details())
            self.assertEqual(len(running.result(timeout=60).raw_output_contents), 1)  # accepted work is finished


class AuthenticationTest(unittest.TestCase):
    def test_token(self):
        with tempfile.TemporaryDirectory() as directory:
            token = pathlib.Path(directory, "token")
            token.write_text("s3cret-token\n")
            with Server({"sentiment": MODELS / "demo-sentiment"}, ["--auth-token-file", str(token)]) as server:
                stub = Client(server.channel()).stub
                good = request("sentiment", {"text": ["I love my cat."]})
                for metadata in ([], [("authorization", "Bearer wrong")], [("authorization", "s3cret-token")]):
                    with self.assertRaises(grpc.RpcError) as raised:
                        stub.ModelInfer(good, metadata=metadata)
                    self.assertEqual(raised.exception.code(), Code.UNAUTHENTICATED)
                stub.ModelInfer(good, metadata=[("authorization", "Bearer s3cret-token")])


class TlsTest(unittest.TestCase):
    def test_tls_and_mutual_tls(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            for name in ("server", "client"):
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                                "-keyout", path / f"{name}.key", "-out", path / f"{name}.pem", "-days", "2", "-subj",
                                f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True,
                               capture_output=True)
            read = {file.name: file.read_bytes() for file in path.iterdir()}
            flags = ["--tls-cert", str(path / "server.pem"), "--tls-key", str(path / "server.key")]
            call = request("sentiment", {"text": ["I love my cat."]})

            def attempt(server, credentials):
                with grpc.secure_channel(server.address, credentials) as channel:
                    return Client(channel).stub.ModelInfer(call, timeout=10)

            with Server({"sentiment": MODELS / "demo-sentiment"}, flags) as server:
                attempt(server, grpc.ssl_channel_credentials(read["server.pem"]))
            flags += ["--tls-client-ca", str(path / "client.pem")]
            with Server({"sentiment": MODELS / "demo-sentiment"}, flags) as server:
                attempt(server, grpc.ssl_channel_credentials(read["server.pem"], read["client.key"], read["client.pem"]))
                with self.assertRaises(grpc.RpcError) as raised:
                    attempt(server, grpc.ssl_channel_credentials(read["server.pem"]))
                self.assertEqual(raised.exception.code(), Code.UNAVAILABLE)


if __name__ == "__main__":
    unittest.main()
