#include "harness/proto/exec_trainer.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/launch.h"
#include "base/str.h"
#include "base/words.h"
#include "harness/proto/exec_guard.h"

/* --- references ---------------------------------------------------------- */

static const char *const job_names[] = { "job.config", "job.dir",
                                         "job.seed",   "job.data_seed",
                                         "job.slot",   "job.parent" };
#define N_JOB_NAMES (sizeof job_names / sizeof job_names[0])

/* The value of a name of the job; NULL: it is none of these. */
static char *job_value(const char *name, const struct exec_job *j)
{
    if (strcmp(name, "job.config") == 0)
        return mem_strdup(j->config_path ? j->config_path : "");
    if (strcmp(name, "job.dir") == 0)
        return mem_strdup(j->dir ? j->dir : "");
    if (strcmp(name, "job.seed") == 0)
        return mem_printf("%llu", (unsigned long long)j->seed);
    if (strcmp(name, "job.data_seed") == 0)
        return mem_printf("%llu", (unsigned long long)j->data_seed);
    if (strcmp(name, "job.parent") == 0)
        return mem_strdup(j->parent ? j->parent : "");
    if (strcmp(name, "job.slot") == 0)
        return mem_strdup(getenv("QLAW_SLOT") ? getenv("QLAW_SLOT") : "0");
    return NULL;
}

static enum status unknown(const char *name, struct err *err)
{
    struct err inner;
    const char *near;

    if (text_has_prefix(name, "job.")) {
        near = text_nearest(name, job_names, N_JOB_NAMES);
        return err_set(err, ERR_CONFIG,
                       "trainer.command: '${%.40s}' is not known%s%s%s", name,
                       near ? "; did you mean '${" : "", near ? near : "",
                       near ? "}'?" : "");
    }
    setting_find_any(name, &inner);
    return err_set(err, ERR_CONFIG, "trainer.command: ${%.40s}: %s", name,
                   inner.text);
}

/* Append what ${NAME} at *text stands for and step over it. */
static enum status add_reference(struct str *out, const char **text,
                                 const struct config *c,
                                 const struct exec_job *job, struct err *err)
{
    const char *end = strchr(*text, '}');
    char *name, *value;
    enum status st = OK;

    if (!end)
        return err_set(err, ERR_CONFIG, "trainer.command: no '}' after '%.20s'",
                       *text);
    name = mem_strndup(*text + 2, (size_t)(end - *text - 2));
    value = job_value(name, job);
    if (value)
        str_add(out, value);
    else if (strchr(name, '.') && setting_find(name))
        str_add(out, config_get(c, name));
    else
        st = unknown(name, err);
    *text = end + 1;
    free(value);
    free(name);
    return st;
}

/* --- words --------------------------------------------------------------- */

/* One word from *text on; the quote it may be inside of is its own. */
static enum status read_word(struct str *out, const char **text,
                             const struct config *c, const struct exec_job *job,
                             struct err *err)
{
    const char *p = *text;
    enum status st = OK;
    char quote = 0;

    while (st == OK && *p && (quote || !isspace((unsigned char)*p))) {
        if (quote ? *p == quote : *p == '\'' || *p == '"') {
            quote = quote ? 0 : *p;
            p++;
        } else if (*p == '\\' && quote != '\'' && p[1]) {
            str_add_char(out, p[1]);
            p += 2;
        } else if (p[0] == '$' && p[1] == '{' && quote != '\'') {
            st = add_reference(out, &p, c, job, err);
        } else {
            str_add_char(out, *p++);
        }
    }
    *text = p;
    if (st == OK && quote)
        st = err_set(err, ERR_CONFIG, "trainer.command: a %c is not closed",
                     quote);
    return st;
}

enum status exec_trainer_argv(char ***out, const struct config *c,
                              const struct exec_job *job, struct err *err)
{
    const char *text = config_trainer_command(c);
    char **argv = mem_array(1, sizeof *argv);
    size_t n = 0;
    enum status st = OK;

    for (;;) {
        struct str word = { 0 };

        while (isspace((unsigned char)*text))
            text++;
        if (!*text || st != OK)
            break;
        st = read_word(&word, &text, c, job, err);
        argv = mem_grow(argv, n + 2, sizeof *argv);
        argv[n++] = str_steal(&word);
        argv[n] = NULL;
    }
    if (st == OK && n == 0)
        st = err_set(err, ERR_CONFIG,
                     "trainer.kind = exec needs trainer.command");
    *out = st == OK ? argv : NULL;
    if (st != OK)
        words_free(argv);
    return st;
}

/* --- the program --------------------------------------------------------- */

/* What a shell would have made something of. */
static const char *shell_hint(const char *word)
{
    struct stat sb;

    return *word == '~' || strchr(word, '$')
               ? "; no shell reads the command: write the path in full"
           : strchr(word, '=')
               ? "; no shell reads the command: 'env NAME=VALUE program' sets "
                 "a variable"
           : stat(word, &sb) == 0 ? "; the file is there, but not executable"
                                  : "";
}

static enum status locate(char **program, char *const *argv, struct err *err)
{
    *program = launch_find(argv[0], true);
    return *program ? OK
                    : err_set(err, ERR_TOOL,
                              "trainer.command: cannot find the program '%s'%s",
                              argv[0], shell_hint(argv[0]));
}

/* The first word that is no option, when it is called like a script: what an
 * interpreter would look for in vain, once a run. */
static enum status check_script(char *const *argv, struct err *err)
{
    static const char *const endings[] = { ".py", ".sh", ".pl", ".rb",
                                           ".jl", ".R",  ".js", ".lua" };
    int i = 1;

    while (argv[i] && *argv[i] == '-')
        i++;
    if (!argv[i] || strpbrk(argv[i], " \t\n"))
        return OK;
    for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++)
        if (text_has_suffix(argv[i], endings[k]) && access(argv[i], F_OK) != 0)
            return err_set(err, ERR_TOOL, "trainer.command: cannot find '%s'%s",
                           argv[i], shell_hint(argv[i]));
    return OK;
}

enum status exec_trainer_check(const struct config *c, struct err *err)
{
    const struct exec_job job = { .config_path = "config.json", .dir = "." };
    char **argv, *program = NULL;
    enum status st;

    if (!config_is_exec(c))
        return OK;
    st = exec_trainer_argv(&argv, c, &job, err);
    if (st != OK)
        return st;
    st = locate(&program, argv, err);
    if (st == OK)
        st = check_script(argv, err);
    free(program);
    words_free(argv);
    return st;
}

/* --- becoming it --------------------------------------------------------- */

/* A deadline that somebody else has set, a cluster's, may come sooner. */
static void set_deadline(const struct config *c)
{
    const double timeout = config_run_timeout(c);
    const char *given = getenv("QLAW_DEADLINE");
    const double end = (double)time(NULL) + timeout;
    char text[32];

    if (timeout <= 0 || (given && strtod(given, NULL) < end))
        return;
    snprintf(text, sizeof text, "%.0f", end);
    setenv("QLAW_DEADLINE", text, 1);
}

static void set_environment(const struct config *c, const struct exec_job *job,
                            const char *metrics)
{
    if (!metrics || !*metrics)
        metrics = getenv("QLAW_METRICS");
    if (metrics && *metrics &&
        strspn(metrics, "0123456789") == strlen(metrics)) {
        char path[48];

        snprintf(path, sizeof path, "/dev/fd/%.20s", metrics);
        setenv("QLAW_METRICS", path, 1);
    } else {
        setenv("QLAW_METRICS", metrics && *metrics ? metrics : "/dev/stdout",
               1);
    }
    setenv("QLAW_DIR", job->dir ? job->dir : ".", 1);
    setenv("QLAW_PARENT", job->parent ? job->parent : "", 1);
    set_deadline(c);
}

enum status exec_trainer_become(const struct config *c,
                                const struct exec_job *job, const char *metrics,
                                struct err *err)
{
    const char *life = getenv("QLAW_LIFE_FD");
    char **argv, *program = NULL;
    enum status st = exec_trainer_argv(&argv, c, job, err);

    if (st == OK)
        st = locate(&program, argv, err);
    if (st != OK)
        return st;
    set_environment(c, job, metrics);
    fflush(NULL);
    if (life) {
        st = exec_guard(program, argv, atoi(life), err);
    } else {
        execv(program, argv);
        st = err_errno(err, ERR_TOOL, "cannot start %s", program);
    }
    free(program);
    words_free(argv);
    return st;
}
