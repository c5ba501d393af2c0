/* cli.h - the command line: one table yields parsing, help and completion.
 *
 *   qlaw [global options] VERB [options] [arguments]
 *
 * Data go to stdout, everything else to stderr. */
#ifndef HARNESS_CLI_CLI_H
#define HARNESS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/texts.h"
#include "harness/os/session.h"

struct cli_option {
    const char *name;  /* long name, without dashes; NULL ends a table */
    char letter;       /* short name or 0 */
    const char *value; /* what the value is called in help; NULL: a flag */
    const char *help;  /* with default and unit */
};

struct cli;

/* A verb is a row.  Its help must fit a screen: one example, the options, the
 * exit codes it can end with. */
struct verb {
    const char *name;
    const char *args;                 /* "GRID.ini", "[GRID]", "" */
    int min_args, max_args;           /* max_args -1: any number */
    const char *summary;              /* one line */
    const char *example;              /* one command line */
    const struct cli_option *options; /* NULL: none */
    const char *detail;               /* a paragraph or NULL */
    enum status (*run)(struct cli *cli, struct err *err);
};

struct cli {
    struct session
        session; /* --db, else QLAW_DB, else "qlaw.db"; -q: -1, -v: 1 */
    const struct verb *verb;
    char **args;
    int n_args;
    struct cli_given *given; /* options in the order given */
    int n_given;
};

/* The verbs; NULL past the end. */
const struct verb *verb_at(int i);
const struct verb *verb_find(const char *name);

/* The options that every verb takes; a NULL name ends them. */
const struct cli_option *cli_globals(void);

/* The last value given for an option, or fallback; whether a flag was given;
 * the i-th value of a repeatable option (NULL past the end). */
const char *cli_value(const struct cli *cli, const char *name,
                      const char *fallback);
bool cli_flag(const struct cli *cli, const char *name);
const char *cli_nth(const struct cli *cli, const char *name, int i);

/* All values of a repeatable option, added to a list. */
void cli_texts(struct texts *out, const struct cli *cli, const char *name);

/* A number of an option with suffixes, checked against a range. */
enum status cli_number(double *out, const struct cli *cli, const char *name,
                       double fallback, double min, double max,
                       struct err *err);

/* The same of a time: s m h d after the number are seconds to days. */
enum status cli_seconds(double *out, const struct cli *cli, const char *name,
                        double fallback, double min, double max,
                        struct err *err);

/* Fill cli from the command line.  ERR_USAGE with a suggestion when it is
 * wrong; *done is set when help or version was asked for and printed. */
enum status cli_parse(struct cli *cli, int argc, char **argv, bool *done,
                      struct err *err);
void cli_release(struct cli *cli);

/* ERR_USAGE with the nearest verb. */
enum status cli_unknown_verb(const char *name, struct err *err);

void cli_print_overview(void);
void cli_print_help(const struct verb *verb);
void cli_print_codes(void); /* exit codes with their meanings */

/* A note on stderr unless -q. */
void cli_note(const struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "qlaw VERB: what is wrong" on stderr. */
void cli_error(const struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A report to stdout: JSON as it is, text for people wrapped. */
void cli_report(const struct cli *cli, const char *text);

#endif
