"""client/node's sample against the real server."""
import os
import pathlib
import subprocess
import unittest

from support.server import MODELS, SOURCE, Server

PACKAGES = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "attentiond/tools/node/node_modules"


class NodeClientTest(unittest.TestCase):
    def run_sample(self, *arguments):
        self.assertTrue((PACKAGES / "@grpc" / "grpc-js").is_dir(), "scripts/setup --test installs the packages")
        return subprocess.run(["node", SOURCE / "client" / "node" / "classify.js", *arguments], capture_output=True, text=True,
                              env={**os.environ, "NODE_PATH": str(PACKAGES)}, timeout=60, check=False)

    def test_classify(self):
        with Server({"sentiment": MODELS / "demo-sentiment"}) as server:
            done = self.run_sample("--address", server.address, "--model", "sentiment", "I love my cat.", "My cat hates me.")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()], ["POSITIVE", "NEGATIVE"])
            done = self.run_sample("--address", server.address, "--model", "nobody", "a")
            self.assertEqual(done.returncode, 1)
            self.assertIn("NOT_FOUND: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
