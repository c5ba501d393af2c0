#include "harness/study/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/study/table_options.h"
#include "harness/study/twin_rows.h"

static const struct cli_option fit_rows[] = {
    FIT_OPTION_ROWS,
    { NULL, 0, NULL, NULL },
};

/* --- the table ----------------------------------------------------------- */

static enum status map_columns(struct table *t, const struct cli *cli,
                               struct err *err)
{
    const bool of_either = cli_value(cli, "candidates", NULL) != NULL;
    enum status st = OK;
    const char *text;

    for (int i = 0; st == OK && (text = cli_nth(cli, "map", i)); i++) {
        st = table_map(t, text, NULL, err);
        if (st != OK && of_either) { /* it may be about the candidates */
            cli_detail(cli, "%s", err->text);
            st = OK;
        }
    }
    table_note_renamed(t);
    return st;
}

/* Twins of a table are filled in as a grid's are, so that the same rows give
 * the same fit either way. */
static enum status settle_twins(struct fit_request *rq, const struct cli *cli,
                                struct err *err)
{
    const char *base = cli_value(cli, "base", NULL), *candidate;
    struct twin_rule rule = { .column = -1 };
    enum status st = OK;

    if (rq->from_db)
        return base ? err_set(err, ERR_USAGE,
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
static enum status derive_tokens(struct table *t, const struct cli *cli,
                                 struct err *err)
{
    if (table_find(t, "D") >= 0 || table_find(t, "C") < 0 ||
        table_find(t, "N") < 0)
        return OK;
    cli_note(cli, "no column D: using D = C/(6*N)");
    return table_derive(t, "D = C/(6*N)", err);
}

/* A table of differences alone is meant for the law of them. */
static void use_paired_form(struct fit_request *rq, const struct cli *cli)
{
    const struct law *law = rq->spec.law;

    if (!law || !law->paired || table_find(rq->table, "loss") >= 0 ||
        table_find(rq->table, "delta") < 0)
        return;
    law = law_find(law->paired);
    cli_note(cli, "no column loss, but delta: using law %s", law->name);
    rq->spec.law = law;
    rq->spec.formula = law->formula;
    if (!cli_value(cli, "space", NULL))
        rq->spec.space = law->space;
}

/* Is it the figure of budgets' profiles that a table is wanted for? */
static bool is_profile_figure(const struct cli *cli)
{
    return cli_value(cli, "data", NULL) && cli->n_args > 0 &&
           strcmp(cli->args[0], "isoflop") == 0;
}

/* Budgets that no column holds: those of 6 N D operations. */
static enum status derive_budget(struct table *t, const struct cli *cli,
                                 struct err *err)
{
    const char *column =
        is_profile_figure(cli) ? "C" : cli_value(cli, "isoflop", NULL);

    if (!column || strcmp(column, "C") != 0 || table_find(t, "C") >= 0 ||
        table_find(t, "N") < 0 || table_find(t, "D") < 0)
        return OK;
    cli_note(cli, "no column C: using C = 6*N*D");
    return table_derive(t, "C = 6*N*D", err);
}

static enum status prepare_table(struct fit_request *rq, const struct cli *cli,
                                 struct err *err)
{
    enum status st = map_columns(rq->table, cli, err);
    const char *text;

    for (int i = 0; st == OK && (text = cli_nth(cli, "derive", i)); i++)
        st = table_derive(rq->table, text, err);
    if (st == OK && rq->spec.law)
        st = derive_tokens(rq->table, cli, err);
    if (st == OK)
        st = derive_budget(rq->table, cli, err);
    if (st == OK)
        st = settle_twins(rq, cli, err);
    for (int i = 0;
         st == OK && !rq->from_db && (text = cli_nth(cli, "where", i)); i++)
        st = table_filter(rq->table, text, err);
    if (st == OK && (text = cli_value(cli, "best", NULL)))
        st = table_best(rq->table, text, cli_value(cli, "by", NULL), err);
    if (st == OK)
        use_paired_form(rq, cli);
    if (st == OK)
        fit_input_cluster(rq);
    if (st == OK && rq->table->rows == 0)
        st = err_set(err, ERR_FIT, "no row of %s is selected", rq->source);
    return st;
}

/* What the rows are told with --map and --derive holds for candidates too,
 * except where it is about columns that these do not have, as a loss. */
static void adapt_candidates(struct table *t, const struct cli *cli)
{
    struct err why = { .status = OK };
    const char *text;

    for (int i = 0; (text = cli_nth(cli, "map", i)); i++)
        if (table_map(t, text, NULL, &why) != OK)
            cli_detail(cli, "candidates: %s", why.text);
    for (int i = 0; (text = cli_nth(cli, "derive", i)); i++)
        if (table_derive(t, text, &why) != OK)
            cli_detail(cli, "candidates: %s", why.text);
}

enum status fit_request_candidates(struct table **out, const struct cli *cli,
                                   const char *path, struct err *err)
{
    struct twin_rule rule = { .column = -1 };
    enum status st = table_read(out, path, err);

    if (st != OK)
        return st;
    adapt_candidates(*out, cli);
    st = derive_tokens(*out, cli, err);
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

static enum status read_runs(struct fit_request *rq, const struct cli *cli,
                             struct err *err)
{
    rq->from_db = true;
    rq->source = rq->grid
                     ? mem_printf("grid '%s' of %s", rq->grid, cli->db_path)
                     : mem_strdup(cli->db_path);
    return fit_input_runs(&rq->table, rq, cli->db_path, err);
}

/* --- the fit ------------------------------------------------------------- */

/* The first law in the lists of --compare, or NULL: they are formulas.  The
 * caller frees it. */
static char *first_law(const struct cli *cli)
{
    const char *text;

    for (int i = 0; (text = cli_nth(cli, "compare", i)); i++)
        if (!strchr(text, '='))
            return mem_strndup(text, strcspn(text, ","));
    return NULL;
}

static enum status choose_law(struct fit_request *rq, const struct cli *cli,
                              struct err *err)
{
    const char *name = cli_value(cli, "law", NULL);
    const char *formula = cli_value(cli, "formula", NULL);
    const char *compare = cli_value(cli, "compare", NULL);
    const bool file = cli_value(cli, "data", NULL) != NULL;
    const struct law *law = NULL;
    char *own = NULL;
    enum status st = OK;

    if (name && formula && !compare)
        return err_set(err, ERR_USAGE, "give --law or --formula, not both");
    if (compare && !name) /* any of them: the list is read again */
        name = own = first_law(cli);
    if (compare && name)
        formula = NULL;
    else if (compare && !formula)
        formula = compare;
    if (!compare && cli_nth(cli, "formula", 1))
        return err_set(err, ERR_USAGE, "two formulas: --compare ranks several");
    if (cli_value(cli, "isoflop", NULL) || cli_value(cli, "envelope", NULL)) {
        if (name || formula || compare)
            return err_set(err, ERR_USAGE,
                           "--isoflop and --envelope need no %s",
                           name ? "--law" : formula ? "--formula" : "--compare");
        name = "chinchilla"; /* the joint law beside them */
    }
    if (!name && !formula && is_profile_figure(cli))
        name = "chinchilla";
    if (!name && !formula && file)
        return err_set(err, ERR_USAGE,
                       "--data needs --law or --formula (see 'qlaw laws')");
    if (!name && !formula)
        name = own = fit_input_law(cli->db_path, rq->grid);
    if (!formula)
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

typedef enum status spec_reader(struct fit_spec *, const char *, struct err *);

static enum status read_each(struct fit_spec *s, const struct cli *cli,
                             const char *option, spec_reader *read,
                             struct err *err)
{
    enum status st = OK;
    const char *text;

    for (int i = 0; st == OK && (text = cli_nth(cli, option, i)); i++)
        st = read(s, text, err);
    return st;
}

static enum status read_spec(struct fit_request *rq, const struct cli *cli,
                             struct err *err)
{
    struct fit_spec *s = &rq->spec;
    const char *space = cli_value(cli, "space", NULL);
    double seed, bootstrap;
    enum status st = OK;

    if (space)
        st = fit_space_parse(&s->space, space, err);
    if (st == OK)
        st = fit_loss_parse(&s->loss, cli_value(cli, "loss", "l2"), err);
    if (st == OK)
        st = read_each(s, cli, "start", fit_spec_start, err);
    if (st == OK)
        st = read_each(s, cli, "bound", fit_spec_bound, err);
    if (st == OK)
        st = read_each(s, cli, "fix", fit_spec_fix, err);
    if (st == OK)
        st = read_each(s, cli, "group-param", fit_spec_group, err);
    if (st == OK)
        st = cli_number(&seed, cli, "seed", 1, 0, 0x1p53, err);
    if (st == OK)
        st = cli_number(&bootstrap, cli, "bootstrap", -1, 0, 1e7, err);
    if (st != OK)
        return st;
    s->seed = (uint64_t)seed;
    s->bootstrap = (int)bootstrap;
    s->sigma = cli_value(cli, "weight-sigma", NULL);
    s->cluster = cli_value(cli, "cluster", NULL);
    s->profile = cli_flag(cli, "profile");
    s->strict = cli_flag(cli, "strict");
    s->start_only = cli_flag(cli, "start-only");
    if (s->start_only && s->n_starts == 0)
        return err_set(err, ERR_USAGE, "--start-only needs --start");
    s->obey = !cli_value(cli, "data", NULL);
    return OK;
}

static void add_argument(struct fit_request *rq, char *text)
{
    rq->argv = mem_grow(rq->argv, (size_t)rq->argc + 2, sizeof *rq->argv);
    rq->argv[rq->argc++] = text;
    rq->argv[rq->argc] = NULL;
}

/* "qlaw fit [GRID] --law ...": what would make this request again. */
static void remember_options(struct fit_request *rq, const struct cli *cli)
{
    const char *value;

    add_argument(rq, mem_strdup("qlaw"));
    add_argument(rq, mem_strdup("fit"));
    if (rq->grid)
        add_argument(rq, mem_strdup(rq->grid));
    for (const struct cli_option *o = fit_rows; o->name; o++)
        for (int i = 0; (value = cli_nth(cli, o->name, i)); i++)
            add_argument(rq, o->value ? mem_printf("--%s=%s", o->name, value)
                                      : mem_printf("--%s", o->name));
}

enum status fit_request_read(struct fit_request *rq, const struct cli *cli,
                             const char *grid, struct err *err)
{
    const char *data = cli_value(cli, "data", NULL);
    enum status st;

    *rq = (struct fit_request){
        .grid = grid,
        .where = cli_value(cli, "where", NULL),
        .n_def = cli_value(cli, "n-def", "body"),
        .paired = cli_flag(cli, "paired"),
        .curves = cli_value(cli, "envelope", NULL) != NULL,
    };
    remember_options(rq, cli);
    if (data && grid)
        return err_set(err, ERR_USAGE, "give a grid or --data, not both");
    if (grid && text_has_suffix(grid, ".csv"))
        return err_set(err, ERR_USAGE,
                       "'%s' is not the name of a grid; a table is given with "
                       "--data",
                       grid);
    st = choose_law(rq, cli, err);
    if (st == OK)
        st = read_spec(rq, cli, err);
    if (st == OK)
        st = data ? read_file_table(rq, data, err) : read_runs(rq, cli, err);
    if (st == OK)
        st = prepare_table(rq, cli, err);
    return st;
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
    for (int i = 0; i < rq->argc; i++)
        free(rq->argv[i]);
    free(rq->argv);
    json_decref(rq->selection);
    *rq = (struct fit_request){ .grid = NULL };
}
