"""Ways to break a checkpoint, each with the line that it must give."""
import json
import struct

WEIGHT = "distilbert.transformer.layer.0.attention.q_lin.weight"


class Mutation:
    """`change` (a function on the directory) breaks a copy of the golden folder `base`. `message` is all of what the server
    says of it, with {dir} for the directory; a list: words that must be in it."""

    def __init__(self, base, change, message):
        self.base, self.change, self.message = base, change, message


# ---- files
def write(name, content):
    def change(directory):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return change


def remove(name):
    return lambda directory: (directory / name).unlink()


def keep_only_pytorch(directory):
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")


def cut(name, count):
    def change(directory):
        path = directory / name
        path.write_bytes(path.read_bytes()[:-count])
    return change


# ---- model.safetensors
def header(change):
    """Rewrites the header as `change` (a function on the parsed one) leaves it."""
    def rewrite(directory):
        path = directory / "model.safetensors"
        data = path.read_bytes()
        (size,) = struct.unpack_from("<Q", data)
        parsed = json.loads(data[8:8 + size])
        change(parsed)
        text = json.dumps(parsed).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size:])
    return rewrite


def header_length(value):
    def change(directory):
        path = directory / "model.safetensors"
        path.write_bytes(struct.pack("<Q", value) + path.read_bytes()[8:])
    return change


def entry(name, **fields):
    return header(lambda h: h[name].update(fields))


def rename(name):
    return header(lambda h: h.__setitem__("renamed", h.pop(name)))


def overlap(h):
    h["pre_classifier.bias"]["data_offsets"] = h["distilbert.embeddings.LayerNorm.bias"]["data_offsets"]


def shards(index, names=("model-00001-of-00001.safetensors",)):
    """Instead of one file, an index as `index` (a function on the map from tensor to shard) leaves it."""
    def change(directory):
        data = (directory / "model.safetensors").read_bytes()
        (size,) = struct.unpack_from("<Q", data)
        tensors = [name for name in json.loads(data[8:8 + size]) if name != "__metadata__"]
        (directory / "model.safetensors").rename(directory / names[0])
        weight_map = {name: names[0] for name in tensors}
        index(weight_map)
        (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return change


# ---- JSON files
def edit(name, change):
    def rewrite(directory):
        path = directory / name
        parsed = json.loads(path.read_text())
        change(parsed)
        path.write_text(json.dumps(parsed))
    return rewrite


def config(**fields):
    return edit("config.json", lambda c: c.update(fields))


def preprocessor(**fields):
    return edit("preprocessor_config.json", lambda c: c.update(fields))


def tokenizer(change):
    return edit("tokenizer.json", change)


def unknown_token_in_template(t):
    t["post_processor"]["single"][0]["SpecialToken"]["id"] = "[NOPE]"


def nested_processors(t):
    processor = t["post_processor"]
    for _ in range(100):
        processor = {"type": "Sequence", "processors": [processor]}
    t["post_processor"] = processor


def larger_vocabulary(t):
    t["model"]["vocab"].update({f"word{i}": len(t["model"]["vocab"]) + i for i in range(500)})


def unknown_parts(t):
    t["pre_tokenizer"] = {"type": "Oracle"}


def negative_id(t):
    t["model"]["vocab"]["the"] = -5


BASE = "distilbert-classify"

MUTATIONS = {
    # the weights
    "truncated weights": Mutation(BASE, cut("model.safetensors", 1000),
        '{dir}/model.safetensors: tensor "pre_classifier.weight": data_offsets [609032, 625416] reach past '
        "the 624416 bytes of data"),
    "header length 2^62": Mutation(BASE, header_length(1 << 62),
        "{dir}/model.safetensors: the header length is 4611686018427387904 bytes, at most 100000000 are "
        "allowed"),
    "header length 0": Mutation(BASE, header_length(0),
        "{dir}/model.safetensors: the header does not begin with '{'"),
    "an empty file": Mutation(BASE, write("model.safetensors", b""),
        "{dir}/model.safetensors: has 0 bytes, too short for the 8-byte header length"),
    "header is not JSON": Mutation(BASE, write("model.safetensors", struct.pack("<Q", 4) + b"{{{{"),
        "{dir}/model.safetensors: the header: not valid JSON at byte 2"),
    "overlapping tensors": Mutation(BASE, header(overlap),
        '{dir}/model.safetensors: tensor "distilbert.embeddings.LayerNorm.bias": data_offsets [520, 776] '
        "overlap the tensor before, which ends at 776"),
    "lying shape": Mutation(BASE, entry(WEIGHT, shape=[64, 65]),
        '{dir}/model.safetensors: tensor "distilbert.transformer.layer.0.attention.q_lin.weight": f32 [64, '
        "65] needs 16640 bytes, data_offsets [374536, 390920] hold 16384"),
    "overflowing shape": Mutation(BASE, entry(WEIGHT, shape=[1 << 40, 1 << 40]),
        '{dir}/model.safetensors: tensor "distilbert.transformer.layer.0.attention.q_lin.weight": shape '
        "[1099511627776, 1099511627776] has too many elements"),
    "negative offsets": Mutation(BASE, entry(WEIGHT, data_offsets=[-8, 16]),
        '{dir}/model.safetensors: tensor "distilbert.transformer.layer.0.attention.q_lin.weight": '
        '"data_offsets" is not an array of two non-negative integers'),
    "reversed offsets": Mutation(BASE, header(lambda h: h[WEIGHT]["data_offsets"].reverse()),
        '{dir}/model.safetensors: tensor "distilbert.transformer.layer.0.attention.q_lin.weight": '
        "data_offsets [390920, 374536] are reversed"),
    "unknown dtype": Mutation(BASE, entry(WEIGHT, dtype="F31"),
        '{dir}/model.safetensors: tensor "distilbert.transformer.layer.0.attention.q_lin.weight": dtype '
        '"F31" is not supported (supported: BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64)'),
    "a tensor of integers": Mutation(BASE, entry(WEIGHT, dtype="I32"),
        '{dir}: tensor "distilbert.transformer.layer.0.attention.q_lin.weight" [64, 64] is i32, f32, f16 or '
        "bf16 is required"),
    "a tensor of another shape": Mutation(BASE, entry(WEIGHT, shape=[32, 128]),
        '{dir}: tensor "distilbert.transformer.layer.0.attention.q_lin.weight" [64, 64] is required, it has '
        "shape [32, 128]"),
    "missing tensor": Mutation(BASE, rename(WEIGHT),
        '{dir}: tensor "distilbert.transformer.layer.0.attention.q_lin.weight" [64, 64] is required, there '
        "is none of that name"),
    "missing head": Mutation(BASE, rename("classifier.weight"),
        '{dir}: tensor "classifier.weight" [2, 64] is required, there is none of that name'),
    "no weights": Mutation(BASE, remove("model.safetensors"),
        "{dir}: no model.safetensors and no model.safetensors.index.json"),
    "only pytorch_model.bin": Mutation(BASE, keep_only_pytorch,
        "{dir}: no model.safetensors, only pytorch_model.bin: convert it once, with transformers' "
        "model.save_pretrained(directory, safe_serialization=True)"),
    "index without its shard": Mutation(BASE, shards(lambda m: m.update({WEIGHT: "model-2.safetensors"})),
        "{dir}/model-00001-of-00001.safetensors: tensor "
        '"distilbert.transformer.layer.0.attention.q_lin.weight" is in "model-2.safetensors" too'),
    "a missing shard": Mutation(BASE, shards(lambda m: m.update(ghost="model-2.safetensors")),
        "{dir}/model-2.safetensors: no such file"),
    "index names a tensor that is not there": Mutation(
        BASE, shards(lambda m: m.update(ghost="model-00001-of-00001.safetensors")),
        '{dir}/model-00001-of-00001.safetensors: tensor "ghost" is missing, model.safetensors.index.json '
        "places it there"),
    "index leaves a tensor out": Mutation(BASE, shards(lambda m: m.pop(WEIGHT)),
        "{dir}/model-00001-of-00001.safetensors: tensor "
        '"distilbert.transformer.layer.0.attention.q_lin.weight" is not in model.safetensors.index.json'),
    "index leaves the directory": Mutation(BASE, shards(lambda m: m.update({WEIGHT: "../other.safetensors"})),
        '{dir}/model.safetensors.index.json: shard "../other.safetensors" is not a plain file name'),
    "index is a list": Mutation(BASE, lambda d: (shards(lambda m: None)(d),
                                                 write("model.safetensors.index.json", "[]")(d)),
        "{dir}/model.safetensors.index.json: the root is an array, an object is required"),
    # config.json
    "no config": Mutation(BASE, remove("config.json"),
        "{dir}: no config.json in it, nor in a sub-folder named by a version number"),
    "truncated config": Mutation(BASE, write("config.json", "{\"model_type\": \"dist"),
        "{dir}/config.json: not valid JSON at byte 21"),
    "deeply nested config": Mutation(BASE, write("config.json", "[" * 100000),
        "{dir}/config.json: JSON is nested deeper than 64 levels"),
    "config is a list": Mutation(BASE, write("config.json", "[]"),
        "{dir}/config.json: the root is an array, an object is required"),
    "a key twice": Mutation(BASE, write("config.json", "{\"dim\": 64, \"dim\": 65}"),
        '{dir}/config.json: key "dim" appears twice in one object'),
    "unknown model type": Mutation(BASE, config(model_type="rwkv"),
        'config.json: model_type "rwkv" is not supported (supported: bert, distilbert, roberta, xlm-roberta, '
        "camembert, electra, albert, mpnet, deberta-v2, modernbert, vision-encoder-decoder, blip, marian, bart, mbart, "
        "m2m_100, t5, mt5, vit, deit, multihead_attention)"),
    "unknown head": Mutation(BASE, config(architectures=["DistilBertForQuestionAnswering"]),
        'config.json: "architectures" "DistilBertForQuestionAnswering" is not supported (supported: '
        "DistilBertForSequenceClassification, DistilBertForTokenClassification, DistilBertModel, "
        "DistilBertForMaskedLM, DistilBertForPreTraining)"),
    "no architectures": Mutation(BASE, edit("config.json", lambda c: c.pop("architectures")),
        'config.json: "architectures" must be an array with a class name, such as '
        '["DistilBertForSequenceClassification"]'),
    "unknown activation": Mutation(BASE, config(activation="snake"),
        'config.json: "activation": activation "snake" is not supported; known are gelu, gelu_new, '
        "gelu_fast, gelu_pytorch_tanh, relu, silu, swish, tanh, gelu_python, linear"),
    "heads do not divide": Mutation(BASE, config(n_heads=7),
        'config.json: "dim" is 64, a multiple of "n_heads" 7 is required'),
    "huge size": Mutation(BASE, config(dim=1 << 40),
        'config.json: "dim" is 1099511627776, 1 to 131072 is required'),
    "negative layers": Mutation(BASE, config(n_layers=-1),
        'config.json: "n_layers" is -1, 1 to 1024 is required'),
    "more layers than there are": Mutation(BASE, config(n_layers=3),
        '{dir}: tensor "distilbert.transformer.layer.2.attention.q_lin.weight" [64, 64] is required, there '
        "is none of that name"),
    "a number is a string": Mutation(BASE, config(dim="64"),
        'config.json: "dim" is "64", an integer is required'),
    "a vocabulary larger than the table": Mutation(BASE, config(vocab_size=1201),
        '{dir}: tensor "distilbert.embeddings.word_embeddings.weight" [1201, 64] is required, it has shape '
        "[1200, 64]"),
    "labels with a gap": Mutation(BASE, config(id2label={"0": "a", "2": "b"}),
        'config.json: "id2label" has the key "2" among 2, the ids 0 to 1 are required'),
    "unknown problem type": Mutation(BASE, config(problem_type="ranking"),
        'config.json: "problem_type" is "ranking", single_label_classification, multi_label_classification '
        "or regression is required"),
    "quantized weights": Mutation(BASE, config(quantization_config={"bits": 4}),
        'config.json: "quantization_config" is not supported'),
    "a decoder": Mutation("bert-classify", config(is_decoder=True),
        'config.json: "is_decoder" is true, which is not supported, only false'),
    "relative positions of BERT": Mutation("bert-classify", config(position_embedding_type="relative_key"),
        'config.json: "position_embedding_type" "relative_key" is not supported, only "absolute"'),
    "epsilon 0": Mutation("bert-classify", config(layer_norm_eps=0),
        'config.json: "layer_norm_eps" is 0, more than 0 and at most 1 is required'),
    "padding beyond the positions": Mutation("roberta-classify", config(pad_token_id=500),
        'config.json: "pad_token_id" is 500, 0 to 128 is required'),
    "more groups than layers": Mutation("albert-classify", config(num_hidden_groups=9),
        'config.json: "num_hidden_groups" is 9, 1 to 3 is required'),
    "too few buckets": Mutation("mpnet-embed", config(relative_attention_num_buckets=8),
        'config.json: "relative_attention_num_buckets" is 8, at least 32 is required'),
    "an unknown term of attention": Mutation("deberta-v3-tokens", config(pos_att_type=["c2p", "p2p"]),
        'config.json: "pos_att_type" "p2p" is not supported, only "c2p" and "p2c"'),
    "a wide convolution": Mutation("deberta-v2-classify", config(conv_kernel_size=5),
        'config.json: "conv_kernel_size" 5 is not supported, only 3'),
    "a table of positions of another size": Mutation("deberta-v3-tokens", config(position_buckets=64),
        '{dir}: tensor "deberta.encoder.rel_embeddings.weight" [128, 48] is required, it has shape [64, 48]'),
    "a scaled rotation": Mutation(
        "modernbert-classify", config(rope_parameters={"full_attention": {"rope_type": "yarn"}}),
        'config.json: "rope_parameters": "rope_type" "yarn" is not supported, only "default"'),
    "an unknown pooling of the head": Mutation("modernbert-classify", config(classifier_pooling="max"),
        'config.json: "classifier_pooling" "max" is not supported, only "cls" and "mean"'),
    # the sentence-transformers layout
    "a pooling of another size": Mutation(
        "bert-sentences", edit("1_Pooling/config.json", lambda c: c.update(word_embedding_dimension=64)),
        "{dir}/1_Pooling/config.json: \"word_embedding_dimension\" is 64, the encoder's hidden size 48 is "
        "required"),
    "an unknown module": Mutation(
        "bert-sentences", edit("modules.json", lambda m: m[2].update(type="sentence_transformers.models.LSTM")),
        '{dir}/modules.json: a sentence-transformers module of type "LSTM" is not supported (supported: '
        "Transformer, Pooling, Dense, Normalize)"),
    "a dense layer of another size": Mutation(
        "bert-sentences", edit("2_Dense/config.json", lambda c: c.update(out_features=21)),
        '{dir}/2_Dense/model.safetensors: tensor "linear.weight" [21, 288] is required, it has shape [20, '
        "288]"),
    "a dense layer for pytorch alone": Mutation(
        "bert-sentences", lambda d: (d / "2_Dense/model.safetensors").rename(d / "2_Dense/pytorch_model.bin"),
        "{dir}/2_Dense: no model.safetensors, only pytorch_model.bin: convert it once, with "
        "sentence-transformers' model.save(directory)"),
    "an unknown default prompt": Mutation(
        "bert-sentences", edit("config_sentence_transformers.json", lambda c: c.update(default_prompt_name="x")),
        '{dir}/config_sentence_transformers.json: "default_prompt_name" is "x", one of "prompts" is required'),
    # the tokenizer, whose messages are core/text's
    "broken tokenizer": Mutation(BASE, write("tokenizer.json", "{\"model\": 3}"), ["tokenizer.json"]),
    "binary tokenizer": Mutation(BASE, write("tokenizer.json", bytes(range(256))), ["tokenizer.json"]),
    "a vocabulary larger than the model's": Mutation(BASE, tokenizer(larger_vocabulary), ["1700", "1200"]),
    "a negative id": Mutation(BASE, tokenizer(negative_id), ["tokenizer.json", "the"]),
    "an unknown pre-tokenizer": Mutation(BASE, tokenizer(unknown_parts), ["tokenizer.json", "Oracle"]),
    "a template of unknown tokens": Mutation(BASE, tokenizer(unknown_token_in_template), ["tokenizer.json", "[NOPE]"]),
    "processors in processors": Mutation(BASE, tokenizer(nested_processors), ["tokenizer.json"]),
    # pictures
    "pictures of another size": Mutation("vit-classify", config(image_size=56),
        '{dir}: preprocessor_config.json makes pictures of 48 x 48 (height x width), "image_size" of config.json is 56 x 56'),
    "no patches": Mutation("vit-classify", config(patch_size=49),
        'config.json: "image_size" 48 x 48 has 0 patches of "patch_size" 49 x 49, 1 to 65535 are required'),
    "a patch of nothing": Mutation("vit-classify", config(patch_size=0),
        'config.json: "patch_size" is 0, 1 to 8192 is required'),
    "patches of another size": Mutation("vit-classify", config(patch_size=6),
        '{dir}: tensor "vit.embeddings.patch_embeddings.projection.weight" [64, 3, 6, 6] is required, it has shape '
        "[64, 3, 8, 8]"),
    "another number of channels": Mutation("vit-classify", config(num_channels=4),
        'config.json: "num_channels" 4 is not supported, only 3'),
    "an encoder of pictures without a head": Mutation("vit-classify", config(architectures=["ViTModel"]),
        'config.json: "architectures" "ViTModel" is not supported (supported: ViTForImageClassification)'),
    "no positions": Mutation("vit-classify", rename("vit.embeddings.position_embeddings"),
        '{dir}: tensor "vit.embeddings.position_embeddings" [1, 37, 64] is required, there is none of that name'),
    "no second head": Mutation("deit-teacher", rename("distillation_classifier.weight"),
        '{dir}: tensor "distillation_classifier.weight" [4, 24] is required, there is none of that name'),
    "a preprocessor that is no JSON": Mutation("vit-classify", write("preprocessor_config.json", "{size: 48}"),
        ["/preprocessor_config.json: ", "not valid JSON"]),
    "a preprocessor of another type": Mutation("vit-classify", preprocessor(image_processor_type="BeitImageProcessor"),
        '{dir}/preprocessor_config.json: "image_processor_type" "BeitImageProcessor" is not supported (supported: '
        "ViTImageProcessor, DeiTImageProcessor, BlipImageProcessor, CLIPImageProcessor)"),
    "a filter that there is not": Mutation("vit-classify", preprocessor(resample=9),
        '{dir}/preprocessor_config.json: "resample" is 9, 0 to 5 is required'),
    "a deviation of zero": Mutation("vit-classify", preprocessor(image_std=[0.5, 0, 0.5]),
        '{dir}/preprocessor_config.json: "image_std" is "[0.5,0,0.5]", three positive numbers of at most 1e6 are required'),
}
