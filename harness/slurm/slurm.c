#include "harness/slurm/slurm.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/os/command.h"

#define PATIENCE_S        90 /* sbatch itself gives up after MessageTimeout, 10 s */
#define DEFAULT_MAX_ARRAY 1001

/* --- tasks -------------------------------------------------------------------- */

void slurm_tasks_release(struct slurm_tasks *t)
{
    free(t->list);
    *t = (struct slurm_tasks){ .list = NULL };
}

static int compare(const void *a, const void *b)
{
    const struct slurm_task *x = a, *y = b;
    const int jobs = strcmp(x->job, y->job);

    return jobs ? jobs : (x->task > y->task) - (x->task < y->task);
}

static void sort(struct slurm_tasks *t)
{
    if (t->n > 0)
        qsort(t->list, (size_t)t->n, sizeof *t->list, compare);
}

const struct slurm_task *slurm_tasks_find(const struct slurm_tasks *t,
                                          const char *job, int task)
{
    struct slurm_task key = { .task = task };

    snprintf(key.job, sizeof key.job, "%s", job);
    return t->n > 0
               ? bsearch(&key, t->list, (size_t)t->n, sizeof *t->list, compare)
               : NULL;
}

static struct slurm_task *add(struct slurm_tasks *t)
{
    if ((t->n & (t->n - 1)) == 0) /* a power of two: full */
        t->list =
            mem_grow(t->list, t->n ? 2 * (size_t)t->n : 1, sizeof *t->list);
    t->list[t->n] = (struct slurm_task){ .task = -1 };
    return &t->list[t->n++];
}

/* --- reading ------------------------------------------------------------------ */

/* The next part of a line up to a separator, cut to what fits. */
static const char *take(char *to, size_t size, const char *from, char end)
{
    size_t n = 0;

    while (from[n] && from[n] != end && from[n] != '\n')
        n++;
    snprintf(to, size, "%.*s", (int)(n < size ? n : size - 1), from);
    return from + n + (from[n] == end);
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text) &&
           strlen(text) < 10;
}

/* A state that waits or runs; a suffix like "CANCELLED by 0" does not count. */
static bool is_alive(const char *state)
{
    static const char *const alive[] = {
        "PENDING",  "RUNNING",      "CONFIGURING", "SUSPENDED",
        "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT",
        "RESIZING", "SIGNALING",    "STAGE_OUT",   "STOPPED"
    };

    for (size_t i = 0; i < sizeof alive / sizeof alive[0]; i++)
        if (strcmp(state, alive[i]) == 0)
            return true;
    return false;
}

bool slurm_is_final(const char *state)
{
    static const char *const final[] = {
        "BOOT_FAIL", "CANCELLED",     "COMPLETED", "DEADLINE", "FAILED",
        "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"
    };

    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++)
        if (strcmp(state, final[i]) == 0)
            return true;
    return false;
}

static const char *line_after(const char *p)
{
    p += strcspn(p, "\n");
    return *p ? p + 1 : p;
}

/* The index of a task in its array: "7", a range "3-5%1" that waits, or nothing
 * and "N/A" for a job that is no array. */
static void set_index(struct slurm_task *t, const char *index)
{
    const char *range = index[0] == '[' ? index + 1 : index;

    if (is_number(index)) {
        t->task = atoi(index);
    } else if (*range >= '0' && *range <= '9') {
        t->task = SLURM_RANGE;
        snprintf(t->range, sizeof t->range, "%.63s", range);
    }
}

bool slurm_range_has(const char *range, int task)
{
    const char *p = range;

    while (*p >= '0' && *p <= '9') {
        char *end;
        const long from = strtol(p, &end, 10);
        const long to = *end == '-' ? strtol(end + 1, &end, 10) : from;

        if (from <= task && task <= to)
            return true;
        if (*end != ',')
            return *end && *end != '%' && *end != ']';
        p = end + 1;
    }
    return true;
}

static bool is_word(const char *text)
{
    return *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(text);
}

/* "88120|7|RUNNING|qlaw:grid:1a2b3c4d" a line (%F|%K|%T|%j). */
bool slurm_read_squeue(struct slurm_tasks *out, const char *text)
{
    bool whole = true;

    for (const char *p = text; *p; p = line_after(p)) {
        struct slurm_task t = { .task = -1 };
        char index[sizeof t.range + 2];
        const char *q = take(t.job, sizeof t.job, p, '|');

        q = take(index, sizeof index, q, '|');
        q = take(t.state, sizeof t.state, q, '|');
        whole = whole && is_number(t.job) && is_word(t.state) && q > p &&
                q[-1] == '|' && p[strcspn(p, "\n")];
        take(t.name, sizeof t.name, q, '\n');
        set_index(&t, index);
        if (is_number(t.job) && is_alive(t.state))
            *add(out) = t;
    }
    sort(out);
    return whole;
}

/* The value of KEY= in a line of scontrol -o. */
static bool field(char *to, size_t size, const char *line, const char *key)
{
    const size_t n = strlen(key);

    for (const char *p = line; *p && *p != '\n'; p++)
        if ((p == line || p[-1] == ' ') && strncmp(p, key, n) == 0 &&
            p[n] == '=') {
            take(to, size, p + n + 1, ' ');
            return true;
        }
    *to = '\0';
    return false;
}

/* "JobId=88121 ArrayJobId=88120 ArrayTaskId=7 ... JobState=TIMEOUT ..." a
 * line; tasks that still wait share one, "ArrayTaskId=8-22%8". */
void slurm_read_scontrol(struct slurm_tasks *out, const char *text)
{
    for (const char *p = text; *p; p = line_after(p)) {
        struct slurm_task t = { .task = -1 };
        char index[sizeof t.range + 2];

        if (!field(t.job, sizeof t.job, p, "ArrayJobId"))
            field(t.job, sizeof t.job, p, "JobId");
        field(index, sizeof index, p, "ArrayTaskId");
        set_index(&t, index);
        field(t.state, sizeof t.state, p, "JobState");
        field(t.name, sizeof t.name, p, "JobName");
        if (is_number(t.job) && is_word(t.state) && p[strcspn(p, "\n")])
            *add(out) = t;
    }
    sort(out);
}

/* "88120_7|TIMEOUT|qlaw:grid:1a2b3c4d" a line (-X -n -P -o
 * JobID,State,JobName). */
void slurm_read_sacct(struct slurm_tasks *out, const char *text)
{
    for (const char *p = text; *p; p = line_after(p)) {
        struct slurm_task t = { .task = -1 };
        char id[128], index[sizeof t.range + 2];
        const char *q = take(id, sizeof id, p, '|');

        q = take(t.state, sizeof t.state, q, '|');
        take(t.name, sizeof t.name, q, '\n');
        take(index, sizeof index, take(t.job, sizeof t.job, id, '_'), '\0');
        t.state[strcspn(t.state, " ")] = '\0'; /* "CANCELLED by 1000" */
        set_index(&t, index);
        if (is_number(t.job) && is_word(t.state) && p[strcspn(p, "\n")])
            *add(out) = t;
    }
    sort(out);
}

/* "88120" or "88120;cluster". */
bool slurm_read_sbatch(char job[SLURM_JOB], char cluster[SLURM_CLUSTER],
                       const char *text)
{
    char line[128], *end = line;

    take(line, sizeof line, text, '\n');
    end += strcspn(line, ";");
    snprintf(cluster, SLURM_CLUSTER, "%.63s", *end ? text_trim(end + 1) : "");
    *end = '\0';
    snprintf(job, SLURM_JOB, "%.20s", text_trim(line));
    return is_number(job) && strtol(job, NULL, 10) > 0;
}

/* "MaxArraySize            = 1001" a line. */
void slurm_read_config(struct slurm_config *out, const char *text)
{
    *out = (struct slurm_config){ .max_array = DEFAULT_MAX_ARRAY };
    for (const char *p = text; *p; p = line_after(p)) {
        char key[32], value[SLURM_CLUSTER];
        const char *q = take(key, sizeof key, p, '=');

        take(value, sizeof value, q + strspn(q, " "), '\n');
        text_trim(value);
        if (strcmp(text_trim(key), "MaxArraySize") == 0)
            out->max_array = is_number(value) ? atoi(value) : 1;
        if (strcmp(text_trim(key), "ClusterName") == 0)
            memcpy(out->cluster, value, sizeof value);
    }
    if (out->max_array < 1)
        out->max_array = 1;
}

/* --- asking ------------------------------------------------------------------- */

/* The first line of what a command complained about. */
static void complaint(char *out, size_t size, const struct command *c,
                      const char *name)
{
    char line[160];
    const char *text = c->err.len ? str_text(&c->err) : str_text(&c->out);

    take(line, sizeof line, text, '\n');
    for (char *p = line; *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = ' ';
    if (c->late)
        snprintf(out, size, "%s does not answer", name);
    else if (c->exit_code == 0)
        snprintf(out, size, "%s answered with what is no list: %s", name, line);
    else
        snprintf(out, size, "%s ended with %d%s%s", name, c->exit_code,
                 *line ? ": " : "", line);
}

/* Tests of commands that never answer have less of it. */
static double patience(void)
{
    const char *text = getenv("QLAW_SLURM_PATIENCE");
    const double s = text ? strtod(text, NULL) : 0;

    return s > 0 ? s : PATIENCE_S;
}

static bool ask(struct command *c, char *const *argv, char *why, size_t size)
{
    struct err err;

    *why = '\0';
    if (command_run(c, argv, patience(), &err) != OK)
        snprintf(why, size, "%.190s", err.text);
    else if (c->exit_code != 0)
        complaint(why, size, c, argv[0]);
    return !*why;
}

static char *user_name(void)
{
    const struct passwd *pw = getpwuid(getuid());

    return pw ? mem_strdup(pw->pw_name) : mem_printf("%ld", (long)getuid());
}

void slurm_queue(struct slurm_tasks *out)
{
    char *user = user_name();
    char *const argv[] = { "squeue", "-h", "-r",          "-u",
                           user,     "-o", "%F|%K|%T|%j", NULL };
    struct command c;

    *out = (struct slurm_tasks){ .list = NULL };
    out->known = ask(&c, argv, out->why, sizeof out->why);
    out->late = c.late;
    if (out->known && !slurm_read_squeue(out, str_text(&c.out))) {
        out->known = false;
        out->odd = true;
        complaint(out->why, sizeof out->why, &c, "squeue");
    }
    command_release(&c);
    free(user);
}

void slurm_history(struct slurm_tasks *out, const char *job)
{
    char *const scontrol[] = { "scontrol", "-o",        "show",
                               "job",      (char *)job, NULL };
    char *const sacct[] = { "sacct", "-X",        "-n", "-P",
                            "-j",    (char *)job, "-o", "JobID,State,JobName",
                            NULL };
    struct command c;

    *out = (struct slurm_tasks){ .list = NULL };
    out->known = ask(&c, scontrol, out->why, sizeof out->why);
    out->late = c.late;
    if (out->known)
        slurm_read_scontrol(out, str_text(&c.out));
    command_release(&c);
    if (out->n > 0 || out->late)
        return;
    out->known = ask(&c, sacct, out->why, sizeof out->why);
    out->late = c.late;
    if (out->known)
        slurm_read_sacct(out, str_text(&c.out));
    command_release(&c);
}

void slurm_config_read(struct slurm_config *out)
{
    char *const argv[] = { "scontrol", "show", "config", NULL };
    struct command c;
    char why[200];
    const bool known = ask(&c, argv, why, sizeof why);

    slurm_read_config(out, known ? str_text(&c.out) : "");
    command_release(&c);
}

enum status slurm_sbatch(char job[SLURM_JOB], char cluster[SLURM_CLUSTER],
                         bool *perhaps, const char *script, char *const *args,
                         struct err *err)
{
    size_t n = 0;
    char **argv;
    struct command c;
    char why[200];
    enum status st = OK;

    while (args && args[n])
        n++;
    argv = mem_array(n + 4, sizeof *argv);
    argv[0] = "sbatch";
    argv[1] = "--parsable";
    for (size_t i = 0; i < n; i++)
        argv[2 + i] = args[i];
    argv[2 + n] = (char *)script;
    *perhaps = false;
    if (!ask(&c, argv, why, sizeof why)) {
        *perhaps = c.late || strstr(why, "imed out") != NULL;
        st = err_set(err, ERR_TOOL, "%s", why);
    } else if (!slurm_read_sbatch(job, cluster, str_text(&c.out))) {
        *perhaps = true;
        st = err_set(err, ERR_TOOL, "sbatch gave no job number but '%.60s'",
                     str_text(&c.out));
    }
    command_release(&c);
    free(argv);
    return st;
}

enum status slurm_scancel(const char *job, const char *tasks, struct err *err)
{
    char *what = tasks ? mem_printf("%s_[%s]", job, tasks) : mem_strdup(job);
    char *const argv[] = { "scancel", what, NULL };
    struct command c;
    char why[200];
    enum status st = OK;

    if (!ask(&c, argv, why, sizeof why))
        st = err_set(err, ERR_TOOL, "%s", why);
    command_release(&c);
    free(what);
    return st;
}

enum status slurm_check(struct err *err)
{
    char *const argv[] = { "sbatch", "--version", NULL };
    struct command c;
    char why[200];
    enum status st = OK;

    if (!ask(&c, argv, why, sizeof why))
        st = err_set(err, ERR_TOOL,
                     "%s; --on slurm is for machines where Slurm's commands "
                     "are installed",
                     why);
    command_release(&c);
    return st;
}
