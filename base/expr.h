/* expr.h - the expression engine: one parser for laws, filters, derived keys
 * and stop rules, with exact derivatives.
 *
 *   expression = or [ "?" expression ":" expression ]
 *   or         = and { "||" and }
 *   and        = compare { "&&" compare }
 *   compare    = "not" compare | sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=")
 *                sum | ["not"] "in" "(" list ")" | ["not"] "between" sum "and"
 *                sum ]
 *   sum        = product { ("+" | "-") product }
 *   product    = unary { ("*" | "/") unary }
 *   unary      = ("-" | "+" | "!") unary | power
 *   power      = primary [ "^" unary ]                  right associative
 *   primary    = number | name | quoted word | name "(" list ")" | "(" expression ")"
 *
 * where SQL's "and", "or", "=" and "<>" are also read, in any case,
 * so that -2^2 = -4 and 2^3^2 = 512.  Numbers take the suffixes of str.h; those
 * of times (s m h d) only in a comparison with a time, "wall_s > 2h", where
 * they are seconds: N > 20m would be a thousand and two hundred and nobody's
 * meaning. Names are what the scope says they are: variables (slots),
 * constants, or words (enumeration values, comparable only with == and !=).
 *
 * An expression is compiled to nodes in evaluation order and evaluated over
 * blocks of rows; the exact gradient with respect to chosen slots follows
 * backwards through the same nodes.  Values have the same bits on every
 * machine (expr_math.h), those of sin cos tan asin acos atan erf aside, which
 * are the C library's. */
#ifndef BASE_EXPR_H
#define BASE_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum expr_kind {
    EXPR_SYM_SLOT,      /* a number that varies */
    EXPR_SYM_CONST,     /* a number */
    EXPR_SYM_WORD_SLOT, /* a word that varies */
    EXPR_SYM_WORD,      /* a word */
};

/* What a name stands for: slot for the SLOT kinds, value for the others
 * (a word's value is any number that tells it from other words). */
struct expr_symbol {
    enum expr_kind kind;
    int slot;
    double value;
};

/* How names are looked up.  find returns false for an unknown name; nearest
 * may be NULL or return a suggestion or NULL. */
struct expr_scope {
    bool (*find)(void *ctx, const char *name, struct expr_symbol *out);
    const char *(*nearest)(void *ctx, const char *name);
    void *ctx;
    bool same_bits; /* refuse functions that the C library computes: what a
                       grid derives is part of a run's identity */
};

struct expr;

/* Parse and compile text; the caller owns *out (expr_free).  Errors name the
 * column (from 1) and what was expected; nesting is limited to 200. */
enum status expr_parse(struct expr **out, const char *text,
                       const struct expr_scope *scope, struct err *err);
void expr_free(struct expr *e);

/* The value for one assignment of the slots. */
double expr_eval(const struct expr *e, const double *slots);

bool expr_uses(const struct expr *e, int slot);
int expr_max_slot(const struct expr *e); /* -1 when no slot is used */

/* The text with the fewest parentheses that parses to the same tree; names
 * come from the call-back.  The caller frees it. */
char *expr_print(const struct expr *e, const char *(*name)(void *ctx, int slot),
                 void *ctx);

/* Write 1 - exp(x), exp(x) - 1 and log(1 + x) with expm1 and log1p, which keep
 * the digits that these lose near 0, where a saturation has run to infinity.
 * Changes last bits, so it is for fits, not for what a grid derives. */
void expr_sharpen(struct expr *e);

/* True when e is affine in all n slots jointly: e = c + sum_i slot_i f_i with
 * c and f_i free of these slots.  Decided by inspection, so "false" may be
 * said of an expression that only simplifies to an affine one. */
bool expr_is_affine(const struct expr *e, const int *slots, int n);

/* The same, with inverse[i] meaning 1 / slot_i in place of slot_i, as in
 * D / (gamma N); inverse may be NULL. */
bool expr_is_affine_in(const struct expr *e, const int *slots,
                       const bool *inverse, int n);

/* How a slot enters: in an exponent; in a place where only positive numbers
 * have a finite value (under a logarithm, as the base of a power whose
 * exponent is not a plain whole number). */
bool expr_in_exponent(const struct expr *e, int slot);
bool expr_needs_positive(const struct expr *e, int slot);

/* Is e the slot and nothing else? */
bool expr_is_slot(const struct expr *e, int slot);

/* Does the slot make the factor fall that it is the exponent of: k of 1/x^k and
 * x^-k, in products and quotients alone? */
bool expr_is_fall(const struct expr *e, int slot);

/* The summands of an expression whose outermost operations are + and -, as
 * expressions of their own (signs included) that the caller frees; NULL past
 * the last. */
struct expr *expr_term(const struct expr *e, int i);

/* --- many rows, with gradient --------------------------------------------- */

/* A slot's values: one number for all rows, or a column. */
struct expr_input {
    const double *column; /* NULL: constant */
    double constant;
};

/* Buffers for one expression and one choice of the slots to differentiate.
 * Not shared between threads. */
struct expr_work;
struct expr_work *expr_work_new(const struct expr *e, const int *wrt,
                                int n_wrt);
void expr_work_free(struct expr_work *w);

/* value[rows], and unless grad is NULL grad[i * stride + row] for
 * i < n_wrt.  Derivatives of floor, round, comparisons are 0; of abs, min and
 * max at a tie, that of the first argument.  inputs has a row for each slot
 * up to expr_max_slot. */
void expr_eval_rows(struct expr_work *w, double *value, double *grad,
                    size_t stride, const struct expr_input *inputs,
                    size_t rows);

/* Compute once what depends only on columns that are not differentiated: such
 * nodes, and the logarithms under powers of them.  The promise: until the next
 * pin, calls have these rows in these columns and the same slots constant.
 * Results keep their bits. */
void expr_work_pin(struct expr_work *w, const struct expr_input *inputs,
                   size_t rows);

#endif
