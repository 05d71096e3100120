"""Explain through the real server: attribution against classifying by hand without each word, rollout against the maps
of the layers, and both through the real client."""
import json
import re
import subprocess
import tempfile
import unittest

from attentiond.v1 import attention_service_pb2 as pb
from attentiond.v1 import attention_service_pb2_grpc as rpc
import grpc
import numpy as np
from support.kserve import Client
from support.server import CLIENT, GOLDEN, MODELS, Server

# Byte-level BPE, SentencePiece with and without a space of its own, WordPiece; several labels, a regression.
FAMILIES = ["roberta-classify", "xlmr-embed", "deberta-v2-classify", "modernbert-classify", "albert-classify",
            "bert-multilabel", "bert-regression"]
TEXTS = ["I love my cat, but my cat hates me.", "The film was a delight from start to finish.", "Superb!"]

# The unit roundoff of f32: scores and logits are sums that rounding moves by some units, depending on what else of a row
# is wanted (with attentions the last layer computes every token, without them the first alone).
ROUNDING = 64 * 2.0**-24


def weights(attention_map):
    return np.frombuffer(attention_map.weights.data, np.float32).reshape(list(attention_map.weights.shape)).astype(np.float64)


class ExplainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server({"sentiment": MODELS / "demo-sentiment", "embed": GOLDEN / "bert-embed",
                             **{family: GOLDEN / family for family in FAMILIES}},
                            flags=["--dtype", "f32"]).__enter__()
        cls.stub = rpc.AttentionServiceStub(cls.server.channel())

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def explain(self, texts, model="sentiment", **fields):
        request = pb.ExplainRequest(model=model, inputs=[pb.TextInput(text=text) for text in texts], **fields)
        return self.stub.Explain(request, timeout=60)

    def score(self, text, label):
        reply = self.stub.Classify(pb.ClassifyRequest(model="sentiment", inputs=[pb.TextInput(text=text)]), timeout=60)
        return next(entry.score for entry in reply.results[0].labels if entry.label == label)

    def run_client(self, *arguments):
        return subprocess.run([str(CLIENT), "--address", self.server.address, "explain", *arguments],
                              capture_output=True, text=True, timeout=60)

    # ---- attribution
    def test_attribution_is_what_classifying_without_each_word_says(self):
        reply = self.explain(TEXTS, attribute_words=True, reduction=pb.ATTENTION_REDUCTION_NO_MAPS)
        for text, result in zip(TEXTS, reply.results):
            attribution = result.attribution
            self.assertEqual([word.text for word in attribution.words], re.findall(r"\w+|[^\w\s]", text))
            whole = self.score(text, attribution.label)
            self.assertEqual(attribution.score, whole)
            for word in attribution.words:
                raw = text.encode()
                self.assertEqual(raw[word.byte_begin:word.byte_end].decode(), word.text)
                without = (raw[:word.byte_begin] + raw[word.byte_end:]).decode()
                # A row does not depend on its batch: equal to the last bit.
                expected = np.float32(whole) - np.float32(self.score(without, attribution.label))
                self.assertEqual(np.float32(word.score_effect), expected, (text, word.text))

    def test_maps_do_not_change_attribution(self):
        alone = self.explain(TEXTS[:1], attribute_words=True, reduction=pb.ATTENTION_REDUCTION_NO_MAPS)
        beside = self.explain(TEXTS[:1], attribute_words=True)
        self.assertEqual(len(beside.results[0].maps), 1)
        for a, b in zip(alone.results[0].attribution.words, beside.results[0].attribution.words):
            self.assertAlmostEqual(a.score_effect, b.score_effect, delta=ROUNDING)

    def test_the_word_that_decides_comes_first(self):
        attribution = self.explain(["I love my cat."], attribute_words=True).results[0].attribution
        self.assertEqual(attribution.label, "POSITIVE")
        self.assertEqual(max(attribution.words, key=lambda word: word.logit_effect).text, "love")

    def test_embeddings_turn(self):
        words = self.explain(["I love my cat."], "embed", attribute_words=True).results[0].attribution.words
        request = pb.EmbedRequest(model="embed", inputs=[pb.TextInput(text="I love my cat."), pb.TextInput(text="I my cat.")])
        whole, without = (np.array(result.values, np.float64) for result in self.stub.Embed(request, timeout=60).results)
        self.assertAlmostEqual(words[1].cosine_effect, 1 - whole @ without / np.linalg.norm(whole) / np.linalg.norm(without),
                               delta=ROUNDING)

    def test_every_family_and_vocabulary(self):
        """The model's own inputs without the tokens of a word, over KServe. The words are all of the text."""
        text = "Unbelievable caf\u00e9s,  \u732b and 3 \U0001f63a don't cost $5!"
        infer = Client(self.server.channel()).infer
        for model in FAMILIES:
            result = self.explain([text], model, attribute_words=True, reduction=pb.ATTENTION_REDUCTION_NO_MAPS).results[0]
            words, raw = result.attribution.words, text.encode()
            covered = b"".join(raw[word.byte_begin:word.byte_end] for word in words).decode()
            self.assertEqual("".join(covered.split()), "".join(text.split()), model)
            output = "embedding" if "embed" in model else "logits"

            def run(tokens):
                ids = np.array([[token.id for token in tokens]], np.int64)
                return infer(model, {"input_ids": ids}, [output])[output][0].astype(np.float64)

            whole = run(result.tokens)
            for word in words:
                with self.subTest(model=model, word=word.text):
                    without = run(self.left_after(word, result.tokens, raw))
                    if output == "embedding":
                        cosine = whole @ without / np.linalg.norm(whole) / np.linalg.norm(without)
                        self.assertAlmostEqual(word.cosine_effect, 1 - cosine, delta=ROUNDING)
                    else:
                        label = int(np.argmax(whole))
                        self.assertEqual(np.float32(word.logit_effect), np.float32(whole[label] - without[label]))

    @staticmethod
    def left_after(word, tokens, raw):
        """Those that neither overlap the word nor are the white space before it."""
        left, blank = [], 0
        for token in tokens:
            inside = not token.special and token.byte_begin < word.byte_end and token.byte_end > word.byte_begin
            if inside:
                del left[len(left) - blank:]
                blank = 0
                continue
            left.append(token)
            is_blank = not token.special and not raw[token.byte_begin:token.byte_end].strip()
            blank = blank + 1 if is_blank else 0
        return left

    def test_too_many_words(self):
        texts = ["a " * 60] * 9
        with self.assertRaises(grpc.RpcError) as caught:
            self.explain(texts, attribute_words=True)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(caught.exception.details(), "inputs: 540 words to leave out, required at most 512 in one call")

    # ---- rollout
    def test_rollout_multiplies_the_layers(self):
        layers = self.explain(TEXTS[:1], reduction=pb.ATTENTION_REDUCTION_MEAN_HEADS).results[0].maps
        rollouts = self.explain(TEXTS[:1], reduction=pb.ATTENTION_REDUCTION_ROLLOUT,
                                layers=range(len(layers))).results[0].maps
        last = self.explain(TEXTS[:1], reduction=pb.ATTENTION_REDUCTION_ROLLOUT).results[0].maps
        self.assertEqual(list(last), list(rollouts)[-1:])
        expected = None
        for layer, (attention, rollout) in enumerate(zip(layers, rollouts)):
            self.assertEqual(rollout.layer, layer)
            mixing = weights(attention) + np.eye(len(weights(attention)))
            mixing /= mixing.sum(axis=1, keepdims=True)
            expected = mixing if expected is None else mixing @ expected
            # Every factor is a probability that f32 rounds in each of a few sums over the tokens.
            np.testing.assert_allclose(weights(rollout), expected, rtol=(layer + 1) * (2 * len(mixing) + 16) * 2.0**-24)

    # ---- the client
    def test_client_prints_signs_without_colour(self):
        run = self.run_client("-m", "sentiment", "--attribution", "I love my cat.")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(run.stdout, r"(?m)^ *love +\+\d\.\d{3} +\+\d+\.\d{3}  \++$")
        self.assertNotIn("\x1b", run.stdout)
        self.assertIn("\x1b[48;5;", self.run_client("-m", "sentiment", "--attribution", "--color", "always", "a").stdout)

    def test_client_json_is_the_reply(self):
        run = self.run_client("-m", "sentiment", "--attribution", "--rollout", "--json", TEXTS[0])
        self.assertEqual(run.returncode, 0, run.stderr)
        printed = json.loads(run.stdout)
        reply = self.explain(TEXTS[:1], attribute_words=True, reduction=pb.ATTENTION_REDUCTION_ROLLOUT).results[0]
        self.assertEqual([word["text"] for word in printed["attribution"]["words"]],
                         [word.text for word in reply.attribution.words])
        self.assertEqual([np.float32(word["score_effect"]) for word in printed["attribution"]["words"]],
                         [np.float32(word.score_effect) for word in reply.attribution.words])
        np.testing.assert_array_equal(np.array(printed["maps"][0]["weights"], np.float32), weights(reply.maps[0]))

    def test_client_page_needs_no_network(self):
        with tempfile.TemporaryDirectory() as directory:
            path = f"{directory}/page.html"
            run = self.run_client("-m", "sentiment", "--attribution", "--rollout", "--html", path, TEXTS[0])
            self.assertEqual(run.returncode, 0, run.stderr)
            with open(path, encoding="utf-8") as file:
                page = file.read()
        self.assertIn("What each word does to", page)
        self.assertIn("Rollout of layers 0 to", page)
        self.assertIn("default-src 'none'", page)
        self.assertNotRegex(page, r"https?:|src=|href=|@import|url\(")

    def test_client_says_what_is_wrong(self):
        run = self.run_client("-m", "sentiment", "--attribution", "--label", "MEH", "a")
        self.assertEqual(run.returncode, 1)
        self.assertIn('attribution_label: "MEH", required one of', run.stderr)


if __name__ == "__main__":
    unittest.main()
