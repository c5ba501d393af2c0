#include "base/expr.h"

#include <string.h>

#include "base/expr_math.h"
#include "base/rng.h"
#include "tests/check.h"

/* x y z w are slots 0..3, pi a constant, fmt a word slot, int4 and e2m1 words.
 */
static bool find(void *ctx, const char *name, struct expr_symbol *out)
{
    static const struct {
        const char *name;
        struct expr_symbol symbol;
    } names[] = {
        { "x", { EXPR_SYM_SLOT, 0, 0 } },
        { "y", { EXPR_SYM_SLOT, 1, 0 } },
        { "z", { EXPR_SYM_SLOT, 2, 0 } },
        { "w", { EXPR_SYM_SLOT, 3, 0 } },
        { "fmt", { EXPR_SYM_WORD_SLOT, 4, 0 } },
        { "pi", { EXPR_SYM_CONST, 0, 3.25 } },
        { "int4", { EXPR_SYM_WORD, 0, 1 } },
        { "e2m1", { EXPR_SYM_WORD, 0, 2 } },
        { "k[BF16]", { EXPR_SYM_SLOT, 3, 0 } },
        { "wall_s", { EXPR_SYM_SLOT, 0, 0 } },
        { "run.timeout", { EXPR_SYM_SLOT, 0, 0 } },
        { "_runtime", { EXPR_SYM_SLOT, 1, 0 } },
    };

    (void)ctx;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].symbol;
            return true;
        }
    return false;
}

static const char *nearest(void *ctx, const char *name)
{
    static const char *const known[] = { "fmt", "int4", "e2m1" };

    (void)ctx;
    return text_nearest(name, known, 3);
}

static const struct expr_scope scope = { .find = find, .nearest = nearest };

static struct expr *parse(const char *text)
{
    struct expr *e;
    struct err err;

    check_ok(expr_parse(&e, text, &scope, &err), err);
    return e;
}

static double value_at(const char *text, double x, double y, double z)
{
    const double slots[5] = { x, y, z, 4, 2 };
    struct expr *e = parse(text);
    const double v = expr_eval(e, slots);

    expr_free(e);
    return v;
}

static void operators_bind_as_the_grammar_says(void **state)
{
    static const struct {
        const char *text;
        double want;
    } table[] = {
        { "-2^2", -4 },
        { "2^3^2", 512 },
        { "2^-1", 0.5 },
        { "2*3+4*5", 26 },
        { "2+3*4^2/8", 8 },
        { "7-4-2", 1 },
        { "64/8/2", 4 },
        { "-x^2", -9 },
        { "(-x)^2", 9 },
        { "1 < 2 && 3 < 2 || 1", 1 },
        { "0 && 0 || 1", 1 },
        { "0 && (0 || 1)", 0 },
        { "!0 + 1", 2 },
        { "!(x == 3)", 0 },
        { "x > 2 ? 10 : x > 1 ? 20 : 30", 10 },
        { "0 ? 1 : 0 ? 2 : 3", 3 },
        { "1 + 2 == 3", 1 },
        { "x != 3", 0 },
        { "x >= 3", 1 },
        { "x<=2", 0 },
        { "2Ki + 1k", 3048 },
        { "1.5M", 1.5e6 },
        { "min(4, 2) + max(1, 7)", 9 },
        { "round_to(100, 32)", 96 },
        { "floor(-1.5) + ceil(-1.5) + round(2.5)", 0 },
        { "log2(8) + log10(1000) + sqrt(16)", 10 },
        { "abs(-3) + exp(0) + log(1) + tanh(0)", 4 },
        { "fmt == e2m1", 1 },
        { "fmt != int4 && x == 3", 1 },
        { "k[BF16] * 2", 8 },
        { "pi", 3.25 },
        { "+ + 5", 5 },
        { "- -5", 5 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check_close(value_at(table[i].text, 3, 1, 1), table[i].want, 0);
}

/* What people bring from SQL means the same: x is 3, y 1. */
static void the_words_of_sql_are_understood(void **state)
{
    static const struct {
        const char *text;
        double want;
    } fine[] = {
        { "x > 1 and y = 1", 1 },
        { "x < 1 OR y <> 2 AND y <> 1", 0 },
        { "not x > 1", 0 },
        { "not not x > 1 and not y > 1", 1 },
        { "x in (1, 2, 3)", 1 },
        { "x not in (1, 2 + 2)", 1 },
        { "x + y in (4) and y in (0, 1)", 1 },
        { "x between 1 and 3 and y = 1", 1 },
        { "x not between 1 and 3", 0 },
        { "fmt = 'e2m1'", 1 },
        { "fmt <> \"int4\" and fmt in ('int4', 'e2m1')", 1 },
        { "(x = 3 or y = 7) = 1", 1 },
    };
    static const struct {
        const char *text, *says;
    } wrong[] = {
        { "x in 3", "column 6: expected '(' and a list" },
        { "x in (1, 2", "expected ')'" },
        { "x between 1 or 3", "expected 'and' of between" },
        { "fmt = 'e2m1", "column 7: a quote that never closes" },
        { "fmt = 'nothing'", "nothing is called 'nothing' here" },
        { "x = 'e2m1'", "a word can only be compared with a word" },
        { "x > 2B", "unexpected 'B' after a number; a billion is 1G" },
        { "x > 1_000", "write it without underscores" },
        { "x > 1,5", "unexpected ',5'; decimals are written with a point" },
        { "x = 1 = 1", "comparisons do not chain" },
    };
    struct expr *e;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        check_close(value_at(fine[i].text, 3, 1, 1), fine[i].want, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(expr_parse(&e, wrong[i].text, &scope, &err),
                         ERR_CONFIG);
        check_says(err, wrong[i].says);
    }
}

/* Minutes are no millions: x is 3600, y 90. */
static void times_stand_beside_times_only(void **state)
{
    static const struct {
        const char *text;
        double want;
    } fine[] = {
        { "wall_s == 1h", 1 },
        { "wall_s > 2 * 30m - 1s", 1 },
        { "(run.timeout) < (0.5d)", 1 },
        { "x > 2M || wall_s > 59m", 1 },
        { "_runtime / 30 < 1m && z < 2M", 1 },
        { "1h + wall_s", 7200 },
        { "1d == wall_s * 24 ? 4 : 5", 4 },
    };
    static const struct {
        const char *text, *says;
    } wrong[] = {
        { "x > 20m", "column 5: 20m is a time, and nothing here is one; the "
                     "suffixes of numbers are k M G T, as 20M" },
        { "2d", "column 1: 2d is a time" },
        { "x < 5h", "5h is a time" },
        { "min(x, 3s) > y", "column 8: 3s is a time" },
        { "wall_s > 1h && x > 1.5m", "column 20: 1.5m is a time" },
        { "x > 1m || wall_s > 1h", "column 5: 1m is a time" },
        { "wall_s > 1h ? x * 2m : 0", "column 19: 2m is a time" },
        { "!(x == 1e3s)", "1e3s is a time" },
    };
    struct expr *e;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        check_close(value_at(fine[i].text, 3600, 90, 1), fine[i].want, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (expr_parse(&e, wrong[i].text, &scope, &err) != ERR_CONFIG)
            fail_msg("read: %s", wrong[i].text);
        check_says(err, wrong[i].says);
    }
}

static void a_mistake_is_told_with_its_column(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        { "", "column 1: expected a number" },
        { "1 +", "column 4: expected a number" },
        { "1 + q", "column 5: unknown name 'q'" },
        { "fmtt == int4", "column 1: unknown name 'fmtt', did you mean 'fmt'" },
        { "1 + lgo(2)",
          "column 5: unknown function 'lgo', did you mean 'log'" },
        { "min(1)", "column 1: min takes 2 arguments, not 1" },
        { "log(1, 2)", "column 1: log takes 1 argument, not 2" },
        { "(1 + 2", "column 7: expected ')'" },
        { "1 + 2)", "column 6: unexpected ')'" },
        { "1 2", "column 3: unexpected '2'" },
        { "2x", "column 2: unexpected 'x' after a number" },
        { "1 < x < 3", "comparisons do not chain" },
        { "fmt + 1", "column 5: a word can only be compared" },
        { "fmt == 1", "column 5: a word can only be compared with a word" },
        { "fmt < int4", "column 5: a word can only be compared" },
        { "fmt", "column 1: a word can only be compared" },
        { "x ? 1", "expected ':'" },
        { "1 ++ $", "column 6: unexpected '$'" },
    };
    struct expr *e;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(expr_parse(&e, table[i].text, &scope, &err),
                         ERR_CONFIG);
        assert_null(e);
        check_says(err, table[i].says);
    }
}

static void nesting_is_limited_on_every_path(void **state)
{
    static const char *const openers[] = {
        "(", "-", "!", "abs(", "x^", "1?1:"
    };
    struct expr *e;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof openers / sizeof openers[0]; i++) {
        struct str s = { 0 };

        for (int k = 0; k < 100000; k++)
            str_add(&s, openers[i]);
        assert_int_equal(expr_parse(&e, str_text(&s), &scope, &err),
                         ERR_CONFIG);
        check_says(err, "nested too deeply");
        str_release(&s);
    }
}

static const char *slot_name(void *ctx, int slot)
{
    static const char *const names[] = { "x", "y", "z", "w", "fmt" };

    (void)ctx;
    return names[slot];
}

/* A random expression text from the grammar, to the given depth. */
static void grow(struct str *s, uint64_t key, uint64_t *i, int depth)
{
    static const char *const binary[] = { "+", "-",  "*",  "/", "^",
                                          "<", "==", "&&", "||" };
    static const char *const calls[] = { "log", "exp",  "sqrt",
                                         "abs", "tanh", "floor" };
    const uint64_t kind =
        depth == 0 ? rng_below(key, (*i)++, 2) : rng_below(key, (*i)++, 8);

    if (kind == 0) {
        str_addf(s, "%g", (double)rng_below(key, (*i)++, 9) / 2);
    } else if (kind == 1) {
        str_add(s, slot_name(NULL, (int)rng_below(key, (*i)++, 4)));
    } else if (kind == 2) {
        str_add(s, rng_below(key, (*i)++, 2) ? "-(" : "!(");
        grow(s, key, i, depth - 1);
        str_add(s, ")");
    } else if (kind == 3) {
        str_addf(s, "%s(", calls[rng_below(key, (*i)++, 6)]);
        grow(s, key, i, depth - 1);
        str_add(s, ")");
    } else {
        str_add(s, "(");
        grow(s, key, i, depth - 1);
        str_addf(s, ")%s(", binary[rng_below(key, (*i)++, 9)]);
        grow(s, key, i, depth - 1);
        str_add(s, ")");
    }
}

static bool same(double a, double b)
{
    return a == b || (a != a && b != b);
}

static void printed_text_parses_to_the_same_tree(void **state)
{
    const uint64_t key = rng_key(1, RNG_TEST, 0);

    (void)state;
    for (uint64_t n = 0, i = 0; n < 3000; n++) {
        const double slots[5] = { rng_f64(key, i + 1) * 4 - 2,
                                  rng_f64(key, i + 2) * 4, 3, 0.5, 1 };
        struct str s = { 0 };
        struct expr *a, *b;
        char *once, *twice;

        grow(&s, key, &i, 5);
        a = parse(str_text(&s));
        once = expr_print(a, slot_name, NULL);
        if (strstr(once, "inf") || strstr(once, "nan"))
            fail_msg("%s is no expression", once);
        b = parse(once);
        twice = expr_print(b, slot_name, NULL);
        assert_string_equal(once, twice);
        if (!same(expr_eval(a, slots), expr_eval(b, slots)))
            fail_msg("%s and %s differ", str_text(&s), once);
        assert_true(strlen(once) <= s.len + 8 * 24); /* numbers in full */
        str_release(&s);
        free(once);
        free(twice);
        expr_free(a);
        expr_free(b);
    }
}

static void printing_needs_no_parentheses_that_the_reader_does_not(void **state)
{
    static const char *const table[] = {
        "x + y*z^w",     "(x + y)*z",       "x - (y - z)",
        "x/(y/z)",       "(x^y)^z",         "x^y^z",
        "-x^2",          "(-x)^2",          "x^-y",
        "x < y ? z : w", "(x ? y : z) + 1", "!x && y || z",
        "log(x + 1)*2",  "min(x, y + 1)/z", "x*-2",
        "(x == y) + 1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct expr *e = parse(table[i]);
        char *text = expr_print(e, slot_name, NULL);

        assert_string_equal(text, table[i]);
        free(text);
        expr_free(e);
    }
}

static void affine_is_decided_by_inspection(void **state)
{
    static const int xy[] = { 0, 1 };
    static const struct {
        const char *text;
        bool affine;
    } table[] = {
        { "x + y", true },
        { "x*z + y/w + 3", true },
        { "-(x - y)*exp(z)", true },
        { "z > 0 ? x : y", true },
        { "z^w", true },
        { "x*y", false },
        { "x^1", false },
        { "x/y", false },
        { "exp(x)", false },
        { "x > 0 ? z : w", false },
        { "min(x, 1)", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct expr *e = parse(table[i].text);

        if (expr_is_affine(e, xy, 2) != table[i].affine)
            fail_msg("%s is %saffine in x, y", table[i].text,
                     table[i].affine ? "" : "not ");
        expr_free(e);
    }
}

static void a_divisor_is_affine_through_its_inverse(void **state)
{
    static const int xy[] = { 0, 1 };
    static const bool inverse[] = { false, true };
    static const struct {
        const char *text;
        bool affine;
    } table[] = {
        { "x + z/(y*w^2)", true },  { "x + z/y/w", true },
        { "x + z/(2*y)", true },    { "x/y", false },
        { "x + y", false },         { "x + z*y", false },
        { "x + z/(y + 1)", false }, { "x + z/y^2", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct expr *e = parse(table[i].text);

        if (expr_is_affine_in(e, xy, inverse, 2) != table[i].affine)
            fail_msg("%s is %saffine in x, 1/y", table[i].text,
                     table[i].affine ? "" : "not ");
        expr_free(e);
    }
}

static void the_place_of_a_name_is_found(void **state)
{
    struct expr *e = parse("x*y^-z + log2(w) + (x*y)^2");

    (void)state;
    assert_true(expr_in_exponent(e, 2));
    assert_false(expr_in_exponent(e, 1));
    assert_true(expr_needs_positive(e, 1));
    assert_true(expr_needs_positive(e, 3));
    assert_false(expr_needs_positive(e, 0));
    assert_true(expr_uses(e, 3));
    assert_false(expr_uses(e, 4));
    assert_int_equal(expr_max_slot(e), 3);
    expr_free(e);
}

static void terms_are_the_signed_summands(void **state)
{
    static const char *const want[] = { "x", "y*z", "-(2*(z + w))", "-2",
                                        "log(x + y)" };
    struct expr *e = parse("x + (y*z - (2*(z + w) + 2 - log(x + y)))");

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct expr *t = expr_term(e, i);
        char *text;

        assert_non_null(t);
        text = expr_print(t, slot_name, NULL);
        assert_string_equal(text, want[i]);
        free(text);
        expr_free(t);
    }
    assert_null(expr_term(e, 5));
    expr_free(e);
}

#define ROWS 150 /* more than two blocks, and a rest */

/* d value / d slot by central differences, fourth order. */
static double difference(const struct expr *e, const double *at, int slot)
{
    const double h = 1e-3 * fmax(fabs(at[slot]), 0.1);
    double s[5], f[4];
    static const double step[4] = { -2, -1, 1, 2 };

    memcpy(s, at, sizeof s);
    for (int k = 0; k < 4; k++) {
        s[slot] = at[slot] + step[k] * h;
        f[k] = expr_eval(e, s);
    }
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
}

/* Every operation, with each argument varied, and compositions in which one
 * slot enters several times. */
static const char *const smooth[] = {
    "x + y",
    "x - y",
    "x*y",
    "x/y",
    "x^y",
    "-x",
    "log(x)",
    "log2(x)",
    "log10(x)",
    "exp(x)",
    "sqrt(x)",
    "abs(x - 9)",
    "tanh(x)",
    "expm1(x - 1)",
    "log1p(x*y)",
    "sinh(x - y)",
    "cosh(x - y)",
    "cbrt(x - 9)",
    "hypot(x, y)",
    "sin(x*y)",
    "cos(x*y)",
    "tan(x/4)",
    "asin(x/3)",
    "acos(x/3)",
    "atan(x - y)",
    "erf(x - 1)",
    "min(x, y)",
    "max(x, y)",
    "x > y ? x*z : y*z",
    "x^2",
    "x^-3",
    "x^0.5",
    "2^x",
    "z + x/y^w + w*x^-z",
    "x*x*x - x/x + x^x",
    "(x + y)^(z - w)^2",
    "exp(-(x - y)^2/z^2)",
    "x*(1 - exp(-y*z))",
    "6^(y/2)*(z*x)^y",
    "log(exp(x) + exp(y) + exp(z))",
    "x/(y*(z + 0.5)^w*(w + 0.5)^z)",
};

static void gradients_agree_with_central_differences(void **state)
{
    static const int wrt[] = { 0, 1, 2, 3 };
    const uint64_t key = rng_key(2, RNG_TEST, 0);

    (void)state;
    for (size_t t = 0; t < sizeof smooth / sizeof smooth[0]; t++) {
        struct expr *e = parse(smooth[t]);
        struct expr_work *w = expr_work_new(e, wrt, 4);
        double column[4][ROWS], v[ROWS], g[4 * ROWS];
        struct expr_input in[5] = { { column[0], 0 },
                                    { column[1], 0 },
                                    { column[2], 0 },
                                    { NULL, 0.75 },
                                    { NULL, 0 } };

        for (int k = 0; k < 3; k++)
            for (uint64_t r = 0; r < ROWS; r++)
                column[k][r] = 0.3 + 2 * rng_f64(key, 3 * r + (uint64_t)k);
        expr_eval_rows(w, v, g, ROWS, in, ROWS);
        for (int r = 0; r < ROWS; r++) {
            const double at[5] = { column[0][r], column[1][r], column[2][r],
                                   0.75, 0 };

            check_close(v[r], expr_eval(e, at), 0);
            for (int k = 0; k < 4; k++)
                if (fabs(at[0] - at[1]) > 0.02) /* off the kinks */
                    check_close(g[k * ROWS + r], difference(e, at, k),
                                1e-8 * (1 + fabs(g[k * ROWS + r])));
        }
        expr_work_free(w);
        expr_free(e);
    }
}

static void steps_and_comparisons_have_derivative_zero(void **state)
{
    static const char *const flat[] = {
        "round(x)", "floor(x)", "ceil(x)", "round_to(x, 3)", "x < 2",
        "!x",       "x && y",   "x || y",  "x == 1",         "x != 1",
        "x >= 1",   "x > 1",    "x <= 1",
    };
    static const int wrt[] = { 0 };
    const double x[3] = { 0.4, 1.7, 3.2 };
    const struct expr_input in[2] = { { x, 0 }, { NULL, 1 } };

    (void)state;
    for (size_t t = 0; t < sizeof flat / sizeof flat[0]; t++) {
        struct expr *e = parse(flat[t]);
        struct expr_work *w = expr_work_new(e, wrt, 1);
        double v[3], g[3] = { 9, 9, 9 };

        expr_eval_rows(w, v, g, 3, in, 3);
        for (int r = 0; r < 3; r++)
            check_close(g[r], 0, 0);
        expr_work_free(w);
        expr_free(e);
    }
}

static void ties_and_edges_take_the_documented_side(void **state)
{
    static const struct {
        const char *text;
        double x, y, dx, dy;
    } table[] = {
        { "min(x, y)", 2, 2, 1, 0 },
        { "max(x, y)", 2, 2, 1, 0 },
        { "abs(x) + 0*y", 0, 1, 1, 0 },
        { "x^y", 0, 2, 0, 0 },
        { "x^y", 0, 1, 1, 0 },
        { "y > 1 ? x*log2(y)^x : x", 3, 1, 1, 0 },
        { "x > 0 ? log(x) : y", 0, 1, 0, 1 }, /* the branch not taken is inf */
        { "x > 0 ? y/x : y", 0, 1, 0, 1 },
    };
    static const int wrt[] = { 0, 1 };

    (void)state;
    for (size_t t = 0; t < sizeof table / sizeof table[0]; t++) {
        struct expr *e = parse(table[t].text);
        struct expr_work *w = expr_work_new(e, wrt, 2);
        const struct expr_input in[2] = { { &table[t].x, 0 },
                                          { &table[t].y, 0 } };
        double v, g[2];

        expr_eval_rows(w, &v, g, 1, in, 1);
        check_close(g[0], table[t].dx, 0);
        check_close(g[1], table[t].dy, 0);
        expr_work_free(w);
        expr_free(e);
    }
}

static void pins_change_nothing_but_the_time(void **state)
{
    static const int wrt[] = { 2, 3 };
    static const char *const texts[] = {
        "z/x^w + y^z*log2(x*y)^w",
        "z*x^2 + w*x^0.5 + (x - 1.5)^w",
        "x > 1 ? z*y^w : w*log(x)",
        "x^y*z",
        "z + w",
    };
    double x[ROWS], y[ROWS], v[2][ROWS], g[2][2 * ROWS];
    const uint64_t key = rng_key(3, RNG_TEST, 0);

    (void)state;
    for (uint64_t r = 0; r < ROWS; r++) {
        x[r] = 2.5 * rng_f64(key, r);
        y[r] = 1 + rng_f64(key, ROWS + r);
    }
    x[70] = 0;
    x[71] = -1;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        struct expr *e = parse(texts[t]);
        struct expr_work *w[2] = { expr_work_new(e, wrt, 2),
                                   expr_work_new(e, wrt, 2) };
        struct expr_input in[4] = {
            { x, 0 }, { y, 0 }, { NULL, 0.7 }, { NULL, 1.3 }
        };

        expr_work_pin(w[1], in, ROWS);
        for (int round = 0; round < 3; round++) {
            in[2].constant += 0.1 * round;
            in[3].constant -= 0.3 * round; /* 1.3, 1, 0.4 */
            for (int k = 0; k < 2; k++)
                expr_eval_rows(w[k], v[k], g[k], ROWS, in, ROWS);
            for (int r = 0; r < ROWS; r++)
                if (!same(v[0][r], v[1][r]) || !same(g[0][r], g[1][r]) ||
                    !same(g[0][ROWS + r], g[1][ROWS + r]))
                    fail_msg("%s, row %d: %g and %g", texts[t], r, v[0][r],
                             v[1][r]);
        }
        expr_work_free(w[0]);
        expr_work_free(w[1]);
        expr_free(e);
    }
}

static double ulps(double got, long double want)
{
    int e;

    frexp((double)want, &e);
    return fabs((double)((long double)got - want)) / ldexp(1, e - 53);
}

/* Against the C library in long double, with the bounds of expr_math.h. */
static void functions_keep_their_error_bounds(void **state)
{
    const uint64_t key = rng_key(4, RNG_TEST, 0);

    (void)state;
    check_need_long_double();
    for (uint64_t i = 0; i < 300000; i++) {
        const double u = rng_f64(key, 3 * i), v = rng_f64(key, 3 * i + 1);
        const double x = 1400 * u - 700,
                     a = exp((v - 0.5) * (i % 2 ? 1400 : 1));
        const double b = 8 * rng_f64(key, 3 * i + 2) - 4;
        const double c = exp(40 * v - 20);

        assert_true(ulps(expr_exp1(x), expl(x)) < 2);
        assert_true(ulps(expr_log1(a), logl(a)) < 2);
        assert_true(ulps(expr_log2_1(a), log2l(a)) < 2);
        assert_true(ulps(expr_log10_1(a), log10l(a)) < 3);
        assert_true(ulps(expr_tanh1(x / 200), tanhl(x / 200)) < 4);
        assert_true(ulps(expr_expm1_1(b), expm1l(b)) < 4);
        assert_true(ulps(expr_expm1_1(x / 1e6), expm1l(x / 1e6)) < 4);
        assert_true(ulps(expr_log1p_1(a), log1pl(a)) < 4);
        assert_true(ulps(expr_log1p_1(-u), log1pl(-u)) < 4);
        assert_true(ulps(expr_log1p_1(x / 1e6), log1pl(x / 1e6)) < 4);
        assert_true(ulps(expr_sinh1(x), sinhl(x)) < 4);
        assert_true(ulps(expr_cosh1(x), coshl(x)) < 4);
        assert_true(ulps(expr_sinh1(b), sinhl(b)) < 4);
        assert_true(ulps(expr_cosh1(b), coshl(b)) < 4);
        assert_true(ulps(expr_cbrt1(x), cbrtl(x)) < 2);
        assert_true(ulps(expr_hypot1(x, b), hypotl(x, b)) < 2);
        assert_true(ulps(expr_pow1(c, b), powl(c, b)) <
                    2 * (1 + fabs(b * log(c))));
    }
}

static void functions_treat_special_numbers_as_ieee_does(void **state)
{
    (void)state;
    assert_true(expr_exp1(INFINITY) == INFINITY && expr_exp1(800) == INFINITY);
    assert_true(expr_exp1(-INFINITY) == 0 && isnan(expr_exp1(NAN)));
    assert_true(expr_log1(0) == -INFINITY && expr_log1(INFINITY) == INFINITY);
    assert_true(isnan(expr_log1(-1)) && isnan(expr_log1(NAN)));
    check_relative(expr_log1(5e-324), log(5e-324), 1e-15);
    assert_true(expr_pow1(0, 2.5) == 0 && expr_pow1(0, -1.5) == INFINITY);
    assert_true(expr_pow1(0, 0) == 1 && isnan(expr_pow1(-2, 0.5)));
    assert_true(expr_pow1(-2, 3) == -8 && isnan(expr_pow1(2, NAN)));
    assert_true(expr_tanh1(100) == 1 && isnan(expr_tanh1(NAN)));
    assert_true(expr_expm1_1(-INFINITY) == -1 &&
                expr_expm1_1(800) == INFINITY && isnan(expr_expm1_1(NAN)));
    assert_true(expr_log1p_1(-1) == -INFINITY && isnan(expr_log1p_1(-2)) &&
                expr_log1p_1(INFINITY) == INFINITY);
    assert_true(expr_sinh1(-800) == -INFINITY && isnan(expr_sinh1(NAN)) &&
                expr_cosh1(-800) == INFINITY && isnan(expr_cosh1(NAN)));
    assert_true(expr_cbrt1(-27) == -3 && expr_cbrt1(0) == 0 &&
                expr_cbrt1(-INFINITY) == -INFINITY && isnan(expr_cbrt1(NAN)));
    assert_true(expr_hypot1(3e300, 4e300) == 5e300 && expr_hypot1(0, 0) == 0 &&
                expr_hypot1(INFINITY, NAN) == INFINITY &&
                isnan(expr_hypot1(NAN, 1)));
    for (int e = -300; e <= 300; e++)
        assert_true(expr_log2_1(ldexp(1, e)) == e);
    for (int e = -22; e <= 22; e++)
        assert_true(expr_log10_1(expr_pow_product(10, e)) == e);
}

static void differences_keep_their_digits_when_sharpened(void **state)
{
    static const struct {
        const char *text;
        double at_1e_9; /* exact to the last digits shown */
    } table[] = {
        { "1 - exp(-x)", 9.9999999950000000e-10 },
        { "exp(x) - 1", 1.0000000005000000e-9 },
        { "-1 + exp(x)", 1.0000000005000000e-9 },
        { "exp(x) + -1", 1.0000000005000000e-9 },
        { "log(1 + x)", 9.9999999950000000e-10 },
        { "log(x + 1)", 9.9999999950000000e-10 },
        { "2*(1 - exp(-x))/x - y", 2 * 0.99999999950000000 },
    };
    static const char *const kept[] = { "1 + exp(x)", "2 - exp(x)",
                                        "exp(x) + 1", "log(2 + x)",
                                        "exp(x) - y", "log(1 - x)" };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct expr *e = parse(table[i].text);
        const double at[5] = { 1e-9 };

        expr_sharpen(e);
        check_relative(expr_eval(e, at), table[i].at_1e_9, 4e-16);
        expr_free(e);
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct expr *e = parse(kept[i]);
        const double at[5] = { 0.3, 0.7 };
        const double before = expr_eval(e, at);

        expr_sharpen(e);
        check_close(expr_eval(e, at), before, 0);
        expr_free(e);
    }
}

static void what_a_grid_derives_has_the_same_bits_everywhere(void **state)
{
    struct expr_scope strict = scope;
    struct expr *e;
    struct err err;

    (void)state;
    strict.same_bits = true;
    assert_int_equal(expr_parse(&e, "1 + sin(x)", &strict, &err), ERR_CONFIG);
    check_says(err, "column 5: sin differs between machines");
    assert_int_equal(expr_parse(&e, "erf(x)", &strict, &err), ERR_CONFIG);
    check_ok(expr_parse(&e, "expm1(cbrt(hypot(x, y)))", &strict, &err), err);
    expr_free(e);
}

/* Neither a crash nor a leak nor an error without a column (the sanitizers
 * watch); what parses prints and evaluates. */
static void garbage_is_refused_or_read_but_never_trusted(void **state)
{
    static const char alphabet[] = "xyzfmt012.eE+-*/^()<>=!&|?:,[] \t_kKi\x80";
    const uint64_t key = rng_key(5, RNG_TEST, 0);
    const double slots[5] = { 1, 2, 3, 4, 1 };
    int parsed = 0;

    (void)state;
    for (uint64_t n = 0, i = 0; n < 100000; n++) {
        char text[24];
        const size_t len = rng_below(key, i++, sizeof text - 1);
        struct expr *e = NULL;
        struct err err = { 0 };

        for (size_t k = 0; k < len; k++)
            text[k] = alphabet[rng_below(key, i++, sizeof alphabet - 1)];
        text[len] = '\0';
        if (expr_parse(&e, text, &scope, &err) != OK) {
            check_says(err, "column ");
            assert_null(e);
            continue;
        }
        (void)expr_eval(e, slots);
        parsed++;
        expr_free(e);
    }
    assert_true(parsed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_as_the_grammar_says),
        cmocka_unit_test(the_words_of_sql_are_understood),
        cmocka_unit_test(times_stand_beside_times_only),
        cmocka_unit_test(a_mistake_is_told_with_its_column),
        cmocka_unit_test(nesting_is_limited_on_every_path),
        cmocka_unit_test(printed_text_parses_to_the_same_tree),
        cmocka_unit_test(
            printing_needs_no_parentheses_that_the_reader_does_not),
        cmocka_unit_test(affine_is_decided_by_inspection),
        cmocka_unit_test(a_divisor_is_affine_through_its_inverse),
        cmocka_unit_test(the_place_of_a_name_is_found),
        cmocka_unit_test(terms_are_the_signed_summands),
        cmocka_unit_test(gradients_agree_with_central_differences),
        cmocka_unit_test(steps_and_comparisons_have_derivative_zero),
        cmocka_unit_test(ties_and_edges_take_the_documented_side),
        cmocka_unit_test(pins_change_nothing_but_the_time),
        cmocka_unit_test(functions_keep_their_error_bounds),
        cmocka_unit_test(differences_keep_their_digits_when_sharpened),
        cmocka_unit_test(what_a_grid_derives_has_the_same_bits_everywhere),
        cmocka_unit_test(functions_treat_special_numbers_as_ieee_does),
        cmocka_unit_test(garbage_is_refused_or_read_but_never_trusted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
