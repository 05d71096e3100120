"""What a KServe v2 client written from the .proto alone sees of the real server."""
import queue
import shutil
import tempfile
import unittest

import grpc
from inference import grpc_service_pb2 as pb
import numpy as np
from support.kserve import Client, outputs, request
from support.server import GOLDEN, MODELS, Server, wait_until

TEXTS = ["I love my cat.", "My cat hates me."]


class KServeClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server({"sentiment": MODELS / "demo-sentiment", "embed": GOLDEN / "bert-embed"}).__enter__()
        cls.client = Client(cls.server.channel())
        cls.stub = cls.client.stub

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def assert_code(self, code, call, *names):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual(raised.exception.code(), code, raised.exception.details())
        for name in names:
            self.assertIn(name, raised.exception.details())

    def test_liveness_and_readiness(self):
        self.assertTrue(self.stub.ServerLive(pb.ServerLiveRequest()).live)
        self.assertTrue(self.stub.ServerReady(pb.ServerReadyRequest()).ready)
        self.assertTrue(self.stub.ModelReady(pb.ModelReadyRequest(name="sentiment")).ready)
        self.assertTrue(self.stub.ModelReady(pb.ModelReadyRequest(name="sentiment", version="1")).ready)
        self.assertTrue(self.stub.ModelReady(pb.ModelReadyRequest(name="attention")).ready)

    def test_server_metadata(self):
        metadata = self.stub.ServerMetadata(pb.ServerMetadataRequest())
        self.assertEqual(metadata.name, "attentiond")
        self.assertTrue(metadata.version)
        for extension in ("statistics", "model_configuration", "model_repository", "parameters", "binary_tensor_data"):
            self.assertIn(extension, metadata.extensions)

    def test_model_metadata_and_config(self):
        metadata = self.stub.ModelMetadata(pb.ModelMetadataRequest(name="sentiment"))
        self.assertEqual((metadata.name, list(metadata.versions)), ("sentiment", ["1"]))
        inputs = {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in metadata.inputs}
        self.assertEqual(inputs["text"][0], "BYTES")
        self.assertEqual(inputs["text"][1][0], -1)
        self.assertEqual({t.name for t in metadata.outputs} & {"label", "score", "probabilities", "logits"},
                         {"label", "score", "probabilities", "logits"})
        config = self.stub.ModelConfig(pb.ModelConfigRequest(name="sentiment")).config
        self.assertEqual(config.name, "sentiment")
        self.assertGreater(config.max_batch_size, 0)
        self.assertIn("text", [entry.name for entry in config.input])
        attention = self.stub.ModelConfig(pb.ModelConfigRequest(name="attention")).config
        self.assertEqual(attention.max_batch_size, 0)
        optional = {entry.name: entry.optional for entry in attention.input}
        self.assertEqual(optional, {"query": False, "key": False, "value": False, "mask": True, "bias": True,
                                    "kv_lengths": True})

    def test_infer_bytes_typed_and_raw(self):
        for raw in (True, False):
            response = self.stub.ModelInfer(request("sentiment", {"text": TEXTS}, raw=raw, id="call-7"))
            self.assertEqual((response.id, response.model_name, response.model_version), ("call-7", "sentiment", "1"))
            self.assertEqual([tensor.name for tensor in response.outputs], ["label", "score"])
            result = outputs(response)
            self.assertEqual(result["label"], [b"POSITIVE", b"NEGATIVE"])
            self.assertTrue((result["score"] > 0.5).all())

    def test_outputs_are_selected_and_ordered(self):
        response = self.stub.ModelInfer(request("sentiment", {"text": TEXTS}, ("logits", "label", "probabilities")))
        self.assertEqual([tensor.name for tensor in response.outputs], ["logits", "label", "probabilities"])
        result = outputs(response)
        exponentials = np.exp(result["logits"] - result["logits"].max(axis=1, keepdims=True))
        np.testing.assert_allclose(result["probabilities"], exponentials / exponentials.sum(axis=1, keepdims=True),
                                   atol=1e-6)

    def test_no_rows(self):
        result = self.client.infer("sentiment", {"text": []})
        self.assertEqual((result["label"], result["score"].shape), ([], (0,)))

    def test_embedding_parameters(self):
        whole = self.client.infer("embed", {"text": TEXTS})["embedding"]
        np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)
        plain = self.client.infer("embed", {"text": TEXTS}, parameters={"normalize": False})["embedding"]
        np.testing.assert_allclose(plain / np.linalg.norm(plain, axis=1, keepdims=True), whole, atol=1e-5)
        short = self.client.infer("embed", {"text": TEXTS}, parameters={"dimensions": 8})["embedding"]
        self.assertEqual(short.shape, (2, 8))
        np.testing.assert_allclose(short, plain[:, :8] / np.linalg.norm(plain[:, :8], axis=1, keepdims=True), atol=1e-5)

    def test_wrong_requests(self):
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        self.assert_code(grpc.StatusCode.NOT_FOUND, lambda: self.client.infer("nobody", {"text": TEXTS}), "nobody")
        self.assert_code(grpc.StatusCode.NOT_FOUND,
                         lambda: self.client.infer("sentiment", {"text": TEXTS}, model_version="9"), "9")
        self.assert_code(invalid, lambda: self.client.infer("sentiment", {"words": TEXTS}), "words")
        self.assert_code(invalid, lambda: self.client.infer("sentiment", {"text": np.zeros(2, np.float32)}), "text", "FP32",
                         "BYTES")
        query = np.zeros((1, 1, 2, 4), np.float32)
        self.assert_code(invalid, lambda: self.client.infer("attention", {
            "query": query, "key": query[..., :3].copy(), "value": query}), "key", "3", "4")
        self.assert_code(invalid, lambda: self.client.infer("attention", {"query": query, "key": query}), "value")
        self.assert_code(invalid, lambda: self.client.infer("sentiment", {"text": TEXTS}, ("laurel",)), "laurel")
        self.assert_code(invalid, lambda: self.client.infer("sentiment", {"text": TEXTS}, parameters={"speed": 3}), "speed")
        self.client.infer("sentiment", {"text": TEXTS}, parameters={"triton_enable_empty_final_response": True})
        short = request("attention", {"query": query, "key": query, "value": query})
        short.raw_input_contents[1] = short.raw_input_contents[1][:-1]
        self.assert_code(invalid, lambda: self.stub.ModelInfer(short), "key", "31", "32")
        mixed = request("attention", {"query": query, "key": query, "value": query})
        mixed.inputs[0].contents.fp32_contents.extend([0.0] * 8)
        self.assert_code(invalid, lambda: self.stub.ModelInfer(mixed), "query")

    def test_stream_with_an_error_in_the_middle(self):
        messages = [request("sentiment", {"text": [TEXTS[0]]}, id="0"), request("nobody", {"text": TEXTS}, id="1"),
                    request("sentiment", {"text": TEXTS}, id="2"), request("attention", {
                        name: np.ones((1, 1, 1, 1), np.float32) for name in ("query", "key", "value")}, id="3")]
        replies = list(self.stub.ModelStreamInfer(iter(messages), timeout=60))
        self.assertEqual(len(replies), 4)
        self.assertEqual([reply.infer_response.id for reply in replies if not reply.error_message], ["0", "2", "3"])
        self.assertIn("nobody", replies[1].error_message)
        self.assertEqual(outputs(replies[2].infer_response)["label"], [b"POSITIVE", b"NEGATIVE"])

    def test_stream_that_wants_grpc_errors(self):
        messages = [request("sentiment", {"text": [TEXTS[0]]}), request("nobody", {"text": TEXTS})]
        replies = self.stub.ModelStreamInfer(iter(messages), timeout=60, metadata=[("triton_grpc_error", "true")])
        self.assertFalse(next(replies).error_message)
        self.assert_code(grpc.StatusCode.NOT_FOUND, lambda: next(replies))

    def test_stream_answers_while_it_is_open(self):
        messages = queue.Queue()
        replies = self.stub.ModelStreamInfer(iter(messages.get, None), timeout=60)
        for turn in range(3):
            messages.put(request("sentiment", {"text": TEXTS}, id=str(turn)))
            self.assertEqual(next(replies).infer_response.id, str(turn))
        messages.put(None)
        self.assertEqual(list(replies), [])

    def test_statistics(self):
        def read():
            return self.stub.ModelStatistics(pb.ModelStatisticsRequest(name="embed")).model_stats[0]
        before = read()
        for _ in range(5):
            self.client.infer("embed", {"text": TEXTS})
        self.assert_code(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.client.infer("embed", {"txt": TEXTS}))
        after = read()
        self.assertEqual((after.name, after.version), ("embed", "1"))
        self.assertEqual(after.inference_count - before.inference_count, 10)
        self.assertGreaterEqual(after.execution_count - before.execution_count, 5)
        self.assertEqual(after.inference_stats.success.count - before.inference_stats.success.count, 5)
        self.assertEqual(after.inference_stats.fail.count - before.inference_stats.fail.count, 1)
        self.assertGreater(after.inference_stats.compute_infer.ns, before.inference_stats.compute_infer.ns)
        everything = self.stub.ModelStatistics(pb.ModelStatisticsRequest())
        self.assertEqual({stats.name for stats in everything.model_stats} & {"sentiment", "embed", "attention"},
                         {"sentiment", "embed", "attention"})

    def test_load_and_unload_while_others_serve(self):
        with tempfile.TemporaryDirectory() as repository:
            shutil.copytree(MODELS / "demo-sentiment", f"{repository}/first")
            with Server(flags=["--model-repository", repository, "--enable-admin"]) as server:
                client = Client(server.channel())
                index = {model.name: model.state for model in client.stub.RepositoryIndex(pb.RepositoryIndexRequest()).models}
                self.assertEqual(index["first"], "READY")
                shutil.copytree(GOLDEN / "bert-embed", f"{repository}/second")
                self.assert_code(grpc.StatusCode.NOT_FOUND, lambda: client.infer("second", {"text": TEXTS}))
                client.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="second"))
                self.assertEqual(client.infer("second", {"text": TEXTS})["embedding"].shape, (2, 48))
                self.assertEqual(client.infer("first", {"text": TEXTS})["label"], [b"POSITIVE", b"NEGATIVE"])
                client.stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="second"))
                wait_until(lambda: not client.stub.ModelReady(pb.ModelReadyRequest(name="second")).ready, "unloaded")
                self.assert_code(grpc.StatusCode.UNAVAILABLE, lambda: client.infer("second", {"text": TEXTS}))
                self.assertEqual(client.infer("first", {"text": TEXTS})["label"], [b"POSITIVE", b"NEGATIVE"])
                self.assert_code(grpc.StatusCode.NOT_FOUND, lambda: client.stub.RepositoryModelLoad(
                    pb.RepositoryModelLoadRequest(model_name="third")), "third")
                for name in ("../first", "/etc", ""):
                    self.assert_code(grpc.StatusCode.INVALID_ARGUMENT, lambda n=name: client.stub.RepositoryModelLoad(
                        pb.RepositoryModelLoadRequest(model_name=n)))

    def test_unknown_rpcs_are_unimplemented(self):
        call = self.server.channel().unary_unary("/inference.GRPCInferenceService/TraceSetting")
        self.assert_code(grpc.StatusCode.UNIMPLEMENTED, lambda: call(b""))


if __name__ == "__main__":
    unittest.main()
