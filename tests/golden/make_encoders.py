#!/usr/bin/env python3
"""Builds the golden data of the encoder families that make_golden.py has none of: tiny checkpoints
with random weights, and what PyTorch and transformers (float32, eager attention) compute from them.

Usage: make_encoders.py OUT_DIR [NAME...]

Folders are laid out as make_golden.py's. Differences: scores of texts and entities of tokens come
from transformers' own pipelines; the longest text has no attentions, to keep the files small.
"""
import json
import math
import os
import shutil
import sys

import numpy as np
import torch
import transformers as tf
from make_golden import rescale, unigram, wordpiece, write
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from corpus import SENT, corpus

TEXTS = [SENT[0], SENT[3], "a", "Good.", SENT[10], SENT[18], " ".join(SENT[:5])]
PAIRS = [(SENT[0], SENT[3]), (SENT[1], "Good.")]
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]
LONGEST_WITH_ATTENTIONS = 48
SIZES = dict(vocab_size=600, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=80,
             max_position_embeddings=128)
ROBERTA = dict(SIZES, vocab_size=700, max_position_embeddings=130, type_vocab_size=1, pad_token_id=1, bos_token_id=0,
               eos_token_id=2)
NO_TYPES = ["input_ids", "attention_mask"]


def labels(*names):
    return dict(id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})


def mpnet_wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="<unk>", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=600, show_progress=False,
                          special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
                                                     special_tokens=[("<s>", 0), ("</s>", 2)])
    t.decoder = decoders.WordPiece(prefix="##")
    return tf.PreTrainedTokenizerFast(tokenizer_object=t, unk_token="<unk>", cls_token="<s>", sep_token="</s>",
                                      pad_token="<pad>", mask_token="<mask>", model_max_length=128)


def scores_of(pipeline, text, pair):
    inputs = {"text": text, "text_pair": pair} if pair is not None else {"text": text}
    return {s["label"]: s["score"] for s in pipeline(inputs, top_k=None, truncation=True)}


def entities_of(pipeline, text):
    return [{"label": e["entity_group"], "score": float(e["score"]), "start": e["start"], "end": e["end"]}
            for e in pipeline(text)]


class Encoder:
    """One folder: a model, its tokenizer and its cases."""

    def __init__(self, out, name, config, cls, tokenizer, seed, gain=0.9, names=None):
        config._attn_implementation = "eager"
        torch.manual_seed(seed)
        self.model = rescale(cls(config), gain, seed)
        self.model.config._attn_implementation = "eager"
        self.tokenizer = tokenizer
        self.tokenizer.model_input_names = names or ["input_ids", "token_type_ids", "attention_mask"]
        self.directory, self.out, self.name = os.path.join(out, name), out, name
        shutil.rmtree(self.directory, ignore_errors=True)
        self.model.save_pretrained(self.directory)
        tokenizer.save_pretrained(self.directory)
        self.cases, self.expected, self.more = [], {}, {}
        self.kind = {"SequenceClassification": "classify", "TokenClassification": "tokens"}.get(
            cls.__name__.split("For")[-1], "embed")
        task = {"classify": "text-classification", "tokens": "token-classification"}.get(self.kind)
        more = {"aggregation_strategy": "simple"} if self.kind == "tokens" else {}
        self.pipeline = task and tf.pipeline(task, model=self.model, tokenizer=tokenizer, **more)

    def run(self, ids, types=None):
        inputs = {"input_ids": torch.tensor([ids])}
        if types is not None:
            inputs["token_type_ids"] = torch.tensor([types])
        with torch.no_grad():
            return self.model(**inputs, output_attentions=True, output_hidden_states=True, return_dict=True)

    def add(self, tag, ids, types=None, text=None, pair=None):
        output = self.run(ids, types)
        hidden = output.last_hidden_state[0] if self.kind == "embed" else self.last_hidden(output, ids, types)
        case = {"name": tag, "input_ids": ids}
        case.update({k: v for k, v in (("token_type_ids", types), ("text", text), ("pair", pair)) if v is not None})
        if self.kind == "classify":
            case["logits"] = output.logits[0].tolist()
            if text is not None:
                case["scores"] = scores_of(self.pipeline, text, pair)
        elif self.kind == "tokens":
            self.expected[f"{tag}.logits"] = output.logits[0]
            if text is not None and pair is None:
                case["entities"] = entities_of(self.pipeline, text)
        else:
            case["mean_pooled_normalized"] = torch.nn.functional.normalize(hidden.mean(0), dim=-1).tolist()
            case["cls_normalized"] = torch.nn.functional.normalize(hidden[0], dim=-1).tolist()
        self.expected[f"{tag}.last_hidden_state"] = hidden
        if len(ids) <= LONGEST_WITH_ATTENTIONS:
            self.expected[f"{tag}.attentions"] = torch.stack([a[0] for a in output.attentions])
        self.cases.append(case)
        return hidden

    def last_hidden(self, output, ids, types):
        """Of a model with a head. hidden_states lack ModernBERT's last norm: ask the encoder itself."""
        inputs = {"input_ids": torch.tensor([ids])}
        if types is not None:
            inputs["token_type_ids"] = torch.tensor([types])
        with torch.no_grad():
            return self.model.base_model(**inputs).last_hidden_state[0]

    def add_texts(self, texts=TEXTS, pairs=PAIRS):
        for prefix, inputs in (("text", [(t, None) for t in texts]), ("pair", pairs)):
            for i, (text, pair) in enumerate(inputs):
                e = self.tokenizer(text, pair, truncation=True)
                self.add(f"{prefix}{i}", e["input_ids"], e.get("token_type_ids"), text, pair)
        return self

    def add_masked(self, text=SENT[3], masked=(3, 4, 9)):
        """A row with gaps: what is left must be as if the masked tokens were computed."""
        e = self.tokenizer(text)
        ids = e["input_ids"]
        mask = [0 if i in masked else 1 for i in range(len(ids))]
        kept = [i for i, keep in enumerate(mask) if keep]
        inputs = {key: torch.tensor([value]) for key, value in e.items() if key != "attention_mask"}
        with torch.no_grad():
            hidden = self.model.base_model(**inputs, attention_mask=torch.tensor([mask])).last_hidden_state[0]
        self.more["masked"] = {"name": "masked", "input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in e:
            self.more["masked"]["token_type_ids"] = e["token_type_ids"]
        self.expected["masked.last_hidden_state"] = hidden[kept]
        return self

    def save(self):
        self.add_masked()
        write(self.out, self.name, {"kind": self.kind, "tolerance": 1e-4, "tokenize": [], "cases": self.cases, **self.more},
              self.expected)


def encoder(name, config, cls, seed, tokenizer=lambda: wordpiece(600), **more):
    return name, lambda out: Encoder(out, name, config(), cls, tokenizer(), seed, **more).add_texts().save()


def roberta_tokens_with_padding(out):
    """Padding ids inside a row: they take one position and do not count."""
    e = Encoder(out, "camembert-tokens", tf.CamembertConfig(**ROBERTA, hidden_act="gelu_new", **labels(*ENTITIES)),
                tf.CamembertForTokenClassification, unigram(700, True), 4102, names=NO_TYPES).add_texts(pairs=[])
    e.add("padding", [0, 17, 1, 1, 23, 99, 1, 2])
    e.save()


def mpnet_embed(out):
    e = Encoder(out, "mpnet-embed", tf.MPNetConfig(**dict(SIZES, num_hidden_layers=3, max_position_embeddings=130)),
                tf.MPNetModel, mpnet_wordpiece(), 4107, names=NO_TYPES).add_texts()
    e.add("padding", [0, 17, 1, 1, 23, 99, 1, 2])
    distances = torch.arange(-700, 701)
    e.more["buckets"] = {"first_distance": -700,
                         "values": e.model.encoder.relative_position_bucket(distances).tolist()}
    e.save()


def deberta_plain(out):
    """One of the two terms, its own projections, no buckets, everything that newer ones leave out."""
    e = Encoder(out, "deberta-v2-plain", tf.DebertaV2Config(**dict(SIZES, max_position_embeddings=64), type_vocab_size=2,
                relative_attention=True, pos_att_type="c2p", embedding_size=32, hidden_act="relu", layer_norm_eps=1e-6),
                tf.DebertaV2Model, wordpiece(600), 4111).add_texts(TEXTS[:6])
    bucket = tf.models.deberta_v2.modeling_deberta_v2.make_log_bucket_position
    e.more["buckets"] = [{"buckets": b, "max_distance": m, "first_distance": -m - 88,
                          "values": bucket(torch.arange(-m - 88, m + 89), b, m).to(torch.long).tolist()}
                         for b, m in ((256, 512), (8, 64), (32, 128), (6, 20))]
    e.save()


DEBERTA = dict(relative_attention=True, position_biased_input=False, norm_rel_ebd="layer_norm", share_att_key=True,
               pos_att_type=["p2c", "c2p"], type_vocab_size=0)
MODERN = dict(SIZES, intermediate_size=72, num_hidden_layers=4, pad_token_id=0, bos_token_id=2, eos_token_id=3,
              cls_token_id=2, sep_token_id=3, max_position_embeddings=128)


def sentences(out):
    """The layout of sentence-transformers: every way to pool, a dense layer, prompts."""
    e = Encoder(out, "bert-sentences", tf.BertConfig(**SIZES), tf.BertModel, wordpiece(600), 4120)
    modes = ["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]
    g = torch.Generator().manual_seed(4121)
    dense = torch.nn.Linear(48 * len(modes), 20)
    with torch.no_grad():
        dense.weight.copy_(torch.randn(dense.weight.shape, generator=g) / math.sqrt(48 * len(modes)))
        dense.bias.copy_(torch.randn(dense.bias.shape, generator=g) * 0.1)
    files = {
        "modules.json": [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
                         for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"),
                                                           ("2_Dense", "Dense"), ("3_Normalize", "Normalize")])],
        "sentence_bert_config.json": {"max_seq_length": 100, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": "Represent this: ", "document": ""},
                                              "default_prompt_name": "query", "similarity_fn_name": "cosine"},
        "1_Pooling/config.json": {"word_embedding_dimension": 48, "include_prompt": True,
                                  **{"pooling_mode_" + mode: True for mode in modes}},
        "2_Dense/config.json": {"in_features": 48 * len(modes), "out_features": 20, "bias": True,
                                "activation_function": "torch.nn.modules.activation.Tanh"},
    }
    for path, content in files.items():
        os.makedirs(os.path.dirname(os.path.join(e.directory, path)), exist_ok=True)
        with open(os.path.join(e.directory, path), "w") as f:
            json.dump(content, f, indent=2)
    save_file({"linear.weight": dense.weight.detach(), "linear.bias": dense.bias.detach()},
              os.path.join(e.directory, "2_Dense", "model.safetensors"))
    for i, text in enumerate(TEXTS[:6]):
        for prompt in ("", "query"):
            read = files["config_sentence_transformers.json"]["prompts"].get(prompt, "") + text
            t = e.tokenizer(read)
            h = e.add(f"text{i}{prompt}", t["input_ids"], t["token_type_ids"], text)
            weights = torch.arange(1, len(h) + 1)[:, None]
            pooled = torch.cat([h[0], h.max(0).values, h.mean(0), h.sum(0) / math.sqrt(len(h)),
                                (h * weights).sum(0) / weights.sum(), h[-1]])
            with torch.no_grad():
                vector = torch.nn.functional.normalize(torch.tanh(dense(pooled)), dim=-1)
            e.cases[-1].update(prompt=prompt, embedding=vector.tolist())
    e.save()


ALL = dict([
    encoder("camembert-classify", lambda: tf.CamembertConfig(**ROBERTA, **labels("neg", "neu", "pos")),
            tf.CamembertForSequenceClassification, 4101, lambda: unigram(700, True), names=NO_TYPES),
    ("camembert-tokens", roberta_tokens_with_padding),
    encoder("electra-classify", lambda: tf.ElectraConfig(**SIZES, embedding_size=32, **labels("no", "yes")),
            tf.ElectraForSequenceClassification, 4103),
    encoder("electra-tokens", lambda: tf.ElectraConfig(**SIZES, embedding_size=48, hidden_act="gelu_new",
            layer_norm_eps=1e-6, **labels(*ENTITIES)), tf.ElectraForTokenClassification, 4104),
    encoder("albert-classify", lambda: tf.AlbertConfig(**dict(SIZES, num_hidden_layers=3), embedding_size=16,
            num_hidden_groups=2, inner_group_num=2, **labels("no", "yes", "maybe")),
            tf.AlbertForSequenceClassification, 4105),
    encoder("albert-embed", lambda: tf.AlbertConfig(**dict(SIZES, num_hidden_layers=3), embedding_size=48,
            hidden_act="relu"), tf.AlbertModel, 4106),
    ("mpnet-embed", mpnet_embed),
    encoder("mpnet-classify", lambda: tf.MPNetConfig(**dict(SIZES, max_position_embeddings=130), hidden_act="relu",
            **labels("a", "b")), tf.MPNetForSequenceClassification, 4108, mpnet_wordpiece, names=NO_TYPES),
    encoder("deberta-v2-classify", lambda: tf.DebertaV2Config(**SIZES, **DEBERTA, position_buckets=8,
            conv_kernel_size=3, conv_act="gelu", **labels("contradiction", "neutral", "entailment")),
            tf.DebertaV2ForSequenceClassification, 4109, names=NO_TYPES),
    encoder("deberta-v3-tokens", lambda: tf.DebertaV2Config(**SIZES, **DEBERTA, position_buckets=32,
            max_relative_positions=-1, **labels(*ENTITIES)), tf.DebertaV2ForTokenClassification, 4110, names=NO_TYPES),
    ("deberta-v2-plain", deberta_plain),
    encoder("modernbert-classify", lambda: tf.ModernBertConfig(**MODERN, local_attention=16, classifier_pooling="mean",
            **labels("no", "yes")), tf.ModernBertForSequenceClassification, 4112, names=NO_TYPES),
    encoder("modernbert-tokens", lambda: tf.ModernBertConfig(**MODERN, local_attention=10, attention_bias=True,
            mlp_bias=True, norm_bias=True, classifier_bias=True, classifier_activation="relu",
            hidden_activation="silu", layer_types=["sliding_attention", "full_attention"] * 2,
            rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 5000.0},
                             "sliding_attention": {"rope_type": "default", "rope_theta": 77.0}},
            **labels(*ENTITIES)), tf.ModernBertForTokenClassification, 4113, names=NO_TYPES),
    encoder("bert-tokens", lambda: tf.BertConfig(**SIZES, **labels(*ENTITIES)), tf.BertForTokenClassification, 4114),
    encoder("distilbert-tokens", lambda: tf.DistilBertConfig(vocab_size=600, dim=48, n_layers=2, n_heads=3,
            hidden_dim=80, max_position_embeddings=128, activation="relu", **labels(*ENTITIES)),
            tf.DistilBertForTokenClassification, 4115, names=NO_TYPES),
    encoder("bert-multilabel", lambda: tf.BertConfig(**SIZES, problem_type="multi_label_classification",
            hidden_act="silu", **labels("anger", "joy", "fear")), tf.BertForSequenceClassification, 4116),
    encoder("bert-regression", lambda: tf.BertConfig(**SIZES, problem_type="regression", num_labels=1),
            tf.BertForSequenceClassification, 4117),
    encoder("bert-rerank", lambda: tf.BertConfig(**SIZES, num_labels=1), tf.BertForSequenceClassification, 4118),
    ("bert-sentences", sentences),
])


def main():
    out, names = sys.argv[1], sys.argv[2:] or list(ALL)
    for name in names:
        ALL[name](out)
        size = sum(os.path.getsize(os.path.join(root, f)) for root, _, files in os.walk(os.path.join(out, name))
                   for f in files)
        print(f"{name}: {size // 1024} KiB", flush=True)


if __name__ == "__main__":
    main()
