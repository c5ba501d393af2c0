/* session.h - what the engines know of whoever called them: which database,
 * what was typed, how much to say. */
#ifndef HARNESS_OS_SESSION_H
#define HARNESS_OS_SESSION_H

#include <stdarg.h>
#include <stdbool.h>

struct session {
    const char *db_path;
    int verbosity; /* -1: no notes; 1: details, too */
    int argc;      /* the whole command line, for provenance; may be 0 */
    char **argv;
};

/* A note on standard error, unless -q; a detail only with -v. */
void session_note(const struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void session_detail(const struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void session_say(const struct session *s, int least, const char *fmt,
                 va_list ap);

/* The command line in one text, which the caller frees. */
char *session_command(const struct session *s);

/* True when the stream (1 or 2) is a terminal that may be redrawn. */
bool session_is_terminal(int fd);

#endif
