#include "harness/verbs/design_request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verbs/fit_cli.h"
#include "harness/verbs/grid_cli.h"

#define USUAL_NOISE 0.003 /* of a loss, between seeds */

const struct table *design_request_made(const struct design_request *rq)
{
    return rq->has_rows ? rq->rows.table : NULL;
}

const struct fit_spec *design_request_spec(const struct design_request *rq)
{
    return rq->has_rows ? &rq->rows.spec : &rq->spec;
}

/* --- rows ---------------------------------------------------------------- */

/* Runs of the grid that are among the rows of the fit are not candidates. */
static void drop_made(struct design_request *rq)
{
    const struct table *a = rq->candidates, *b = rq->rows.table;
    const int id = table_find(a, "point_id"), seed = table_find(a, "seed");
    bool *keep = mem_array(a->rows + 1, sizeof *keep);
    struct table *kept;

    for (size_t i = 0; i < a->rows; i++) {
        keep[i] = true;
        for (size_t j = 0; j < b->rows && keep[i]; j++)
            keep[i] = strcmp(a->cols[id].text[i],
                             b->cols[table_find(b, "point_id")].text[j]) ||
                      strcmp(a->cols[seed].text[i],
                             b->cols[table_find(b, "seed")].text[j]);
    }
    kept = table_select(a, keep);
    table_free(rq->candidates);
    rq->candidates = kept;
    free(keep);
}

static enum status fit_rows(struct design_request *rq, struct err *err)
{
    enum status st = fit_model_new(&rq->m, rq->rows.table, &rq->rows.spec, err);

    if (st == OK)
        st = fit_run(&rq->fit, rq->m, rq->rows.table, &rq->rows.spec, err);
    rq->has_fit = st == OK;
    return st;
}

static enum status read_stored(struct design_request *rq, const struct cli *cli,
                               int64_t id, struct err *err)
{
    enum status st =
        fit_request_stored(&rq->rows, cli->session.db_path, id, err);

    rq->has_rows = st == OK;
    if (st == OK)
        st = fit_rows(rq, err);
    if (st == OK && rq->from_grid)
        drop_made(rq);
    return st;
}

/* Constants that a person gave are believed, whatever the rows say. */
static enum status read_table(struct design_request *rq, const struct cli *cli,
                              struct err *err)
{
    enum status st = fit_cli_request(&rq->rows, cli, NULL, err);
    struct err why = { .status = OK };
    char *response;

    rq->has_rows = true;
    if (st != OK)
        return st;
    response = design_response(&rq->rows.spec);
    if (design_has_response(rq->rows.table, response) &&
        !cli_value(cli, "published", NULL) && !cli_value(cli, "start", NULL) &&
        fit_rows(rq, &why) != OK)
        cli_note(cli, "the rows cannot be fitted: %s", why.text);
    free(response);
    return OK;
}

static enum status read_law(struct design_request *rq, const struct cli *cli,
                            const char *of_grid, struct err *err)
{
    const char *formula = cli_value(cli, "formula", NULL);
    const char *name = cli_value(cli, "law", of_grid);
    const struct law *law = NULL;
    struct fit_options o;
    enum status st;

    if (!name && !rq->from_grid && !formula)
        return err_set(err, ERR_USAGE,
                       "--candidates needs --law or --formula "
                       "(see 'qlaw laws')");
    st = fit_cli_options(&o, cli, NULL, err);
    if (st == OK && !formula)
        st = law_need(&law, name ? name : "qat-delta", err);
    if (st == OK)
        fit_spec_init(&rq->spec, law, formula);
    if (st == OK)
        st = fit_request_spec(&rq->spec, &o, err);
    fit_options_release(&o);
    return st;
}

/* --- candidates ---------------------------------------------------------- */

static enum status keep_chosen(struct table *t, const struct cli *cli,
                               struct err *err)
{
    const char *text;
    enum status st = OK;

    for (int i = 0; st == OK && (text = cli_nth(cli, "only", i)); i++)
        st = table_filter(t, text, err);
    for (int i = 0; st == OK && (text = cli_nth(cli, "skip", i)); i++) {
        char *not = mem_printf("!(%s)", text);

        st = table_filter(t, not, err);
        free(not );
    }
    return st;
}

static enum status read_file_candidates(struct design_request *rq,
                                        const char *path, const struct cli *cli,
                                        struct err *err)
{
    struct texts map = { .n = 0 }, derive = { .n = 0 };
    enum status st;

    cli_texts(&map, cli, "map");
    cli_texts(&derive, cli, "derive");
    st = fit_request_candidates(&rq->candidates, path, &map, &derive,
                                &cli->session, err);
    texts_release(&map);
    texts_release(&derive);
    return st;
}

static enum status read_candidates(struct design_request *rq,
                                   const struct cli *cli, char **of_grid,
                                   struct err *err)
{
    static const char *const of_grids[] = { "set", "overlay", "profile" };
    const char *path = cli_value(cli, "candidates", NULL);
    struct grid *g = NULL;
    enum status st;

    rq->from_grid = cli->n_args > 0;
    if (rq->from_grid && path)
        return err_set(err, ERR_USAGE, "give a grid or --candidates, not both");
    for (int i = 0; !rq->from_grid && i < 3; i++)
        if (cli_flag(cli, of_grids[i]))
            return err_set(err, ERR_USAGE, "--%s belongs to a grid",
                           of_grids[i]);
    if (!rq->from_grid && !path)
        return OK;
    if (!rq->from_grid) {
        st = read_file_candidates(rq, path, cli, err);
        return st == OK ? keep_chosen(rq->candidates, cli, err) : st;
    }
    st = grid_from_cli(&g, cli, err);
    if (st == OK)
        rq->candidates = fit_planned_runs(g, true);
    *of_grid = st == OK && g->law ? mem_strdup(g->law) : NULL;
    grid_free(g);
    return st;
}

/* --- the request --------------------------------------------------------- */

static char *say_constants(const struct design_request *rq,
                           const struct cli *cli)
{
    const struct fit_spec *spec = design_request_spec(rq);
    const struct law_set *set =
        spec->law ? law_set(spec->law, cli_value(cli, "published", NULL))
                  : NULL;

    if (rq->has_fit)
        return mem_printf(
            "fitted to the %zu rows%s", rq->m->rows,
            fit_is_sound(&rq->fit) ? "" : ", which do not tell all of them");
    if (spec->n_starts)
        return mem_strdup("of --start");
    return set ? mem_printf("published, %s", set->name)
               : mem_strdup("middling ones");
}

static void read_settings(struct design_request *rq, const struct cli *cli)
{
    const char *at = cli_value(cli, "at", NULL);
    char *next = rq->at = mem_strdup(at ? at : "");

    while (at && rq->n_settings < 32 &&
           (rq->settings[rq->n_settings] = strsep(&next, ",")))
        rq->n_settings++;
}

static enum status check_published(const struct design_request *rq,
                                   const struct cli *cli, struct err *err)
{
    const struct law *law = design_request_spec(rq)->law;
    const char *name = cli_value(cli, "published", NULL);

    if (!name || (law && law_set(law, name)))
        return OK;
    return err_set(err, ERR_USAGE, "--published: law %s has no constants '%s'",
                   law ? law->name : "of a formula", name);
}

enum status design_request_read(struct design_request *rq,
                                const struct cli *cli, struct err *err)
{
    const bool data = cli_value(cli, "data", NULL) != NULL;
    char *of_grid = NULL;
    double id = 0;
    enum status st;

    *rq = (struct design_request){ .noise = (double)NAN };
    st = cli_number(&rq->noise, cli, "noise", (double)NAN, 1e-12, 1e3, err);
    if (st == OK)
        st = cli_number(&id, cli, "fit", 0, 1, 0x1p53, err);
    if (st == OK && data && id > 0)
        st = err_set(err, ERR_USAGE, "give --fit or --data, not both");
    if (st == OK)
        st = read_candidates(rq, cli, &of_grid, err);
    if (st == OK && !data && !rq->candidates)
        st = err_set(err, ERR_USAGE,
                     "give a grid, --candidates FILE or --data FILE");
    if (st == OK)
        st = id > 0 ? read_stored(rq, cli, (int64_t)id, err)
             : data ? read_table(rq, cli, err)
                    : read_law(rq, cli, of_grid, err);
    if (st == OK)
        st = check_published(rq, cli, err);
    free(of_grid);
    if (isnan(rq->noise))
        rq->noise =
            rq->has_fit && rq->fit.sigma > 0 ? rq->fit.sigma : USUAL_NOISE;
    read_settings(rq, cli);
    if (st == OK)
        rq->constants = say_constants(rq, cli);
    return st;
}

void design_request_release(struct design_request *rq)
{
    if (rq->has_fit)
        fit_release(&rq->fit);
    fit_model_free(rq->m);
    fit_request_release(&rq->rows);
    fit_spec_release(&rq->spec);
    table_free(rq->candidates);
    free(rq->constants);
    free(rq->at);
}
