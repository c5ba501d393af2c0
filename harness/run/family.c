/* family.c - runs that begin with the weights of another, their parent.
 *
 * Children of one parent and seed are a family.  They wait for the parent, which
 * keeps its weights for them; the weights go with the last child.  Where they
 * are gone already, or no grid of this database has the parent, the first child
 * trains it in its own folder and keeps the weights there for the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/run/state.h"
#include "harness/store/parents.h"
#include "trainer/weights.h"

struct family {
    const char *parent; /* its identity */
    uint64_t seed;
    int run;             /* the parent's in runner.runs; -1: not of this grid */
    struct task *task;   /* its task; NULL: it was settled before */
    struct task *leader; /* the child that trains it; NULL: none does */
    struct task *children; /* a list, next_child */
};

/* --- who belongs together ------------------------------------------------ */

struct name {
    const char *id;
    uint64_t seed;
    int index; /* of the task, or of the run */
};

static int by_name(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    const int order = strcmp(x->id, y->id);

    return order ? order : (x->seed > y->seed) - (x->seed < y->seed);
}

static bool keeps_weights(const struct runner *r)
{
    return r->o.keep_checkpoints || config_run_keep_weights(r->g->base);
}

static struct name *children_of(int *n, const struct runner *r)
{
    struct name *list = mem_array((size_t)r->n_tasks, sizeof *list);

    *n = 0;
    for (int i = 0; i < r->n_tasks; i++) {
        const struct grid_point *p = task_point(r, &r->tasks[i]);

        if (p->is_post)
            list[(*n)++] =
                (struct name){ p->parent, task_run(r, &r->tasks[i])->seed, i };
    }
    qsort(list, (size_t)*n, sizeof *list, by_name);
    return list;
}

static void add_child(struct runner *r, const struct name *child)
{
    struct task *t = &r->tasks[child->index];
    struct family *f = r->n_families ? &r->families[r->n_families - 1] : NULL;

    if (!f || strcmp(f->parent, child->id) != 0 || f->seed != child->seed) {
        f = &r->families[r->n_families++];
        *f = (struct family){ .parent = child->id,
                              .seed = child->seed,
                              .run = -1 };
    }
    t->family = f;
    t->next_child = f->children;
    f->children = t;
}

static struct task *task_of_run(const struct runner *r, int run)
{
    int low = 0, high = r->n_tasks;

    /* Tasks are in the order of their runs. */
    while (low < high) {
        const int middle = low + (high - low) / 2;

        if (r->tasks[middle].run < run)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->n_tasks && r->tasks[low].run == run ? &r->tasks[low] : NULL;
}

void family_link(struct runner *r)
{
    int n;
    struct name *children = children_of(&n, r);
    int *parents = n > 0 ? store_parents(r->runs, r->n_runs, r->g) : NULL;

    r->families = mem_array((size_t)n, sizeof *r->families);
    for (int i = 0; i < n; i++) {
        const struct task *t = &r->tasks[children[i].index];

        add_child(r, &children[i]);
        t->family->run = parents[t->run];
    }
    for (int i = 0; i < r->n_families; i++) {
        struct family *f = &r->families[i];

        f->task = f->run >= 0 ? task_of_run(r, f->run) : NULL;
        if (f->task)
            f->task->raises = f;
    }
    free(parents);
    free(children);
}

void family_free(struct runner *r)
{
    free(r->families);
    r->families = NULL;
    r->n_families = 0;
}

/* --- may a child start? -------------------------------------------------- */

static char *folder_of(const struct runner *r, const struct task *t)
{
    return record_folder(r->session->db_path, task_point(r, t)->id,
                         task_run(r, t)->seed);
}

/* Where the weights are; NULL: nowhere. */
static char *weights_at(const struct runner *r, const struct family *f)
{
    char *own = record_folder(r->session->db_path, f->parent, f->seed);
    char *led = f->leader ? folder_of(r, f->leader) : NULL;

    if (weights_there(own)) {
        free(led);
        return own;
    }
    free(own);
    if (led && weights_there(led))
        return led;
    free(led);
    return NULL;
}

struct task *family_first(const struct task *t)
{
    return t->family && t->family->task && t->family->task->open
               ? t->family->task
               : NULL;
}

enum family_answer family_ask(struct runner *r, struct task *t)
{
    struct family *f = t->family;
    char *there;

    if (!f)
        return FAMILY_GO;
    if (family_first(t))
        return FAMILY_WAIT;
    if (f->run >= 0) {
        const enum run_kind kind = run_kind_of(r->runs[f->run].state);

        if (kind == KIND_DIVERGED || kind == KIND_FAILED ||
            kind == KIND_LEFT_OUT)
            return FAMILY_LOST;
    }
    /* Where a trainer of the user's own has its weights is its affair. */
    if (config_is_exec(r->g->base))
        return FAMILY_GO;
    there = weights_at(r, f);
    if (there) {
        free(there);
        return FAMILY_GO;
    }
    if (f->leader && f->leader != t && f->leader->open)
        return FAMILY_WAIT;
    f->leader = t;
    return FAMILY_GO;
}

/* What became of the parent is what becomes of the child. */
void family_give_up(struct runner *r, struct task *t)
{
    const enum run_state state = r->runs[t->family->run].state;
    char text[120];

    snprintf(text, sizeof text, "its parent %.16s is %s", t->family->parent,
             run_states[state]);
    journal_state(r->journal, task_run(r, t)->run_id, state, text);
    runner_event(r, t, "end", run_states[state], text);
    task_state(r, t, state);
    task_close(r, t);
}

/* --- what their processes are told ---------------------------------------- */

static bool is_needed(const struct family *f)
{
    for (const struct task *t = f->children; t; t = t->next_child)
        if (t->open)
            return true;
    return false;
}

void family_words(struct texts *words, struct runner *r, const struct task *t)
{
    const struct family *f = t->family;
    char *there = !f ? NULL
                  : config_is_exec(r->g->base)
                      ? record_folder(r->session->db_path, f->parent, f->seed)
                      : weights_at(r, f);

    if (there) {
        texts_add(words, "--parent");
        texts_add(words, there);
    } else if (f || (t->raises && is_needed(t->raises))) {
        texts_add(words, "--keep-weights");
    }
    free(there);
}

/* --- after the last one ---------------------------------------------------- */

static void remove_weights(const struct runner *r, const char *id,
                           uint64_t seed)
{
    char *folder = record_folder(r->session->db_path, id, seed);

    weights_remove(folder);
    free(folder);
}

void family_settle(struct runner *r, const struct family *f)
{
    if (!f || is_needed(f) || keeps_weights(r))
        return;
    remove_weights(r, f->parent, f->seed);
    if (f->leader)
        remove_weights(r, task_point(r, f->leader)->id,
                       task_run(r, f->leader)->seed);
}

/* Those of the grid's children, by parent and seed. */
static struct name *all_children(int *n, const struct runner *r)
{
    struct name *list = mem_array((size_t)r->n_runs, sizeof *list);

    *n = 0;
    for (int i = 0; i < r->n_runs; i++) {
        const struct grid_point *p = &r->g->points[r->runs[i].point];

        if (p->is_post)
            list[(*n)++] = (struct name){ p->parent, r->runs[i].seed, i };
    }
    qsort(list, (size_t)*n, sizeof *list, by_name);
    return list;
}

void family_sweep(struct runner *r)
{
    int n, end;
    struct name *list = all_children(&n, r);

    for (int at = 0; at < n && !keeps_weights(r); at = end) {
        bool settled = true;

        for (end = at; end < n && by_name(&list[at], &list[end]) == 0; end++) {
            const enum run_kind kind =
                run_kind_of(r->runs[list[end].index].state);

            settled = settled && kind != KIND_WAITING && kind != KIND_RUNNING;
        }
        for (int i = at; i < end && settled; i++) { /* one may have led */
            const struct store_run *run = &r->runs[list[i].index];

            remove_weights(r, r->g->points[run->point].id, run->seed);
        }
        if (settled)
            remove_weights(r, list[at].id, list[at].seed);
    }
    free(list);
}
