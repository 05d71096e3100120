"""10,000 malformed requests from a seeded generator: the server answers each, dies of none, leaks nothing.

Under AddressSanitizer the exit code at the end is also the leak check; elsewhere resident memory is compared between two
halves of the load.
"""
import os
import random
import unittest

import grpc
from inference import grpc_service_pb2 as pb
import numpy as np
from support.kserve import Client, request
from support.server import GOLDEN, MODELS, Server

REQUESTS = 10_000
SEED = 20240607


def good_requests():
    square = np.ones((1, 2, 3, 4), np.float32)
    attention = {"query": square, "key": square, "value": square, "kv_lengths": np.array([2], np.int64)}
    return [
        request("sentiment", {"text": ["I love my cat."]}, ("label", "logits")),
        request("sentiment", {"text": ["a", "b"], "text_pair": ["c", "d"]}, raw=False),
        request("embed", {"input_ids": np.array([[2, 5, 3]], np.int64)}, ("embedding",), {"pooling": "cls"}),
        request("layer", {"query": np.ones((1, 3, 32), np.float32)}, ("output", "weights")),
        request("attention", attention, ("output", "weights", "lse"), {"causal": True, "window": 2}),
        request("attention", attention, raw=False),
    ]


EDGE_NUMBERS = [0, 1, -1, 2, 3, 255, 1 << 20, (1 << 31) - 1, -(1 << 31), (1 << 62), (1 << 63) - 1, -(1 << 63)]
WORDS = ["", "query", "text", "BYTES", "FP32", "INT64", "FP16", "attention", "weights", "\0", "é" * 50, "x" * 5000]


def mutate(rng, message):
    """Changes one thing of a ModelInferRequest."""
    tensor = rng.choice(message.inputs) if message.inputs else message.inputs.add(name="query")
    kind = rng.randrange(14)
    if kind == 0:
        tensor.shape[rng.randrange(len(tensor.shape)) if tensor.shape else 0:] = [rng.choice(EDGE_NUMBERS)]
    elif kind == 1:
        tensor.shape.extend(rng.choices(EDGE_NUMBERS, k=rng.randrange(1, 12)))
    elif kind == 2:
        tensor.name = rng.choice(WORDS)
    elif kind == 3:
        tensor.datatype = rng.choice(WORDS + ["BOOL", "UINT8", "BF16", "FP64", "INT32"])
    elif kind == 4 and message.raw_input_contents:
        at = rng.randrange(len(message.raw_input_contents))
        data = bytearray(message.raw_input_contents[at])
        for _ in range(rng.randrange(1, 5)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        message.raw_input_contents[at] = bytes(data[:rng.randrange(len(data) + 1)] if rng.random() < 0.5 else data)
    elif kind == 5:
        message.raw_input_contents.append(rng.randbytes(rng.randrange(100)))
    elif kind == 6 and message.raw_input_contents:
        del message.raw_input_contents[rng.randrange(len(message.raw_input_contents))]
    elif kind == 7:
        tensor.contents.fp32_contents.extend([rng.choice([0.0, float("nan"), float("inf"), 1e38])] * rng.randrange(5))
    elif kind == 8:
        tensor.contents.bytes_contents.append(rng.randbytes(rng.randrange(40)))
    elif kind == 9:
        parameter = message.parameters[rng.choice(["causal", "window", "scale", "softcap", "timeout", "priority", "truncate",
                                                   "pooling", "dimensions", "normalize"] + WORDS[:3])]
        value = rng.randrange(5)
        if value == 0:
            parameter.int64_param = rng.choice(EDGE_NUMBERS)
        elif value == 1:
            parameter.double_param = rng.choice([0.0, -1.0, float("nan"), float("inf"), 1e300])
        elif value == 2:
            parameter.string_param = rng.choice(WORDS)
        elif value == 3:
            parameter.bool_param = True
    elif kind == 10:
        message.outputs.add(name=rng.choice(WORDS))
    elif kind == 11:
        message.model_name = rng.choice(WORDS + ["sentiment", "embed", "layer"])
    elif kind == 12:
        message.inputs.add().CopyFrom(tensor)
    else:
        message.model_version = rng.choice(WORDS + ["-1", "1", "99999999999999999999"])


class MalformedTest(unittest.TestCase):
    def test_generator(self):
        rng = random.Random(SEED)
        seeds = good_requests()
        codes = {}
        with Server({"sentiment": MODELS / "demo-sentiment", "embed": GOLDEN / "bert-embed",
                     "layer": GOLDEN / "mha-0"}) as server:
            channel = server.channel()
            client = Client(channel)
            send = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            for message in seeds:
                client.stub.ModelInfer(message, timeout=60)
            half = None
            pending = []
            for number in range(REQUESTS):
                message = pb.ModelInferRequest()
                message.CopyFrom(rng.choice(seeds))
                for _ in range(rng.randrange(1, 4)):
                    mutate(rng, message)
                data = message.SerializeToString()
                if rng.random() < 0.1 and data:  # bytes that need not be a message at all
                    data = bytearray(data)
                    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
                    data = bytes(data)
                pending.append(send.future(data, timeout=60))
                if len(pending) == 50:
                    for call in pending:
                        codes[call.code()] = codes.get(call.code(), 0) + 1
                    pending.clear()
                    if number < REQUESTS // 2:
                        half = server.resident_bytes()
            growth = server.resident_bytes() - half
            print({code.name: count for code, count in codes.items()}, f"resident memory grew by {growth >> 10} KiB")
            self.assertEqual(sum(codes.values()), REQUESTS)
            self.assertLessEqual(set(codes), {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT,
                                              grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION,
                                              grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
                                              grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL})
            # INTERNAL only where gRPC itself could not parse the bytes.
            self.assertNotIn("check failed", "\n".join(server.log))
            self.assertGreater(codes.get(grpc.StatusCode.INVALID_ARGUMENT, 0), REQUESTS // 2)
            if not os.environ["INTEGRATION_SANITIZE"]:  # a sanitizer keeps freed memory
                self.assertLess(growth, 64 << 20)
            client.stub.ModelInfer(seeds[0], timeout=60)


if __name__ == "__main__":
    unittest.main()
