"""Golden data of every text encoder through the real server in bf16 and in int8."""
import json
import math
import subprocess
import unittest

import numpy as np
from support.golden import Golden, assert_close
from support.kserve import Client
from support.server import BINARY, GOLDEN, Server

# The folders of encoders that read texts.
ENCODERS = sorted(path.parent.name for path in GOLDEN.glob("*/tokenizer.json")
                  if json.loads((path.parent / "cases.json").read_text())["kind"] not in ("translate", "caption"))


def layers_of(name):
    config = json.loads((GOLDEN / name / "config.json").read_text())
    return config.get("num_hidden_layers") or config["n_layers"]


def tolerance_of(name):
    """Of bf16: sqrt(8 layers) independent roundings of 2^-9 of a value, four standard deviations, values of twice the usual
    size; as tests/core/engine/encoder_golden_test.cc derives it."""
    return 4 * 2 * math.sqrt(8 * layers_of(name)) / 512


def cosine(a, b):
    return float((a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum()))


class GoldenPrecisionTest(unittest.TestCase):
    def serve(self, dtype):
        models = {name: GOLDEN / name for name in ENCODERS}
        check = subprocess.run([BINARY, "--check", "--dtype", dtype, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
                                "--model", f"bert={GOLDEN / 'bert-classify'}"], capture_output=True, text=True)
        if check.returncode != 0 and "does not multiply" in check.stderr + check.stdout:
            self.skipTest(f"this processor does not multiply {dtype}")
        return Server(models, flags=("--dtype", dtype))

    def rows(self, name, golden, client):
        """(what, result, reference) of each output of each text."""
        kind = golden.description["kind"]
        output = {"embed": "last_hidden_state"}.get(kind, "logits")
        for case in golden.cases:
            if "text" not in case or "prompt" in case or ("pair" in case and kind == "tokens"):
                continue
            result = client.infer(name, golden.texts(case), ("input_ids", output), {"truncate": True})
            self.assertEqual(result["input_ids"][0].tolist(), case["input_ids"], f"{name} {case['name']}")
            expected = np.array(case["logits"]) if kind == "classify" else golden.array(case, output)
            yield f"{name} {case['name']}", result[output][0], expected

    def test_bf16(self):
        with self.serve("bf16") as server:
            client = Client(server.channel())
            for name in ENCODERS:
                with self.subTest(model=name):
                    for what, result, expected in self.rows(name, Golden(name), client):
                        assert_close(self, result, expected, tolerance_of(name), what)

    def test_int8(self):
        with self.serve("int8") as server:
            client = Client(server.channel())
            for name in ENCODERS:
                with self.subTest(model=name):
                    seen = [(result, expected) for _, result, expected in self.rows(name, Golden(name), client)]
                    # Of all texts together: one text's few logits may lie anywhere near zero.
                    result = np.concatenate([row[0].ravel() for row in seen]) if seen else np.ones(1)
                    expected = np.concatenate([row[1].ravel() for row in seen]) if seen else np.ones(1)
                    self.assertGreaterEqual(cosine(result, expected), 0.99, name)


if __name__ == "__main__":
    unittest.main()
