#include "harness/slurm/script.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "harness/grid/slurm_keys.h"

char *script_job_name(const char *grid, const char *id)
{
    char *name = mem_printf("qlaw:%.48s:%s", grid, id);

    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._-:", *p))
            *p = '-';
    return name;
}

/* A line of #SBATCH ends where its text does, whatever the quotes: what follows a
 * line end in the name of a folder would be run.  Nothing with a character
 * that ends lines or worse stands in a script. */
static enum status check_line(const char *what, const char *text,
                              struct err *err)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return err_set(err, ERR_CONFIG,
                           "%s holds the end of a line or another control "
                           "character, which no job script can hold: %s",
                           what, text);
    return OK;
}

static enum status check_names(const struct script_names *n, struct err *err)
{
    const struct {
        const char *what, *text;
    } names[] = {
        { "the name of this folder", n->folder },
        { "the path of runs/", n->root },
        { "the path of qlaw", n->program },
        { "the name of the database", n->store },
        { "the number of the job", n->id },
    };
    enum status st = OK;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && st == OK; i++)
        st = check_line(names[i].what, names[i].text, err);
    return st;
}

/* sbatch takes a value in double quotes, with a backslash before quotes. */
static void add_quoted(struct str *out, const char *value)
{
    if (!strpbrk(value, " \t\"'\\")) {
        str_add(out, value);
        return;
    }
    str_add_char(out, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            str_add_char(out, '\\');
        str_add_char(out, *value);
    }
    str_add_char(out, '"');
}

static void add_option(struct str *out, const char *name, const char *value)
{
    str_addf(out, "#SBATCH --%s=", name);
    add_quoted(out, value);
    str_add_char(out, '\n');
}

/* Each option on a line of its own, with its value when that is the next word
 * ("-w node3"). */
static enum status add_args(struct str *out, char *const *words,
                            struct err *err)
{
    enum status st = OK;

    for (int i = 0; words[i] && st == OK; i++) {
        const char *equals = strchr(words[i], '=');
        const size_t n =
            *words[i] == '-' && equals ? (size_t)(equals + 1 - words[i]) : 0;

        str_add(out, i > 0 && *words[i] != '-' ? " " : "#SBATCH ");
        str_add_n(out, words[i], n);
        add_quoted(out, words[i] + n);
        if (!words[i + 1] || *words[i + 1] == '-')
            str_add_char(out, '\n');
        st = check_line("slurm.args", words[i], err);
    }
    return st;
}

static void add_word(struct str *out, const char *text)
{
    str_add(out, " ");
    words_add_quoted(out, text);
}

static void add_time(struct str *out, double seconds)
{
    const long s = (long)seconds;

    str_add(out, "#SBATCH --time=");
    if (s >= 86400)
        str_addf(out, "%ld-", s / 86400);
    str_addf(out, "%02ld:%02ld:%02ld\n", s / 3600 % 24, s / 60 % 60, s % 60);
}

/* Slurm may send a signal up to a minute early; whatever the grace, half of the
 * time is for work. */
double script_warning_s(const struct config *base, double limit_s)
{
    return fmin(config_run_grace(base) + SCRIPT_EARLY_S, limit_s / 2);
}

static const char *const plain_keys[] = { "partition",  "account", "qos",
                                          "constraint", "gres",    "mem" };
#define N_PLAIN (sizeof plain_keys / sizeof plain_keys[0])

static enum status add_keys(struct str *out, const struct config *base,
                            struct err *err)
{
    char open, **words;
    enum status st = OK;

    for (size_t i = 0; i < N_PLAIN && st == OK; i++) {
        char *key = mem_printf("slurm.%s", plain_keys[i]);
        const char *value = config_get(base, key);

        st = check_line(key, value, err);
        if (*value)
            add_option(out, plain_keys[i], value);
        free(key);
    }
    if (st != OK)
        return st;
    words = words_split(config_slurm_args(base), &open);
    if (!words)
        return slurm_keys_check(base, err);
    st = add_args(out, words, err);
    words_free(words);
    return st;
}

static int cpus_of(const struct config *base)
{
    const int64_t cpus = config_slurm_cpus(base);

    return (int)(cpus > 0
                     ? cpus
                     : config_slurm_slots(base) * config_run_threads(base));
}

static void add_array(struct str *out, const struct pack_array *a,
                      int max_array)
{
    if (max_array <= 1)
        return; /* this Slurm has no arrays: single jobs */
    str_addf(out, "#SBATCH --array=0-%d", a->n - 1);
    if (a->throttle > 0 && a->throttle < a->n)
        str_addf(out, "%%%d", a->throttle);
    str_add_char(out, '\n');
}

enum status script_print(struct str *out, const struct config *base,
                         const struct pack_array *a, int max_array,
                         const struct script_names *n, struct err *err)
{
    char *name = script_job_name(n->grid, n->id), *path;
    const int early = (int)script_warning_s(base, a->limit_s);
    enum status st = check_names(n, err);

    str_add(out, "#!/bin/sh\n");
    add_option(out, "job-name", name);
    add_array(out, a, max_array);
    add_time(out, a->limit_s);
    str_addf(out, "#SBATCH --cpus-per-task=%d\n", cpus_of(base));
    if (st == OK)
        st = add_keys(out, base, err);
    str_addf(out,
             "#SBATCH --open-mode=append\n#SBATCH --requeue\n"
             "#SBATCH --signal=B:TERM@%d\n",
             early);
    path = mem_printf("%s/slurm/%s_%%a.out", n->root, n->id);
    add_option(out, "output", path);
    free(path);
    add_option(out, "chdir", n->folder);
    path = mem_printf("qlaw:%s", n->store);
    add_option(out, "comment", path);
    free(path);
    if (*config_slurm_setup(base))
        str_addf(out, "%s\n", config_slurm_setup(base));
    str_add(out, "exec");
    add_word(out, n->program);
    str_add(out, " worker --bundle");
    path = mem_printf("%s/bundles/%s.jsonl", n->root, n->id);
    add_word(out, path);
    free(path);
    str_add(out, " --task \"${SLURM_ARRAY_TASK_ID:-0}\"\n");
    free(name);
    return st;
}
