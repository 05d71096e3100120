"""llama.cpp's server on a model of BERT-base's shape with random weights, quantised to Q8_0.

    python3 -c "$(cat llama_peer.py)" THREADS SLOTS WORD...

Sent to the interpreter as text, as torch_peer.py is. Writes the model, starts llama-server, prints {"name": ..., "port": N}
when it answers, and ends it when standard input does. Each WORD is one token. Needs numpy, gguf and llama-server.
"""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import gguf
import numpy as np

HIDDEN, HEADS, LAYERS, INTERMEDIATE, VOCABULARY, POSITIONS = 768, 12, 12, 3072, 30522, 512
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# Tokens of a step. Attention inside a step is over all of its tokens, masked; 512 was the fastest of 512, 2048 and 8192.
STEP_TOKENS = 512


def add_vocabulary(writer, words):
    tokens = SPECIAL + ["\u2581" + word for word in words]  # the mark of a word's start
    tokens += [f"[unused{i}]" for i in range(VOCABULARY - len(tokens))]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)  # [CLS]
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)


def add_weights(writer):
    rng = np.random.default_rng(0)

    def matrix(name, rows, columns, quantised=True):
        values = rng.standard_normal((rows, columns), np.float32) * np.float32(0.02)
        kind = gguf.GGMLQuantizationType.Q8_0 if quantised else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name + ".weight", gguf.quants.quantize(values, kind), raw_dtype=kind)

    def linear(name, inputs, outputs):
        matrix(name, outputs, inputs)
        writer.add_tensor(name + ".bias", np.zeros(outputs, np.float32))

    def norm(name):
        writer.add_tensor(name + ".weight", np.ones(HIDDEN, np.float32))
        writer.add_tensor(name + ".bias", np.zeros(HIDDEN, np.float32))

    matrix("token_embd", VOCABULARY, HIDDEN)
    matrix("position_embd", POSITIONS, HIDDEN, quantised=False)
    matrix("token_types", 2, HIDDEN, quantised=False)
    norm("token_embd_norm")
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            linear(at + part, HIDDEN, HIDDEN)
        norm(at + "attn_output_norm")
        linear(at + "ffn_up", HIDDEN, INTERMEDIATE)
        linear(at + "ffn_down", INTERMEDIATE, HIDDEN)
        norm(at + "layer_output_norm")


def write_model(path, words):
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INTERMEDIATE)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    add_vocabulary(writer, words)
    add_weights(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_healthy(process, port):
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"llama-server ended with code {process.returncode}")


def main():
    threads, slots, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "bert-base-q8_0.gguf")
        write_model(path, words)
        port = free_port()
        log = open(os.path.join(directory, "log"), "w")
        process = subprocess.Popen(
            ["llama-server", "--model", path, "--embedding", "--pooling", "mean", "--host", "127.0.0.1", "--port", str(port),
             "--threads", threads, "--threads-batch", threads, "--parallel", str(slots), "--ctx-size", str(slots * POSITIONS),
             "--batch-size", str(STEP_TOKENS), "--ubatch-size", str(STEP_TOKENS)], stdout=log, stderr=log)
        try:
            wait_until_healthy(process, port)
            print(json.dumps({"name": "llama.cpp Q8_0", "threads": int(threads), "port": port}), flush=True)
            sys.stdin.read()
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
