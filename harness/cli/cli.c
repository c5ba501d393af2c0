#include "harness/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/wrap.h"

struct cli_given {
    const struct cli_option *option;
    const char *value;
};

static const struct cli_option globals[] = {
    { "db", 0, "FILE", "the database (default qlaw.db, or $QLAW_DB)" },
    { "quiet", 'q', NULL, "only errors" },
    { "verbose", 'v', NULL, "more detail" },
    { "help", 'h', NULL, "this text" },
    { "version", 0, NULL, "print the version" },
    { NULL, 0, NULL, NULL },
};

const struct cli_option *cli_globals(void)
{
    return globals;
}

/* --- looking at what was given ------------------------------------------- */

const char *cli_nth(const struct cli *cli, const char *name, int i)
{
    for (int k = 0; k < cli->n_given; k++)
        if (strcmp(cli->given[k].option->name, name) == 0 && i-- == 0)
            return cli->given[k].value ? cli->given[k].value : "";
    return NULL;
}

void cli_texts(struct texts *out, const struct cli *cli, const char *name)
{
    const char *text;

    for (int i = 0; (text = cli_nth(cli, name, i)); i++)
        texts_add(out, text);
}

const char *cli_value(const struct cli *cli, const char *name,
                      const char *fallback)
{
    const char *last = fallback, *value;

    for (int i = 0; (value = cli_nth(cli, name, i)); i++)
        last = value;
    return last;
}

bool cli_flag(const struct cli *cli, const char *name)
{
    return cli_nth(cli, name, 0) != NULL;
}

static enum status read_number(double *out, const struct cli *cli,
                               const char *name, double fallback, double min,
                               double max, bool time, struct err *err)
{
    const char *text = cli_value(cli, name, NULL);

    *out = fallback;
    return text ? text_number_in(out, name, text, time, min, max, err) : OK;
}

enum status cli_number(double *out, const struct cli *cli, const char *name,
                       double fallback, double min, double max, struct err *err)
{
    return read_number(out, cli, name, fallback, min, max, false, err);
}

enum status cli_seconds(double *out, const struct cli *cli, const char *name,
                        double fallback, double min, double max,
                        struct err *err)
{
    return read_number(out, cli, name, fallback, min, max, true, err);
}

/* --- parsing ------------------------------------------------------------- */

static const struct cli_option *find_option(const struct cli_option *table,
                                            const char *name, size_t len,
                                            char letter)
{
    for (const struct cli_option *o = table; o && o->name; o++)
        if (letter ? o->letter == letter
                   : strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static enum status unknown_option(const struct cli *cli, const char *arg,
                                  struct err *err)
{
    const char *names[64], *near;
    size_t n = 0, len = strcspn(arg, "=");
    char *word = mem_strndup(arg, len);
    enum status st;

    for (const struct cli_option *o = globals; o->name; o++)
        names[n++] = o->name;
    for (const struct cli_option *o = cli->verb ? cli->verb->options : NULL;
         o && o->name && n < 64; o++)
        names[n++] = o->name;
    near =
        text_has_prefix(word, "--") ? text_nearest(word + 2, names, n) : NULL;
    st = near ? err_set(err, ERR_USAGE,
                        "unknown option '%s', did you mean '--%s'?", word, near)
              : err_set(err, ERR_USAGE,
                        "unknown option '%s' (see 'qlaw %s%s"
                        "--help')",
                        word, cli->verb ? cli->verb->name : "",
                        cli->verb ? " " : "");
    free(word);
    return st;
}

static void remember(struct cli *cli, const struct cli_option *option,
                     const char *value)
{
    cli->given =
        mem_grow(cli->given, (size_t)cli->n_given + 1, sizeof *cli->given);
    cli->given[cli->n_given++] = (struct cli_given){ option, value };
}

/* One argument that starts with a dash; *i moves on when a value follows.
 * "-v" may be repeated as "-vv"; a short option takes its value attached. */
static enum status parse_option(struct cli *cli, int *i, struct err *err)
{
    const char *arg = cli->session.argv[*i];
    const bool is_long = arg[1] == '-';
    const char *name = arg + 1 + is_long;
    const size_t len = is_long ? strcspn(name, "=") : 1;
    const char *value = is_long ? (name[len] ? name + len + 1 : NULL)
                                : (name[1] ? name + 1 : NULL);
    const struct cli_option *o =
        find_option(globals, name, len, is_long ? 0 : name[0]);

    if (!o && cli->verb)
        o = find_option(cli->verb->options, name, len, is_long ? 0 : name[0]);
    if (!o)
        return unknown_option(cli, arg, err);
    if (!o->value) {
        remember(cli, o, NULL);
        if (is_long && value)
            return err_set(err, ERR_USAGE, "--%s takes no value", o->name);
        for (; !is_long && value && *value; value++) {
            o = find_option(globals, NULL, 0, *value);
            if (!o || o->value)
                return unknown_option(cli, arg, err);
            remember(cli, o, NULL);
        }
        return OK;
    }
    if (!value) {
        if (*i + 1 >= cli->session.argc)
            return err_set(err, ERR_USAGE, "--%s needs a value (%s)", o->name,
                           o->value);
        value = cli->session.argv[++*i];
    }
    remember(cli, o, value);
    return OK;
}

enum status cli_unknown_verb(const char *name, struct err *err)
{
    const char *names[64], *near;
    size_t n = 0;

    for (; verb_at((int)n) && n < 64; n++)
        names[n] = verb_at((int)n)->name;
    near = text_nearest(name, names, n);
    return near ? err_set(err, ERR_USAGE,
                          "unknown verb '%s', did you mean '%s'?", name, near)
                : err_set(err, ERR_USAGE, "unknown verb '%s' (see 'qlaw help')",
                          name);
}

static enum status set_verb(struct cli *cli, const char *name, struct err *err)
{
    cli->verb = verb_find(name);
    return cli->verb ? OK : cli_unknown_verb(name, err);
}

static void apply_globals(struct cli *cli)
{
    struct session *s = &cli->session;

    s->db_path = cli_value(cli, "db", getenv("QLAW_DB"));
    if (!s->db_path || !*s->db_path)
        s->db_path = "qlaw.db";
    for (int i = 0; cli_nth(cli, "verbose", i); i++)
        s->verbosity++;
    if (cli_flag(cli, "quiet"))
        s->verbosity = -1;
}

static enum status check_count(const struct cli *cli, struct err *err)
{
    const struct verb *v = cli->verb;

    if (cli->n_args < v->min_args)
        return err_set(err, ERR_USAGE, "%s needs %s (see 'qlaw %s --help')",
                       v->name, v->args, v->name);
    if (v->max_args >= 0 && cli->n_args > v->max_args)
        return err_set(err, ERR_USAGE,
                       "unexpected argument '%s' (see 'qlaw %s "
                       "--help')",
                       cli->args[v->max_args], v->name);
    return OK;
}

enum status cli_parse(struct cli *cli, int argc, char **argv, bool *done,
                      struct err *err)
{
    enum status st = OK;
    bool options = true;

    *cli = (struct cli){ .session = { .argc = argc, .argv = argv } };
    cli->args = mem_array((size_t)argc + 1, sizeof *cli->args);
    for (int i = 1; i < argc && st == OK; i++) {
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1])
            st = parse_option(cli, &i, err);
        else if (!cli->verb)
            st = set_verb(cli, argv[i], err);
        else
            cli->args[cli->n_args++] = argv[i];
    }
    if (st == OK)
        apply_globals(cli);
    *done = st == OK &&
            (cli_flag(cli, "help") || cli_flag(cli, "version") || !cli->verb);
    if (!*done)
        return st == OK ? check_count(cli, err) : st;
    if (cli_flag(cli, "version"))
        printf("qlaw %s\n", QLAW_VERSION);
    else if (cli->verb)
        cli_print_help(cli->verb);
    else if (cli_flag(cli, "help"))
        cli_print_overview();
    else
        st = err_set(err, ERR_USAGE, "no verb given (see 'qlaw help')");
    return st;
}

void cli_release(struct cli *cli)
{
    free(cli->args);
    free(cli->given);
}

/* --- help ---------------------------------------------------------------- */

#define HELP_COLUMN 26 /* where the meanings of options start */

/* One line or more, what goes on at the column `indent`. */
static void print_wrapped(const char *text, size_t indent)
{
    struct str out = { 0 };

    str_add_wrapped(&out, text, indent - strspn(text, " "));
    puts(str_text(&out));
    str_release(&out);
}

/* Line breaks of the source are blanks. */
static void print_paragraph(const char *text)
{
    char *line = mem_strdup(text);

    for (char *p = line; (p = strchr(p, '\n'));)
        *p = ' ';
    putchar('\n');
    print_wrapped(line, 0);
    free(line);
}

static void print_options(const struct cli_option *table)
{
    for (const struct cli_option *o = table; o && o->name; o++) {
        char *left =
            mem_printf("  %s%c%s--%s%s%s", o->letter ? "-" : "",
                       o->letter ? o->letter : ' ', o->letter ? ", " : "   ",
                       o->name, o->value ? " " : "", o->value ? o->value : "");
        char *line = mem_printf("%-*s%s", HELP_COLUMN, left, o->help);

        if (strlen(left) > HELP_COLUMN - 2) {
            free(line);
            puts(left);
            line = mem_printf("%*s%s", HELP_COLUMN, "", o->help);
        }
        print_wrapped(line, HELP_COLUMN);
        free(line);
        free(left);
    }
}

void cli_print_help(const struct verb *verb)
{
    printf("qlaw %s - %s\n\n", verb->name, verb->summary);
    printf("usage:    qlaw %s%s%s%s\n", verb->name,
           verb->options ? " [options]" : "", *verb->args ? " " : "",
           verb->args);
    printf("example:  %s\n", verb->example);
    if (verb->detail)
        print_paragraph(verb->detail);
    if (verb->options) {
        printf("\noptions:\n");
        print_options(verb->options);
    }
    printf("\nalso: --db FILE, -q, -v, --help; "
           "exit codes: qlaw help codes\n");
}

void cli_print_overview(void)
{
    printf("qlaw - what a number format costs a language model\n\n"
           "usage:    qlaw [global options] VERB [options] [arguments]\n"
           "example:  qlaw run experiments/quickstart.ini\n\nverbs:\n");
    for (int i = 0; verb_at(i); i++)
        printf("  %-10s  %s\n", verb_at(i)->name, verb_at(i)->summary);
    printf("\nglobal options (exit codes: qlaw help codes):\n");
    print_options(globals);
}

void cli_print_codes(void)
{
    int last = -1;

#define PRINT_STATUS(name, code, text)                                         \
    if (last != (code))                                                        \
        printf("  %3d  %s\n", last = (code), text);
    STATUS_LIST(PRINT_STATUS)
#undef PRINT_STATUS
}

/* --- output -------------------------------------------------------------- */

void cli_note(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    session_say(&cli->session, 0, fmt, ap);
    va_end(ap);
}

void cli_error(const struct cli *cli, const char *fmt, ...)
{
    char *prefix = mem_printf("qlaw%s%s: %s", cli->verb ? " " : "",
                              cli->verb ? cli->verb->name : "", fmt);
    va_list ap;

    va_start(ap, fmt);
    say_line(stderr, prefix, ap);
    va_end(ap);
    free(prefix);
}

void cli_report(const struct cli *cli, const char *text)
{
    if (cli_flag(cli, "json"))
        fputs(text, stdout);
    else
        say_text(stdout, text);
}
