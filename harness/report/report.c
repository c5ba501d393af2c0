#include "harness/report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "db/statement.h"
#include "harness/os/env.h"
#include "plots/files.h"
#include "plots/gnuplot.h"

/* --- SQL ------------------------------------------------------------------ */

/* Does the statement have another row?  What cannot be read is left out. */
static bool next_row(struct db_stmt *s)
{
    bool row = false;

    return s && db_stmt_step(&row, s, NULL) == OK && row;
}

/* NULL where it cannot be asked. */
static struct db_stmt *open_of_grid(struct report *r, const char *sql)
{
    struct db_stmt *s;

    db_stmt_with(&s, r->data->db, sql,
                 DB_VALUES(DB_I("grid", r->data->grid_id)), NULL);
    return s;
}

static void add_cell(struct report *r, struct db_stmt *s, int col)
{
    switch (db_type(s, col)) {
    case DB_NULL:
        page_cell(r->page, "\u2013");
        return;
    case DB_REAL:
        page_cell(r->page, "%.4g", db_real(s, col));
        return;
    default:
        page_cell(r->page, "%s", db_text(s, col));
    }
}

int report_rows(struct report *r, const char *sql)
{
    struct db_stmt *s = open_of_grid(r, sql);
    int n = 0;

    for (; next_row(s); n++)
        for (int i = 0; i < db_columns(s); i++)
            add_cell(r, s, i);
    db_stmt_close(s);
    return n;
}

double report_number(struct report *r, const char *sql)
{
    struct db_stmt *s = open_of_grid(r, sql);
    const double x = next_row(s) ? db_real(s, 0) : (double)NAN;

    db_stmt_close(s);
    return x;
}

void report_say_numbers(struct report *r, const char *sql)
{
    struct db_stmt *s = open_of_grid(r, sql);
    char buf[32];
    int n = 0;

    for (; next_row(s); n++)
        page_say(r->page, "%s%s", n ? ", " : "",
                 text_si(buf, db_real(s, 0), 3));
    if (n == 0)
        page_say(r->page, "none");
    db_stmt_close(s);
}

/* --- figures -------------------------------------------------------------- */

static enum status write_figures(struct report *r, struct err *err)
{
    enum status st = OK;

    for (int i = 0; plot_figure_at(i) && st == OK; i++) {
        const struct plot_figure *f = plot_figure_at(i);
        struct picture *p = NULL;
        struct err why = { 0 };

        if (!*f->section)
            continue;
        st = plot_figure_build(&p, f, r->data, NULL, &why);
        if (st == OK) {
            st = plot_write(p, f->name, r->folder, err);
            r->figures = mem_grow(r->figures, (size_t)r->n_figures + 1,
                                  sizeof *r->figures);
            r->figures[r->n_figures++] = (struct report_figure){
                .figure = f,
                .finding = mem_strdup(p->finding),
                .written = true,
            };
            picture_free(p);
        } else if (st == ERR_USAGE) {
            st = OK; /* there is nothing to show in it */
        } else {
            *err = why;
        }
    }
    return st;
}

static char *read_picture(const struct report *r, const char *out)
{
    char *path = mem_printf("%s/%s", r->folder, out);
    struct str text = { 0 };
    const enum status st = file_read(&text, path, 16u << 20, NULL);

    free(path);
    if (st == OK)
        return str_steal(&text);
    str_release(&text);
    return NULL;
}

/* Each figure in both themes; what fails is told once and left out. */
static void draw_figures(struct report *r)
{
    const int n = 2 * r->n_figures;
    struct gnuplot_job *jobs = mem_array((size_t)n + 1, sizeof *jobs);
    char **names = mem_array((size_t)n + 1, sizeof *names);
    struct gnuplot g;
    struct err err = { 0 };

    for (int i = 0; i < n; i++) {
        const char *name = r->figures[i / 2].figure->name;

        names[i] = mem_printf("%s%s.svg", name, i % 2 ? "-dark" : "");
        jobs[i] = (struct gnuplot_job){ .name = name,
                                        .out = names[i],
                                        .term = "svg",
                                        .theme = i % 2 ? "dark" : "light" };
    }
    if (gnuplot_find(&g, &err) == OK)
        gnuplot_draw(&g, r->folder, jobs, n, env_cores() + 1);
    else
        r->trouble = mem_strdup(err.text);
    for (int i = 0; i < n && !r->trouble; i++)
        if (jobs[i].status != OK)
            r->trouble = mem_strdup(jobs[i].err.text);
    for (int i = 0; i < n; i++) {
        if (jobs[i].status == OK && g.terminals)
            *(i % 2 ? &r->figures[i / 2].dark : &r->figures[i / 2].light) =
                read_picture(r, names[i]);
        free(names[i]);
    }
    gnuplot_release(&g);
    free(names);
    free(jobs);
}

static void show(struct report *r, struct report_figure *f)
{
    page_figure(r->page, f->figure->name, f->finding, r->beside, f->light,
                f->dark);
    f->shown = true;
}

void report_figure(struct report *r, const char *name)
{
    for (int i = 0; i < r->n_figures; i++)
        if (strcmp(r->figures[i].figure->name, name) == 0)
            show(r, &r->figures[i]);
}

void report_figures(struct report *r, const char *section)
{
    for (int i = 0; i < r->n_figures; i++)
        if (strcmp(r->figures[i].figure->section, section) == 0 &&
            !r->figures[i].shown)
            show(r, &r->figures[i]);
}

/* --- all of it ------------------------------------------------------------ */

static void write_words(struct report *r)
{
    char *title = mem_printf("%s: what the formats cost",
                             r->data->grid ? r->data->grid : "All runs");
    char now[32], *made;

    made = mem_printf("Made by qlaw %s on %.16sZ from %s.", QLAW_VERSION,
                      clock_iso(now), r->data->db_path);
    r->page = page_new(title, r->data->description, made);
    report_answer(r);
    report_runs(r);
    report_law(r);
    report_quality(r);
    report_formats(r);
    report_predictions(r);
    report_failures(r);
    report_cost(r);
    report_reproduce(r);
    report_points(r);
    free(title);
    free(made);
}

enum status report_make(struct report **out, const struct session *session,
                        const char *grid, int64_t fit_id, const char *folder,
                        const char *beside, struct err *err)
{
    struct report *r = mem_alloc(sizeof *r);
    enum status st =
        plot_data_read(&r->data, session->db_path, grid, fit_id, err);

    r->folder = mem_strdup(folder);
    r->beside = mem_strdup(beside);
    if (st == OK)
        st = file_make_dirs(folder, err);
    if (st == OK)
        st = write_figures(r, err);
    if (st == OK) {
        draw_figures(r);
        r->again = plot_data_again(r->data);
        r->findings = plot_data_findings(r->data);
        write_words(r);
        *out = r;
    } else {
        report_free(r);
    }
    return st;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->n_figures; i++) {
        free(r->figures[i].finding);
        free(r->figures[i].light);
        free(r->figures[i].dark);
    }
    plot_data_free(r->data);
    page_free(r->page);
    free(r->figures);
    free(r->folder);
    free(r->beside);
    free(r->trouble);
    free(r);
}
