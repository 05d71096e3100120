"""Golden data: what the reference implementations computed."""
import json
import struct

import numpy as np

from .server import GOLDEN

DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "BOOL": np.bool_, "F16": np.float16,
          "U8": np.uint8}


class Golden:
    def __init__(self, name):
        self.directory = GOLDEN / name
        self.name = name
        description = json.loads((self.directory / "cases.json").read_text())
        self.description = description
        self.cases = description["cases"]
        self.tolerance = description.get("tolerance", description.get("tolerance_f32"))
        self.arrays = {}
        data = (self.directory / "expected.safetensors").read_bytes()
        (header_bytes,) = struct.unpack_from("<Q", data)
        for key, entry in json.loads(data[8:8 + header_bytes]).items():
            if key != "__metadata__":
                begin, end = entry["data_offsets"]
                self.arrays[key] = np.frombuffer(data[8 + header_bytes + begin:8 + header_bytes + end],
                                                 DTYPES[entry["dtype"]]).reshape(entry["shape"])

    def array(self, case, what):
        return self.arrays.get(f"{case['name']}.{what}")

    def texts(self, case):
        """The inputs of a text case for ModelInfer."""
        inputs = {"text": [case["text"]]}
        if "pair" in case:
            inputs["text_pair"] = [case["pair"]]
        return inputs


def assert_close(test, actual, expected, tolerance, what):
    """|actual - expected| <= tolerance * (1 + |expected|), infinities equal; says where it is worst."""
    test.assertEqual(actual.shape, expected.shape, what)
    expected = expected.astype(np.float64)
    actual = actual.astype(np.float64)
    test.assertTrue(np.array_equal(np.isneginf(actual), np.isneginf(expected)), f"{what}: -inf in other places")
    finite = np.isfinite(expected)
    error = np.abs(np.where(finite, actual, 0) - np.where(finite, expected, 0))
    bound = tolerance * (1 + np.abs(np.where(finite, expected, 0)))
    if error.size and not (error <= bound).all():
        worst = np.unravel_index(np.argmax(error - bound), error.shape)
        test.fail(f"{what}: at {worst} {actual[worst]} but {expected[worst]} expected, bound {bound[worst]}")
