#!/usr/bin/env python3
"""Classifies texts over attentiond.v1 with plain grpcio: the stubs are made from proto/ when this runs.

    python3 client/python_sample/classify.py --address localhost:8001 --model sentiment "I love my cat."

Needs grpcio, protobuf and protoc (Debian: python3-grpcio, python3-protobuf, protobuf-compiler). A project of your own
would rather generate the stubs once, with grpcio-tools.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import grpc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
FILE = "attentiond/v1/attention_service.proto"
METHOD = "/attentiond.v1.AttentionService/Classify"


def load_messages():
    """The generated module with every message of attentiond.v1."""
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={out}", FILE], check=True)
        sys.path.insert(0, out)
        from attentiond.v1 import attention_service_pb2
        return attention_service_pb2


def main():
    parser = argparse.ArgumentParser(description="Classifies texts with an attentiond server.")
    parser.add_argument("--address", default="localhost:8001")
    parser.add_argument("--model", required=True)
    parser.add_argument("texts", nargs="+")
    args = parser.parse_args()

    messages = load_messages()
    request = messages.ClassifyRequest(
        model=args.model, inputs=[messages.TextInput(text=text) for text in args.texts])
    with grpc.insecure_channel(args.address) as channel:
        classify = channel.unary_unary(
            METHOD, request_serializer=messages.ClassifyRequest.SerializeToString,
            response_deserializer=messages.ClassifyResponse.FromString)
        try:
            response = classify(request, timeout=10)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
    for text, result in zip(args.texts, response.results):
        best = result.labels[0]
        print(f"{best.label}\t{best.score:.3f}\t{text}")


if __name__ == "__main__":
    main()
