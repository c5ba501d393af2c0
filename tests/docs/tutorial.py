"""Runs a page of the manual: every command of its ```console blocks, in order.

    tutorial.py QLAW PAGE.md [--write]

A page of docs/ runs in an empty folder of a folder that has the repository's
experiments; the README runs beside them, as in a fresh clone.

A line that starts with "$ " is a command ("> " continues it), the lines after it
are what it is said to print; "..." stands for any lines.  A block with a language
and a name (```ini study.ini) is a file.  <!-- exit N --> before a block is the
exit status of its last command; 0 without.

Numbers must be those of the page, to 1 % where they are not the same digits;
those with a unit of time, speed or size, of slots, and names of runs, may be any.  On another text than the
page's (its SHA-256 is in the line "data: ..."), words alone are compared.
--write puts what was printed into the page, except where it has "...".
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

UNIT = r"(?: s|s| ms| min| h| GFLOP/s| MFLOP/s| MB| kB| GB| bytes| slots?)\b"
FREE = re.compile(r"\d[\d.,]*(?=%s)" % UNIT)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


class Block:
    def __init__(self, kind, name, status, lines, first):
        self.kind, self.name, self.status = kind, name, status
        self.lines, self.first = lines, first
        self.commands = []  # [text, [promised lines], line number]
        for i, line in enumerate(lines):
            if line.startswith("$ "):
                self.commands.append([line[2:], [], first + i])
            elif self.commands and line.startswith("> ") and not self.commands[-1][1]:
                self.commands[-1][0] += "\n" + line[2:]
            elif self.commands:
                self.commands[-1][1].append(line)


def blocks_of(text):
    status, out, lines = 0, [], text.split("\n")
    i = 0
    while i < len(lines):
        match = re.match(r"<!-- exit (\d+) -->$", lines[i])
        if match:
            status = int(match.group(1))
        match = re.match(r"```(\w+)(?: (\S+))?$", lines[i])
        if match:
            end = lines.index("```", i + 1)
            out.append(Block(match.group(1), match.group(2), status,
                             lines[i + 1:end], i + 2))
            status, i = 0, end
        i += 1
    return out


def without_units(line):
    line = re.sub(r"\b[0-9a-f]{8}-(?=\d)", "ID-", line.rstrip())
    line = FREE.sub("#", line)
    return re.sub(r"# (?:h|min) #(?= (?:min|s))", "#", line)


def same_line(promised, printed, words_only):
    promised, printed = without_units(promised), without_units(printed)
    if promised == printed:
        return True
    # Columns may be wider or narrower by a digit.
    if re.sub(r"[\s-]+", " ", NUMBER.sub("#", promised)) != \
            re.sub(r"[\s-]+", " ", NUMBER.sub("#", printed)):
        return False
    if words_only:
        return True
    for a, b in zip(NUMBER.findall(promised), NUMBER.findall(printed)):
        if abs(float(a) - float(b)) > 0.01 * abs(float(a)):
            return False
    return True


def matches(promised, printed, words_only):
    """Are the printed lines what was promised, "..." being any lines?"""
    if not promised:
        return not printed
    if promised[0].strip() == "...":
        return any(matches(promised[1:], printed[i:], words_only)
                   for i in range(len(printed) + 1))
    return bool(printed) and same_line(promised[0], printed[0], words_only) \
        and matches(promised[1:], printed[1:], words_only)


def run(command, folder, env):
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=1500)
    text = done.stdout.decode("utf-8", "replace")
    return done.returncode, text.rstrip("\n").split("\n") if text.strip() else []


def main():
    qlaw, page = os.path.abspath(sys.argv[1]), sys.argv[2]
    write = "--write" in sys.argv
    text = open(page, encoding="utf-8").read()
    folder = tempfile.mkdtemp()
    bad = commands = 0
    words_only = False
    replaced = {}
    try:
        os.mkdir(folder + "/bin")
        os.symlink(qlaw, folder + "/bin/qlaw")
        beside = os.path.dirname(os.path.abspath(page))
        clone = os.path.isdir(beside + "/experiments")
        where = folder if clone else folder + "/study"
        os.makedirs(where, exist_ok=True)
        os.symlink(beside + ("" if clone else "/..") + "/experiments",
                   folder + "/experiments")
        env = dict(os.environ, PATH=folder + "/bin:" + os.environ["PATH"],
                   TERM="dumb", LC_ALL="C.UTF-8", HOME=folder)
        for name in ("QLAW_DB", "QLAW_ISA", "NO_COLOR", "MALLOC_PERTURB_"):
            env.pop(name, None)
        for block in blocks_of(text):
            if block.name:
                with open(os.path.join(where, block.name), "w") as f:
                    f.write("\n".join(block.lines) + "\n")
            if block.kind != "console":
                continue
            for command, promised, number in block.commands:
                commands += 1
                status, printed = run(command, where, env)
                want = block.status if command == block.commands[-1][0] else 0
                if status != want:
                    print("%s:%d: '%s' ended with %d, not %d:\n  %s" % (
                        page, number, command, status, want,
                        "\n  ".join(printed)))
                    bad += 1
                    if not write:
                        return 1  # what follows builds on it
                if promised and promised[0].startswith("data: ") and \
                        promised != printed:
                    print("%s: another text than the page's: numbers are not "
                          "compared" % page)
                    words_only = not write
                if matches(promised, printed, words_only):
                    continue
                if write and "..." not in map(str.strip, promised):
                    replaced[number] = printed
                    continue
                bad += 1
                print("%s:%d: '%s' prints something else:" % (
                    page, number, command))
                print("\n".join(difflib.unified_diff(
                    promised, printed, "page", "printed", lineterm="")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if write:
        rewrite(page, text, replaced)
    print("%s: %d commands, %d of them not as promised" % (page, commands, bad))
    if bad and not write:
        print("when the page is what is wrong: %s QLAW PAGE --write" %
              sys.argv[0])
    if commands < 8:
        print("that is too few: is this the page?")
        bad += 1
    return 1 if bad else 0


def rewrite(page, text, replaced):
    lines, out, i = text.split("\n"), [], 0
    while i < len(lines):
        out.append(lines[i])
        i += 1  # now the number of that line, counted from 1
        printed = replaced.get(i)
        if printed is None:
            continue
        while lines[i].startswith("> "):
            out.append(lines[i])
            i += 1
        out += printed
        while lines[i] != "```" and not lines[i].startswith("$ "):
            i += 1
    with open(page, "w", encoding="utf-8") as f:
        f.write("\n".join(out))


sys.exit(main())
