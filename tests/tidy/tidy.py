#!/usr/bin/env python3
"""Style as a test: what a script can see of the rules in docs/ARCHITECTURE.md and docs/adr/.

Each rule is a function from (path, lines) to messages; `--self-test` shows each rule a text that breaks it, so that no rule
can go blind unnoticed.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_LINES = 500

# Folder -> folders of core/ that it may include.
CORE_LAYERS = {
    "base": [], "tensor": ["base"], "parallel": ["base", "tensor"], "onednn": ["base", "tensor", "parallel"],
    "reference": ["base", "tensor"], "ops": ["base", "tensor", "parallel", "onednn", "reference"],
    "text": ["base", "tensor", "weights"], "vision": ["base", "weights"], "weights": ["base", "tensor"],
    "models": ["base", "tensor", "parallel", "reference", "ops", "text", "vision", "weights"],
    "generate": ["base", "tensor", "parallel", "ops", "weights", "models"],
    "engine": ["base", "tensor", "parallel", "ops", "text", "vision", "weights", "generate", "models"],
}
INCLUDE = re.compile(r'\s*#\s*include\s+["<]([^">]+)[">]')


def is_cpp(path):
    return path.suffix in (".h", ".cc")


def product(path):
    return path.parts[0] in ("core", "server", "client")


def length(path, lines):
    if is_cpp(path) or path.suffix == ".py":
        if len(lines) > MAX_LINES and path.parts[:2] not in (("models", "training"), ("tests", "golden")):
            yield f"{len(lines)} lines, at most {MAX_LINES}: is it one idea?"


def banner(path, lines):
    """A header says on its first line what it is for."""
    if path.suffix == ".h" and product(path):
        if not lines or not re.match(rf"// {re.escape(str(path))} -- \S", lines[0]):
            yield f"the first line must be '// {path} -- what it is for'"


def layers(path, lines):
    for line in lines:
        match = INCLUDE.match(line)
        if not match or not product(path):
            continue
        name, folder = match[1], path.parts[1] if len(path.parts) > 2 else ""
        if re.match(r"(oneapi/dnnl/)?dnnl", name) and path.parts[:2] != ("core", "onednn"):
            yield f"includes {name}: only core/onednn may"
        if name.startswith("grpcpp/") and path.parts[:2] != ("server", "grpc") and path.parts[0] != "client":
            yield f"includes {name}: only server/grpc and client may"
        if name.startswith("prometheus/") and path.parts[:2] != ("server", "metrics"):
            yield f"includes {name}: only server/metrics may"
        if path.parts[0] == "core":
            target = name.split("/")
            if target[0] in ("server", "client"):
                yield f"includes {name}: core/ may not"
            if target[0] == "core" and len(target) > 2 and target[1] != folder and \
                    target[1] not in CORE_LAYERS.get(folder, []):
                yield f"includes {name}: core/{folder} may use {', '.join(CORE_LAYERS.get(folder, [])) or 'nothing'}"
        if path.parts[:2] == ("server", "batching") and name.startswith(("core/", "server/")) and \
                not name.startswith(("core/base/", "server/batching/")):
            yield f"includes {name}: server/batching depends on core/base alone"


# pattern -> (where it is allowed, why)
BANNED = {
    r"\bgetenv\s*\(": (("server/options.cc", "client/"), "the environment is read where flags are"),
    r"\b(sleep_for|usleep|absl::SleepFor)\s*\(": (("client/",), "wait on a condition, with the clock"),
    r"\bstd::(mutex|condition_variable)\b": (("core/base/mutex.h",), "core/base/mutex.h is annotated"),
    r"\b(TODO|FIXME|XXX|HACK)\b": ((), "finish it, or write it down where work is planned"),
    r"\bassert\s*\(": ((), "ATTENTIOND_CHECK for our mistakes, a Status for the rest"),
    r"\babort\s*\(\)": (("core/base/check.h",), "return a Status"),
    r"std::(cout|cerr)\b": (("client/", "server/main.cc"), "log"),
}


def banned(path, lines):
    if not (is_cpp(path) and product(path)):
        return
    for number, line in enumerate(lines, 1):
        for pattern, (allowed, why) in BANNED.items():
            if re.search(pattern, line.split("//")[0] if "TODO" not in pattern else line) and \
                    not str(path).startswith(allowed or ("\0",)):
                yield f"line {number}: {re.search(pattern, line)[0].strip()}: {why}"


def function_length(path, lines):
    """A function of the product fits on a screen: at most 90 lines from its signature's brace to its end."""
    if not (path.suffix == ".cc" and product(path)):
        return
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"[A-Za-z].*\)[^;]*\{$", line):
            start = number
        elif start is not None and line == "}":
            if number - start > 90:
                yield f"line {start}: a function of {number - start} lines, at most 90"
            start = None


def markdown_links(path, lines):
    if path.suffix != ".md":
        return
    for number, line in enumerate(lines, 1):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
            if "://" not in target and not (ROOT / path.parent / target).exists():
                yield f"line {number}: {target} does not exist"


def tests_registered(path, lines):
    """A test that no CMakeLists.txt names does not run."""
    if path.parts[0] == "tests" and re.search(r"_test\.(cc|py)$|_fuzz\.cc$|_benchmark\.cc$", path.name):
        text = "".join(p.read_text() for p in (ROOT / "tests").rglob("CMakeLists.txt"))
        if not re.search(rf"\b{re.escape(path.stem)}\b", text):
            yield "is named in no CMakeLists.txt: it does not run"


RULES = [length, banner, layers, banned, function_length, markdown_links, tests_registered]

# rule -> (path, text) that breaks it
BROKEN = {
    length: ("core/base/long.cc", "x\n" * (MAX_LINES + 1)),
    banner: ("core/base/x.h", "#pragma once\n"),
    layers: ("core/tensor/x.cc", '#include "core/ops/linear.h"\n'),
    banned: ("core/base/x.cc", "std::mutex m;\n"),
    function_length: ("core/base/x.cc", "void F() {\n" + "  f();\n" * 95 + "}\n"),
    markdown_links: ("docs/x.md", "[a](no-such-file.md)\n"),
    tests_registered: ("tests/no_such_thing_test.cc", ""),
}


def files():
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                             capture_output=True, text=True)
    if listing.returncode == 0:
        return [pathlib.Path(name) for name in listing.stdout.splitlines()]
    return [p.relative_to(ROOT) for p in ROOT.rglob("*") if p.is_file() and "build" not in p.parts]


def main():
    if sys.argv[1:] == ["--self-test"]:
        blind = [rule.__name__ for rule in RULES
                 if not list(rule(pathlib.Path(BROKEN[rule][0]), BROKEN[rule][1].splitlines()))]
        print("\n".join(f"{name} does not see what breaks it" for name in blind) or f"{len(RULES)} rules see what breaks them")
        return 1 if blind else 0
    failures = 0
    for path in files():
        if path.suffix not in (".h", ".cc", ".py", ".md") or not (ROOT / path).exists():
            continue
        lines = (ROOT / path).read_text(encoding="utf-8", errors="replace").splitlines()
        for rule in RULES:
            for message in rule(path, lines):
                print(f"{path}: {message}")
                failures += 1
    print(f"{failures} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
