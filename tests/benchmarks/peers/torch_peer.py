"""PyTorch's side of scripts/bench-peers: what peer_runner.cc is for ours, over the same protocol.

    python3 -c "$(cat torch_peer.py)" THREADS

Sent to the interpreter as text, because that may live in a container or another root. Needs torch, and transformers for
encoders and translation. Inputs are drawn from the same distribution as ours.
"""
import functools
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def key_mask(valid, keys):
    """[B, 1, 1, Sk]; true: may attend."""
    return (torch.arange(keys) < torch.tensor(valid)[:, None])[:, None, None, :]


def sdpa(job):
    """scaled_dot_product_attention; a ragged batch is padded to its longest sequence, and masked."""
    dtype, lengths = DTYPES[job["dtype"]], job.get("lengths")
    batch = len(lengths) if lengths else job["B"]
    queries, keys = (max(lengths),) * 2 if lengths else (job["Sq"], job["Sk"])
    heads, kv_heads = job["H"], job.get("Hk", job["H"])
    valid = lengths or job.get("valid")
    mask = key_mask(valid, keys) if valid else None
    query = torch.randn(batch, heads, queries, job["D"]).to(dtype)
    pairs = [tuple(torch.randn(batch, kv_heads, keys, job["D"]).to(dtype) for _ in range(2))]
    pairs += [tuple(x.clone() for x in pairs[0]) for _ in range(job.get("copies", 1) - 1)]
    turn = 0

    def run():
        nonlocal turn
        turn = (turn + 1) % len(pairs)
        return F.scaled_dot_product_attention(query, *pairs[turn], attn_mask=mask, is_causal=job.get("causal", False),
                                              enable_gqa=kv_heads != heads)
    return run


@functools.lru_cache(maxsize=1)
def bert_base(dtype):
    from transformers import BertConfig, BertModel
    return BertModel(BertConfig()).eval().to(DTYPES[dtype])


def encoder(job):
    """BERT-base; sequences of different lengths are padded to the longest, and masked."""
    model, lengths = bert_base(job["dtype"]), job["lengths"]
    longest = max(lengths)
    ids = torch.randint(0, 30000, (len(lengths), longest))
    # Without a mask the model takes its fastest way.
    mask = None if min(lengths) == longest else (torch.arange(longest) < torch.tensor(lengths)[:, None]).long()
    return lambda: model(input_ids=ids, attention_mask=mask).last_hidden_state


@functools.lru_cache(maxsize=1)
def marian_base(dtype):
    from transformers import MarianConfig, MarianMTModel
    config = MarianConfig(vocab_size=58101, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8,
                          decoder_attention_heads=8, encoder_ffn_dim=2048, decoder_ffn_dim=2048, activation_function="swish",
                          max_position_embeddings=512, scale_embedding=True, pad_token_id=58100, decoder_start_token_id=58100,
                          eos_token_id=0)
    return MarianMTModel(config).eval().to(DTYPES[dtype])


def generation(job):
    """A Marian model of the base shape that writes as many tokens as it is told to."""
    model, tokens = marian_base(job["dtype"]), job["target"]
    ids = torch.randint(2, 58000, (job["B"], job["source"]))
    return lambda: model.generate(input_ids=ids, num_beams=job["beams"], do_sample=False, min_new_tokens=tokens,
                                  max_new_tokens=tokens, bad_words_ids=[[58100]])


class Peer:
    def __init__(self):
        self.run = None

    def prepare(self, job):
        self.run = None  # before the next one takes its memory
        run = {"sdpa": sdpa, "encoder": encoder, "generation": generation}[job["work"]](job)
        run()
        run()
        self.run = run
        return {"checked": "nothing"}

    def time(self, seconds):
        times, end = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            self.run()
            times.append(time.perf_counter() - start)
        return {"seconds": statistics.median(times), "runs": len(times)}

    def answer(self, request):
        if "prepare" in request:
            return self.prepare(request["prepare"])
        return self.time(request["time"])


def main():
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    print(json.dumps({"name": f"PyTorch {torch.__version__}", "threads": torch.get_num_threads()}), flush=True)
    peer = Peer()
    with torch.inference_mode():
        for line in sys.stdin:
            try:
                answer = peer.answer(json.loads(line))
            except Exception as error:  # whatever the library cannot do is a cell that is left out
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
