/* plot.c - draw one figure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "harness/figures/rows.h"
#include "harness/verbs/draw.h"
#include "harness/verbs/fit_cli.h"
#include "harness/verbs/verbs.h"

#define MAX_AT 12

static const struct cli_option options[] = {
    { "fit", 0, "ID", "the law of this fit (default: the grid's latest)" },
    { "no-fit", 0, NULL, "points alone" },
    { "by", 0, "LINES[,PANELS]",
      "N, D, G or fmt, with --data any column: what tells lines apart" },
    { "at", 0, "D=800k", "hold a variable there (repeatable)" },
    { "x", 0, "COLUMN", "of a table: the axis (default: each variable)" },
    DRAW_OPTIONS,
    { "data", 0, "FILE", "a table instead of a grid, fitted with:" },
    { "law", 0, "NAME", "a built-in law, see 'qlaw laws'" },
    { "formula", 0, "TEXT", "a law of your own: 'loss = E + A/N^alpha'" },
    { "where", 0, "COND", "only these rows" },
    { "map", 0, "NAME=COLUMN", "the law's NAME is called COLUMN here" },
    { "derive", 0, "'X = ...'", "a new column from the others" },
    { "base", 0, "COL=VALUE", "a table's unquantized twins; none: none" },
    { "space", 0, "SPACE", "log, linear or relative (default: the law's)" },
    { "loss", 0, "LOSS", "l2, l1, huber:DELTA, cauchy:SCALE (default l2)" },
    { "weight-sigma", 0, "COL", "standard deviation of each row" },
    { "start", 0, "A=1,...", "start there too, besides the starts found" },
    { "bound", 0, "'E>=0'", "keep a parameter on one side of a value" },
    { "fix", 0, "A=B", "hold at a value, or tie to another parameter" },
    { "group-param", 0, "K:COL", "one K for each value of a column" },
    { "cluster", 0, "COLUMN", "rows that belong together, or 'config'" },
    { "bootstrap", 0, "N", "refits of resamples (default 1000 if robust)" },
    { "json", 0, NULL, "report as JSON, the list of figures too" },
    { NULL, 0, NULL, NULL },
};

static void list_json(void)
{
    const struct plot_figure *f;
    struct str out = { 0 };

    str_add(&out, "{\"schema\":\"qlaw/figures/1\",\"figures\":[");
    for (int i = 0; (f = plot_figure_at(i)); i++) {
        str_add(&out, i ? ",{" : "{");
        json_add_text(&out, "figure", f->name);
        json_add_text(&out, "what", f->what);
        json_add_text(&out, "section", f->section);
        str_add(&out, "}");
    }
    str_add(&out, "]}");
    puts(str_text(&out));
    str_release(&out);
}

static enum status list_figures(bool json)
{
    if (json)
        list_json();
    for (int i = 0; !json && plot_figure_at(i); i++)
        printf("%-20s %s\n", plot_figure_at(i)->name, plot_figure_at(i)->what);
    return OK;
}

static enum status read_data(struct plot_data **d, const struct cli *cli,
                             struct err *err)
{
    double id;
    enum status st = cli_number(&id, cli, "fit", 0, 1, 0x1p53, err);

    if (cli_flag(cli, "no-fit"))
        id = -1;
    return st == OK ? plot_data_read(d, cli->session.db_path,
                                     cli->n_args > 1 ? cli->args[1] : NULL,
                                     (int64_t)id, err)
                    : st;
}

static enum status read_choice(struct plot_choice *c, char **by,
                               const char *at[MAX_AT], const struct cli *cli,
                               struct err *err)
{
    const char *text = cli_value(cli, "by", NULL);

    *c = (struct plot_choice){ .at = at, .x = cli_value(cli, "x", NULL) };
    if (text && cli_value(cli, "data", NULL)) {
        c->by_line = text;
    } else if (text) {
        char *comma;

        *by = mem_strdup(text);
        comma = strchr(*by, ',');
        if (comma) {
            *comma = '\0';
            c->by_panel = comma + 1;
        }
        c->by_line = *by;
    }
    for (; cli_nth(cli, "at", c->n_at); c->n_at++) {
        if (c->n_at == MAX_AT)
            return err_set(err, ERR_USAGE, "--at: there are only %d variables",
                           MAX_AT);
        at[c->n_at] = cli_nth(cli, "at", c->n_at);
    }
    return OK;
}

/* What stays the same for every figure of a command. */
struct how {
    struct draw draw;
    struct plot_choice choice;
};

static enum status finish(struct picture *p, const char *name,
                          const struct how *how, const struct cli *cli,
                          struct err *err)
{
    return draw_picture(p, name, &how->draw, cli_flag(cli, "json"), cli, err);
}

static enum status from_grid(const struct cli *cli, const struct how *how,
                             struct err *err)
{
    const struct plot_figure *figure;
    struct plot_data *d = NULL;
    struct picture *p;
    enum status st = plot_figure_need(&figure, cli->args[0], err);

    if (st == OK)
        st = plot_figure_takes(figure, &how->choice, err);
    if (st == OK)
        st = read_data(&d, cli, err);
    if (st == OK)
        st = plot_figure_build(&p, figure, d, &how->choice, err);
    if (st == OK)
        st = finish(p, figure->name, how, cli, err);
    plot_data_free(d);
    return st;
}

/* --- a table from outside ------------------------------------------------ */

static enum status draw_rows(const struct plot_rows *d, const struct cli *cli,
                             const struct how *how, struct err *err)
{
    const struct plot_rows_figure *figure;
    const char *wanted = cli->n_args ? cli->args[0] : NULL;
    enum status st = OK;

    for (int i = 0; st == OK && (figure = plot_rows_figure_at(i)); i++) {
        struct picture *p;

        /* Not every table has budgets: their profiles are drawn when asked. */
        if (strcmp(figure->name, wanted ? wanted : figure->name) != 0 ||
            (!wanted && figure->build == plot_rows_isoflop))
            continue;
        st = figure->build(&p, d, &how->choice, err);
        if (st == OK)
            st = finish(p, figure->name, how, cli, err);
    }
    return st;
}

static enum status check_rows_figure(const struct cli *cli, struct err *err)
{
    const struct plot_rows_figure *figure;
    struct str names = { 0 };
    enum status st;

    if (cli_value(cli, "fit", NULL) || cli_flag(cli, "no-fit"))
        return err_set(err, ERR_USAGE,
                       "--fit and --no-fit belong to a grid: the table of "
                       "--data is fitted now");
    if (cli->n_args == 0)
        return OK;
    if (cli->n_args > 1)
        return err_set(err, ERR_USAGE, "give a grid or --data, not both");
    for (int i = 0; (figure = plot_rows_figure_at(i)); i++) {
        if (strcmp(figure->name, cli->args[0]) == 0) {
            str_release(&names);
            return OK;
        }
        str_addf(&names, "%s%s", i ? ", " : "", figure->name);
    }
    st = err_set(err, ERR_USAGE, "'%s' is no figure of a table; these are: %s",
                 cli->args[0], str_text(&names));
    str_release(&names);
    return st;
}

/* The profiles of budgets need their column, and no law. */
static enum status read_request(struct fit_request *rq, const struct cli *cli,
                                struct err *err)
{
    struct fit_options o;
    enum status st = fit_cli_options(&o, cli, NULL, err);

    o.profiles = cli->n_args > 0 && strcmp(cli->args[0], "isoflop") == 0;
    if (st == OK)
        st = fit_request_read(rq, &o, &cli->session, err);
    fit_options_release(&o);
    return st;
}

static enum status from_table(const struct cli *cli, const struct how *how,
                              struct err *err)
{
    struct fit_request rq = { .table = NULL };
    struct model *m = NULL;
    struct fit f;
    enum status st = check_rows_figure(cli, err);

    if (st == OK)
        st = read_request(&rq, cli, err);
    if (st == OK)
        st = fit_request_fit(&f, &m, &rq, err);
    if (st == OK) {
        const struct plot_rows rows = { m, &f, rq.table, rq.source };

        st = draw_rows(&rows, cli, how, err);
        if (st == OK)
            st = fit_request_sound(&f, err);
        fit_release(&f);
    }
    fit_model_free(m);
    fit_request_release(&rq);
    return st;
}

/* What belongs to a table is not passed over in silence beside a grid. */
static enum status check_grid_options(const struct cli *cli, struct err *err)
{
    bool table = false;

    for (const struct cli_option *o = options; o->name; o++) {
        table = table || strcmp(o->name, "data") == 0;
        if (table && strcmp(o->name, "json") != 0 && cli_nth(cli, o->name, 0))
            return err_set(err, ERR_USAGE, "--%s goes with --data", o->name);
    }
    return OK;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct how how;
    const bool table = cli_value(cli, "data", NULL) != NULL;
    const char *at[MAX_AT];
    char *by = NULL;
    enum status st;

    if (cli->n_args == 0 && !table)
        return list_figures(cli_flag(cli, "json"));
    st = draw_read(&how.draw, cli, err);
    if (st == OK && !table)
        st = check_grid_options(cli, err);
    if (st == OK)
        st = read_choice(&how.choice, &by, at, cli, err);
    if (st == OK)
        st = table ? from_table(cli, &how, err) : from_grid(cli, &how, err);
    free(by);
    return st;
}

const struct verb verb_plot = {
    .name = "plot",
    .args = "[FIGURE [GRID]]",
    .min_args = 0,
    .max_args = 2,
    .summary = "draw a figure, or list them",
    .example = "qlaw plot delta-vs-N quickstart --by G,fmt --term dumb",
    .options = options,
    .detail = "Leaves NAME.dat, NAME.gp and the picture; 'gnuplot NAME.gp' in "
              "that folder\ndraws it again. Exit 4: gnuplot is missing or "
              "failed.",
    .run = run,
};
