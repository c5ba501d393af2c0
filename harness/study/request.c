#include "harness/study/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/study/table_options.h"
#include "harness/study/twin_rows.h"

/* --- the table ----------------------------------------------------------- */

static enum status map_columns(struct table *t, const struct fit_options *o,
                               const struct session *session, struct err *err)
{
    enum status st = OK;

    for (int i = 0; st == OK && i < o->map.n; i++) {
        st = table_map(t, o->map.text[i], NULL, err);
        if (st != OK && o->of_either) { /* it may be about the candidates */
            session_detail(session, "%s", err->text);
            st = OK;
        }
    }
    table_note_renamed(t);
    return st;
}

/* Twins of a table are filled in as a grid's are, so that the same rows give
 * the same fit either way. */
static enum status settle_twins(struct fit_request *rq, struct err *err)
{
    const char *base = rq->options.base, *candidate;
    struct twin_rule rule = { .column = -1 };
    enum status st = OK;

    if (rq->from_db)
        return base
                   ? err_set(err, ERR_USAGE,
                             "--base belongs to --data: a grid knows its twins")
                   : OK;
    st = twin_rule_read(&rule, base, rq->table, err);
    candidate = st == OK ? twin_candidate(&rule, rq->table) : NULL;
    if (candidate) {
        char *text = mem_printf("no row is taken for an unquantized twin; are "
                                "those of fmt %s?  --base fmt=%s",
                                candidate, candidate);

        table_note(rq->table, text);
        free(text);
    }
    if (st == OK)
        twin_fill(rq->table, &rule);
    twin_rule_release(&rule);
    return st;
}

/* Tokens are often left to be worked out from compute. */
static enum status derive_tokens(struct table *t, const struct session *session,
                                 struct err *err)
{
    if (table_find(t, "D") >= 0 || table_find(t, "C") < 0 ||
        table_find(t, "N") < 0)
        return OK;
    session_note(session, "no column D: using D = C/(6*N)");
    return table_derive(t, "D = C/(6*N)", err);
}

/* A table of differences alone is meant for the law of them. */
static void use_paired_form(struct fit_request *rq,
                            const struct session *session)
{
    const struct law *law = rq->spec.law;

    if (!law || !law->paired || table_find(rq->table, "loss") >= 0 ||
        table_find(rq->table, "delta") < 0)
        return;
    law = law_find(law->paired);
    session_note(session, "no column loss, but delta: using law %s", law->name);
    rq->spec.law = law;
    rq->spec.formula = law->formula;
    if (!rq->options.space)
        rq->spec.space = law->space;
}

/* Budgets that no column holds: those of 6 N D operations. */
static enum status derive_budget(struct fit_request *rq,
                                 const struct session *session, struct err *err)
{
    const char *column = rq->options.profiles ? "C" : rq->options.isoflop;
    struct table *t = rq->table;

    if (!column || strcmp(column, "C") != 0 || table_find(t, "C") >= 0 ||
        table_find(t, "N") < 0 || table_find(t, "D") < 0)
        return OK;
    session_note(session, "no column C: using C = 6*N*D");
    return table_derive(t, "C = 6*N*D", err);
}

static enum status prepare_table(struct fit_request *rq,
                                 const struct session *session, struct err *err)
{
    const struct fit_options *o = &rq->options;
    enum status st = map_columns(rq->table, o, session, err);

    for (int i = 0; st == OK && i < o->derive.n; i++)
        st = table_derive(rq->table, o->derive.text[i], err);
    if (st == OK && rq->spec.law)
        st = derive_tokens(rq->table, session, err);
    if (st == OK)
        st = derive_budget(rq, session, err);
    if (st == OK)
        st = settle_twins(rq, err);
    for (int i = 0; st == OK && !rq->from_db && i < o->where.n; i++)
        st = table_filter(rq->table, o->where.text[i], err);
    if (st == OK && o->best)
        st = table_best(rq->table, o->best, o->by, err);
    if (st == OK)
        use_paired_form(rq, session);
    if (st == OK)
        fit_input_cluster(rq);
    if (st == OK && rq->table->rows == 0)
        st = err_set(err, ERR_FIT, "no row of %s is selected", rq->source);
    return st;
}

/* What the rows are told with --map and --derive holds for candidates too,
 * except where it is about columns that these do not have, as a loss. */
static void adapt_candidates(struct table *t, const struct texts *map,
                             const struct texts *derive,
                             const struct session *session)
{
    struct err why = { .status = OK };

    for (int i = 0; i < map->n; i++)
        if (table_map(t, map->text[i], NULL, &why) != OK)
            session_detail(session, "candidates: %s", why.text);
    for (int i = 0; i < derive->n; i++)
        if (table_derive(t, derive->text[i], &why) != OK)
            session_detail(session, "candidates: %s", why.text);
}

enum status fit_request_candidates(struct table **out, const char *path,
                                   const struct texts *map,
                                   const struct texts *derive,
                                   const struct session *session,
                                   struct err *err)
{
    struct twin_rule rule = { .column = -1 };
    enum status st = table_read(out, path, err);

    if (st != OK)
        return st;
    adapt_candidates(*out, map, derive, session);
    st = derive_tokens(*out, session, err);
    if (st == OK)
        st = twin_rule_read(&rule, NULL, *out, err);
    if (st == OK)
        twin_fill(*out, &rule);
    twin_rule_release(&rule);
    return st;
}

static enum status read_file_table(struct fit_request *rq, const char *path,
                                   struct err *err)
{
    rq->source = mem_strdup(path);
    return table_read(&rq->table, path, err);
}

static enum status read_runs(struct fit_request *rq, const char *db_path,
                             struct err *err)
{
    rq->from_db = true;
    rq->source = rq->options.grid
                     ? mem_printf("grid '%s' of %s", rq->options.grid, db_path)
                     : mem_strdup(db_path);
    return fit_input_runs(&rq->table, rq, db_path, err);
}

/* --- the fit ------------------------------------------------------------- */

/* The first law in the lists of --compare, or NULL: they are formulas.  The
 * caller frees it. */
static char *first_law(const struct texts *compare)
{
    for (int i = 0; i < compare->n; i++)
        if (!strchr(compare->text[i], '='))
            return mem_strndup(compare->text[i],
                               strcspn(compare->text[i], ","));
    return NULL;
}

/* Of what was asked, the law and the formula that the rows are read for;
 * *own is the caller's to free. */
static enum status choose_names(const char **name, const char **formula,
                                char **own, const struct fit_options *o,
                                struct err *err)
{
    const bool compare = o->compare.n > 0;

    *own = NULL;
    *name = o->law;
    *formula = texts_last(&o->formula);
    if (*name && *formula && !compare)
        return err_set(err, ERR_USAGE, "give --law or --formula, not both");
    if (compare && !*name) /* any of them: the list is read again */
        *name = *own = first_law(&o->compare);
    if (compare && *name)
        *formula = NULL;
    else if (compare && !*formula)
        *formula = texts_last(&o->compare);
    if (!compare && o->formula.n > 1)
        return err_set(err, ERR_USAGE, "two formulas: --compare ranks several");
    if (o->isoflop || o->envelope) {
        if (*name || *formula || compare)
            return err_set(err, ERR_USAGE,
                           "--isoflop and --envelope need no %s",
                           *name      ? "--law"
                           : *formula ? "--formula"
                                      : "--compare");
        *name = "chinchilla"; /* the joint law beside them */
    }
    if (!*name && !*formula && o->profiles)
        *name = "chinchilla";
    return !*name && !*formula && o->data
               ? err_set(err, ERR_USAGE,
                         "--data needs --law or --formula (see 'qlaw laws')")
               : OK;
}

static enum status choose_law(struct fit_request *rq, const char *db_path,
                              struct err *err)
{
    const struct law *law = NULL;
    const char *name, *formula;
    char *own;
    enum status st = choose_names(&name, &formula, &own, &rq->options, err);

    if (st == OK && !name && !formula)
        name = own = fit_input_law(db_path, rq->options.grid);
    if (st == OK && !formula)
        st = law_need(&law, name ? name : "qat-delta", err);
    free(own);
    if (st == OK && rq->paired && (!law || !law->paired) && !formula &&
        !text_has_prefix(law->formula, "delta "))
        st = err_set(err, ERR_USAGE, "law %s has no paired form", law->name);
    if (st == OK && rq->paired && law && law->paired)
        law = law_find(law->paired);
    /* A law of differences alone needs them, paired or not. */
    rq->paired = rq->paired || (law && text_has_prefix(law->formula, "delta "));
    if (st == OK)
        fit_spec_init(&rq->spec, law, formula);
    return st;
}

enum status fit_request_spec(struct fit_spec *s, const struct fit_options *o,
                             struct err *err)
{
    const struct {
        const struct texts *list;
        enum status (*read)(struct fit_spec *, const char *, struct err *);
    } lists[] = { { &o->start, fit_spec_start },
                  { &o->bound, fit_spec_bound },
                  { &o->fix, fit_spec_fix },
                  { &o->group_param, fit_spec_group } };
    enum status st = OK;

    if (o->space)
        st = fit_space_parse(&s->space, o->space, err);
    if (st == OK)
        st = fit_loss_parse(&s->loss, o->loss ? o->loss : "l2", err);
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        for (int i = 0; st == OK && i < lists[k].list->n; i++)
            st = lists[k].read(s, lists[k].list->text[i], err);
    return st;
}

static enum status read_spec(struct fit_request *rq, struct err *err)
{
    const struct fit_options *o = &rq->options;
    struct fit_spec *s = &rq->spec;
    const enum status st = fit_request_spec(s, o, err);

    if (st != OK)
        return st;
    if (!isnan(o->seed))
        s->seed = (uint64_t)o->seed;
    if (!isnan(o->bootstrap))
        s->bootstrap = (int)o->bootstrap;
    s->sigma = o->weight_sigma;
    s->cluster = o->cluster;
    s->profile = o->profile;
    s->strict = o->strict;
    s->start_only = o->start_only;
    if (s->start_only && s->n_starts == 0)
        return err_set(err, ERR_USAGE, "--start-only needs --start");
    s->obey = !o->data;
    return OK;
}

enum status fit_request_read(struct fit_request *rq, struct fit_options *o,
                             const struct session *session, struct err *err)
{
    enum status st;

    *rq = (struct fit_request){ .options = *o, .paired = o->paired };
    fit_options_init(o);
    o = &rq->options;
    if (o->data && o->grid)
        return err_set(err, ERR_USAGE, "give a grid or --data, not both");
    if (o->grid && text_has_suffix(o->grid, ".csv"))
        return err_set(err, ERR_USAGE,
                       "'%s' is not the name of a grid; a table is given with "
                       "--data",
                       o->grid);
    st = choose_law(rq, session->db_path, err);
    if (st == OK)
        st = read_spec(rq, err);
    if (st == OK)
        st = o->data ? read_file_table(rq, o->data, err)
                     : read_runs(rq, session->db_path, err);
    if (st == OK)
        st = prepare_table(rq, session, err);
    return st;
}

const char *fit_request_n_def(const struct fit_request *rq)
{
    return rq->options.n_def ? rq->options.n_def : "body";
}

enum status fit_request_fit(struct fit *f, struct model **m,
                            const struct fit_request *rq, struct err *err)
{
    const enum status st = fit_model_new(m, rq->table, &rq->spec, err);

    return st == OK ? fit_run(f, *m, rq->table, &rq->spec, err) : st;
}

enum status fit_request_sound(const struct fit *f, struct err *err)
{
    return fit_is_sound(f)
               ? OK
               : err_set(err, ERR_FIT,
                         "the fit behind this is not sound: see 'qlaw fit'");
}

void fit_request_release(struct fit_request *rq)
{
    fit_spec_release(&rq->spec);
    table_free(rq->table);
    free(rq->source);
    fit_options_release(&rq->options);
    *rq = (struct fit_request){ .table = NULL };
}
