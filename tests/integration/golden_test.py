"""Golden data through the real server over KServe v2: each case alone, and all of them at once."""
import concurrent.futures
import json
import subprocess
import unittest

import grpc
import numpy as np
from support.golden import Golden, assert_close
from support.kserve import Client
from support.server import CLIENT, Server

ENCODERS = ["bert-classify", "distilbert-classify", "bert-embed", "bert-tokens", "distilbert-tokens", "bert-multilabel",
            "bert-regression", "bert-rerank", "electra-classify", "electra-tokens", "albert-classify", "albert-embed",
            "mpnet-classify", "mpnet-embed", "deberta-v2-classify", "deberta-v2-plain", "deberta-v3-tokens",
            "modernbert-classify", "modernbert-tokens", "roberta-classify", "xlmr-embed", "camembert-classify",
            "camembert-tokens"]
TRUNCATED = {"truncate": True}  # the longest texts of the golden data
LAYERS = ["mha-0", "mha-1"]


def to_bf16(values):
    """Round to nearest even, as uint16 bit patterns."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


class GoldenTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.golden = {name: Golden(name) for name in ENCODERS + LAYERS + ["sdpa", "bert-sentences"]}
        cls.server = Server({name: cls.golden[name].directory for name in ENCODERS + LAYERS + ["bert-sentences"]}).__enter__()
        cls.client = Client(cls.server.channel())

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    # ---- raw attention
    def attend(self, case, convert=lambda x: x, wanted=("output", "weights", "lse"), raw=True):
        golden = self.golden["sdpa"]
        inputs = {name: convert(golden.array(case, key)) for name, key in (("query", "q"), ("key", "k"), ("value", "v"))}
        if golden.array(case, "mask") is not None:
            inputs["mask"] = golden.array(case, "mask").astype(np.bool_)
        if golden.array(case, "bias") is not None:
            inputs["bias"] = golden.array(case, "bias")
        if case.get("kv_lengths"):
            inputs["kv_lengths"] = np.array(case["kv_lengths"], np.int64)
        parameters = {key: case[key] for key in ("causal", "window", "softcap", "scale") if key in case}
        return self.client.infer("attention", inputs, wanted, parameters, raw)

    def check_attention(self, case, result):
        golden, tolerance = self.golden["sdpa"], self.golden["sdpa"].tolerance
        for output, key in (("output", "out"), ("weights", "weights"), ("lse", "lse")):
            expected = golden.array(case, key)
            if expected is not None:  # the largest case came without its weights
                assert_close(self, result[output], expected, tolerance, f"sdpa {case['name']} {output}")

    def test_attention_raw_and_typed(self):
        for case in self.golden["sdpa"].cases:
            for raw in (True, False):
                with self.subTest(case=case["name"], raw=raw):
                    self.check_attention(case, self.attend(case, raw=raw))

    def test_attention_16_bit(self):
        golden = self.golden["sdpa"]
        tolerance = golden.description["tolerance_bf16"]
        for case in golden.cases:
            if case.get("gain"):
                continue  # scores of hundreds: rounding the inputs to 16 bits moves the softmax itself
            with self.subTest(case=case["name"]):
                bf16 = self.attend(case, to_bf16, ("output",))["output"]
                assert_close(self, from_bf16(bf16), golden.array(case, "out"), tolerance, f"bf16 {case['name']}")
                f16 = self.attend(case, lambda x: x.astype(np.float16), ("output",))["output"]
                assert_close(self, f16, golden.array(case, "out"), tolerance, f"f16 {case['name']}")

    # ---- attention layers
    def run_layer(self, name, case, batch=slice(None)):
        golden = self.golden[name]
        inputs = {key: golden.array(case, key)[batch] for key in ("query", "key", "value")
                  if golden.array(case, key) is not None}
        if case["kv_lengths"]:
            inputs["kv_lengths"] = np.array(case["kv_lengths"], np.int64)[batch]
        return self.client.infer(name, inputs, ("output", "weights"), {"causal": case["causal"]})

    def check_layer(self, name, case, result):
        golden = self.golden[name]
        assert_close(self, result["output"], golden.array(case, "out"), golden.tolerance, f"{name} {case['name']} output")
        assert_close(self, result["weights"], golden.array(case, "weights"), golden.tolerance,
                     f"{name} {case['name']} weights")

    def test_attention_layers(self):
        for name in LAYERS:
            for case in self.golden[name].cases:
                with self.subTest(model=name, case=case["name"]):
                    self.check_layer(name, case, self.run_layer(name, case))

    # ---- encoders
    def kind(self, name):
        return self.golden[name].description["kind"]

    def outputs_of(self, name):
        outputs = {"classify": ("label", "score", "probabilities", "logits"), "embed": ("embedding", "last_hidden_state"),
                   "tokens": ("entities", "logits")}
        return ("input_ids", "attentions") + outputs[self.kind(name)]

    def run_text(self, name, case):
        parameters = dict(TRUNCATED)
        if self.kind(name) == "embed":
            parameters["pooling"] = "mean"
        return self.client.infer(name, self.golden[name].texts(case), self.outputs_of(name), parameters)

    def texts_of(self, name, pairs=True):
        """The cases that came from text; those of token classifiers without pairs, which it does not take."""
        return [case for case in self.golden[name].cases
                if "text" in case and ("pair" not in case or (pairs and self.kind(name) != "tokens"))]

    def check_text(self, name, case, result):
        golden, what = self.golden[name], f"{name} {case['name']}"
        self.assertEqual(result["input_ids"][0].tolist(), case["input_ids"], what)
        if golden.array(case, "attentions") is not None:
            assert_close(self, result["attentions"][0], golden.array(case, "attentions"), golden.tolerance,
                         what + " attentions")
        if self.kind(name) == "tokens":
            assert_close(self, result["logits"][0], golden.array(case, "logits"), golden.tolerance, what + " logits")
            self.check_entities(case, json.loads(result["entities"][0]), golden.tolerance, what)
        elif self.kind(name) == "classify":
            assert_close(self, result["logits"][0], np.array(case["logits"]), golden.tolerance, what + " logits")
            best = max(case["scores"], key=case["scores"].get)
            self.assertEqual(result["label"][0].decode(), best, what)
            self.assertAlmostEqual(float(result["score"][0]), case["scores"][best], delta=golden.tolerance, msg=what)
            self.assertAlmostEqual(float(result["probabilities"][0].sum()), sum(case["scores"].values()), delta=1e-4)
        else:
            assert_close(self, result["last_hidden_state"][0], golden.array(case, "last_hidden_state"), golden.tolerance,
                         what + " hidden state")
            assert_close(self, result["embedding"][0], np.array(case["mean_pooled_normalized"]), golden.tolerance,
                         what + " mean pooling")

    def check_entities(self, case, found, tolerance, what):
        self.assertEqual([(e["label"], e["start"], e["end"]) for e in found],
                         [(e["label"], e["start"], e["end"]) for e in case["entities"]], what)
        for entity, expected in zip(found, case["entities"]):
            self.assertAlmostEqual(entity["score"], expected["score"], delta=tolerance, msg=what)
            self.assertEqual(entity["text"], case["text"][entity["start"]:entity["end"]], what)

    def test_texts(self):
        for name in ENCODERS:
            for case in self.texts_of(name):
                with self.subTest(model=name, case=case["name"]):
                    self.check_text(name, case, self.run_text(name, case))

    def test_cls_pooling_and_ids_as_input(self):
        golden = self.golden["bert-embed"]
        for case in golden.cases:
            ids = np.array([case["input_ids"]], np.int64)
            types = np.array([case["token_type_ids"]], np.int64)
            result = self.client.infer("bert-embed", {"input_ids": ids, "token_type_ids": types,
                                                      "attention_mask": np.ones_like(ids)}, ("embedding",),
                                       {"pooling": "cls"})
            assert_close(self, result["embedding"][0], np.array(case["cls_normalized"]), golden.tolerance,
                         f"cls {case['name']}")

    def test_modules_and_prompts_of_sentence_transformers(self):
        golden = self.golden["bert-sentences"]
        for case in golden.cases:
            for asked in (case["prompt"], None) if case["prompt"] == "query" else (case["prompt"], "document"):
                parameters = {} if asked is None else {"prompt_name": asked}  # "query" is the default, "document" empty
                with self.subTest(case=case["name"], prompt=asked):
                    result = self.client.infer("bert-sentences", {"text": [case["text"]]}, ("embedding", "input_ids"),
                                               parameters)
                    self.assertEqual(result["input_ids"][0].tolist(), case["input_ids"])
                    assert_close(self, result["embedding"][0], np.array(case["embedding"]), golden.tolerance, case["name"])
        for parameters, words in (({"prompt_name": "x"}, ["prompt_name", "query"]), ({"pooling": "mean"}, ["pooling"]),
                                  ({"dimensions": 21}, ["dimensions", "20"])):
            with self.assertRaises(grpc.RpcError) as raised:
                self.client.infer("bert-sentences", {"text": ["a"]}, (), parameters)
            for word in words:
                self.assertIn(word, raised.exception.details())

    def test_masked_ids(self):
        for name in ENCODERS:
            golden = self.golden[name]
            masked = golden.description.get("masked")
            if masked is None or self.kind(name) != "embed":
                continue  # hidden states are the outputs of embedding models alone
            inputs = {key: np.array([masked[key]], np.int64)
                      for key in ("input_ids", "attention_mask", "token_type_ids") if key in masked}
            result = self.client.infer(name, inputs, ("last_hidden_state",))["last_hidden_state"][0]
            kept = np.array(masked["attention_mask"], bool)
            with self.subTest(model=name):
                assert_close(self, result[kept], golden.array(masked, "last_hidden_state"), golden.tolerance, name)
                self.assertFalse(result[~kept].any(), "columns that are masked are not zero")

    def test_token_ids_of_every_string(self):
        for name in ENCODERS:
            for entry in self.golden[name].description["tokenize"]:
                expected = entry["input_ids"]
                if len(expected) > 128:  # recorded without truncation; the model's limit keeps the closing token
                    expected = expected[:127] + expected[-1:]
                with self.subTest(model=name, text=entry["text"][:30]):
                    ids = self.client.infer(name, self.golden[name].texts(entry), ("input_ids",), {"truncate": True})
                    self.assertEqual(ids["input_ids"][0].tolist(), expected)

    def test_many_rows_of_different_lengths(self):
        for name in ENCODERS:
            cases = self.texts_of(name, pairs=False)
            parameters = dict(TRUNCATED, **({"pooling": "mean"} if self.kind(name) == "embed" else {}))
            result = self.client.infer(name, {"text": [case["text"] for case in cases]}, self.outputs_of(name), parameters)
            longest = max(len(case["input_ids"]) for case in cases)
            self.assertEqual(result["input_ids"].shape, (len(cases), longest))
            for row, case in enumerate(cases):
                length = len(case["input_ids"])
                self.assertTrue((result["input_ids"][row, length:] == -1).all())
                self.assertFalse(result["attentions"][row, :, :, length:].any(), "rows past the length are not zero")
                self.assertFalse(result["attentions"][row, :, :, :, length:].any(), "keys past the length are not zero")
                one = {key: value[row:row + 1] for key, value in result.items()}
                one["input_ids"] = one["input_ids"][:, :length]
                one["attentions"] = one["attentions"][:, :, :, :length, :length]
                for key in ("last_hidden_state", "logits"):
                    if key in one and one[key].ndim == 3:
                        self.assertFalse(one[key][:, length:].any())
                        one[key] = one[key][:, :length]
                self.check_text(name, case, one)

    # ---- the client's commands of these tasks
    def run_client(self, *arguments):
        run = subprocess.run([CLIENT, *arguments, "--address", self.server.address, "--json"], capture_output=True, text=True,
                             timeout=60)
        self.assertEqual(run.returncode, 0, run.stderr)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def test_rerank_command(self):
        golden = self.golden["bert-rerank"]
        case = next(case for case in golden.cases if "pair" in case)
        found = self.run_client("rerank", "-m", "bert-rerank", "--query", case["text"], "a", case["pair"], "b")
        self.assertEqual([entry["score"] for entry in found], sorted((entry["score"] for entry in found), reverse=True))
        score = next(entry["score"] for entry in found if entry["text"] == case["pair"])
        self.assertAlmostEqual(score, case["scores"]["LABEL_0"], delta=golden.tolerance)
        self.assertEqual(len(self.run_client("rerank", "-m", "bert-rerank", "-q", "x", "--top", "1", "a", "b")), 1)

    def test_entities_command(self):
        golden = self.golden["electra-tokens"]
        cases = self.texts_of("electra-tokens", pairs=False)[:3]
        found = self.run_client("entities", "-m", "electra-tokens", *(case["text"] for case in cases))
        for entry, case in zip(found, cases, strict=True):
            self.assertEqual(entry["text"], case["text"])
            self.check_entities(case, entry["entities"], golden.tolerance, case["name"])

    def test_embed_command_with_a_prompt(self):
        case = next(case for case in self.golden["bert-sentences"].cases if case["prompt"] == "")
        found = self.run_client("embed", "-m", "bert-sentences", "--prompt", "", case["text"])
        assert_close(self, np.array(found[0]["embedding"]), np.array(case["embedding"]), 1e-4, "embed")

    # ---- everything at once
    def test_all_mixed_and_equal_to_alone(self):
        alone, jobs = {}, []
        for name in ENCODERS:
            for case in self.texts_of(name):
                alone[name, case["name"]] = self.run_text(name, case)
                jobs.append((self.run_text, self.check_text, name, case))
        for name in LAYERS:
            for case in self.golden[name].cases:
                alone[name, case["name"]] = self.run_layer(name, case)
                jobs.append((self.run_layer, self.check_layer, name, case))
        for case in self.golden["sdpa"].cases:
            alone["sdpa", case["name"]] = self.attend(case)
            jobs.append((lambda _, c: self.attend(c), lambda _, c, r: self.check_attention(c, r), "sdpa", case))
        order = np.random.default_rng(7).permutation(np.repeat(np.arange(len(jobs)), 4))
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            results = list(pool.map(lambda i: jobs[i][0](jobs[i][2], jobs[i][3]), order))
        for i, result in zip(order, results):
            _, check, name, case = jobs[i]
            check(name, case, result)
            for key, value in alone[name, case["name"]].items():
                if isinstance(value, list):
                    self.assertEqual(result[key], value)
                else:  # summation order is the kernel's: equal to a few units in the last place of f32
                    np.testing.assert_allclose(result[key], value, rtol=1e-5, atol=1e-6, err_msg=f"{name} {case['name']}")


if __name__ == "__main__":
    unittest.main()
