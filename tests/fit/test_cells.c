/* Means over cells: errors against Student's, Welch's, Tukey's and Fieller's
 * own formulas. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_multifit.h>
#include <string.h>

#include "base/rng.h"
#include "fit/cells.h"
#include "fit/pattern.h"
#include "tests/check.h"

/* Additional hours of sleep under two drugs (Student 1908, table I). */
static const double drug_1[10] = { 0.7, -1.6, -0.2, -1.2, -0.1,
                                   3.4, 3.7,  0.8,  0.0,  2.0 };
static const double drug_2[10] = { 1.9, 0.8, 1.1, 0.1, -0.1,
                                   4.4, 5.5, 1.6, 4.6, 3.4 };

static struct cells_row row_of(int stratum, int64_t seed, double x)
{
    return (struct cells_row){ stratum, seed, stratum, x, 1e4, 1e5 };
}

static void pairs_of_one_stratum_have_students_interval(void **state)
{
    struct cells_row row[10];
    struct cells_mean m;
    double lo, hi;

    (void)state;
    for (int i = 0; i < 10; i++)
        row[i] = row_of(0, i, drug_2[i] - drug_1[i]);
    m = cells_mean(row, 10);
    assert_int_equal(m.error, CELLS_SEEDS);
    check_close(m.value, 1.58, 1e-12);
    check_close(m.dof, 9, 0);
    /* R 4.2, t.test(sleep): t = 4.0621, p = 0.002833, 0.7001142 2.4598858 */
    check_close(m.value / m.se, 4.0621, 5e-5);
    check_close(m.lo, 0.7001142, 5e-8);
    check_close(m.hi, 2.4598858, 5e-8);
    check_close(cells_p(&m), 0.002833, 5e-7);
    cells_limits(&lo, &hi, &m, 0.95);
    check_close(lo, m.lo, 0);
    check_close(hi, m.hi, 0);
}

static void strata_add_up_their_variances(void **state)
{
    struct cells_row row[20];
    struct cells_mean m;

    (void)state;
    for (int i = 0; i < 10; i++) {
        row[i] = row_of(0, i, drug_1[i]);
        row[10 + i] = row_of(1, i, -drug_2[i]);
    }
    m = cells_mean(row, 20);
    check_close(m.value, -1.58 / 2, 1e-12);
    /* R 4.2, t.test(extra ~ group): t = -1.8608 */
    check_close(m.value / m.se, -1.8608, 5e-5);
    /* (V1 + V2)^2 / ((V1^2 + V2^2) / 11) - 2 = 19.7, of which there are 18 */
    check_close(m.dof, 18, 0);
    assert_int_equal(m.least_seeds, 10);
    assert_int_equal(m.most_seeds, 10);
}

/* Two groups in one twin and seed are one piece of luck. */
static void rows_of_one_seed_count_once(void **state)
{
    struct cells_row one[10], two[20];
    struct cells_mean a, b;

    (void)state;
    for (int i = 0; i < 10; i++) {
        one[i] = row_of(0, i, drug_2[i]);
        two[2 * i] = two[2 * i + 1] = one[i];
        two[2 * i + 1].cell = 1;
    }
    a = cells_mean(one, 10);
    b = cells_mean(two, 20);
    check_close(a.se, b.se, 1e-14);
    check_close(a.dof, b.dof, 0);
    assert_int_equal(b.cells, 2);
    assert_int_equal(b.clusters, 10);
}

/* Seeds that agree in 32 bits are two seeds. */
static void seeds_have_64_bits(void **state)
{
    struct cells_row row[2];

    (void)state;
    row[0] = row_of(0, 1, 0.1);
    row[1] = row_of(0, INT64_C(0x100000001), 0.2);
    assert_int_equal(cells_mean(row, 2).clusters, 2);
    assert_int_equal(cells_mean(row, 2).error, CELLS_SEEDS);
}

static const double sizes[3] = { 8192, 26624, 106496 };
static const double tokens[4] = { 1e5, 2e5, 4e5, 8e5 };

/* A table of 3 sizes and 4 numbers of tokens, one seed. */
static void fill(struct cells_row row[12], double (*value)(int i, int k))
{
    for (int s = 0; s < 12; s++) {
        row[s] = row_of(s, 1, value(s / 4, s % 4));
        row[s].n = sizes[s / 4];
        row[s].d = tokens[s % 4];
    }
}

static double additive(int i, int k)
{
    return 0.1 * i * i + 0.03 * k;
}

static double product(int i, int k)
{
    return 0.05 * pow(sizes[i] / 26624, -0.3) * pow(tokens[k] / 2e5, 0.5);
}

static double noisy(int i, int k)
{
    return product(i, k) +
           0.02 * rng_normal(rng_key(7, RNG_FIT, 0), (uint64_t)(4 * i + k));
}

static void sums_and_products_of_powers_leave_no_scatter(void **state)
{
    struct cells_row row[12];
    struct cells_mean m;

    (void)state;
    fill(row, additive);
    m = cells_mean(row, 12);
    assert_int_equal(m.error, CELLS_PATTERN);
    check_close(m.se, 0, 1e-9);
    fill(row, product);
    m = cells_mean(row, 12);
    check_close(m.se, 0, 1e-9);
}

/* Tukey's sum of squares for non-additivity in his own form: (sum y a b)^2 /
 * (sum a^2 sum b^2) with the deviations of rows and columns. */
static void the_scatter_is_tukeys(void **state)
{
    struct cells_row row[12];
    double y[12], n[12], d[12], a[3] = { 0 }, b[4] = { 0 }, mean = 0;
    double total = 0, dot = 0, aa = 0, bb = 0, sum;
    int weight[12];

    (void)state;
    fill(row, noisy);
    for (int s = 0; s < 12; s++) {
        y[s] = row[s].x;
        n[s] = row[s].n;
        d[s] = row[s].d;
        weight[s] = 1;
        mean += y[s] / 12;
        a[s / 4] += y[s] / 4;
        b[s % 4] += y[s] / 3;
    }
    for (int i = 0; i < 3; i++)
        aa += pow(a[i] -= mean, 2);
    for (int k = 0; k < 4; k++)
        bb += pow(b[k] -= mean, 2);
    for (int s = 0; s < 12; s++) {
        total += pow(y[s] - mean - a[s / 4] - b[s % 4], 2);
        dot += y[s] * a[s / 4] * b[s % 4];
    }
    assert_int_equal(pattern_scatter(&sum, y, n, d, weight, 12), 5);
    check_relative(sum, total - dot * dot / (aa * bb), 1e-9);
}

/* With two sizes and two numbers of tokens only a line leaves something. */
static void few_strata_are_judged_by_a_line(void **state)
{
    static const double y[5] = { 0.01, 0.03, 0.02, 0.07, 0.05 };
    static const double n[5] = { 1e4, 1e4, 4e4, 4e4, 2e4 };
    static const double d[5] = { 1e5, 4e5, 1e5, 4e5, 2e5 };
    static const int weight[5] = { 1, 1, 1, 1, 1 };
    gsl_matrix *x = gsl_matrix_alloc(5, 3), *cov = gsl_matrix_alloc(3, 3);
    gsl_vector *v = gsl_vector_alloc(5), *c = gsl_vector_alloc(3);
    gsl_multifit_linear_workspace *w = gsl_multifit_linear_alloc(5, 3);
    double chi2, sum;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        gsl_vector_set(v, i, y[i]);
        gsl_matrix_set(x, i, 0, 1);
        gsl_matrix_set(x, i, 1, log(n[i]));
        gsl_matrix_set(x, i, 2, log(d[i]));
    }
    gsl_multifit_linear(x, v, c, cov, &chi2, w);
    assert_int_equal(pattern_scatter(&sum, y, n, d, weight, 5), 2);
    check_relative(sum, chi2, 1e-9);
    gsl_multifit_linear_free(w);
    gsl_matrix_free(x);
    gsl_matrix_free(cov);
    gsl_vector_free(v);
    gsl_vector_free(c);
}

static void one_seed_and_two_cells_have_no_interval(void **state)
{
    struct cells_row row[12];
    struct cells_mean m;

    (void)state;
    fill(row, noisy);
    m = cells_mean(row, 2);
    assert_int_equal(m.error, CELLS_NONE);
    assert_true(isnan(m.lo) && isnan(m.hi) && isnan(m.se));
    assert_true(isfinite(m.value));
    assert_true(isnan(cells_p(&m)));
    m = cells_mean(row, 0);
    assert_true(isnan(m.value));
}

/* Roots of (a^2 - t^2 Vaa) r^2 - 2 (ab - t^2 Vab) r + b^2 - t^2 Vbb = 0. */
static void a_ratio_has_fiellers_limits(void **state)
{
    struct cells_row a[10], b[10];
    struct cells_ratio r;
    double ma = 0, mb = 0, vaa = 0, vab = 0, vbb = 0, t, p, q, s;

    (void)state;
    for (int i = 0; i < 10; i++) {
        a[i] = row_of(0, i, drug_2[i]);
        b[i] = row_of(0, i, 2 * drug_2[i] + drug_1[i]);
        ma += a[i].x / 10;
        mb += b[i].x / 10;
    }
    for (int i = 0; i < 10; i++) {
        vaa += pow(a[i].x - ma, 2) / 90;
        vab += (a[i].x - ma) * (b[i].x - mb) / 90;
        vbb += pow(b[i].x - mb, 2) / 90;
    }
    t = pow(gsl_cdf_tdist_Pinv(0.975, 9), 2);
    p = ma * ma - t * vaa;
    q = ma * mb - t * vab;
    s = sqrt(q * q - p * (mb * mb - t * vbb));
    r = cells_ratio(b, a, 10);
    check_relative(r.value, mb / ma, 1e-12);
    check_relative(r.lo, (q - s) / p, 1e-9);
    check_relative(r.hi, (q + s) / p, 1e-9);
}

static void a_ratio_to_nothing_has_no_limits(void **state)
{
    struct cells_row a[10], b[10];
    struct cells_ratio r;

    (void)state;
    for (int i = 0; i < 10; i++) {
        a[i] = row_of(0, i, drug_1[i]); /* mean 0.75, t = 1.33 on 9 */
        b[i] = row_of(0, i, drug_2[i]);
    }
    r = cells_ratio(b, a, 10);
    check_relative(r.value, 2.33 / 0.75, 1e-12);
    assert_true(isnan(r.lo) && isnan(r.hi));
}

/* A mean of one standard error at four seeds takes 4 (2.8)^2 seeds. */
static void seeds_that_would_tell(void **state)
{
    struct cells_row row[4];
    struct cells_mean m;

    (void)state;
    for (int i = 0; i < 4; i++)
        row[i] = row_of(0, i, i % 2 ? 1 : -1);
    m = cells_mean(row, 4);
    for (int i = 0; i < 4; i++)
        row[i].x += m.se;
    m = cells_mean(row, 4);
    check_close(cells_seeds(&m), ceil(4 * 2.8 * 2.8), 0);
    for (int i = 0; i < 4; i++)
        row[i].x += 100;
    m = cells_mean(row, 4);
    check_close(cells_seeds(&m), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_one_stratum_have_students_interval),
        cmocka_unit_test(strata_add_up_their_variances),
        cmocka_unit_test(rows_of_one_seed_count_once),
        cmocka_unit_test(seeds_have_64_bits),
        cmocka_unit_test(sums_and_products_of_powers_leave_no_scatter),
        cmocka_unit_test(the_scatter_is_tukeys),
        cmocka_unit_test(few_strata_are_judged_by_a_line),
        cmocka_unit_test(one_seed_and_two_cells_have_no_interval),
        cmocka_unit_test(a_ratio_has_fiellers_limits),
        cmocka_unit_test(a_ratio_to_nothing_has_no_limits),
        cmocka_unit_test(seeds_that_would_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
