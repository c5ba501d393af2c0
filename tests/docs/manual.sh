#!/bin/sh
# The manual says what the program does: a page for every verb, every option in
# it, no page that mandoc objects to, help that fits a screen.
#
#   manual.sh QLAW FOLDER_OF_PAGES SOURCE_ROOT
set -eu
qlaw=$1
pages=$2
root=$3
export LC_ALL=C.UTF-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() {
    echo "$*"
    bad=1
}
text_of() { # what a reader sees, on one long line for each line
    mandoc -T utf8 -O width=500 "$1" | sed 's/.\x08//g'
}

verbs=$("$qlaw" help | sed -n '/^verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$verbs" | wc -l)" -ge 20 ] || complain "only these verbs: $verbs"

# --- help fits: 80 columns; 46 lines for a verb, 50 for the overview
fits() { # fits LINES COMMAND...
    most=$1
    shift
    "$@" >"$work/help"
    lines=$(wc -l <"$work/help")
    columns=$(wc -L <"$work/help")
    [ "$lines" -le "$most" ] || complain "$*: $lines lines"
    [ "$columns" -le 80 ] || complain "$*: $columns columns"
}
fits 50 "$qlaw" help
for verb in $verbs; do
    fits 46 "$qlaw" "$verb" --help
done

# --- whoever reports something does so for programs too
for verb in $verbs; do
    case $verb in
    train | worker | completion | help) continue ;; # lines, a log, a script
    esac
    "$qlaw" "$verb" --help | grep -q '^      --json ' ||
        complain "qlaw $verb has no --json"
done

# --- pages
if ! command -v mandoc >/dev/null; then
    echo "SKIP: mandoc is not installed; the pages are not looked at"
    [ "$bad" = 0 ] && exit 77
    exit 1
fi
for verb in $verbs; do
    page=$pages/qlaw-$verb.1
    if [ ! -s "$page" ]; then
        complain "no page for qlaw $verb"
        continue
    fi
    text_of "$page" >"$work/page"
    "$qlaw" "$verb" --help |
        sed -n '/^options:/,$s/^  \(-., \|    \)\(--[a-z0-9-]*\).*/\2/p' \
            >"$work/options"
    while read -r option; do
        grep -q "^ *\(-., \)\?$option\( \|\$\)" "$work/page" ||
            complain "qlaw-$verb(1) does not have $option"
    done <"$work/options"
done
for page in "$pages"/*.[15]; do
    mandoc -T lint "$page" >"$work/lint" 2>&1 || :
    [ ! -s "$work/lint" ] || complain "$(head -n 3 "$work/lint")"
    # Every page that is named is there.
    text_of "$page" | grep -o 'qlaw-[a-z]*([15])' | sort -u |
        tr -d ')' | tr '(' '.' >"$work/names"
    while read -r name; do
        [ -s "$pages/$name" ] || complain "$(basename "$page") names $name"
    done <"$work/names"
done

# --- files: what a page names is installed, and nothing of the source tree is
# named, which who reads it need not have
installed=$pages/../meson-info/intro-installed.json
tr ',' '\n' <"$installed" | sed -n 's/.*: *"\(.*\)".*/\1/p' >"$work/installed"
for page in "$pages"/*.[15]; do
    text_of "$page" | grep -oE '(docs|experiments|scripts|tests|examples)/[a-z_.-]+' \
        >"$work/names" || :
    text_of "$page" | grep -oE 'share/[a-z_./-]*[a-z]' >"$work/shared" || :
    while read -r name; do
        grep -q "share/qlaw/$name" "$work/shared" ||
            complain "$(basename "$page") names $name of the source tree"
    done <"$work/names"
    while read -r name; do
        file=$name
        case $name in
        share/doc/qlaw/*)
            [ -f "$root/docs/${name#share/doc/qlaw/}" ] ||
                complain "$(basename "$page") names $name, which is not there"
            file=share/doc/qlaw ;;
        esac
        grep -qE "/$file\$" "$work/installed" ||
            complain "$(basename "$page") names $name, which is not installed"
    done <"$work/shared"
done

# --- the database: every view, every column of one with its meaning
sqlite3 :memory: ".read $root/db/schema.sql" "select distinct c.name from
    sqlite_schema v, pragma_table_info(v.name) c
    where v.type='view' and v.name<>'grid_run'" >"$work/columns"
[ "$(wc -l <"$work/columns")" -gt 40 ] || complain "few columns"
sed -n '/^# COLUMNS/,/^# EXAMPLES/p' "$root/man/qlaw-db.5.scd" >"$work/page"
while read -r column; do
    grep -q "^\*.*\*$column\*\|^\*$column\*" "$work/page" ||
        complain "qlaw-db(5) does not say what $column is"
done <"$work/columns"

# --- every key that a grid may set
"$qlaw" keys | grep '^[a-z]' >"$work/keys"
[ "$(wc -l <"$work/keys")" -gt 50 ] || complain "few keys"
for page in grid config; do
    text_of "$pages/qlaw-$page.5"
done >"$work/page"
while read -r key; do
    grep -q "^ *$key (" "$work/page" || complain "no page has the key $key"
done <"$work/keys"

# --- the gallery: every figure with its command and its picture
"$qlaw" plot | cut -d ' ' -f 1 >"$work/figures"
while read -r figure; do
    picture=$root/docs/gallery/$figure.svg
    grep -q "^\$ qlaw plot $figure " "$root/docs/gallery.md" &&
        grep -q "(gallery/$figure.svg)" "$root/docs/gallery.md" ||
        complain "docs/gallery.md does not show $figure"
    if [ ! -s "$picture" ] || [ "$(wc -c <"$picture")" -gt 200000 ]; then
        complain "$picture is missing or above 200 kB"
    fi
done <"$work/figures"

# --- the methods: the page has each row that the verb prints, and its grids are there
while IFS='|' read -r paper state grids; do
    grep -q "^| $paper |.*| $state |" "$root/docs/methods.md" ||
        complain "docs/methods.md does not have $paper as $state"
    for grid in $grids; do
        [ -f "$root/experiments/$grid.ini" ] || complain "no grid $grid.ini"
    done
done <<EOF
$("$qlaw" methods --json | tr '{' '\n' | sed -n \
    's/.*"arxiv":"\([^"]*\)".*"state":"\([^"]*\)".*"grids":"\([^"]*\)".*/\1|\2|\3/p')
EOF

# --- the environment: every variable of ours
grep -rhoE 'getenv\("QLAW_[A-Z_]*' "$root"/base/*.c "$root"/kernels/*.c "$root"/trainer/*.c \
    "$root"/fit/*.c "$root"/db/*.c "$root"/plots/*.c "$root"/harness/*/*.c | sed 's/.*"//' | sort -u \
    >"$work/variables"
cat "$pages"/*.[15] | sed 's/\\&//g; s/\\_/_/g' >"$work/all"
while read -r variable; do
    grep -q "$variable" "$work/all" || complain "no page has $variable"
done <"$work/variables"

[ "$bad" = 0 ] && echo "$(ls "$pages"/*.[15] | wc -l) pages, $(echo "$verbs" |
    wc -l) verbs"
exit "$bad"
