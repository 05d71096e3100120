"""64 concurrent clients with mixed lengths: batches form, nothing is padded, no reply is wrong or lost."""
import asyncio
import pathlib
import subprocess
import sys
import tempfile
import unittest

import grpc
from inference import grpc_service_pb2 as pb
from inference import grpc_service_pb2_grpc as rpc
import numpy as np
from support.kserve import Client, outputs, request
from support.server import GOLDEN, MESSAGE_LIMIT, SOURCE, Server

CLIENTS, CALLS = 64, 12
MODEL = "wide"


class BatchingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Wide enough that computing a row takes longer than this client takes to send one: then rows wait, and batches form.
        cls.directory = tempfile.TemporaryDirectory()
        subprocess.run([sys.executable, SOURCE / "tests/benchmarks/random_bert.py", cls.directory.name, "--layers", "2"],
                       check=True)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_64_clients(self):
        rng = np.random.default_rng(11)
        words = "the cat loves my film and hates a delight from start to finish".split()
        texts = [" ".join(rng.choice(words, rng.integers(1, 60))) for _ in range(60)]
        with Server({MODEL: pathlib.Path(self.directory.name)}) as server:
            client = Client(server.channel())
            expected, tokens = [], []
            for text in texts:
                alone = client.infer(MODEL, {"text": [text]}, ("embedding", "input_ids"))
                expected.append(alone["embedding"][0])
                tokens.append(alone["input_ids"].shape[1])
            before = {name: server.metric(name, model=MODEL) for name in
                      ("attentiond_tokens_total", "attentiond_batch_tokens_sum", "attentiond_batch_requests_sum",
                       "attentiond_batch_requests_count")}
            sent = asyncio.run(self.load(server.address, texts, expected))
            change = {name: server.metric(name, model=MODEL) - value for name, value in before.items()}
        wanted_tokens = sum(tokens[i] for i in sent)
        self.assertEqual(len(sent), CLIENTS * CALLS)
        self.assertEqual(change["attentiond_tokens_total"], wanted_tokens)
        # What the batches computed is exactly what the texts have: no padding.
        self.assertEqual(change["attentiond_batch_tokens_sum"], wanted_tokens)
        self.assertEqual(change["attentiond_batch_requests_sum"], len(sent))
        average = change["attentiond_batch_requests_sum"] / change["attentiond_batch_requests_count"]
        print(f"average batch {average:.1f} rows, {wanted_tokens} tokens")
        self.assertGreater(average, 8)

    async def load(self, address, texts, expected):
        sent = []

        async def one_client(number):
            rng = np.random.default_rng(number)
            async with grpc.aio.insecure_channel(address, options=[("grpc.max_receive_message_length", MESSAGE_LIMIT),
                                                                   ("grpc.use_local_subchannel_pool", 1)]) as channel:
                stub = rpc.GRPCInferenceServiceStub(channel)
                for _ in range(CALLS):
                    i = int(rng.integers(len(texts)))
                    reply = outputs(await stub.ModelInfer(request(MODEL, {"text": [texts[i]]}), timeout=60))
                    np.testing.assert_allclose(reply["embedding"][0], expected[i], rtol=1e-4, atol=1e-5)
                    sent.append(i)

        await asyncio.gather(*(one_client(number) for number in range(CLIENTS)))
        return sent

    def test_a_request_of_many_rows_and_one_of_one(self):
        with Server({MODEL: GOLDEN / "bert-embed"}, ["--max-batch-requests", "64"]) as server:
            client = Client(server.channel())
            many = client.stub.ModelInfer.future(request(MODEL, {"text": ["the cat loves my film " * 20] * 2000},
                                                         parameters={"truncate": True}))
            one = client.infer(MODEL, {"text": ["the cat"]})
            self.assertFalse(many.done(), "one row waited for a request of 2000")
            self.assertEqual(one["embedding"].shape, (1, 48))
            self.assertEqual(outputs(many.result())["embedding"].shape, (2000, 48))


if __name__ == "__main__":
    unittest.main()
