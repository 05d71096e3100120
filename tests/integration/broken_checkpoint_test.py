"""Broken checkpoints: one clear line and exit code 1 at the start, NOT_FOUND or INVALID_ARGUMENT over RPC, never a crash."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import grpc
from inference import grpc_service_pb2 as pb
from support.kserve import Client
from support.mutations import MUTATIONS
from support.server import BINARY, GOLDEN, MODELS, Server


class BrokenCheckpointTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)

    def broken(self, name, mutation):
        directory = self.directory / name.replace(" ", "-")
        shutil.copytree(GOLDEN / mutation.base, directory,
                        ignore=shutil.ignore_patterns("cases.json", "expected.safetensors"))
        mutation.change(directory)
        return directory

    def check(self, found, mutation, directory):
        """`found` is or ends with the message."""
        self.assertNotIn("\n", found)
        if isinstance(mutation.message, list):
            for word in mutation.message:
                self.assertIn(word, found)
        else:
            message = mutation.message.replace("{dir}", str(directory))
            self.assertEqual(found[-len(message):], message)

    def test_enough(self):
        self.assertGreaterEqual(len(MUTATIONS), 40)

    def test_start(self):
        for name, mutation in MUTATIONS.items():
            with self.subTest(name):
                directory = self.broken(name, mutation)
                run = subprocess.run([BINARY, "--model", f"m={directory}", "--listen", "127.0.0.1:0", "--metrics-listen",
                                      "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
                self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
                errors = [line for line in (run.stdout + run.stderr).splitlines()
                          if " error " in line]
                self.assertEqual(len(errors), 1, run.stdout + run.stderr)
                self.check(errors[0], mutation, directory)

    def test_load_by_rpc(self):
        with Server({"sentiment": MODELS / "demo-sentiment"}, ["--model-repository", str(self.directory), "--enable-admin"]) as server:
            client = Client(server.channel())
            for name, mutation in MUTATIONS.items():
                with self.subTest(name):
                    directory = self.broken(name, mutation)
                    with self.assertRaises(grpc.RpcError) as raised:
                        client.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name=directory.name))
                    error = raised.exception
                    self.assertIn(error.code(), (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT,
                                                 grpc.StatusCode.UNIMPLEMENTED), error.details())
                    self.check(error.details(), mutation, directory)
            self.assertEqual(client.infer("sentiment", {"text": ["I love my cat."]})["label"], [b"POSITIVE"])


if __name__ == "__main__":
    unittest.main()
