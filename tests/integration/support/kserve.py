"""A KServe v2 client written from the .proto alone."""
import struct

from inference import grpc_service_pb2 as pb
from inference import grpc_service_pb2_grpc as rpc
import numpy as np

DATATYPES = {np.dtype(np.float32): "FP32", np.dtype(np.float64): "FP64", np.dtype(np.float16): "FP16",
             np.dtype(np.int64): "INT64", np.dtype(np.int32): "INT32", np.dtype(np.bool_): "BOOL",
             np.dtype(np.uint8): "UINT8", np.dtype(np.uint16): "BF16"}
NUMPY = {name: dtype for dtype, name in DATATYPES.items()}
CONTENTS = {"FP32": "fp32_contents", "FP64": "fp64_contents", "INT64": "int64_contents", "INT32": "int_contents",
            "BOOL": "bool_contents", "BYTES": "bytes_contents", "UINT8": "uint_contents"}


def encode_bytes(elements):
    return b"".join(struct.pack("<I", len(e)) + e for e in elements)


def decode_bytes(raw):
    elements, at = [], 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        elements.append(raw[at + 4:at + 4 + length])
        at += 4 + length
    return elements


def as_text(texts):
    return [t.encode() if isinstance(t, str) else t for t in texts]


def request(model, inputs, outputs=(), parameters=None, raw=True, **fields):
    """`inputs`: name -> numpy array, or list of str/bytes for BYTES. `parameters` by Python type."""
    message = pb.ModelInferRequest(model_name=model, **fields)
    for name, value in inputs.items():
        tensor = message.inputs.add(name=name)
        if isinstance(value, (list, tuple)):
            value = as_text(value)
            tensor.datatype, shape, data = "BYTES", [len(value)], encode_bytes(value)
        else:
            tensor.datatype, shape, data = DATATYPES[value.dtype], list(value.shape), np.ascontiguousarray(value).tobytes()
        tensor.shape.extend(shape)
        if raw:
            message.raw_input_contents.append(data)
        elif tensor.datatype == "BYTES":
            tensor.contents.bytes_contents.extend(value)
        else:
            getattr(tensor.contents, CONTENTS[tensor.datatype]).extend(value.reshape(-1).tolist())
    for name in outputs:
        message.outputs.add(name=name)
    for name, value in (parameters or {}).items():
        parameter = message.parameters[name]
        field = {bool: "bool_param", int: "int64_param", float: "double_param", str: "string_param"}[type(value)]
        setattr(parameter, field, value)
    return message


def outputs(response):
    """name -> numpy array (BYTES: list of bytes)."""
    assert len(response.raw_output_contents) == len(response.outputs)
    result = {}
    for tensor, raw in zip(response.outputs, response.raw_output_contents):
        if tensor.datatype == "BYTES":
            result[tensor.name] = decode_bytes(raw)
        else:
            result[tensor.name] = np.frombuffer(raw, NUMPY[tensor.datatype]).reshape(list(tensor.shape))
    return result


class Client:
    def __init__(self, channel):
        self.stub = rpc.GRPCInferenceServiceStub(channel)

    def infer(self, model, inputs, wanted=(), parameters=None, raw=True, timeout=60, **fields):
        message = request(model, inputs, wanted, parameters, raw, **fields)
        return outputs(self.stub.ModelInfer(message, timeout=timeout))
