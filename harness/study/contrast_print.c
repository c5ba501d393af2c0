/* contrast_print.c - a comparison as text and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/label.h"
#include "base/wrap.h"
#include "harness/study/contrast.h"
#include "harness/study/interval.h"

#define MOST_PAIRS 20 /* of grids; the largest differences */
#define PAIR       50 /* columns of what a pair is */

static const char *verdict(const struct contrast *c)
{
    return c->one_point  ? "seeds alone differ"
           : !c->known   ? "not known"
           : c->distinct ? "distinct"
                         : "not distinguishable";
}

static void add_padded(struct str *out, const char *text, size_t width)
{
    char *shown = label_visible(text ? text : "-");
    const size_t n = label_length(shown);

    str_add(out, shown);
    for (size_t i = n; i < width; i++)
        str_add_char(out, ' ');
    free(shown);
}

static size_t widest(const struct contrast *c, int column)
{
    size_t most = 8;

    for (int i = 0; i < c->n_keys; i++) {
        const struct contrast_key *k = &c->keys[i];
        char *shown = label_visible(column == 0 ? k->name : k->a ? k->a : "-");
        const size_t n = label_length(shown);

        most = n > most ? n : most;
        free(shown);
    }
    return most < 30 ? most : 30;
}

static void add_keys(struct str *out, const struct contrast *c)
{
    const size_t w0 = widest(c, 0) + 2, w1 = widest(c, 1) + 2;

    if (c->n_keys == 0) {
        str_add(out, "no key differs\n");
        return;
    }
    add_padded(out, "key", w0);
    add_padded(out, "a", w1);
    str_add(out, "b\n");
    for (int i = 0; i < c->n_keys; i++) {
        add_padded(out, c->keys[i].name, w0);
        add_padded(out, c->keys[i].a, w1);
        add_padded(out, c->keys[i].b, 0);
        str_add(out, "\n");
    }
}

static int by_size(const void *a, const void *b)
{
    const struct contrast_cell *x = *(const struct contrast_cell *const *)a;
    const struct contrast_cell *y = *(const struct contrast_cell *const *)b;
    const double u = fabs(x->b - x->a), v = fabs(y->b - y->a);

    return (u < v) - (u > v);
}

static void add_pairs(struct str *out, const struct contrast *c)
{
    const struct contrast_cell **cell =
        mem_array((size_t)c->n_cells + 1, sizeof *cell);
    size_t width = 8;

    for (int i = 0; i < c->n_cells; i++) {
        cell[i] = &c->cells[i];
        if (label_length(cell[i]->label) > width)
            width = label_length(cell[i]->label);
    }
    width = width < PAIR ? width : PAIR;
    if (c->n_cells > MOST_PAIRS)
        qsort(cell, (size_t)c->n_cells, sizeof *cell, by_size);
    str_add(out, "\n");
    add_padded(out, "pair", width + 2);
    str_add(out, "  loss a    loss b     b - a\n");
    for (int i = 0; i < c->n_cells && i < MOST_PAIRS; i++) {
        str_add_cell(out, cell[i]->label, width);
        str_addf(out, "  %8.4f  %8.4f  %+8.4f\n", cell[i]->a, cell[i]->b,
                 cell[i]->b - cell[i]->a);
    }
    if (c->n_cells > MOST_PAIRS)
        str_addf(out, "the %d largest of %d differences\n", MOST_PAIRS,
                 c->n_cells);
    free(cell);
}

/* Where the interval comes from, in words. */
static void add_source(struct str *out, const struct contrast *c)
{
    static const char *const circle[] = {
        [NOISE_UNKNOWN] = "",
        [NOISE_OF_POINTS] = "of these two points",
        [NOISE_OF_SIZE] = "of points of their N and D",
        [NOISE_OF_GRIDS] = "of all points of their grids",
    };

    if (c->noise_of != NOISE_UNKNOWN)
        str_addf(out,
                 "  (one pair: by chance such a difference has sd %.2g, from "
                 "the seeds\n  %s, %d degree%s of freedom)\n",
                 c->noise, circle[c->noise_of], c->noise_dof,
                 c->noise_dof == 1 ? "" : "s");
    else if (c->diff.error == CELLS_PATTERN)
        str_addf(out,
                 "  (one seed a cell: the error is the cells' scatter about a "
                 "pattern in N and D,\n  %.0f degrees of freedom)\n",
                 c->diff.dof);
    else if (c->grids && c->known)
        str_addf(out,
                 "  (errors of seeds within %d twins, %.3g degrees of "
                 "freedom)\n",
                 c->diff.strata, c->diff.dof);
}

static void add_verdict(struct str *out, const struct contrast *c)
{
    char *text = interval_text(c->diff.value, c->diff.lo, c->diff.hi);
    const char *unit = c->grids ? "cell" : "pair";

    if (c->one_point) {
        str_addf(out,
                 "\nb - a = %.3g nats per token: no key differs, so this "
                 "is what seeds differ by\n",
                 c->diff.value);
        if (c->noise_of != NOISE_UNKNOWN)
            add_source(out, c);
        free(text);
        return;
    }
    str_addf(out, "\nb - a = %s nats per token%s over %d %s%s", text,
             c->known ? ", 95 %" : "", c->n_cells, unit,
             c->n_cells == 1 ? "" : "s");
    free(text);
    if (!c->known)
        str_add(out, ":\n  there are too few seeds, or too few cells, to judge "
                     "chance\n");
    else if (!c->distinct)
        str_add(out, ":\n  not distinguishable\n");
    else
        str_addf(out, ":\n  b is %s\n", c->diff.value > 0 ? "worse" : "better");
    add_source(out, c);
}

static void add_left_out(struct str *out, const struct contrast *c)
{
    if (c->same)
        str_addf(out, "%d point%s in both grids and say%s nothing\n", c->same,
                 c->same == 1 ? " is" : "s are", c->same == 1 ? "s" : "");
    if (c->ambiguous)
        str_addf(out,
                 "%d point%s several partners of the same N, D and arm, and "
                 "%s left out\n",
                 c->ambiguous, c->ambiguous == 1 ? " has" : "s have",
                 c->ambiguous == 1 ? "is" : "are");
}

void contrast_text(struct str *out, const struct contrast *c)
{
    str_add(out, "a: ");
    add_padded(out, c->name_a, 0);
    str_add(out, "\nb: ");
    add_padded(out, c->name_b, 0);
    str_add(out, "\n\n");
    if (!c->grids || c->n_cells)
        add_keys(out, c);
    if (c->n_cells == 0) {
        str_add(out, c->grids ? "no cell of one has its like in the other, "
                                "with a seed that both have finished\n"
                              : "\nno seed of which both are finished\n");
        add_left_out(out, c);
        return;
    }
    add_pairs(out, c);
    add_left_out(out, c);
    add_verdict(out, c);
}

void contrast_json(struct str *out, const struct contrast *c)
{
    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/compare/1");
    json_add_text(out, "a", c->name_a);
    json_add_text(out, "b", c->name_b);
    str_add(out, ",\"keys\":[");
    for (int i = 0; i < c->n_keys; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "name", c->keys[i].name);
        if (c->keys[i].a)
            json_add_text(out, "a", c->keys[i].a);
        if (c->keys[i].b)
            json_add_text(out, "b", c->keys[i].b);
        str_add(out, "}");
    }
    str_add(out, "],\"pairs\":[");
    for (int i = 0; i < c->n_cells; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "what", c->cells[i].label);
        json_add_number(out, "a", c->cells[i].a);
        json_add_number(out, "b", c->cells[i].b);
        json_add_number(out, "seeds", c->cells[i].seeds);
        str_add(out, "}");
    }
    str_add(out, "]");
    json_add_number(out, "difference", c->diff.value);
    json_add_number(out, "lo95", c->diff.lo);
    json_add_number(out, "hi95", c->diff.hi);
    json_add_number(out, "dof", c->known ? c->diff.dof : (double)NAN);
    json_add_number(out, "noise_sd", c->noise);
    json_add_text(out, "verdict", verdict(c));
    str_add(out, "}\n");
}
