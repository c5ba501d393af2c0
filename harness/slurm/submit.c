#include "harness/slurm/submit.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/os/env.h"
#include "harness/os/lock.h"
#include "harness/plan/plan.h"
#include "harness/slurm/array.h"
#include "harness/slurm/script.h"
#include "harness/slurm/slurm.h"
#include "harness/store/marks.h"
#include "harness/store/parents.h"
#include "harness/store/point.h"
#include "harness/store/record_put.h"
#include "harness/store/recover.h"
#include "harness/store/store.h"

void submitted_release(struct submitted *s)
{
    str_release(&s->jobs);
    str_release(&s->text);
}

/* --- packing ------------------------------------------------------------------------ */

static void pack(struct pack *out, const struct submission *s)
{
    const struct pack_options o = {
        .target_s = s->o->calibrate > 0 ? 0 : config_slurm_target(s->base),
        .max_s = config_slurm_max_time(s->base),
        .safety = config_slurm_safety(s->base),
        .early_s = config_run_grace(s->base) + SCRIPT_EARLY_S,
        .slots = s->o->calibrate > 0 ? 1 : (int)config_slurm_slots(s->base),
        .max_array = s->slurm.max_array,
        .max_running = (int)config_slurm_max_running(s->base),
        .known = s->known,
    };
    double *est = mem_array((size_t)s->wanted.n, sizeof *est);

    for (int i = 0; i < s->wanted.n; i++)
        est[i] = s->wanted.list[i].run.est_s;
    pack_make(out, est, s->wanted.n, &o);
    free(est);
}

/* The table of time limits, as `plan` prints tables. */
static void describe(struct str *out, const struct submission *s,
                     const struct pack *p)
{
    char a[32], b[32];

    str_addf(out, "  %6s %6s %11s  %s\n", "tasks", "runs", "estimate",
             "limit of a task");
    for (int i = 0; i < p->n_arrays; i++) {
        const struct pack_array *r = &p->arrays[i];
        double est = 0;
        int runs = 0, longer = 0;

        for (int k = r->first; k < r->first + r->n; k++) {
            est += p->tasks[k].est_s;
            runs += p->tasks[k].n;
            longer += p->tasks[k].too_long;
        }
        str_addf(out, "  %6d %6d %11s  %s%s", r->n, runs,
                 s->known ? text_duration(a, est) : "not known",
                 text_duration(b, r->limit_s), r->n < runs ? ", packed" : "");
        if (longer > 0)
            str_addf(out,
                     "; %d longer than slurm.max_time, to be gone on "
                     "with from checkpoints",
                     longer);
        str_add_char(out, '\n');
    }
}

static enum status submit_all(struct submission *s, struct err *err)
{
    struct pack p;
    enum status st = OK;

    slurm_config_read(&s->slurm);
    pack(&p, s);
    describe(&s->out->text, s, &p);
    if (!s->o->dry_run && p.n_arrays > 0)
        st = submit_folders(s, err);
    for (int i = 0; i < p.n_arrays && st == OK; i++) {
        if (s->o->dry_run) {
            str_addf(&s->out->text, "\n");
            st = submit_script(&s->out->text, s, &p.arrays[i], "ID", err);
            s->out->arrays++;
            s->out->tasks += p.arrays[i].n;
        } else {
            st = submit_array(s, &p, &p.arrays[i], err);
        }
    }
    if (s->o->dry_run)
        s->out->runs = s->wanted.n;
    s->out->left += s->wanted.n - s->out->runs;
    pack_release(&p);
    return st;
}

/* --- what is to be submitted ----------------------------------------------------------- */

static char *own_path(const char *program)
{
    char path[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (program)
        return realpath(program, NULL);
    path[n > 0 ? n : 0] = '\0';
    return mem_strdup(path);
}

/* The keys that say how runs are made, without what they are. */
static json_t *how_settings(const struct config *base)
{
    char *text = point_settings(base);
    json_t *all = json_loads(text, 0, NULL), *how = json_object();
    static const char *const sections[] = { "run", "slurm", "trainer" };

    for (size_t i = 0; i < 3; i++)
        if (json_object_get(all, sections[i]))
            json_object_set(how, sections[i],
                            json_object_get(all, sections[i]));
    json_decref(all);
    free(text);
    return how;
}

static enum status open_submission(struct submission *s,
                                   const struct session *session,
                                   const struct config *base, struct err *err)
{
    char *root = record_root(session->db_path);
    enum status st = OK;

    s->base = config_copy(base);
    s->settings = how_settings(base);
    s->folder = getcwd(NULL, 0);
    s->program = own_path(s->o->program);
    if (!s->o->dry_run)
        st = file_make_dirs(root, err);
    s->root = realpath(root, NULL);
    if (!s->root) /* a dry run before anything else */
        s->root = mem_printf("%s/%s", s->folder ? s->folder : ".",
                             text_has_prefix(root, "./") ? root + 2 : root);
    free(root);
    return st;
}

static void close_submission(struct submission *s)
{
    wanted_release(&s->wanted);
    config_free(s->base);
    json_decref(s->settings);
    free(s->root);
    free(s->folder);
    free(s->program);
}

static enum status register_grid(struct submission *s,
                                 const struct session *session,
                                 const struct grid *g, struct err *err)
{
    char *argv = session_command(session), *change = NULL, *said = NULL;
    enum status st = db_begin(s->db, err);

    if (st == OK)
        st = store_name(s->store, s->db, err);
    if (st == OK)
        st = store_undelete(&said, g, s->db, err);
    if (st == OK)
        st = store_grid(&change, g, argv, s->db, err);
    if (st == OK)
        st = store_data_sizes(g, s->db, err);
    if (st == OK)
        st = record_put_grid(session->db_path, g, argv, err);
    if (st == OK)
        st = db_commit(s->db, err);
    if (st != OK)
        db_rollback(s->db);
    else if (change)
        session_note(session, "%s", change);
    free(change);
    if (st == OK && said) {
        session_note(session, "%s", said);
        st = marks_write(s->db, session->db_path, err);
    }
    free(said);
    free(argv);
    return st;
}

/* Take over what was left behind, by nodes and by schedulers here. */
static enum status settle(struct submission *s, const struct grid *g,
                          struct err *err)
{
    struct journal *j = journal_open(s->db, 0);
    struct store_run *runs = NULL;
    struct recovery found;
    int n = 0;
    enum status st = slurm_collect(&s->out->before, s->db, j, err);

    if (st == OK && g)
        st = store_runs(&runs, &n, g, s->db, err);
    if (st == OK && g)
        st = recover_runs(&found, j, s->db, s->store, g, runs, n, err);
    free(runs);
    journal_close(j);
    return st;
}

/* --- a grid ------------------------------------------------------------------------------ */

static bool wants(const struct submission *s, const struct store_run *r)
{
    return r->state != RUN_QUEUED && r->state != RUN_RUNNING &&
           run_state_open(r->state, s->o->retry_failed);
}

/* A child begins with the weights that its parent has left: it is submitted once
 * that is collected. */
static bool waits_for_parent(const struct store_run *runs, int parent)
{
    return parent >= 0 && runs[parent].state != RUN_DONE;
}

static enum status list_grid(struct submission *s, const struct grid *g,
                             const struct plan *plan, struct err *err)
{
    struct store_run *runs = NULL;
    int n = 0, *parents;
    enum status st = store_runs(&runs, &n, g, s->db, err);

    parents = st == OK ? store_parents(runs, n, g) : NULL;
    for (int i = 0; i < n && st == OK; i++) {
        const bool claimed =
            runs[i].state == RUN_QUEUED || runs[i].state == RUN_RUNNING;

        if (!g->points[runs[i].point].chosen)
            continue;
        s->out->held += claimed;
        s->out->there += !claimed && !run_state_open(runs[i].state, false);
        if (!wants(s, &runs[i]))
            continue;
        if (waits_for_parent(runs, parents[i]))
            s->out->waits++;
        else
            st = wanted_add(&s->wanted, s->db, runs[i].run_id,
                            plan->point_s[runs[i].point], err);
    }
    free(parents);
    free(runs);
    return st;
}

/* Without a database to look into: what the plan has. */
static void list_plan(struct submission *s, const struct plan *p)
{
    for (int i = 0; i < p->n_runs; i++) {
        const struct plan_run *r = &p->runs[i];

        s->out->there += p->grid->points[r->point].chosen &&
                         (r->state == PLAN_DONE || r->state == PLAN_DIVERGED);
        if (plan_to_do(p, i))
            wanted_add_planned(&s->wanted, p->point_s[r->point]);
    }
}

static enum status plan_grid(struct plan **p, const struct session *session,
                             const struct grid *g,
                             const struct submit_options *o, struct err *err)
{
    const struct plan_options options = { .db_path = session->db_path,
                                          .flops_s = o->flops_s,
                                          .isa_cap = getenv("QLAW_ISA") };
    enum status st = plan_make(p, g, &options, err);

    if (st == OK && (*p)->over)
        st = err_set(err, ERR_REFUSED, "over budget: %s; nothing was submitted",
                     (*p)->over);
    return st;
}

static enum status submit_grid(struct submission *s,
                               const struct session *session,
                               const struct grid *g, const struct plan *plan,
                               struct err *err)
{
    struct lock lock = { .fd = -1 };
    enum status st = OK;

    if (s->o->dry_run) {
        list_plan(s, plan);
    } else {
        st = lock_take(&lock, session->db_path, err);
        if (st == OK)
            st = lock_db(&s->db, session->db_path, err);
        if (st == OK)
            st = register_grid(s, session, g, err);
        if (st == OK)
            st = settle(s, g, err);
        if (st == OK)
            st = list_grid(s, g, plan, err);
    }
    if (st == OK && s->o->calibrate > 0)
        wanted_spread(&s->wanted, s->o->calibrate);
    if (st == OK && s->o->limit > 0 && s->wanted.n > s->o->limit) {
        s->out->left = s->wanted.n - s->o->limit;
        wanted_cut(&s->wanted, s->o->limit);
    }
    if (st == OK)
        st = submit_all(s, err);
    db_close(s->db);
    lock_release(&lock);
    return st;
}

/* Parents and children are tasks of different submissions. */
static void keep_weights(struct submission *s, const struct grid *g)
{
    bool any = false;

    for (int i = 0; i < g->n_points; i++)
        any = any || g->points[i].is_post;
    if (any)
        json_object_set_new(json_object_get(s->settings, "run"), "keep_weights",
                            json_true());
}

enum status slurm_submit_grid(struct submitted *out,
                              const struct session *session,
                              const struct grid *g,
                              const struct submit_options *o, struct err *err)
{
    struct submission s = { .out = out, .o = o, .grid = g->name };
    struct plan *plan = NULL;
    enum status st;

    *out = (struct submitted){ .runs = 0 };
    st = o->dry_run ? OK : slurm_check(err);
    if (st == OK)
        st = plan_grid(&plan, session, g, o, err);
    if (st == OK) {
        s.known = plan->speed.flops_s > 0;
        st = open_submission(&s, session, g->base, err);
        keep_weights(&s, g);
    }
    if (st == OK)
        st = submit_grid(&s, session, g, plan, err);
    plan_free(plan);
    close_submission(&s);
    return st;
}

/* --- single runs --------------------------------------------------------------------------- */

enum status slurm_submit_runs(struct submitted *out,
                              const struct session *session, const int64_t *ids,
                              int n, const struct submit_options *o,
                              struct err *err)
{
    struct submission s = { .out = out, .o = o };
    struct bundle_header last = { .slots = 1 };
    struct lock lock = { .fd = -1 };
    struct config *base = NULL;
    enum status st;

    *out = (struct submitted){ .runs = 0 };
    st = slurm_check(err);
    if (st == OK)
        st = lock_take(&lock, session->db_path, err);
    if (st == OK)
        st = lock_db(&s.db, session->db_path, err);
    if (st == OK)
        st = wanted_last_bundle(&last, s.db, ids[0], err);
    if (st == OK)
        st = config_from_json(&base, last.settings, "the last submission", err);
    s.grid = last.grid;
    memcpy(s.store, last.store, sizeof s.store);
    if (st == OK)
        st = open_submission(&s, session, base, err);
    if (st == OK)
        st = settle(&s, NULL, err);
    for (int i = 0; i < n && st == OK; i++)
        st = wanted_add(&s.wanted, s.db, ids[i], 0, err);
    if (st == OK)
        st = submit_all(&s, err); /* a task each: times are not known */
    close_submission(&s);
    config_free(base);
    bundle_header_release(&last);
    db_close(s.db);
    lock_release(&lock);
    return st;
}
