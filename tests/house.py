#!/usr/bin/env python3
"""What the house asks of every file, beside the include table.

    house.py SOURCE_ROOT CC CHECK

CHECK: options   every option that a verb declares is asked for somewhere
       tests     every test file is built by the meson.build beside it
       headers   every header can be the first that a file includes
       pages     docs/ shows the include table and names files that are there
       layout    clang-format 14, Debian 12's, would change nothing; no two of
                 its versions agree, so another one is not asked
"""
import glob
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOMS = ["base", "kernels", "trainer", "post", "fit", "db", "plots", "harness"]
ROW = re.compile(r'\{\s*"([a-z][a-z0-9-]*)",\s*(?:0|\'.\'),\s*'
                 r'(?:NULL|"[^"]*"),\s*(?:"(?:[^"\\]|\\.)*"\s*)+\}')
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def files(*endings):
    return sorted(path for room in ROOMS
                  for path in glob.glob(room + "/**/*", recursive=True)
                  if path.endswith(endings))


def options():
    """A row of a table of options is one place; it has to have another."""
    declared, rest = {}, []
    for path in files(".c", ".h"):
        text = COMMENT.sub("", read(path))
        if path.startswith(("harness/verbs/", "harness/cli/")):
            for name in ROW.findall(text):
                declared.setdefault(name, path)
            text = ROW.sub("", text)
        if "/shells/" not in path:  # which completes them all
            rest.append(text)
    rest = "\n".join(rest)
    bad = [f"{path}: --{name} is declared and never asked for"
           for name, path in sorted(declared.items())
           if f'"{name}"' not in rest]
    return bad, f"{len(declared)} options"


def tests():
    bad, seen = [], 0
    for path in sorted(glob.glob("tests/**/*", recursive=True)):
        folder, name = os.path.split(path)
        stem, ending = os.path.splitext(name)
        if ending not in (".c", ".sh", ".py") or folder == "tests/db/old":
            continue
        seen += 1
        build = folder
        while not os.path.exists(build + "/meson.build"):
            build = os.path.dirname(build)
        text = read(build + "/meson.build")
        stem = re.sub("^(test|fuzz)_", "", stem)
        if not re.search(r"'(\w+_)?" + re.escape(stem) + r"(\.\w+)?'", text) \
                and not used_elsewhere(name):
            bad.append(f"{path} is in no meson.build and in no script")
    return bad, f"{seen} files"


def used_elsewhere(name):
    """Slow proofs are scripts that a person runs; helpers are imported; what
    made an oracle is named beside it."""
    stem = os.path.splitext(name)[0]
    for path in glob.glob("scripts/*") + [
            p for p in glob.glob("tests/**/*", recursive=True)
            if p.endswith((".py", ".sh", ".h"))]:
        if os.path.basename(path) != name and \
                re.search(r"\b" + re.escape(stem) + r"\b", read(path)):
            return True
    return False


def headers():
    """Templates, which are compiled once for each set of instructions, are
    no headers: kernels/**/body_*.h and lanes_*.h."""
    def stands(path):
        done = subprocess.run(
            [CC, "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-I.",
             "-Wno-pragma-once-outside-header", path],
            capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else \
            f"{path} cannot be included first:\n{done.stderr[:500]}"

    paths = [p for p in files(".h")
             if not re.match(r"(body|lanes|kernels)_", os.path.basename(p))]
    with ThreadPoolExecutor(2) as pool:
        bad = [text for text in pool.map(stands, paths) if text]
    return bad, f"{len(paths)} headers"


def pages():
    bad, named = [], 0
    table = "\n".join(line for line in
                      read("tests/include_table.txt").splitlines()
                      if line and not line.startswith("#"))
    if table not in read("docs/architecture.md"):
        bad.append("docs/architecture.md shows another include table")
    for page in glob.glob("docs/*.md") + ["README.md"]:
        for path in re.findall(r"`((?:%s|scripts|tests)/[\w/.-]+\.\w+)`"
                               % "|".join(ROOMS), read(page)):
            named += 1
            if "NNN" not in path and not os.path.exists(path):
                bad.append(f"{page} names {path}, which is not there")
    for path in re.findall(r"`([a-z]+/[\w/]+\.[ch])`",
                           read("docs/architecture.md")):
        named += 1
        if not os.path.exists(path) and not os.path.exists("harness/" + path):
            bad.append(f"docs/architecture.md names {path}, which is not there")
    return bad, f"{named} files are named"


def layout():
    for name in ("clang-format-14", "clang-format"):
        try:
            said = subprocess.run([name, "--version"], capture_output=True,
                                  text=True, check=False).stdout
        except OSError:
            continue
        if "version 14." in said:
            break
    else:
        print("SKIPPED: the layout is judged by clang-format 14")
        sys.exit(77)
    paths = files(".c", ".h") + sorted(
        path for path in glob.glob("tests/**/*.[ch]", recursive=True))
    done = subprocess.run([name, "--dry-run", "-ferror-limit=0"] + paths,
                          capture_output=True, text=True, check=False)
    bad = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: warning", done.stderr,
                                re.M)))
    return [f"clang-format -i {path}" for path in bad], f"{len(paths)} files"


os.chdir(sys.argv[1])
CC = sys.argv[2]
BAD, SEEN = {"options": options, "tests": tests,
             "headers": headers, "pages": pages, "layout": layout}[sys.argv[3]]()
print("\n".join(BAD))
print(SEEN)
sys.exit(1 if BAD else 0)
