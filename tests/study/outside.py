"""A table from outside as a person asks of it: predictions at many settings,
functions of the parameters, figures (whose data are written without gnuplot).

    outside.py QLAW

What is expected comes from elsewhere: the textbook's straight line (its mean,
slope and bands by hand), an equal call for a single setting, or the words of a
mistake.
"""
import csv
import io
import json
import math
import os
import subprocess
import sys
import tempfile

QLAW = os.path.abspath(sys.argv[1])
bad = []


def qlaw(*words, text="", status=0):
    done = subprocess.run([QLAW, "--db", "none.db", *words], input=text.encode(),
                          capture_output=True, timeout=120)
    out, err = done.stdout.decode(), done.stderr.decode()
    if status is not None and done.returncode != status:
        bad.append(f"{words}: exit {done.returncode}, not {status}: {err}{out}")
    return out, " ".join(err.split())


def check(ok, *what):
    if not ok:
        bad.append(" ".join(str(w) for w in what))


def close(a, b, tolerance=1e-9):
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-300)


def write(name, text):
    with open(name, "w") as f:
        f.write(text)


# --- a straight line, whose bands every textbook has ----------------------------

X = [1, 2, 3, 4, 5, 6, 7, 8]
Y = [2.1, 3.9, 6.2, 7.8, 10.1, 12.2, 13.8, 16.1]
T6 = 2.446911851144970  # Student's t, 6 degrees of freedom, 0.975


def line_at(x):
    n, mx, my = len(X), sum(X) / len(X), sum(Y) / len(Y)
    sxx = sum((a - mx) ** 2 for a in X)
    slope = sum((a - mx) * (b - my) for a, b in zip(X, Y)) / sxx
    rss = sum((b - my - slope * (a - mx)) ** 2 for a, b in zip(X, Y))
    s = math.sqrt(rss / (n - 2))
    mean = T6 * s * math.sqrt(1 / n + (x - mx) ** 2 / sxx)
    run = T6 * s * math.sqrt(1 + 1 / n + (x - mx) ** 2 / sxx)
    value = my + slope * (x - mx)
    return value, value - mean, value + mean, value - run, value + run


ENDS = ["value", "mean_lo95", "mean_hi95", "run_lo95", "run_hi95"]
LINE = ["--data", "line.csv", "--formula", "y = a + b*x"]


def the_bands_are_the_textbooks():
    out, _ = qlaw("predict", *LINE, "x=0.5,4.5,12", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    check([float(r["x"]) for r in rows] == [0.5, 4.5, 12], "order", out)
    for row in rows:
        for name, value in zip(ENDS, line_at(float(row["x"]))):
            check(close(float(row[name]), value), "line at", row["x"], name,
                  row[name], value)
    check([float(r["extrapolation"]) for r in rows] == [2, 1, 1.5],
          "extrapolation", out)


# --- the same as one setting at a time -------------------------------------------

def power_table():
    rows = ["N,D,fmt,loss"]
    for i, n in enumerate([1e6, 3e6, 1e7, 3e7, 1e8]):
        for j, d in enumerate([1e8, 1e9, 1e10, 1e11]):
            for k, fmt in enumerate(["int4", "e2m1"]):
                noise = 1 + 0.002 * math.sin(7.1 * i + 3.3 * j + 1.7 * k)
                loss = (1.7 + 400 / n ** 0.35 + 500 / d ** 0.3 + 0.1 * (k + 1))
                rows.append(f"{n:g},{d:g},{fmt},{loss * noise:.15g}")
    write("power.csv", "\n".join(rows) + "\n")


FITS = {
    "wald": [],
    "bootstrap": ["--bootstrap", "200"],
    "robust": ["--loss", "huber:1e-3", "--bootstrap", "60"],
    "jackknife": ["--cluster", "N"],
}
GROUPED = ["--data", "power.csv", "--formula",
           "loss = E + A/N^alpha + B/D^beta + k", "--group-param", "k:fmt",
           "--fix", "k[int4]=0.1", "--space", "log"]


def single(fit, *settings):
    out, _ = qlaw("predict", *fit, *settings, "--json")
    return json.loads(out)


def lists_and_tables_are_single_calls():
    write("at.csv", "who,N,D,fmt\n\"a, b\",20M,5e9,e2m1\nc,1e6,2.5G,int4\n")
    for name, options in FITS.items():
        fit = GROUPED + options
        out, _ = qlaw("predict", *fit, "N=20M,1e6", "D=5e9", "fmt=e2m1,int4",
                      "--json")
        rows = json.loads(out)["rows"]
        check([(r["at"]["N"], r["at"]["fmt"]) for r in rows] ==
              [(2e7, "e2m1"), (2e7, "int4"), (1e6, "e2m1"), (1e6, "int4")],
              name, "crossing", out)
        for row in rows:
            alone = single(fit, f"N={row['at']['N']}", "D=5e9",
                           "fmt=" + row["at"]["fmt"])
            for key in ENDS + ["extrapolation", "terms"]:
                check(row[key] == alone[key], name, key, row, alone)
        out, _ = qlaw("predict", *fit, "--at", "at.csv", "--format", "csv")
        rows = list(csv.DictReader(io.StringIO(out)))
        check([r["who"] for r in rows] == ["a, b", "c"], name, "carried", out)
        alone = single(fit, "N=20M", "D=5e9", "fmt=e2m1")
        for key in ENDS:
            check(float(rows[0][key]) == alone[key], name, "table", key, rows[0])
        check([float(rows[0][t["name"]]) for t in alone["terms"]] ==
              [t["value"] for t in alone["terms"]], name, "terms", rows[0])


def a_table_of_the_fits_own_rows_gives_its_values():
    """Of standard input; what the law does not ask for is carried along."""
    out, _ = qlaw("predict", *LINE, "--at", "-", "--json",
                  text="x;value;value.was\n4,5;7;one\n1;8;\n")
    rows = json.loads(out)["rows"]
    check([r["row"] for r in rows] == [2, 3], "lines", out)
    check(rows[0]["at"] == {"x": 4.5, "value.was.was": 7, "value.was": "one"}, out)
    check(close(rows[0]["value"], line_at(4.5)[0]), "decimal comma", out)


def published_constants_have_no_bands():
    out, _ = qlaw("predict", "--law", "chinchilla", "--published", "hoffmann",
                  "N=1G,70G", "D=1.4T", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    value = 1.69 + 406.4 / 7e10 ** 0.34 + 410.7 / 1.4e12 ** 0.28
    check(abs(float(rows[1]["value"]) - value) < 0.02, "Hoffmann", out)
    check(rows[1]["mean_lo95"] == "" and rows[1]["run_hi95"] == "", out)
    out, _ = qlaw("predict", "--law", "chinchilla", "--published", "hoffmann",
                  "--solve", "N-opt", "C=1e20,1e21", "--json")
    answer = json.loads(out)
    check(answer["what"] == "N-opt" and len(answer["rows"]) == 2, out)
    one = json.loads(qlaw("predict", "--law", "chinchilla", "--published",
                          "hoffmann", "--solve", "N-opt", "C=1e21",
                          "--json")[0])
    check(answer["rows"][1]["value"] == one["value"], "solve", out, one)


def tables_for_people_fit_a_terminal():
    out, _ = qlaw("predict", *GROUPED, "N=20M,1e6", "D=5e9,1e10", "fmt=e2m1")
    check(all(len(line) <= 80 for line in out.split("\n")), "80 columns", out)
    check("run_hi95" in out and "A/N^alpha" in out, "terms", out)
    out, _ = qlaw("predict", *LINE, "x=1,2", "--format", "md")
    check(out.startswith("| x | value |") and len(out.split("\n")) == 5, out)


# --- functions of the parameters ----------------------------------------------

def reported(*words):
    out, _ = qlaw("fit", *words, "--json")
    answer = json.loads(out)
    return ({p["name"]: p for p in answer["params"]},
            {r["name"]: r for r in answer["reported"]})


def same(a, b, tolerance, *what):
    for key in ["value", "se", "lo95", "hi95"]:
        if a[key] is not None and b[key] is not None:
            check(close(a[key], b[key], tolerance), *what, key, a, b)
    check(a["lo95"] is not None and b["lo95"] is not None, *what, a, b)


def the_delta_method_is_as_by_hand():
    """Where the line crosses 0, -a/b: its variance from those of a and b."""
    n, sx, sxx = len(X), sum(X), sum(x * x for x in X)
    sy, sxy = sum(Y), sum(x * y for x, y in zip(X, Y))
    det = n * sxx - sx * sx
    b, a = (n * sxy - sx * sy) / det, (sxx * sy - sx * sxy) / det
    s2 = sum((y - a - b * x) ** 2 for x, y in zip(X, Y)) / (n - 2)
    ga, gb = -1 / b, a / b ** 2
    se = math.sqrt(s2 / det * (ga * ga * sxx - 2 * ga * gb * sx + gb * gb * n))
    _, r = reported(*LINE, "--report", "root = -a/b")
    check(r["root"]["interval"] == "wald" and r["root"]["formula"] == "-a/b", r)
    for key, value in [("value", -a / b), ("se", se), ("lo95", -a / b - T6 * se),
                       ("hi95", -a / b + T6 * se)]:
        check(close(r["root"][key], value, 1e-8), "root", key, r, value)


POWER = ["--data", "power.csv", "--where", "fmt == int4", "--space", "log"]
CHINCHILLA = POWER + ["--formula", "loss = E + A/N^alpha + B/D^beta"]


def a_function_is_the_parameter_of_a_law_written_with_it():
    """beta = alpha a/(1 - a) makes a = beta/(alpha + beta) a parameter, and
    A = R B makes the ratio one."""
    for kind, options in [("wald", []), ("profile", ["--profile"]),
                          ("bootstrap", ["--bootstrap", "300"]),
                          ("jackknife", ["--cluster", "N"])]:
        _, r = reported(*CHINCHILLA, *options, "--report",
                        "a = beta/(alpha+beta)", "--report", "R = A/B")
        p, _ = reported(*POWER, *options, "--report", "E", "--formula",
                        "loss = E + A/N^alpha + B/D^(alpha*a/(1-a))",
                        "--start", "a=0.46,alpha=0.35")
        q, _ = reported(*POWER, *options, "--report", "E", "--formula",
                        "loss = E + R*B/N^alpha + B/D^beta",
                        "--start", "R=0.8,B=500,alpha=0.35,beta=0.3")
        tolerance = {"bootstrap": 1e-4, "profile": 1e-4}.get(kind, 1e-5)
        check(r["a"]["interval"] == kind == r["R"]["interval"], kind, r)
        same(r["a"], p["a"], tolerance, kind, "a")
        if kind != "wald" or q["R"]["interval"] == "wald":
            same(r["R"], q["R"], tolerance, kind, "R")


def a_parameter_alone_is_itself():
    for options in [[], ["--bootstrap", "100"], ["--cluster", "N"]]:
        p, r = reported(*CHINCHILLA, *options, "--report", "x = alpha",
                        "--report", "0 + beta")
        same(p["alpha"], r["x"], 0, options)
        same(p["beta"], r["0 + beta"], 1e-9, options)


def what_the_rows_see_together_has_an_interval():
    """Of y = a + (b + c) x neither b nor c is seen, and their sum is the slope."""
    out, _ = qlaw("fit", "--data", "line.csv", "--formula", "y = a + b*x + c*x",
                  "--report", "s = b + c", "--report", "d = b - c", "--json",
                  status=8)
    r = {x["name"]: x for x in json.loads(out)["reported"]}
    p, _ = reported(*LINE, "--report", "a")
    check(r["d"]["interval"] == "none" and r["d"]["lo95"] is None, r)
    check(r["s"]["interval"] == "wald", r)
    # A degree of freedom is still counted for each of the three.
    se = p["b"]["se"] * math.sqrt(6 / 5)
    check(close(r["s"]["se"], se, 1e-6), r, p)
    check(close(r["s"]["hi95"], p["b"]["value"] + 2.570581835636314 * se, 1e-6),
          r, p)


def wrong_functions_are_told():
    fit = ["fit", *CHINCHILLA, "--report"]
    for text, says in [("x = alpah/2", "did you mean 'alpha'"),
                       ("x = A/N^alpha", "the law's variables have no value"),
                       ("x = ", "expected"), ("= 2", "unexpected '='")]:
        _, err = qlaw(*fit, text, status=2)
        check(says in err, text, err)
    _, err = qlaw("fit", *GROUPED, "--report", "2*k", status=2)
    check("did you mean 'k[e2m1]'" in err, err)
    _, err = qlaw(*fit, "E", "--compare", "kaplan", status=2)
    check("--report belongs to a fit of one law" in err, err)
    _, r = reported(*GROUPED, "--report", "d = k[e2m1] - k[int4]", "--report",
                    "h = 2*k[int4]")
    check(close(r["d"]["value"], 0.1, 0.2) and r["d"]["interval"] == "wald", r)
    check(r["h"]["interval"] == "none" and "nothing in it" in r["h"]["why"], r)


# --- figures -------------------------------------------------------------------

def blocks(path):
    """The named blocks of a figure's data file as rows of cells."""
    out = {}
    for block in open(path).read().split("\n\n\n"):
        lines = [x for x in block.split("\n") if x]
        if len(lines) > 1 and lines[0].startswith("# "):
            out[lines[0][2:]] = [x.split("\t") for x in lines[2:]]
    return out


def draw(*words):
    out, _ = qlaw("plot", *words, "--out", "figs", status=None)
    return out


def figures_hold_the_rows_and_the_textbooks_bands():
    draw(*LINE)
    points = blocks("figs/predicted-observed.dat")["points"]
    check([float(r[2]) for r in points] == Y, "observed", points)
    for x, row in zip(X, points):
        check(close(float(row[3]), line_at(x)[0]), "predicted", row)
    points = blocks("figs/residuals.dat")["points"]
    for panel, at in enumerate([X, [line_at(x)[0] for x in X]]):
        rows = [r for r in points if r[0] == str(panel)]
        for x, y, a, row in zip(X, Y, at, rows):
            check(close(float(row[2]), a) and
                  close(float(row[3]), y - line_at(x)[0], 1e-8), "residual", row)
    data = blocks("figs/law-vs-variables.dat")
    curves = {"law": [], "low": [], "high": []}
    for row in data["curves"]:
        curves[["law", "low", "high"][
            0 if row[4] == "0" else 1 + (float(row[3]) >
                                         line_at(float(row[2]))[0])]].append(row)
    for name, k in [("law", 0), ("low", 3), ("high", 4)]:
        check(len(curves[name]) == 61, name, len(curves[name]))
        for row in curves[name]:
            check(close(float(row[3]), line_at(float(row[2]))[k], 1e-8), name, row)
    for row in data["bands"]:
        value = line_at(float(row[2]))
        check(close(float(row[3]), value[1], 1e-8) and
              close(float(row[4]), value[2], 1e-8), "band", row, value)


def rows_are_moved_to_what_is_held():
    """In log space by the ratio of observed and predicted; at a row's own
    setting it stays where it is."""
    draw("law-vs-variables", *GROUPED, "--at", "D=1e9")
    panels = blocks("figs/law-vs-variables.dat")["panels"]
    check([p[1] for p in panels] == ["at D = 1G", "at N = 10M"], panels)
    points = [r for r in blocks("figs/law-vs-variables.dat")["points"]
              if r[0] == "0"]
    rows = list(csv.DictReader(open("power.csv")))
    check(len(points) == len(rows), len(points))
    for row, point in zip(rows, points):
        check(float(row["N"]) == float(point[2]), row, point)
        if float(row["D"]) == 1e9:
            check(close(float(row["loss"]), float(point[3])), row, point)
    series = blocks("figs/law-vs-variables.dat")["series"]
    check([s[1] for s in series] == ["int4", "e2m1"], series)


def any_column_is_an_axis():
    write("who.csv", "x,y,who,n\n" + "".join(
        f"{x},{y},{'ab c'[x % 4]},{x % 3}\n" for x, y in zip(X, Y)))
    fit = ["--data", "who.csv", "--formula", "y = a + b*x"]
    draw("residuals", *fit, "--x", "who", "--by", "n")
    data = blocks("figs/residuals.dat")
    check(sorted(t[3] for t in data["tics"] if t[1] == "0") ==
          ["\\040", "a", "b", "c"], data["tics"])
    check([s[1] for s in data["series"]] == ["0", "1", "2"], data["series"])
    draw("law-vs-variables", *fit, "--x", "n")
    data = blocks("figs/law-vs-variables.dat")
    check(len(data["points"]) == 2 * len(X), data["points"])
    for words, says in [
            (["residuals", *fit, "--x", "whom"], "did you mean 'who'"),
            (["residuals", *fit, "--by", "z"], "no column 'z'"),
            (["law-vs-variables", *fit, "--at", "z=3"], "no such variable"),
            (["profiles", *fit], "is no figure of a table"),
            (["residuals", "grid", *fit], "give a grid or --data"),
            (["residuals", *fit, "--no-fit"], "belong to a grid"),
            (["residuals", "--law", "chinchilla"], "--law goes with --data"),
            (["residuals", "--x", "who"], "--x: residuals chooses its lines"),
            (["residuals", "--data", "who.csv"], "--data needs --law or")]:
        _, err = qlaw("plot", *words, status=2)
        check(says in err, words, "says", err)


# --- what is wrong is said --------------------------------------------------------

def rows_without_a_number_are_named():
    text = "x,who\n2,a\ntwo,b\n,c\n3,d\n4\n"
    out, err = qlaw("predict", *LINE, "--at", "-", "--format", "csv", text=text,
                    status=3)
    check(out.count("\n") == 3, "the others are printed", out)
    check("3 of 5 settings" in err and "line 3: x is 'two'" in err and
          "line 4: x is ''" in err and "line 6: 1 cells" in err, err)
    out, err = qlaw("predict", *LINE, "--at", "-", "--format", "csv", "--strict",
                    text=text, status=3)
    check(out == "", "--strict prints nothing", out)
    out, _ = qlaw("predict", *LINE, "--at", "-", "--json", text=text, status=3)
    check([r["row"] for r in json.loads(out)["left_out"]] ==
          ["line 3", "line 4", "line 6"], out)


def wrong_tables_and_lists_are_told():
    at = ["predict", *LINE, "--at", "-"]
    for words, text, status, says in [
            (at, "", 3, "is empty"),
            (at, "x,who\n", 3, "has a header but no rows"),
            (at, "z,who\n1,2\n", 2, "has no column x"),
            (at, "x,x\n1,2\n", 3, "two columns are named 'x'"),
            (at, "x\n1\n\0\n", 3, "a zero byte"),
            (at + ["x=3"], "x\n1\n", 2, "x is given twice"),
            (at + ["--format", "cvs"], "x\n1\n", 2, "did you mean 'csv'"),
            (["predict", *LINE, "x=1", "x=2"], "", 2, "x is given twice"),
            (["predict", *LINE, "x=1,,2"], "", 2, "a value is missing"),
            (["predict", *LINE, "x=7,000,000"], "", 2, "commas part the values"),
            (["predict", *LINE, "z=1,2"], "", 2, "no variable 'z'"),
            (["predict", *LINE, "x=1,y2"], "", 2, "x=y2: x=y2: 'y2' is not"),
            (["predict", *LINE, "--at", "gone.csv"], "", 7, "cannot open"),
            (["predict", "--law", "chinchilla", "--published", "--at", "a.csv"],
             "", 2, "--published needs the name of a set"),
    ]:
        _, err = qlaw(*words, text=text, status=status)
        check(says in err, words, "says", err, "not", says)
    out, _ = qlaw("predict", "--data", "line.csv", "--formula", "y = a + b*u",
                  "--map", "u=x", "--at", "-", "--format", "csv", text="x\n4.5\n")
    check(close(float(out.split("\n")[1].split(",")[1]), line_at(4.5)[0]), out)


def main():
    work = tempfile.TemporaryDirectory()
    os.chdir(work.name)
    write("line.csv", "x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(X, Y)))
    power_table()
    the_bands_are_the_textbooks()
    lists_and_tables_are_single_calls()
    a_table_of_the_fits_own_rows_gives_its_values()
    published_constants_have_no_bands()
    tables_for_people_fit_a_terminal()
    the_delta_method_is_as_by_hand()
    a_function_is_the_parameter_of_a_law_written_with_it()
    a_parameter_alone_is_itself()
    what_the_rows_see_together_has_an_interval()
    wrong_functions_are_told()
    figures_hold_the_rows_and_the_textbooks_bands()
    rows_are_moved_to_what_is_held()
    any_column_is_an_axis()
    rows_without_a_number_are_named()
    wrong_tables_and_lists_are_told()
    os.chdir("/")
    for line in bad:
        print(line)
    sys.exit(bool(bad))


main()
