/* expr.h - formulas of a grid: filters, derived keys, numbers of seeds.
 *
 * Names in formulas:
 *
 *   model.d_model ...   every key that is a number, yes/no (1/0) or a word
 *   quant.w ...         a quantizer stands for its element format: `quant.w ==
 *                       int4`; `none` when it is off; mxfp4 is e2m1
 *   quant.group         the number; `row` and `tensor` are numbers larger than
 *                       any group, so that `quant.group <= 128` means what it
 *                       says and `quant.group == row` works
 *   x.NAME              scratch numbers
 *   N_body N_embed N_head N_other N_total   parameters; N is N_body
 *   D steps             tokens and steps, whole steps; flops mem of the run
 *   bits exp_bits man_bits gmse   the first quantized operand's format (32 8
 *                       23 0 when there is none)
 *
 * A word with a hyphen is written with an underscore: e8m0_floor. */
#ifndef HARNESS_GRID_EXPR_H
#define HARNESS_GRID_EXPR_H

#include "base/expr.h"
#include "harness/grid/doc.h"
#include "trainer/size.h"

/* The point a formula is evaluated at.  A scratch number that is not set is
 * NaN.  The rest is filled in when a formula asks for it; view_reset forgets
 * it after the configuration has changed. */
struct point_view {
    const struct config *config;
    const double *scratch;
    bool resolved;
    bool sized;
    struct model_size size;
};
void view_reset(struct point_view *v);

/* Sizes, of a resolved copy when the configuration is not resolved yet. */
enum status view_size(struct point_view *v, struct err *err);

struct names; /* the names of one grid and their slots */
struct names *names_new(const struct doc *d);
void names_free(struct names *n);
int names_scratch(const struct names *n, const char *key); /* -1: none */
int names_n_scratch(const struct names *n);

struct formula {
    struct expr *expr;
    const struct doc_rule *rule;
    int *slots, n_slots; /* the slots it reads */
    bool near_said;      /* that a value is nearly another (derived keys) */
};

/* Errors say file, line and column.  The rule is kept by reference. */
enum status formula_parse(struct formula *f, struct names *n,
                          const struct doc_rule *rule, struct err *err);
void formula_release(struct formula *f);

/* ERR_CONFIG when a scratch number it reads has no value at this point, or
 * the result is not a number. */
enum status formula_eval(double *out, const struct formula *f, struct names *n,
                         struct point_view *v, struct err *err);

/* Does the formula depend on key, directly or through a computed name? */
bool formula_reads(const struct formula *f, const struct names *n,
                   const char *key);

#endif
