"""Lets the programs of this folder use what the integration tests share. Import it first."""
import argparse
import os
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def parser(description):
    """An argument parser that knows --build."""
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release", help="the build's folder")
    return result


def use(build):
    os.environ["INTEGRATION_SOURCE_DIR"] = str(SOURCE)
    os.environ["INTEGRATION_BINARY_DIR"] = str(build)
    os.environ.setdefault("INTEGRATION_SANITIZE", "")
    sys.path[:0] = [str(build / "tests" / "integration" / "stubs"), str(SOURCE / "tests" / "integration")]
