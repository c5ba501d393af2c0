# tidy.awk - what scdoc makes, without what mandoc's lint minds: paragraphs that
# are empty or follow a heading, long lines, a title in lower case.
#
# A paragraph is held back until text shows that it is one.

function flush_paragraph() {
    if (paragraph)
        print ".P"
    paragraph = 0
}

# Break at spaces; a line of text must not start like a request.
function print_text(text,    words, n, i, line) {
    if (length(text) <= 80) {
        print text
        return
    }
    n = split(text, words, " ")
    line = words[1]
    for (i = 2; i <= n; i++) {
        if (length(line) + 1 + length(words[i]) > 78 &&
            words[i] !~ /^[.']/) {
            print line
            line = words[i]
        } else {
            line = line " " words[i]
        }
    }
    print line
}

/^\.TH / { sub(/"[^"]*"/, toupper($2)) }

/^\.nf/ { literal = 1 }

/^\.PP?$/ && !literal { # scdoc 1.11.3 writes .PP
    paragraph = !heading
    next
}

/^\.(SH|SS)/ {
    paragraph = 0
    heading = 1
    print
    next
}

/^\.RE/ || /^\.fi/ {
    print
    literal = 0
    paragraph = 1
    next
}

{
    flush_paragraph()
    heading = 0
    if (literal || /^[.']/)
        print
    else
        print_text($0)
}
