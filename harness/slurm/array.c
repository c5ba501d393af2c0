/* array.c - one array: its files, its claims, sbatch. */
#include "harness/slurm/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/words.h"
#include "db/statement.h"
#include "harness/slurm/script.h"
#include "harness/slurm/slurm.h"

/* --- files ------------------------------------------------------------------------ */

static void add_task(struct str *out, const struct submission *s,
                     const struct pack_task *t)
{
    str_add(out, "[");
    for (int i = 0; i < t->n; i++) {
        const struct wanted *w = &s->wanted.list[t->first + i];
        char *settings = wanted_settings(w, s->settings);

        str_add(out, i ? "," : "");
        bundle_add_run(out, &w->run, settings);
        free(settings);
    }
    str_add(out, "]\n");
}

static void print_bundle(struct str *out, const struct submission *s,
                         const struct pack *p, const struct pack_array *a,
                         const char *id)
{
    struct bundle_header h = {
        .limit_s = a->limit_s,
        .grace_s = config_run_grace(s->base),
        .timeout_s = config_run_timeout(s->base),
        .slots = (int)config_slurm_slots(s->base),
        .threads = (int)config_run_threads(s->base),
        .retries = (int)config_run_retries(s->base),
        .settings = s->settings,
    };

    memcpy(h.id, id, sizeof h.id);
    memcpy(h.store, s->store, sizeof h.store);
    snprintf(h.grid, sizeof h.grid, "%s", s->grid);
    bundle_add_header(out, &h);
    str_add_char(out, '\n');
    for (int i = 0; i < a->n; i++)
        add_task(out, s, &p->tasks[a->first + i]);
}

static enum status put_file(const struct submission *s, const char *id,
                            const char *suffix, const struct str *text,
                            struct err *err)
{
    char *path = bundle_path(s->root, id, suffix);
    const enum status st = file_replace(path, str_text(text), text->len, err);

    free(path);
    return st;
}

static void remove_file(const struct submission *s, const char *id,
                        const char *suffix)
{
    char *path = bundle_path(s->root, id, suffix);

    unlink(path);
    free(path);
}

enum status submit_folders(const struct submission *s, struct err *err)
{
    char *bundles = mem_printf("%s/bundles", s->root);
    char *logs = mem_printf("%s/slurm", s->root);
    enum status st = file_make_dirs(bundles, err);

    if (st == OK)
        st = file_make_dirs(logs, err);
    free(bundles);
    free(logs);
    return st;
}

enum status submit_script(struct str *out, const struct submission *s,
                          const struct pack_array *a, const char *id,
                          struct err *err)
{
    const struct script_names names = { s->grid, id,        s->store,
                                        s->root, s->folder, s->program };

    return script_print(out, s->base, a, s->slurm.max_array, &names, err);
}

/* --- claims ------------------------------------------------------------------------ */

static enum status claim_run(struct submission *s, const struct wanted *w,
                             const char *id, int task, struct err *err)
{
    char *folder = bundle_folder(s->root, &w->run);
    char *log = mem_printf("%s/log.txt", folder);
    char *job = mem_printf("bundle:%s_%d", id, task), now[32];
    enum status st = db_do(
        s->db,
        "INSERT INTO attempt(run_id, number, backend, token, slurm_job, "
        "slurm_task, started_at, log_path) "
        "VALUES(:run_id, :number, 'slurm', :token, :job, :task, :now, :log)",
        DB_VALUES(DB_I("run_id", w->run_id), DB_I("number", w->run.attempt),
                  DB_T("token", w->run.token), DB_T("job", job),
                  DB_I("task", task), DB_T("now", clock_iso(now)),
                  DB_T("log", log)),
        err);

    if (s->first_claim == 0)
        s->first_claim = db_last_id(s->db);
    if (st == OK)
        st = db_do(s->db,
                   "UPDATE run SET state='queued', state_reason=NULL, "
                   "attempts=:number WHERE run_id=:run_id",
                   DB_VALUES(DB_I("number", w->run.attempt),
                             DB_I("run_id", w->run_id)),
                   err);
    free(job);
    free(log);
    free(folder);
    return st;
}

static enum status claim_array(struct submission *s, const struct pack *p,
                               const struct pack_array *a, const char *id,
                               struct err *err)
{
    enum status st = db_begin(s->db, err);

    for (int i = 0; i < a->n && st == OK; i++) {
        const struct pack_task *t = &p->tasks[a->first + i];

        for (int k = 0; k < t->n && st == OK; k++)
            st = claim_run(s, &s->wanted.list[t->first + k], id, i, err);
    }
    if (st == OK)
        st = db_commit(s->db, err);
    if (st != OK)
        db_rollback(s->db);
    return st;
}

/* In one transaction: job is what the claims of a bundle get for a name. */
static enum status in_one(struct submission *s, const char *const *sql,
                          size_t n, const char *id, const char *job,
                          struct err *err)
{
    char *pattern = mem_printf("bundle:%s_*", id);
    enum status st = db_begin(s->db, err);

    if (st == OK)
        st = db_do_all(s->db, sql, n,
                       DB_VALUES(DB_T("pattern", pattern), DB_T("job", job),
                                 DB_I("first", s->first_claim)),
                       err);
    free(pattern);
    if (st == OK)
        st = db_commit(s->db, err);
    if (st != OK)
        db_rollback(s->db);
    return st;
}

static enum status release_array(struct submission *s, const char *id,
                                 struct err *err)
{
    static const char *const sql[] = {
        "UPDATE run SET state='pending', attempts=attempts-1 WHERE run_id IN "
        "(SELECT run_id FROM attempt WHERE attempt_id>=:first "
        "AND slurm_job GLOB :pattern AND outcome IS NULL)",
        "DELETE FROM attempt WHERE attempt_id>=:first "
        "AND slurm_job GLOB :pattern AND outcome IS NULL",
    };

    return in_one(s, sql, 2, id, NULL, err);
}

static enum status name_array(struct submission *s, const char *id,
                              const char *job, struct err *err)
{
    static const char *const sql[] = {
        "UPDATE attempt SET slurm_job=:job||'_'||slurm_task "
        "WHERE attempt_id>=:first AND slurm_job GLOB :pattern",
    };

    return in_one(s, sql, 1, id, job, err);
}

/* --- one array ---------------------------------------------------------------------- */

static enum status call_sbatch(struct submission *s, const char *id,
                               char job[SLURM_JOB], char cluster[SLURM_CLUSTER],
                               bool *perhaps, struct err *err)
{
    char *path = bundle_path(s->root, id, ".sh"), open;
    char **args = words_split(s->o->args ? s->o->args : "", &open);
    enum status st;

    *perhaps = false;
    st = args ? slurm_sbatch(job, cluster, perhaps, path, args, err)
              : err_set(err, ERR_USAGE, "--slurm-args: a %c is not closed",
                        open);
    words_free(args);
    free(path);
    return st;
}

static enum status refused(struct submission *s, const char *id, bool perhaps,
                           const struct err *cause, struct err *err)
{
    enum status st = ERR_TOOL;

    if (!perhaps) {
        st = release_array(s, id, err);
        remove_file(s, id, ".jsonl");
        remove_file(s, id, ".sh");
        if (st != OK)
            return st;
    }
    return err_set(err, ERR_TOOL, "%.700s%s", cause->text,
                   perhaps ? "; a job may exist all the same, which 'qlaw "
                             "collect' finds out"
                           : "");
}

enum status submit_array(struct submission *s, const struct pack *p,
                         const struct pack_array *a, struct err *err)
{
    struct str bundle = { 0 }, script = { 0 }, number = { 0 };
    char id[BUNDLE_ID], job[SLURM_JOB], cluster[SLURM_CLUSTER];
    struct err cause;
    bool perhaps = false;
    enum status st;

    bundle_draw_id(id);
    s->first_claim = 0;
    print_bundle(&bundle, s, p, a, id);
    st = submit_script(&script, s, a, id, err);
    if (st == OK)
        st = put_file(s, id, ".jsonl", &bundle, err);
    if (st == OK)
        st = put_file(s, id, ".sh", &script, err);
    if (st == OK)
        st = claim_array(s, p, a, id, err);
    if (st == OK) {
        st = call_sbatch(s, id, job, cluster, &perhaps, &cause);
        if (st != OK)
            st = refused(s, id, perhaps, &cause, err);
        else
            str_addf(&number, "%s;%s\n", job,
                     *cluster ? cluster : s->slurm.cluster);
    }
    if (st == OK)
        st = put_file(s, id, ".job", &number, err);
    if (st == OK)
        st = name_array(s, id, job, err);
    if (st == OK) {
        s->out->arrays++;
        s->out->tasks += a->n;
        for (int i = 0; i < a->n; i++)
            s->out->runs += p->tasks[a->first + i].n;
        str_addf(&s->out->jobs, "%s%s", s->out->jobs.len ? " " : "", job);
    }
    str_release(&bundle);
    str_release(&script);
    str_release(&number);
    return st;
}
