#include "harness/os/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/wrap.h"

void session_say(const struct session *s, int least, const char *fmt,
                 va_list ap)
{
    if (s->verbosity >= least)
        say_line(stderr, fmt, ap);
}

void session_note(const struct session *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    session_say(s, 0, fmt, ap);
    va_end(ap);
}

void session_detail(const struct session *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    session_say(s, 1, fmt, ap);
    va_end(ap);
}

char *session_command(const struct session *s)
{
    struct str text = { 0 };

    for (int i = 0; i < s->argc; i++)
        str_addf(&text, "%s%s", i ? " " : "", s->argv[i]);
    return str_steal(&text);
}

bool session_is_terminal(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}
