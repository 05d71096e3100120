"""A client of attentiond, the inference server.

    from attentiond import Client

    with Client("localhost:8001") as client:
        for labels in client.classify("sentiment", ["I love my cat."]):
            print(labels[0].label, labels[0].score)

Messages, with a comment on every field: attentiond.v1.attention_service_pb2, made from the .proto when the package is built.
"""
from attentiond.client import Client, Error

__all__ = ["Client", "Error"]
