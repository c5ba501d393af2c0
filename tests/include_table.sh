#!/bin/sh
# Holds tests/include_table.txt: which room may include which.  Every quoted
# include carries its folder, so the arrows are in the text.  A row may name only
# rooms above it, so that there are no circles; a row that permits what no file
# needs is a defect too.  A header of the system that some rooms have to themselves
# reaches no other, not by a header of theirs either.
#
#   include_table.sh SOURCE_ROOT
set -eu
cd "$1"
find base kernels trainer post fit db plots harness -name '*.[ch]' -o -name '*.def' |
    sort | xargs awk '
function room_of(path, r) {
    for (r = path; r != "" && !(r in row); )
        if (!sub(/\/[^\/]*$/, "", r))
            r = ""
    return r
}
function may(from, to, n, i, words) {
    if (from == to)
        return 1
    n = split(row[from], words, " ")
    for (i = 1; i <= n; i++)
        if (words[i] == to || (words[i] == "harness/*" && to ~ /^harness\//)) {
            used[from, words[i]] = 1
            return 1
        }
    return 0
}
# By which of its includes a file has a header, "" where it has it not.
function way_to(header, path, n, i, words) {
    if (!((header, path) in way)) {
        way[header, path] = ""
        n = split(includes[path], words, " ")
        for (i = 1; i <= n && way[header, path] == ""; i++)
            if (words[i] == header || way_to(header, words[i]) != "")
                way[header, path] = words[i]
    }
    return way[header, path]
}
function wrong(text) {
    print text
    bad = 1
}
BEGIN {
    while ((getline line < "tests/include_table.txt") > 0) {
        if (line ~ /^#/ || line == "")
            continue
        name = line
        sub(/ .*/, "", name)
        row[name] = substr(line, length(name) + 1)
        if (name ~ /^</)
            headers[name]
        else
            order[++rooms] = name
        n = split(row[name], words, " ")
        for (i = 1; i <= n; i++)
            if (words[i] != "harness/*" && !(words[i] in row))
                wrong("the row of " name " names " words[i] \
                      ", which has no row above it")
    }
}
FNR == 1 {
    path[++files] = FILENAME
    if (room_of(FILENAME) == "")
        wrong(FILENAME " is in no room")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    from = room_of(FILENAME)
    to = room_of(part[2])
    if (to == "")
        wrong(FILENAME " includes " part[2] ", which is in no room")
    else if (from != "" && !may(from, to))
        wrong(FILENAME " includes " part[2] ": " from " may include only:" row[from])
    includes[FILENAME] = includes[FILENAME] " " part[2]
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, part, /[<>]/)
    includes[FILENAME] = includes[FILENAME] " <" part[2] ">"
}
END {
    for (r = 1; r <= rooms; r++) {
        n = split(row[order[r]], words, " ")
        for (i = 1; i <= n; i++)
            if (!((order[r], words[i]) in used))
                wrong("no file of " order[r] " includes anything of " words[i])
    }
    for (header in headers) {
        for (i = 1; i <= files; i++) {
            by = way_to(header, path[i])
            if (by != "" && !may(header, room_of(path[i])))
                wrong(path[i] " has " header " by " by ": only for" row[header])
        }
        n = split(row[header], words, " ")
        for (i = 1; i <= n; i++)
            if (!((header, words[i]) in used))
                wrong("no file of " words[i] " has " header)
    }
    if (files < 300)
        wrong("only " files " files read: is this the source root?")
    print files " files read, " rooms " rooms"
    exit bad
}'
