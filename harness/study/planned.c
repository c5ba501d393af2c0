/* planned.c - the runs of a grid as a table, before there are any. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/grid/arm.h"
#include "harness/grid/gmse.h"
#include "harness/study/request.h"

static const char *const columns[] = { "point_id", "seed", "N",    "D",
                                       "G",        "B",    "E",    "M",
                                       "P",        "gmse", "fmt",  "quant",
                                       "flops",    "arm",  "post", "Ppost",
                                       "Pw",       "Pa",   "twin" };
#define N_COLUMNS (sizeof columns / sizeof columns[0])

static char *number(double x)
{
    char buf[32];

    return isnan(x) ? mem_strdup("") : mem_strdup(text_number(buf, x));
}

/* Bits of an element; 16 where nothing is rounded. */
static int bits_of(const struct quant_spec *s)
{
    return s->on ? 1 + s->elem.exp_bits + s->elem.man_bits : 16;
}

/* Bits in and after training. */
static void describe_bits(char *cells[3], const struct config *c)
{
    struct config *parent = config_base(c, IDENTITY_PARENT);
    struct arm after, before;

    arm_read(&after, c);
    arm_read(&before, parent);
    cells[0] = number(config_is_post(c) ? bits_of(&after.spec[OPERAND_W]) : 16);
    cells[1] = number(bits_of(&before.spec[OPERAND_W]));
    cells[2] = number(bits_of(&before.spec[OPERAND_X]));
    config_free(parent);
}

/* As study/input_sql.c and the columns of the table point say it. */
static void describe(char *cells[N_COLUMNS], const struct grid_point *p,
                     const struct config *c, bool gmse, struct gmse *known)
{
    struct arm a;
    const struct quant_spec *lead;
    const char *act, *grad;
    bool table;

    arm_read(&a, c);
    lead = a.lead >= 0 ? &a.spec[a.lead] : NULL;
    table = lead && lead->elem.kind == NUM_TABLE;
    act = a.spec[OPERAND_X].on ? a.spec[OPERAND_X].elem.name : NULL;
    grad = a.spec[OPERAND_DY_D].on   ? a.spec[OPERAND_DY_D].elem.name
           : a.spec[OPERAND_DY_G].on ? a.spec[OPERAND_DY_G].elem.name
                                     : NULL;
    cells[0] = mem_strdup(p->id);
    cells[2] = number((double)p->size.body);
    cells[3] = number((double)p->size.tokens);
    cells[4] = number(p->is_base ? 1 : a.group);
    cells[5] = mem_strdup(cells[4]);
    cells[6] = number(!lead ? 8 : table ? (double)NAN : lead->elem.exp_bits);
    cells[7] = number(!lead ? 23 : table ? (double)NAN : lead->elem.man_bits);
    cells[8] =
        number(lead ? 1 + lead->elem.exp_bits + lead->elem.man_bits : 32);
    cells[9] = number(!lead  ? 0
                      : gmse ? gmse_of(known, &lead->elem)
                             : (double)NAN);
    cells[10] = mem_strdup(lead ? lead->elem.name : "fp32");
    cells[11] = mem_printf("%s%s%s%s%s", a.lead > OPERAND_W ? "" : cells[10],
                           act ? "/" : "", act ? act : "", grad ? "//" : "",
                           grad ? grad : "");
    cells[12] = number(p->size.flops);
    cells[13] = arm_text(c, true);
    cells[14] = mem_strdup(p->is_post ? config_post_fit(c) : "");
    describe_bits(&cells[15], c);
}

static void add_runs(struct table *t, const struct grid_point *p,
                     const struct config *c, bool gmse, struct gmse *known)
{
    char *cells[N_COLUMNS] = { NULL };

    describe(cells, p, c, gmse, known);
    for (int s = 0; s < p->n_seeds; s++) {
        cells[1] = mem_printf("%llu", (unsigned long long)p->seeds[s]);
        cells[18] = mem_printf("%s/%s", p->twin, cells[1]);
        table_add_row(t, (int64_t)t->rows + 1, (const char *const *)cells);
        free(cells[1]);
        free(cells[18]);
        cells[1] = cells[18] = NULL;
    }
    for (size_t i = 0; i < N_COLUMNS; i++)
        free(cells[i]);
}

struct table *fit_planned_runs(const struct grid *g, bool gmse)
{
    struct table *t = table_new(g->path ? g->path : g->name, "run");
    struct gmse known = { .n = 0 };

    for (size_t i = 0; i < N_COLUMNS; i++)
        table_add_column(t, columns[i]);
    for (int i = 0; i < g->n_points; i++) {
        struct config *made = NULL;

        if (!g->points[i].chosen)
            continue;
        if (!g->points[i].config)
            made = grid_config(g, i);
        add_runs(t, &g->points[i], made ? made : g->points[i].config, gmse,
                 &known);
        config_free(made);
    }
    fit_input_formats(t);
    return t;
}
