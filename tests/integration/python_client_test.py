"""client/python, built as its users build it, against the real server."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import grpc
from support.server import GOLDEN, MODELS, SOURCE, Server


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        out = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        subprocess.run([sys.executable, "setup.py", "-q", "egg_info", f"--egg-base={out}", "build", f"--build-base={out}/base",
                        f"--build-lib={out}/lib"], cwd=SOURCE / "client" / "python", check=True, capture_output=True)
        # The stubs of the other tests have a package of the same name.
        for name in [name for name in sys.modules if name.split(".")[0] == "attentiond"]:
            del sys.modules[name]
        sys.path.insert(0, str(out / "lib"))
        import attentiond
        from attentiond.v1 import attention_service_pb2
        cls.attentiond, cls.messages = attentiond, attention_service_pb2
        cls.server = cls.enterClassContext(Server({"sentiment": MODELS / "demo-sentiment", "embed": GOLDEN / "bert-embed",
                                               "translate": MODELS / "demo-translate-en-fr", "caption": MODELS / "demo-caption"}))
        cls.client = cls.enterClassContext(attentiond.Client(cls.server.address))

    def test_classify(self):
        results = self.client.classify("sentiment", ["I love my cat.", "My cat hates me."])
        self.assertEqual([labels[0].label for labels in results], ["POSITIVE", "NEGATIVE"])
        self.assertAlmostEqual(sum(label.score for label in results[0]), 1, delta=1e-6)
        self.assertEqual(len(self.client.classify("sentiment", ["I love my cat."], top_k=1)[0]), 1)

    def test_embed_and_tokenize(self):
        vectors = self.client.embed("embed", ["a", "b c"], normalize=True)
        self.assertEqual([len(vector) for vector in vectors], [48, 48])
        self.assertAlmostEqual(sum(value * value for value in vectors[1]), 1, delta=1e-5)
        tokens = self.client.tokenize("sentiment", ["I love my cat."])[0]
        self.assertIn("cat", [token.text for token in tokens])

    def test_translate_and_caption(self):
        demo = json.loads((MODELS / "demo-translate-en-fr" / "DEMO.json").read_text())
        samples = demo["samples"][:3]
        translated = self.client.translate("translate", [sample["text"] for sample in samples])
        self.assertEqual([text.text for text in translated], [sample["translation"] for sample in samples])
        self.assertEqual(len(self.client.translate("translate", ["I love my cat."], num_beams=2, max_new_tokens=20)), 1)
        pictures = [(MODELS / "demo-caption" / "images" / name).read_bytes() for name in ("0.png", "1.jpg")]
        captions = self.client.caption("caption", pictures)
        self.assertEqual(len(captions), 2)
        self.assertTrue(all(caption.text for caption in captions))

    def test_models(self):
        ready = self.messages.MODEL_STATE_READY
        self.assertEqual({model.name for model in self.client.models() if model.state == ready},
                         {"attention", "caption", "embed", "sentiment", "translate"})

    def test_any_rpc_by_name(self):
        request = self.messages.ExplainRequest(model="sentiment", inputs=[self.messages.TextInput(text="I love my cat.")],
                                               reduction=self.messages.ATTENTION_REDUCTION_MEAN_ALL)
        self.assertEqual(len(self.client.call("Explain", request).results[0].maps), 1)

    def test_errors_say_what_to_change(self):
        with self.assertRaises(self.attentiond.Error) as raised:
            self.client.classify("nobody", ["a"])
        self.assertEqual(raised.exception.code, grpc.StatusCode.NOT_FOUND)
        self.assertIn("nobody", str(raised.exception))
        self.assertRaises(TypeError, self.client.classify, "sentiment", "a string")
        self.assertRaises(ValueError, self.client.classify, "sentiment", ["a"], pairs=["b", "c"])

    def test_tokens_are_sent(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("s3cret\n")
            file.flush()
            with Server({"sentiment": MODELS / "demo-sentiment"}, ["--auth-token-file", file.name]) as server:
                with self.attentiond.Client(server.address, token="s3cret") as client:
                    client.classify("sentiment", ["I love my cat."])
                with self.attentiond.Client(server.address, token="wrong") as client, \
                        self.assertRaises(self.attentiond.Error) as raised:
                    client.classify("sentiment", ["I love my cat."])
                self.assertEqual(raised.exception.code, grpc.StatusCode.UNAUTHENTICATED)

    def test_the_source_tree_stays_clean(self):
        built = [path for path in os.listdir(SOURCE / "client" / "python") if path not in
                 ("README.md", "attentiond", "pyproject.toml", "setup.py")]
        self.assertEqual(built, [])


if __name__ == "__main__":
    unittest.main()
