/* data.c - how to do it again, and all points. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/label.h"
#include "base/text_table.h"
#include "base/words.h"
#include "db/statement.h"
#include "harness/report/report.h"
#include "harness/study/options.h"

/* --- commands ------------------------------------------------------------- */

/* The command of a fit, from what it remembers of its request. */
void report_fit_command(struct str *out, const struct plot_fit *f)
{
    json_t *selection = NULL;
    struct fit_options o;

    if (json_parse(&selection, f->selection, "fit.selection", NULL) != OK)
        return;
    if (fit_options_from_json(&o, selection, NULL) == OK) {
        fit_options_command(out, &o);
        str_add(out, "\n");
    }
    fit_options_release(&o);
    json_decref(selection);
}

/* NULL: there is no grid.  The caller frees it. */
static char *grid_text(struct report *r, const char *sql)
{
    char *text;

    db_ask_text(&text, r->data->db, sql,
                DB_VALUES(DB_I("grid", r->data->grid_id)), NULL);
    return text;
}

static void add_commands(struct report *r)
{
    char *argv = grid_text(r, "SELECT argv FROM grid WHERE grid_id = :grid");
    struct str s = { 0 };

    if (argv)
        str_addf(&s, "%s\n", argv);
    if (r->data->fit)
        report_fit_command(&s, r->data->fit);
    str_add(&s, "qlaw report");
    if (r->data->grid) {
        str_add(&s, " ");
        words_add_quoted(&s, r->data->grid);
    }
    if (r->data->fit)
        str_addf(&s, " --fit %lld", (long long)r->data->fit->id);
    str_add(&s, "\n");
    page_block(r->page, "Commands", NULL, str_text(&s));
    str_release(&s);
    free(argv);
}

/* --- where it was made ---------------------------------------------------- */

static void add_machines(struct report *r)
{
    page_table(r->page, "Programs and machines of the attempts");
    page_column(r->page, "qlaw", false);
    page_column(r->page, "commit", false);
    page_column(r->page, "compiler", false);
    page_column(r->page, "flags", false);
    page_column(r->page, "processor", false);
    page_column(r->page, "kernels", false);
    page_column(r->page, "system", false);
    page_column(r->page, "libraries", false);
    page_column(r->page, "attempts", true);
    report_rows(r, "SELECT e.qlaw_version, coalesce(e.git_commit, '') || "
                   "CASE WHEN e.git_dirty AND e.git_commit NOT LIKE '%-dirty' "
                   "THEN ' (changed)' ELSE '' END, e.compiler, e.cflags, "
                   "e.cpu_model, e.isa, e.kernel || ', libc ' || e.libc, "
                   "(SELECT group_concat(key || ' ' || value, ', ') "
                   "FROM json_each(e.libs_json)), count(*) "
                   "FROM attempt a JOIN env e USING(env_id) "
                   "WHERE " RUN_OF_GRID " GROUP BY e.env_id ORDER BY e.env_id");
}

static void add_texts(struct report *r)
{
    page_table(r->page, "Training texts");
    page_column(r->page, "path", false);
    page_column(r->page, "tokens", false);
    page_column(r->page, "SHA-256", false);
    report_rows(r, "SELECT DISTINCT d.name, d.tokenizer || ', ' || d.vocab, "
                   "d.sha256 FROM dataset d JOIN point USING(dataset_id) "
                   "WHERE " OF_GRID " ORDER BY 1");
}

void report_reproduce(struct report *r)
{
    char *ini = NULL;

    page_section(r->page, "reproduce", "How to do it again");
    add_commands(r);
    if (r->data->grid)
        ini = grid_text(r, "SELECT ini_text FROM grid WHERE grid_id = :grid");
    if (ini) {
        char *file = mem_printf("%s.ini", r->data->grid);

        page_block(r->page, "The grid", file, ini);
        free(file);
    }
    free(ini);
    add_texts(r);
    add_machines(r);
    if (r->data->fit) {
        page_paragraph(r->page);
        page_say(r->page, "SHA-256 of the rows that were fitted: ");
        page_code(r->page, r->data->fit->data_sha256);
        page_say(r->page, ".");
    }
    page_paragraph(r->page);
    page_say(r->page, "Two runs with the same configuration and seed give the "
                      "same bits; the hash of each run's weights is in the "
                      "table ");
    page_code(r->page, "result");
    page_say(r->page, " of the database.");
}

/* --- points --------------------------------------------------------------- */

static void add_number(struct str *out, double x)
{
    char buf[32];

    str_addf(out, ",%s", isnan(x) ? "" : text_number(buf, x));
}

static void add_text(struct str *out, const char *text, const char *after)
{
    char *shown = label_visible(text);

    text_csv(out, shown, false);
    str_add(out, after);
    free(shown);
}

static void add_point(struct str *out, const struct plot_data *d,
                      const struct plot_point *p)
{
    add_text(out, p->id, ",");
    add_text(out, p->base ? "unquantized" : p->arm, ",");
    add_text(out, p->fmt, "");
    add_number(out, p->N);
    add_number(out, p->D);
    add_number(out, p->base ? (double)NAN : p->G);
    add_number(out, p->E);
    add_number(out, p->M);
    str_addf(out, ",%d", p->seeds);
    add_number(out, p->loss);
    add_number(out, p->se);
    add_number(out, p->delta);
    add_number(out, p->delta_se);
    add_number(out, plot_fit_loss(d->fit, p));
    str_addf(out, ",%d,%d,%d,%d\n", p->diverged, p->failed, p->waiting,
             p->left_out);
}

void report_points(struct report *r)
{
    const struct plot_data *d = r->data;
    struct str s = { 0 };
    char *file = mem_printf("%s.csv", d->grid ? d->grid : "points");

    page_section(r->page, "points", "All points");
    str_add(&s, "point_id,arm,fmt,N,D,G,E,M,seeds,loss,loss_se,delta,delta_se,"
                "loss_by_law,diverged,failed,waiting,left_out\n");
    for (int i = 0; i < d->n; i++)
        add_point(&s, d, &d->points[i]);
    page_paragraph(r->page);
    page_say(r->page,
             "Losses in nats per token, seeds folded; delta is the loss "
             "above the unquantized twin.");
    page_block(r->page, "Points as CSV", file, str_text(&s));
    str_release(&s);
    free(file);
}
