"""Broken checkpoints: one clear line and exit code 1 at the start, NOT_FOUND or INVALID_ARGUMENT over RPC, never a crash."""
import json
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

import grpc
from inference import grpc_service_pb2 as pb
from support.kserve import Client
from support.server import BINARY, GOLDEN, MODELS, Server


def edit_header(directory, change):
    """Rewrites model.safetensors with the header that `change` (a function on the parsed header) leaves."""
    path = directory / "model.safetensors"
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size:])


def edit_config(directory, **fields):
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config.update(fields)
    path.write_text(json.dumps(config))


WEIGHT = "distilbert.transformer.layer.0.attention.q_lin.weight"


def truncate(directory):
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def header_length(value):
    def change(directory):
        path = directory / "model.safetensors"
        path.write_bytes(struct.pack("<Q", value) + path.read_bytes()[8:])
    return change


def overlap(header):
    header["pre_classifier.bias"]["data_offsets"] = header["classifier.bias"]["data_offsets"]


def lying_shape(header):
    header[WEIGHT]["shape"] = [64, 65]


def huge_shape(header):
    header[WEIGHT]["shape"] = [1 << 40, 1 << 40]


def negative_offsets(header):
    header[WEIGHT]["data_offsets"] = [-8, 16]


def reversed_offsets(header):
    header[WEIGHT]["data_offsets"].reverse()


def wrong_dtype(header):
    header[WEIGHT]["dtype"] = "F31"


def missing_tensor(header):
    header["renamed"] = header.pop(WEIGHT)


# What is done to the checkpoint, and words that the one line must have.
MUTATIONS = {
    "truncated weights": (truncate, ["model.safetensors"]),
    "empty weights": (lambda d: (d / "model.safetensors").write_bytes(b""), ["model.safetensors"]),
    "header length past the end": (header_length(1 << 62), ["model.safetensors", "header"]),
    "header length 0": (header_length(0), ["model.safetensors"]),
    "header is not JSON": (lambda d: (d / "model.safetensors").write_bytes(struct.pack("<Q", 4) + b"{{{{"),
                           ["model.safetensors"]),
    "overlapping tensors": (lambda d: edit_header(d, overlap), ["model.safetensors"]),
    "lying shape": (lambda d: edit_header(d, lying_shape), ["model.safetensors", WEIGHT]),
    "overflowing shape": (lambda d: edit_header(d, huge_shape), ["model.safetensors", WEIGHT]),
    "negative offsets": (lambda d: edit_header(d, negative_offsets), ["model.safetensors", WEIGHT]),
    "reversed offsets": (lambda d: edit_header(d, reversed_offsets), ["model.safetensors", WEIGHT]),
    "unknown dtype": (lambda d: edit_header(d, wrong_dtype), ["model.safetensors", "F31"]),
    "missing tensor": (lambda d: edit_header(d, missing_tensor), [WEIGHT]),
    "no weights": (lambda d: (d / "model.safetensors").unlink(), ["model.safetensors"]),
    "no config": (lambda d: (d / "config.json").unlink(), ["config.json"]),
    "truncated config": (lambda d: (d / "config.json").write_text("{\"model_type\": \"dist"), ["config.json"]),
    "deeply nested config": (lambda d: (d / "config.json").write_text("[" * 100000), ["config.json"]),
    "config is a list": (lambda d: (d / "config.json").write_text("[]"), ["config.json"]),
    "unknown model type": (lambda d: edit_config(d, model_type="rwkv"), ["rwkv"]),
    "unknown activation": (lambda d: edit_config(d, activation="snake"), ["snake"]),
    "heads do not divide": (lambda d: edit_config(d, n_heads=7), ["7", "64"]),
    "huge size": (lambda d: edit_config(d, dim=1 << 40), ["dim"]),
    "negative layers": (lambda d: edit_config(d, n_layers=-1), ["n_layers"]),
    "a number is a string": (lambda d: edit_config(d, dim="64"), ["dim"]),
    "broken tokenizer": (lambda d: (d / "tokenizer.json").write_text("{\"model\": 3}"), ["tokenizer.json"]),
    "binary tokenizer": (lambda d: (d / "tokenizer.json").write_bytes(bytes(range(256))), ["tokenizer.json"]),
}


class BrokenCheckpointTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)

    def broken(self, name, change):
        directory = self.directory / name.replace(" ", "-")
        shutil.copytree(GOLDEN / "distilbert-classify", directory,
                        ignore=shutil.ignore_patterns("cases.json", "expected.safetensors"))
        change(directory)
        return directory

    def test_start(self):
        for name, (change, words) in MUTATIONS.items():
            with self.subTest(name):
                directory = self.broken(name, change)
                run = subprocess.run([BINARY, "--model", f"m={directory}", "--listen", "127.0.0.1:0", "--metrics-listen",
                                      "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
                self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
                errors = [line for line in (run.stdout + run.stderr).splitlines()
                          if " error " in line]
                self.assertEqual(len(errors), 1, run.stdout + run.stderr)
                for word in words:
                    self.assertIn(word, errors[0])

    def test_load_by_rpc(self):
        with Server({"sentiment": MODELS / "demo-sentiment"}, ["--model-repository", str(self.directory)]) as server:
            client = Client(server.channel())
            for name, (change, words) in MUTATIONS.items():
                with self.subTest(name):
                    directory = self.broken(name, change)
                    with self.assertRaises(grpc.RpcError) as raised:
                        client.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name=directory.name))
                    error = raised.exception
                    self.assertIn(error.code(), (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT,
                                                 grpc.StatusCode.UNIMPLEMENTED), error.details())
                    self.assertNotIn("\n", error.details())
                    for word in words:
                        self.assertIn(word, error.details())
            self.assertEqual(client.infer("sentiment", {"text": ["I love my cat."]})["label"], [b"POSITIVE"])


if __name__ == "__main__":
    unittest.main()
