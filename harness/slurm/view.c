#include "harness/slurm/view.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/proto/bundle.h"

#define BUNDLE_LIMIT ((size_t)1 << 30)
#define OUR_JOBS     "qlaw:" /* they are called qlaw:GRID:ID */

/* What Slurm remembers of a job. */
struct past {
    char job[SLURM_JOB + 8];
    struct slurm_tasks tasks;
};

/* The tokens that a bundle gave out. */
struct tokens {
    char id[BUNDLE_ID];
    char (*list)[RECORD_TOKEN]; /* sorted */
    int n;
};

/* A job that was submitted from here, and where. */
struct submitted_job {
    char job[SLURM_JOB], cluster[SLURM_CLUSTER];
};

struct slurm_view {
    const char *root;
    struct slurm_tasks queue;
    bool deaf; /* one question was not answered in time: no more are asked */
    struct past *past;
    struct tokens *tokens;
    int n_past, n_tokens;
    bool jobs_read; /* the rest is known */
    struct submitted_job *jobs;
    int n_jobs;
    struct slurm_config config;
};

struct slurm_view *slurm_view_open(const char *root)
{
    struct slurm_view *v = mem_alloc(sizeof *v);

    v->root = root;
    slurm_queue(&v->queue);
    return v;
}

void slurm_view_close(struct slurm_view *v)
{
    if (!v)
        return;
    for (int i = 0; i < v->n_past; i++)
        slurm_tasks_release(&v->past[i].tasks);
    for (int i = 0; i < v->n_tokens; i++)
        free(v->tokens[i].list);
    slurm_tasks_release(&v->queue);
    free(v->past);
    free(v->tokens);
    free(v->jobs);
    free(v);
}

bool slurm_view_known(const struct slurm_view *v, const char **why)
{
    *why = v->queue.why;
    return v->queue.known;
}

/* --- what was submitted from here
 * ------------------------------------------------ */

static bool job_of_file(struct submitted_job *out, const char *path)
{
    struct str text = { 0 };
    const bool ok = file_read(&text, path, 256, NULL) == OK &&
                    slurm_read_sbatch(out->job, out->cluster, str_text(&text));

    str_release(&text);
    return ok;
}

static void read_jobs(struct slurm_view *v)
{
    char *folder = mem_printf("%s/bundles", v->root);
    DIR *d = opendir(folder);
    const struct dirent *e;

    v->jobs_read = true;
    slurm_config_read(&v->config);
    while (d && (e = readdir(d))) {
        char *path = mem_printf("%s/%s", folder, e->d_name);
        struct submitted_job job;

        if (text_has_suffix(path, ".job") && job_of_file(&job, path)) {
            v->jobs = mem_grow(v->jobs, (size_t)v->n_jobs + 1, sizeof *v->jobs);
            v->jobs[v->n_jobs++] = job;
        }
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
}

/* Was a job given to another cluster than the one that answers?  Where one of
 * them has no name, nobody knows. */
static bool is_elsewhere(struct slurm_view *v, const char *job)
{
    bool elsewhere = false;

    if (!v->jobs_read)
        read_jobs(v);
    for (int i = 0; i < v->n_jobs; i++) {
        const struct submitted_job *j = &v->jobs[i];

        if (strcmp(j->job, job) != 0)
            continue;
        if (!*j->cluster || !*v->config.cluster ||
            strcmp(j->cluster, v->config.cluster) == 0)
            return false;
        elsewhere = true;
    }
    return elsewhere;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void read_tokens(struct tokens *t, const char *path)
{
    static const char key[] = "\"token\":\"";
    struct str text = { 0 };
    const char *p = "";

    if (file_read(&text, path, BUNDLE_LIMIT, NULL) == OK)
        p = str_text(&text);
    while ((p = strstr(p, key))) {
        p += strlen(key);
        if ((t->n & (t->n - 1)) == 0)
            t->list =
                mem_grow(t->list, t->n ? 2 * (size_t)t->n : 1, sizeof *t->list);
        snprintf(t->list[t->n++], RECORD_TOKEN, "%.*s", RECORD_TOKEN - 1, p);
    }
    if (t->n > 0)
        qsort(t->list, (size_t)t->n, sizeof *t->list, by_text);
    str_release(&text);
}

static const struct tokens *tokens_of(struct slurm_view *v, const char *id)
{
    struct tokens *t;
    char *path;

    for (int i = 0; i < v->n_tokens; i++)
        if (strcmp(v->tokens[i].id, id) == 0)
            return &v->tokens[i];
    v->tokens = mem_grow(v->tokens, (size_t)v->n_tokens + 1, sizeof *v->tokens);
    t = &v->tokens[v->n_tokens++];
    *t = (struct tokens){ .n = 0 };
    memcpy(t->id, id, sizeof t->id);
    path = bundle_path(v->root, id, ".jsonl");
    read_tokens(t, path);
    free(path);
    return t;
}

/* Is a job of this name the one that the claim was given to? */
static bool is_its_job(struct slurm_view *v, const struct claim *c,
                       const char *name)
{
    const char *id = strrchr(name, ':');
    const struct tokens *t;

    if (!text_has_prefix(name, OUR_JOBS) || strlen(++id) != BUNDLE_ID - 1 ||
        strspn(id, "0123456789abcdef") != BUNDLE_ID - 1)
        return false;
    t = tokens_of(v, id);
    return t->n > 0 &&
           bsearch(c->token, t->list, (size_t)t->n, sizeof *t->list, by_text);
}

/* --- a number for a claim
 * ------------------------------------------------------------ */

static bool job_of_queue(char job[SLURM_JOB], const struct slurm_tasks *q,
                         const char *id)
{
    for (int i = 0; i < q->n; i++)
        if (text_has_prefix(q->list[i].name, OUR_JOBS) &&
            text_has_suffix(q->list[i].name, id)) {
            memcpy(job, q->list[i].job, SLURM_JOB);
            return true;
        }
    return false;
}

bool slurm_view_name(struct slurm_view *v, struct claim *c)
{
    const char *id = c->job + strlen("bundle:");
    struct submitted_job file;
    char *path;
    bool found;

    if (!text_has_prefix(c->job, "bundle:"))
        return false;
    path = bundle_path(v->root, id, ".job");
    found = job_of_file(&file, path) || job_of_queue(file.job, &v->queue, id);
    free(path);
    if (found)
        memcpy(c->job, file.job, sizeof file.job);
    return found;
}

/* --- where it is
 * ----------------------------------------------------------------------- */

static const struct slurm_tasks *past_of(struct slurm_view *v, const char *job)
{
    struct past *p;

    for (int i = 0; i < v->n_past; i++)
        if (strcmp(v->past[i].job, job) == 0)
            return &v->past[i].tasks;
    v->past = mem_grow(v->past, (size_t)v->n_past + 1, sizeof *v->past);
    p = &v->past[v->n_past++];
    *p = (struct past){ .tasks = { .n = 0 } };
    snprintf(p->job, sizeof p->job, "%s", job);
    if (!v->deaf)
        slurm_history(&p->tasks, job);
    v->deaf = v->deaf || p->tasks.late;
    return &p->tasks;
}

static const struct slurm_task *find(const struct slurm_tasks *t,
                                     const struct claim *c)
{
    const struct slurm_task *found = slurm_tasks_find(t, c->job, c->task);

    if (!found)
        found = slurm_tasks_find(t, c->job, -1);
    for (int i = 0; i < t->n && !found; i++)
        if (t->list[i].task == SLURM_RANGE &&
            strcmp(t->list[i].job, c->job) == 0 &&
            slurm_range_has(t->list[i].range, c->task))
            found = &t->list[i];
    return found;
}

/* Is its job there, with whatever tasks? */
static bool has_job(struct slurm_view *v, const struct slurm_tasks *t,
                    const struct claim *c)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->list[i].job, c->job) == 0 &&
            is_its_job(v, c, t->list[i].name))
            return true;
    return false;
}

/* In the queue as it was listed; PLACE_UNKNOWN: it is not. */
static enum claim_place in_queue(const struct slurm_view *v,
                                 const struct claim *c, char state[SLURM_STATE])
{
    const struct slurm_task *t = find(&v->queue, c);

    if (!t || !text_has_prefix(t->name, OUR_JOBS))
        return PLACE_UNKNOWN;
    memcpy(state, t->state, SLURM_STATE);
    return strcmp(state, "PENDING") == 0 || strcmp(state, "REQUEUED") == 0
               ? PLACE_WAITS
               : PLACE_RUNS;
}

enum claim_place slurm_view_place(struct slurm_view *v, const struct claim *c,
                                  char state[SLURM_STATE])
{
    const bool unnamed = text_has_prefix(c->job, "bundle:");
    const struct slurm_tasks *past;
    const struct slurm_task *t;
    enum claim_place place;

    *state = '\0';
    place = in_queue(v, c, state);
    if (place != PLACE_UNKNOWN || (!v->queue.known && !v->queue.odd))
        return place;
    past = unnamed ? NULL : past_of(v, c->job);
    t = past ? find(past, c) : NULL;
    if (t && is_its_job(v, c, t->name)) {
        memcpy(state, t->state, SLURM_STATE);
        return slurm_is_final(state) ? PLACE_GONE : PLACE_UNKNOWN;
    }
    if (!v->queue.known || v->deaf)
        return PLACE_UNKNOWN;
    if (past && has_job(v, past, c))
        return PLACE_FORGOTTEN;
    return past && is_elsewhere(v, c->job) ? PLACE_UNKNOWN : PLACE_MISSING;
}
