/* Laws evaluated from a stored fit; means and comparisons from the database.
 *
 * The law values are those of the published constants, computed outside this
 * program: arXiv:2505.14302 table 1 and arXiv:2501.02423 table 2. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/str.h"
#include "db/handle.h"
#include "harness/figures/plot.h"
#include "harness/study/contrast.h"
#include "harness/study/interval.h"
#include "tests/check.h"

/* The program's verbs, which nothing here asks for. */
static char path[] = "/tmp/qlaw-law-XXXXXX";
static struct db *db;

static void sql(const char *text)
{
    char *message = NULL;

    if (sqlite3_exec(db->handle, text, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", message, text);
}

static int set_up(void **state)
{
    struct err err = { 0 };
    const int fd = mkstemp(path);

    (void)state;
    close(fd);
    unlink(path);
    check_ok(db_open(&db, path, DB_WRITE, &err), err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    return unlink(path);
}

/* --- laws
 * ---------------------------------------------------------------------- */

static void add_fit(int id, const char *law, const char *formula,
                    const char *params)
{
    char *text = mem_printf(
        "INSERT INTO fit(fit_id, name, law, expr, n_def, selection, loss_fn, "
        "n_starts, rng_seed, n_points, n_params, converged, status, "
        "data_sha256, created_at) VALUES(%d,'t','%s','%s','body','{}','l2',1,1,"
        "1,1,1,'ok','','');",
        id, law, formula);

    sql(text);
    free(text);
    for (const char *p = params; *p; p += strcspn(p, " "), p += *p == ' ') {
        const size_t n = strcspn(p, "="), all = strcspn(p, " ");

        text = mem_printf("INSERT INTO fit_param(fit_id, name, value) "
                          "VALUES(%d,'%.*s',%.*s)",
                          id, (int)n, p, (int)(all - n - 1), p + n + 1);
        sql(text);
        free(text);
    }
}

static struct plot_fit *read_fit(int id)
{
    struct plot_fit *f = NULL;
    struct err err = { 0 };

    check_ok(plot_fit_read(&f, db, NULL, id, &err), err);
    if (f->why)
        fail_msg("%s", f->why);
    return f;
}

static struct plot_point point(double n, double d, const char *fmt)
{
    return (struct plot_point){ .N = n,
                                .D = d,
                                .fmt = (char *)fmt,
                                .act_fmt = "",
                                .arm = "",
                                .family = "",
                                .quant = (char *)fmt,
                                .gran = "group",
                                .known = true };
}

static void a_law_with_a_parameter_for_each_format(void **state)
{
    struct plot_point p = point(595e6, 100e9, "int4");
    struct plot_fit *f;

    (void)state;
    add_fit(1, "qat-delta",
            "loss = E + A/N^alpha + B/D^beta + k*D^gD*log2(G)^gG/N^gN",
            "E=1.9279 A=237.7042 alpha=0.3022 B=596.249 beta=0.3022 "
            "k[int4]=0.1582 k[fp32]=0 gN=0.2186 gD=0.0745 gG=0.7779");
    f = read_fit(1);
    assert_string_equal(f->response, "loss");
    p.G = 32;
    check_close(plot_fit_delta(f, &p), 0.044089, 5e-7);
    check_close(plot_fit_base(f, &p), 2.740661, 5e-7);
    check_close(plot_fit_loss(f, &p), 2.740661 + 0.044089, 1e-6);
    p.G = 256;
    check_close(plot_fit_delta(f, &p), 0.063549, 5e-7);
    /* effective size: 0.7677 at G = 32, 0.6875 at G = 256 */
    check_close(plot_fit_share(f, &p), 0.6875, 5e-5);
    p.G = 32;
    check_close(plot_fit_share(f, &p), 0.7677, 5e-5);
    p.quant = p.fmt = "e5m2"; /* not fitted */
    assert_true(isnan(plot_fit_delta(f, &p)));
    p.base = true; /* the twin has no group */
    check_close(plot_fit_loss(f, &p), 2.740661, 5e-7);
    plot_fit_free(f);
}

/* E is the floor there and the exponent bits here. */
static void a_law_in_exponent_and_mantissa_bits(void **state)
{
    static const struct {
        double e, m, b, want;
    } known[] = {
        /* N = 1,233,125,376, D = 104,857,600,000 */
        { 1, 1, 32, 2.65973 },
        { 2, 1, 32, 2.55890 },
        { 4, 3, 64, 2.53472 },
        { 1, 2, 512, 2.58425 },
    };
    struct plot_point p = point(1233125376, 104857600000, "x");
    struct plot_fit *f;

    (void)state;
    add_fit(2, "capybara",
            "loss = n/N^alpha + d/D^beta + eps + D^beta/N^alpha*log2(B)/"
            "(gamma*(E + 0.5)^delta*(M + 0.5)^nu)",
            "n=69.2343 alpha=0.2368 d=68973.0621 beta=0.5162 eps=1.9061 "
            "gamma=11334.5197 delta=3.1926 nu=2.9543");
    f = read_fit(2);
    assert_true(plot_fit_uses(f, "E") && plot_fit_uses(f, "M"));
    assert_false(plot_fit_uses(f, "gmse"));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        p.E = known[i].e;
        p.M = known[i].m;
        p.G = known[i].b;
        check_close(plot_fit_loss(f, &p), known[i].want, 6e-6);
    }
    check_close(plot_fit_base(f, &p), 2.53435, 6e-6);
    plot_fit_free(f);
}

/* A multiplier is 1 for the twin although no parameter says so. */
static void a_multiplier_is_one_for_the_twin(void **state)
{
    struct plot_point p = point(1e8, 1e10, "int4");
    struct plot_fit *f;
    double base, want;

    (void)state;
    add_fit(3, "epm", "loss = E + A/(N*eff)^alpha + B/D^beta",
            "E=1.9 A=200 alpha=0.3 B=500 beta=0.3 eff[int4]=0.5");
    f = read_fit(3);
    base = 1.9 + 200 / pow(1e8, 0.3) + 500 / pow(1e10, 0.3);
    want = 1.9 + 200 / pow(0.5e8, 0.3) + 500 / pow(1e10, 0.3);
    check_relative(plot_fit_base(f, &p), base, 1e-14);
    check_relative(plot_fit_loss(f, &p), want, 1e-14);
    check_close(plot_fit_share(f, &p), 0.5, 1e-9);
    plot_fit_free(f);
}

static void a_formula_with_an_unknown_name_is_told_and_not_drawn(void **state)
{
    struct plot_point p = point(1e8, 1e10, "int4");
    struct plot_fit *f = NULL;
    struct err err = { 0 };

    (void)state;
    add_fit(4, "formula", "loss = E + A/width^alpha", "E=1 A=2 alpha=0.3");
    check_ok(plot_fit_read(&f, db, NULL, 4, &err), err);
    assert_non_null(strstr(f->why, "width"));
    assert_true(isnan(plot_fit_loss(f, &p)));
    plot_fit_free(f);
    assert_int_equal(plot_fit_read(&f, db, NULL, 99, &err), ERR_USAGE);
    check_says(err, "holds no fit 99");
}

/* --- intervals
 * ------------------------------------------------------------------ */

/* Student 1908's sleep data, the differences: mean 1.58, 95 % interval from
 * 0.7001 to 2.4599 (R's t.test). */
static void a_mean_has_students_interval(void **state)
{
    static const double sleep[] = { 1.2, 2.4, 1.3, 1.3, 0.0,
                                    1.0, 1.8, 0.8, 4.6, 1.4 };
    const struct interval m = interval_of(sleep, 10);

    (void)state;
    check_close(m.mean, 1.58, 1e-12);
    check_close(m.lo, 0.7001142, 1e-6);
    check_close(m.hi, 2.4598858, 1e-6);
    assert_true(isnan(interval_of(sleep, 1).lo));
    assert_true(isnan(interval_of(sleep, 0).mean));
}

static void an_interval_is_written_with_the_digits_it_deserves(void **state)
{
    static const struct {
        double value, lo, hi;
        const char *want;
    } known[] = {
        { 0.0947, 0.0791, 0.1103, "0.095 [0.079, 0.110]" },
        { 12.3, 5.4, 28.1, "12 [5, 28]" },
        { 1.65, 1.28, 2.12, "1.65 [1.28, 2.12]" },
        { 0.0947, NAN, NAN, "0.0947" },
        { NAN, NAN, NAN, "\u2013" },
        { 3e9, 1e9, 5e9, "3e+09 [1e+09, 5e+09]" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char *got = interval_text(known[i].value, known[i].lo, known[i].hi);

        assert_string_equal(got, known[i].want);
        free(got);
    }
}

/* --- the front of costs and bits --------------------------------------------- */

/* Twelve arms of int2 .. int8 in groups of 8 .. 64, with costs drawn at random;
 * two seeds each, so that the intervals are there. */
static void add_front(double cost[12], double bits[12])
{
    const uint64_t key = rng_key(4, RNG_TEST, 9);

    sql("INSERT INTO dataset VALUES(2,'front','0','bytes',256,1,NULL);"
        "INSERT INTO grid VALUES(1,'front','','x','','2026-01-01')");
    for (int i = -1; i < 12; i++) {
        const int b = 2 + i % 7, g = 8 << (i % 4);
        char *text = mem_printf(
            "INSERT INTO point(point_id, config, twin_id, is_base, dataset_id, "
            "n_layer, d_model, n_embed, n_head_params, n_body, n_other, tokens,"
            " fmt, exp_bits, man_bits, group_size, gran, scale_fmt, flops_plan,"
            " mem_plan, arm) VALUES('f%015d','{}','f',%d,2,1,1,1,1,777,1,999,"
            "'int%d',0,%d,%d,'group','bf16',1,1,'arm %d'); INSERT INTO "
            "grid_point VALUES(1,'f%015d',%d,'',0,'[1,2]')",
            i + 1, i < 0, b, b - 1, i < 0 ? 1 : g, i, i + 1, i + 1);

        sql(text);
        free(text);
        if (i >= 0) {
            cost[i] = rng_f64(key, (uint64_t)i);
            bits[i] = b + 16.0 / g;
        }
        for (int s = 1; s <= 2; s++) {
            text = mem_printf(
                "INSERT INTO run(run_id, point_id, seed, data_seed, state) "
                "VALUES(%d,'f%015d',%d,1,'done'); INSERT INTO result(run_id, "
                "loss, steps, tokens) VALUES(%d,%.17g,1,1)",
                900 + 2 * i + s, i + 1, s, 900 + 2 * i + s,
                2 + (i < 0 ? 0 : cost[i]) +
                    (s == 1 ? 0.001 : -0.001) * (i > 0));
            sql(text);
            free(text);
        }
    }
}

static void stars_are_the_arms_that_none_beats(void **state)
{
    double cost[12], bits[12];
    struct plot_data *d;
    struct picture *p;
    struct err err = { 0 };
    int stars = 0;

    (void)state;
    add_front(cost, bits);
    check_ok(plot_data_read(&d, path, "front", -1, &err), err);
    check_ok(plot_pareto(&p, d, &(struct plot_choice){ .n_at = 0 }, &err), err);
    assert_int_equal(p->n_points, 12);
    for (int k = 0; k < 12; k++) {
        const struct picture_point *q = &p->points[k];
        bool best = true, found = false;

        for (int i = 0; i < 12; i++) {
            best = best && !(bits[i] <= q->x + 1e-12 && cost[i] < q->y - 1e-9);
            found = found || (fabs(bits[i] - q->x) < 1e-12 &&
                              fabs(cost[i] - q->y) < 1e-9);
        }
        assert_true(found);
        assert_int_equal(q->star, best);
        stars += best;
    }
    assert_in_range(stars, 2, 11);
    picture_free(p);
    plot_data_free(d);
}

/* --- two sides
 * ----------------------------------------------------------------------- */

static void add_points(void)
{
    sql("INSERT INTO dataset VALUES(1,'t','0','bytes',256,1,NULL)");
    for (int k = 0; k < 3; k++) {
        char *text = mem_printf(
            "INSERT INTO point(point_id, config, twin_id, is_base, dataset_id, "
            "n_layer, d_model, n_embed, n_head_params, n_body, n_other, "
            "tokens, "
            "fmt, flops_plan, mem_plan) VALUES('%d%015d', '{\"quant\":{\"w\":"
            "\"int%d\"},\"train\":{\"lr\":0.1}%s}','0','%d',1,1,1,1,1,100,1,"
            "1000,'int%d',1,1)",
            k + 1, 0, k + 3, k == 2 ? ",\"stop\":{\"loss\":9}" : "", k == 0,
            k + 3);

        sql(text);
        free(text);
    }
}

static void add_loss(int run, int k, int seed, double loss)
{
    char *text = mem_printf(
        "INSERT INTO run(run_id, point_id, seed, data_seed, state) VALUES(%d,"
        "'%d%015d',%d,%d,'done'); INSERT INTO result(run_id, loss, steps, "
        "tokens) VALUES(%d,%.17g,1,1)",
        run, k + 1, 0, seed, seed, run, loss);

    sql(text);
    free(text);
}

static struct contrast compare(const char *a, const char *b)
{
    struct contrast c;
    struct err err = { 0 };

    check_ok(contrast_make(&c, db, a, b, &err), err);
    return c;
}

static void sides_differ_by_keys_and_by_more_than_chance(void **state)
{
    static const double shared[] = { 0.3, -0.2, 0.1, -0.4 };
    struct contrast c;

    (void)state;
    add_points();
    for (int s = 0; s < 4; s++) {
        /* Seeds move both losses alike; the difference is 0.1 +- 0.01. */
        add_loss(10 + s, 0, s, 2 + shared[s]);
        add_loss(20 + s, 1, s, 2.1 + shared[s] + (s % 2 ? 0.01 : -0.01));
        add_loss(30 + s, 2, s, 2 + shared[s] + (s % 2 ? 0.02 : -0.02));
    }
    c = compare("100000000", "200000000");
    assert_int_equal(c.n_keys, 1);
    assert_string_equal(c.keys[0].name, "quant.w");
    assert_string_equal(c.keys[0].a, "int3");
    assert_string_equal(c.keys[0].b, "int4");
    assert_int_equal(c.n_cells, 4);
    check_close(c.diff.value, 0.1, 1e-12);
    /* t(3, 0.975) = 3.182446 times 0.011547 / 2 */
    check_close(c.diff.hi - c.diff.value, 3.182446 * 0.0115470054 / 2, 1e-7);
    assert_true(c.known && c.distinct);
    contrast_release(&c);

    c = compare("100000000", "300000000");
    assert_int_equal(c.n_keys, 2); /* quant.w, stop.loss on one side */
    assert_true(c.known && !c.distinct);
    contrast_release(&c);

    c = compare("100000000-2",
                "200000000-2"); /* one seed: judged by the others */
    assert_int_equal(c.n_cells, 1);
    assert_int_equal(c.noise_dof, 3);
    /* four differences of these two points: 4 * 0.01^2 over 3 */
    check_close(c.noise, sqrt(4 * 1e-4 / 3), 1e-12);
    assert_true(c.known && c.distinct);
    contrast_release(&c);
}

/* Two runs of other seeds are not paired: sqrt(2) times what seeds do; two of
 * one point differ in nothing else. */
static void unpaired_runs_have_the_noise_of_both(void **state)
{
    static const double shared[] = { 0.3, -0.2, 0.1, -0.4 };
    double mean = 0, square = 0;
    struct contrast c;

    (void)state;
    for (int s = 0; s < 4; s++)
        mean += shared[s] / 4;
    for (int s = 0; s < 4; s++) {
        const double b = shared[s] - mean + (s % 2 ? 0.01 : -0.01);

        square += (shared[s] - mean) * (shared[s] - mean) + b * b;
    }
    c = compare("100000000-1", "200000000-2");
    assert_int_equal(c.noise_of, NOISE_OF_POINTS);
    assert_int_equal(c.noise_dof, 6);
    check_close(c.noise, sqrt(2 * square / 6), 1e-12);
    assert_true(c.known && !c.distinct);
    contrast_release(&c);

    c = compare("100000000-0", "100000000-3"); /* 0.7 nats apart */
    assert_true(c.one_point && !c.distinct);
    assert_int_equal(c.n_keys, 0);
    {
        struct str out = { 0 };

        contrast_text(&out, &c);
        assert_non_null(strstr(str_text(&out), "what seeds differ by"));
        assert_null(strstr(str_text(&out), "b is"));
        str_release(&out);
    }
    contrast_release(&c);
}

static void a_side_that_is_not_there_or_not_alone_is_told(void **state)
{
    struct contrast c;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(contrast_make(&c, db, "nothing", "10", &err), ERR_USAGE);
    check_says(err, "no grid, run or point 'nothing'");
    sql("INSERT INTO point(point_id, config, twin_id, dataset_id, n_layer, "
        "d_model, n_embed, n_head_params, n_body, n_other, tokens, fmt, "
        "flops_plan, mem_plan) SELECT substr(point_id, 1, 15) || '9', config, "
        "twin_id, dataset_id, n_layer, d_model, n_embed, n_head_params, "
        "n_body, "
        "n_other, tokens, fmt, flops_plan, mem_plan FROM point WHERE point_id "
        "LIKE '1%'");
    assert_int_equal(contrast_make(&c, db, "100000000", "200000000", &err),
                     ERR_USAGE);
    check_says(err, "fits several points");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_law_with_a_parameter_for_each_format),
        cmocka_unit_test(a_law_in_exponent_and_mantissa_bits),
        cmocka_unit_test(a_multiplier_is_one_for_the_twin),
        cmocka_unit_test(a_formula_with_an_unknown_name_is_told_and_not_drawn),
        cmocka_unit_test(a_mean_has_students_interval),
        cmocka_unit_test(an_interval_is_written_with_the_digits_it_deserves),
        cmocka_unit_test(sides_differ_by_keys_and_by_more_than_chance),
        cmocka_unit_test(unpaired_runs_have_the_noise_of_both),
        cmocka_unit_test(a_side_that_is_not_there_or_not_alone_is_told),
        cmocka_unit_test(stars_are_the_arms_that_none_beats),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
