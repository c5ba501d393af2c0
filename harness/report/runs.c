/* runs.c - what was run and what is missing, what failed, what it
 * cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/state.h"
#include "harness/report/report.h"

/* --- runs ----------------------------------------------------------------- */

static void add_states(struct report *r)
{
    page_table(r->page, "Runs by what is quantized");
    page_column(r->page, "what", false);
    page_column(r->page, "points", true);
    page_column(r->page, "runs", true);
    page_column(r->page, "done", true);
    page_column(r->page, "diverged", true);
    page_column(r->page, "failed", true);
    page_column(r->page, "waiting", true);
    page_column(r->page, "left out", true);
    report_rows(
        r, "SELECT CASE WHEN p.is_base THEN 'unquantized' ELSE p.arm END, "
           "count(DISTINCT point_id), count(*), sum(state = 'done'), "
           "sum(state = 'diverged'), "
           "sum(state IN (" RUN_STATES_OF "'failed')), "
           "sum(state IN (" RUN_STATES_OF "'waiting' OR kind = 'running')), "
           "sum(state IN (" RUN_STATES_OF "'left out')) "
           "FROM run JOIN point p USING(point_id) "
           "WHERE " RUN_OF_GRID " GROUP BY 1 "
           "ORDER BY max(p.is_base) DESC, p.fmt, p.group_size, 1");
}

static void say_values(struct report *r, const char *name, const char *sql)
{
    page_item(r->page);
    page_say(r->page, "%s: ", name);
    report_say_numbers(r, sql);
}

void report_runs(struct report *r)
{
    const double runs =
        report_number(r, "SELECT count(*) FROM run WHERE " RUN_OF_GRID);

    page_section(r->page, "runs", "What was run");
    if (runs == 0) {
        page_paragraph(r->page);
        page_say(r->page, "Nothing has been run yet.");
        return;
    }
    say_values(r, "model sizes N (parameters)",
               "SELECT DISTINCT n_body FROM point WHERE " OF_GRID
               " ORDER BY 1");
    say_values(r, "training tokens D",
               "SELECT DISTINCT tokens FROM point WHERE " OF_GRID
               " ORDER BY 1");
    say_values(r, "group sizes G",
               "SELECT DISTINCT group_size FROM point WHERE " OF_GRID
               " AND group_size IS NOT NULL ORDER BY 1");
    say_values(r, "seeds",
               "SELECT DISTINCT seed FROM run WHERE " RUN_OF_GRID
               " ORDER BY 1");
    add_states(r);
    report_figures(r, "runs");
}

/* --- failures ------------------------------------------------------------- */

void report_failures(struct report *r)
{
    page_section(r->page, "failures", "Failures and divergences");
    if (report_number(r, "SELECT count(*) FROM run WHERE state IN "
                         "(SELECT state FROM run_states WHERE is_failure) "
                         "AND " RUN_OF_GRID) == 0) {
        page_paragraph(r->page);
        page_say(r->page, "None.");
        return;
    }
    page_table(r->page, "Runs without a loss; at most 100 are listed");
    page_column(r->page, "run", true);
    page_column(r->page, "state", false);
    page_column(r->page, "what", false);
    page_column(r->page, "N", true);
    page_column(r->page, "D", true);
    page_column(r->page, "seed", true);
    page_column(r->page, "attempts", true);
    page_column(r->page, "why", false);
    report_rows(r,
                "SELECT f.run_id, f.state, CASE WHEN f.arm = '' THEN f.fmt "
                "ELSE f.arm END, f.N, f.D, f.seed, f.attempt, "
                "coalesce(f.message, f.outcome) FROM failures f "
                "WHERE " RUN_OF_GRID " ORDER BY f.state, f.run_id LIMIT 100");
    report_figures(r, "failures");
}

/* --- cost ----------------------------------------------------------------- */

static void row(struct report *r, const char *what, const char *planned,
                const char *spent)
{
    page_cell(r->page, "%s", what);
    page_cell(r->page, "%s", planned);
    page_cell(r->page, "%s", spent);
}

static const char *operations(char buf[32], double x)
{
    if (isnan(x))
        return strcpy(buf, "\u2013");
    return text_si(buf, x, 3);
}

void report_cost(struct report *r)
{
    char a[32], b[32];
    const double planned =
        report_number(r, "SELECT sum(flops_plan) FROM run JOIN point "
                         "USING(point_id) WHERE " RUN_OF_GRID);
    const double spent =
        report_number(r, "SELECT sum(flops) FROM result WHERE " RUN_OF_GRID);
    const double seconds =
        report_number(r, "SELECT sum(wall_s) FROM attempt WHERE " RUN_OF_GRID);
    const double lost =
        report_number(r, "SELECT sum(wall_s) FROM attempt WHERE outcome <> "
                         "'ok' AND " RUN_OF_GRID);

    page_section(r->page, "cost", "Cost");
    page_table(r->page, NULL);
    page_column(r->page, "quantity", false);
    page_column(r->page, "planned", true);
    page_column(r->page, "spent", true);
    row(r, "floating-point operations", operations(a, planned),
        operations(b, spent));
    row(r, "time of all slots together", "\u2013",
        isnan(seconds) ? "\u2013" : text_duration(b, seconds));
    row(r, "of which in attempts that gave no result", "\u2013",
        isnan(lost) ? "none" : text_duration(b, lost));
    if (spent > 0 && seconds > 0)
        row(r, "operations a second and slot", "\u2013",
            operations(b, spent / seconds));
    report_figures(r, "cost");
}
