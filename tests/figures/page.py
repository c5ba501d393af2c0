"""What the tests of figures and reports share: making databases, running the
program, and reading what it wrote with parsers that are not ours."""
import base64
import csv
import hashlib
import html.parser
import io
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))


class Place:
    """A folder of its own, which goes when the test passes."""

    def __init__(self, qlaw, root):
        self.qlaw = os.path.abspath(qlaw)
        self.root = os.path.abspath(root)
        self.dir = tempfile.mkdtemp(prefix="qlaw-page-")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def make_db(self, kind, labels=b""):
        db = self.path(kind + ".db")
        subprocess.run([sys.executable, os.path.join(HERE, "make_db.py"),
                        self.root, db, kind], input=labels, check=True)
        return db

    def run(self, *args, env=None, code=0, timeout=300):
        full = dict(os.environ)
        full.update(env or {})
        done = subprocess.run([self.qlaw, *args], cwd=self.dir, env=full,
                              capture_output=True, timeout=timeout)
        out = done.stdout.decode("utf-8")  # never anything else
        err = " ".join(done.stderr.decode("utf-8").split())  # as sentences
        if done.returncode != code:
            fail("qlaw %s ended with %d, not %d:\n%s%s" % (
                " ".join(args), done.returncode, code, out, err))
        return out, err

    def done(self):
        shutil.rmtree(self.dir)


def fail(message):
    print("FAILED: " + message, file=sys.stderr)
    sys.exit(1)


def check(condition, message):
    if not condition:
        fail(message)


def skip(message):
    print("SKIPPED: " + message)
    sys.exit(77)


# --- what a label looks like, written again from its description ---------------

ACTING = [(0x80, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C), (0x200B, 0x200F),
          (0x2028, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF),
          (0xFFF9, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0000, 0xE0FFF)]


def visible(raw):
    out = ""
    for ch in raw.decode("utf-8", "surrogateescape"):
        c = ord(ch)
        if 0xDC80 <= c <= 0xDCFF:
            out += "\\x%02x" % (c - 0xDC00)
        elif ch in "\n\t\r":
            out += {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[ch]
        elif c < 0x20 or c == 0x7F:
            out += "\\x%02x" % c
        elif any(a <= c <= b for a, b in ACTING):
            out += "\\U%08x" % c if c > 0xFFFF else "\\u%04x" % c
        else:
            out += ch
    return out


def cut(text, n):
    return text if len(text) <= n else text[:n - 1] + "\u2026"


# --- HTML ---------------------------------------------------------------------

VOID = {"meta", "link", "img", "source", "br"}
TAGS = VOID | {
    "html", "head", "title", "style", "body", "header", "h1", "h2", "h3", "p",
    "nav", "ul", "li", "a", "main", "section", "div", "table", "caption",
    "thead", "tbody", "tr", "th", "td", "figure", "picture", "figcaption",
    "span", "details", "summary", "pre", "code", "strong", "footer", "script"}
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "rel", "href", "id",
    "class", "role", "tabindex", "aria-label", "scope", "alt", "src", "width",
    "height", "media", "srcset", "download"}


class Page(html.parser.HTMLParser):
    """Tables, blocks and images; anything that should not be there fails."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.stack, self.tables, self.blocks = [], [], []
        self.images, self.links, self.text, self.ids = [], [], "", []
        self.scripts, self.policy = [], ""
        self.feed(text)
        self.close()
        check(self.stack == [], "tags are left open: %s" % self.stack)

    def handle_starttag(self, tag, attrs):
        check(tag in TAGS, "a tag <%s> in the page" % tag)
        for name, value in attrs:
            check(name in ATTRIBUTES, "an attribute %s in <%s>" % (name, tag))
            if name in ("src", "srcset", "href"):
                self.links.append(value)
            if name == "id":
                self.ids.append(value)
        if tag == "table":
            self.tables.append([])
        if tag == "tr" and self.tables:
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag == "pre":
            self.blocks.append("")
        if tag == "script":
            check(not attrs, "a script from elsewhere: %s" % attrs)
            self.scripts.append("")
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"]
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        check(self.stack and self.stack[-1] == tag,
              "</%s> closes %s" % (tag, self.stack[-1:]))
        self.stack.pop()

    def handle_data(self, data):
        if self.stack and self.stack[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data
        if "pre" in self.stack:
            self.blocks[-1] += data
        if "script" in self.stack:
            self.scripts[-1] += data
        elif "style" not in self.stack:
            self.text += data

    def table(self, head):
        """The rows of the table whose first column is called so."""
        for t in self.tables:
            if t and t[0] and t[0][0] == head:
                return t
        fail("no table begins with '%s'" % head)


def only_our_script(page):
    """One script, that of plots/, and a policy that lets no other run."""
    ours = open(os.path.join(HERE, "../../plots/report.js")).read()
    digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
    check(page.scripts == [ours], "%d scripts" % len(page.scripts))
    check("default-src 'none'" in page.policy and
          "script-src 'sha256-%s';" % digest in page.policy,
          "the policy lets other scripts run: " + page.policy)


def read_page(path):
    raw = open(path, "rb").read()
    page = Page(raw.decode("utf-8"))
    only_our_script(page)
    for link in page.links:
        check(link.startswith("data:") or link.startswith("#"),
              "the page refers to %s" % link[:80])
    for link in page.links:
        if link.startswith("#"):
            check(link[1:] in page.ids, "nothing has the id %s" % link)
    check(len(page.ids) == len(set(page.ids)), "an id is there twice")
    for image in page.images:
        check(image.get("alt"), "an image without alternative text")
    return page


def read_csv(text):
    return list(csv.reader(io.StringIO(text)))


def read_svg(path):
    """The texts of a picture."""
    tree = ElementTree.parse(path)
    for node in tree.iter():
        tag = node.tag.split("}")[-1]
        check(tag not in ("script", "foreignObject", "image", "a"),
              "<%s> in %s" % (tag, path))
        for name in node.attrib:
            check(not name.lower().startswith("on"), "%s in %s" % (name, path))
    return ["".join(t.itertext()) for t in tree.iter()
            if t.tag.endswith("}text")]
