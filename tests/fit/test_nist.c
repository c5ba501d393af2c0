/* NIST's Statistical Reference Datasets for nonlinear regression, as formulas,
 * from both starting points: ten here, all 27 from a folder of NIST's files,
 *
 *   test_fit_nist FOLDER
 *
 * A value agrees to LRE digits,
 * LRE = -log10 |estimate - certified| / |certified|. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "tests/fit/fitted.h"

struct certified {
    double start[2], value, sd;
};

static double lre(double got, double want)
{
    const double e = fabs(got - want) / fabs(want);

    return e > 1e-11 ? -log10(e) : 11;
}

static void check_lre(const char *set, const char *what, double got,
                      double want, double least)
{
    if (!(lre(got, want) >= least))
        fail_msg("%s, %s: %.12g against %.12g: LRE %.2f", set, what, got, want,
                 lre(got, want));
}

static void run_set(const char *name, const char *csv, const char *formula,
                    const struct certified *c, int n, double rss)
{
    /* Its residuals, of 1e-14 beside values of 1, are those of the arithmetic:
     * the file itself certifies them with 128 bits. */
    const bool is_limit = strcmp(name, "Lanczos1") == 0;

    for (int s = 0; s < 2; s++) {
        struct str start = { 0 };
        struct fitted x;
        char *option;

        for (int i = 0; i < n; i++)
            str_addf(&start, "%sb%d=%.17g", i ? "," : "", i + 1, c[i].start[s]);
        option = mem_printf("start=%s", str_text(&start));
        fitted_text(&x, csv, formula, OPTIONS(option));
        check_ok(x.status, x.err);
        check_lre(name, "rss", x.fit.rss, rss, is_limit ? 2.5 : 6);
        for (int i = 0; i < n; i++) {
            const char b[] = { 'b', (char)('1' + i), '\0' };

            check_lre(name, b, fitted_get(&x, b)->value, c[i].value, 6);
            check_lre(name, "sd", fitted_get(&x, b)->se, c[i].sd,
                      is_limit ? 2.5 : 4);
        }
        assert_true(x.fit.best.converged);
        fitted_release(&x);
        free(option);
        str_release(&start);
    }
}

/* --- three small sets, typed in from the files --------------------------- */

static void misra1a(void **state)
{
    static const struct certified c[] = {
        { { 500, 250 }, 2.3894212918E+02, 2.7070075241E+00 },
        { { 0.0001, 0.0005 }, 5.5015643181E-04, 7.2668688436E-06 },
    };

    (void)state;
    run_set("Misra1a",
            "y,x\n10.07,77.6\n14.73,114.9\n17.94,141.1\n23.93,190.8\n"
            "29.61,239.9\n35.18,289.0\n40.02,332.8\n44.82,378.4\n50.76,434.8\n"
            "55.05,477.3\n61.01,536.8\n66.40,593.1\n75.47,689.1\n81.78,760.0\n",
            "y = b1*(1-exp(-b2*x))", c, 2, 1.2455138894E-01);
}

static void danwood(void **state)
{
    static const struct certified c[] = {
        { { 1, 0.7 }, 7.6886226176E-01, 1.8281973860E-02 },
        { { 5, 4 }, 3.8604055871E+00, 5.1726610913E-02 },
    };

    (void)state;
    run_set("DanWood",
            "y,x\n2.138,1.309\n3.421,1.471\n3.597,1.490\n4.340,1.565\n"
            "4.882,1.611\n5.660,1.680\n",
            "y = b1*x^b2", c, 2, 4.3173084083E-03);
}

static void rat42(void **state)
{
    static const struct certified c[] = {
        { { 100, 75 }, 7.2462237576E+01, 1.7340283401E+00 },
        { { 1, 2.5 }, 2.6180768402E+00, 8.8295217536E-02 },
        { { 0.1, 0.07 }, 6.7359200066E-02, 3.4465663377E-03 },
    };

    (void)state;
    run_set("Rat42",
            "y,x\n8.930,9\n10.800,14\n18.590,21\n22.330,28\n39.350,42\n"
            "56.110,57\n61.730,63\n64.620,70\n67.080,79\n",
            "y = b1/(1+exp(b2-b3*x))", c, 3, 8.0565229338E+00);
}

/* --- two that need sin, cos and atan --------------------------------------- */

#define PI "3.141592653589793"
#define ENSO_FORMULA                                                           \
    "y = b1+b2*cos(2*" PI "*x/12)+b3*sin(2*" PI "*x/12)"                       \
    "+b5*cos(2*" PI "*x/b4)+b6*sin(2*" PI "*x/b4)"                             \
    "+b8*cos(2*" PI "*x/b7)+b9*sin(2*" PI "*x/b7)"
#define ROSZMAN_FORMULA "y = b1-b2*x-atan(b3/(x-b4))/" PI

static void roszman1(void **state)
{
    static const struct certified c[] = {
        { { 0.1, 0.2 }, 2.0196866396E-01, 1.9172666023E-02 },
        { { -0.00001, -0.000005 }, -6.1953516256E-06, 3.2058931691E-06 },
        { { 1000, 1200 }, 1.2044556708E+03, 7.4050983057E+01 },
        { { -100, -150 }, -1.8134269537E+02, 4.9573513849E+01 },
    };

    (void)state;
    run_set("Roszman1",
            "y,x\n0.252429,-4868.68\n0.252141,-4868.09\n0.251809,-4867.41\n"
            "0.297989,-3375.19\n0.296257,-3373.14\n0.295319,-3372.03\n"
            "0.339603,-2473.74\n0.337731,-2472.35\n0.333820,-2469.45\n"
            "0.389510,-1894.65\n0.386998,-1893.40\n0.438864,-1497.24\n"
            "0.434887,-1495.85\n0.427893,-1493.41\n0.471568,-1208.68\n"
            "0.461699,-1206.18\n0.461144,-1206.04\n0.513532,-997.92\n"
            "0.506641,-996.61\n0.505062,-996.31\n0.535648,-834.94\n"
            "0.533726,-834.66\n0.568064,-710.03\n0.612886,-530.16\n"
            "0.624169,-464.17\n",
            ROSZMAN_FORMULA, c, 4, 4.9484847331E-04);
}

static void enso(void **state)
{
    static const struct certified c[] = {
        { { 11.0, 10.0 }, 1.0510749193E+01, 1.7488832467E-01 },
        { { 3.0, 3.0 }, 3.0762128085E+00, 2.4310052139E-01 },
        { { 0.5, 0.5 }, 5.3280138227E-01, 2.4354686618E-01 },
        { { 40.0, 44.0 }, 4.4311088700E+01, 9.4408025976E-01 },
        { { -0.7, -1.5 }, -1.6231428586E+00, 2.8078369611E-01 },
        { { -1.3, 0.5 }, 5.2554493756E-01, 4.8073701119E-01 },
        { { 25.0, 26.0 }, 2.6887614440E+01, 4.1612939130E-01 },
        { { -0.3, -0.1 }, 2.1232288488E-01, 5.1460022911E-01 },
        { { 1.4, 1.5 }, 1.4966870418E+00, 2.5434468893E-01 },
    };
    static const double y[] = {
        12.90000,  11.30000,  10.60000,  11.20000,  10.90000,  7.500000,
        7.700000,  11.70000,  12.90000,  14.30000,  10.90000,  13.70000,
        17.10000,  14.00000,  15.30000,  8.500000,  5.700000,  5.500000,
        7.600000,  8.600000,  7.300000,  7.600000,  12.70000,  11.00000,
        12.70000,  12.90000,  13.00000,  10.90000,  10.400000, 10.200000,
        8.000000,  10.90000,  13.60000,  10.500000, 9.200000,  12.40000,
        12.70000,  13.30000,  10.100000, 7.800000,  4.800000,  3.000000,
        2.500000,  6.300000,  9.700000,  11.60000,  8.600000,  12.40000,
        10.500000, 13.30000,  10.400000, 8.100000,  3.700000,  10.70000,
        5.100000,  10.400000, 10.90000,  11.70000,  11.40000,  13.70000,
        14.10000,  14.00000,  12.50000,  6.300000,  9.600000,  11.70000,
        5.000000,  10.80000,  12.70000,  10.80000,  11.80000,  12.60000,
        15.70000,  12.60000,  14.80000,  7.800000,  7.100000,  11.20000,
        8.100000,  6.400000,  5.200000,  12.00000,  10.200000, 12.70000,
        10.200000, 14.70000,  12.20000,  7.100000,  5.700000,  6.700000,
        3.900000,  8.500000,  8.300000,  10.80000,  16.70000,  12.60000,
        12.50000,  12.50000,  9.800000,  7.200000,  4.100000,  10.60000,
        10.100000, 10.100000, 11.90000,  13.60000,  16.30000,  17.60000,
        15.50000,  16.00000,  15.20000,  11.20000,  14.30000,  14.50000,
        8.500000,  12.00000,  12.70000,  11.30000,  14.50000,  15.10000,
        10.400000, 11.50000,  13.40000,  7.500000,  0.6000000, 0.3000000,
        5.500000,  5.000000,  4.600000,  8.200000,  9.900000,  9.200000,
        12.50000,  10.90000,  9.900000,  8.900000,  7.600000,  9.500000,
        8.400000,  10.70000,  13.60000,  13.70000,  13.70000,  16.50000,
        16.80000,  17.10000,  15.40000,  9.500000,  6.100000,  10.100000,
        9.300000,  5.300000,  11.20000,  16.60000,  15.60000,  12.00000,
        11.50000,  8.600000,  13.80000,  8.700000,  8.600000,  8.600000,
        8.700000,  12.80000,  13.20000,  14.00000,  13.40000,  14.80000
    };
    struct str csv = { 0 };

    (void)state;
    str_add(&csv, "y,x\n");
    for (size_t i = 0; i < sizeof y / sizeof y[0]; i++)
        str_addf(&csv, "%.17g,%zu\n", y[i], i + 1);
    run_set("ENSO", str_text(&csv), ENSO_FORMULA, c, 9, 7.8853978668E+02);
    str_release(&csv);
}

/* --- all, from the files ------------------------------------------------- */

/* "b1 = 500 250 2.38E+02 2.7E+00" lines and "Residual Sum of Squares:". */
static int read_certified(struct certified *c, double *rss, const char *text)
{
    int n = 0;

    for (const char *p = text; p && *p; p = strchr(p, '\n')) {
        int k;
        struct certified row;

        p += *p == '\n';
        if (sscanf(p, " b%d = %lf %lf %lf %lf", &k, &row.start[0],
                   &row.start[1], &row.value, &row.sd) == 5 &&
            k == n + 1)
            c[n++] = row;
        sscanf(p, "Residual Sum of Squares: %lf", rss);
    }
    return n;
}

/* The rows after the last line that starts with "Data:". */
static char *read_rows(const char *text, const char *header)
{
    const char *p = text, *last = text;
    struct str csv = { 0 };

    while ((p = strstr(p, "\nData:")))
        last = ++p;
    str_addf(&csv, "%s\n", header);
    for (p = strchr(last, '\n'); p && *++p; p = strchr(p, '\n')) {
        char *line = mem_strndup(p, strcspn(p, "\r\n"));
        double v[3];
        const int n = sscanf(line, "%lf %lf %lf", &v[0], &v[1], &v[2]);

        for (int i = 0; i < n; i++)
            str_addf(&csv, "%s%.17g", i ? "," : "", v[i]);
        if (n > 1)
            str_add_char(&csv, '\n');
        free(line);
    }
    return str_steal(&csv);
}

#define GAUSS   "y = b1*exp(-b2*x)+b3*exp(-(x-b4)^2/b5^2)+b6*exp(-(x-b7)^2/b8^2)"
#define LANCZOS "y = b1*exp(-b2*x)+b3*exp(-b4*x)+b5*exp(-b6*x)"
#define CUBIC   "y = (b1+b2*x+b3*x^2+b4*x^3)/(1+b5*x+b6*x^2+b7*x^3)"

static const struct {
    const char *name, *formula;
} sets[] = {
    { "DanWood", "y = b1*x^b2" },
    { "Misra1a", "y = b1*(1-exp(-b2*x))" },
    { "Misra1b", "y = b1*(1-(1+b2*x/2)^-2)" },
    { "Misra1c", "y = b1*(1-(1+2*b2*x)^-0.5)" },
    { "Misra1d", "y = b1*b2*x/(1+b2*x)" },
    { "Chwirut1", "y = exp(-b1*x)/(b2+b3*x)" },
    { "Chwirut2", "y = exp(-b1*x)/(b2+b3*x)" },
    { "Lanczos1", LANCZOS },
    { "Lanczos2", LANCZOS },
    { "Lanczos3", LANCZOS },
    { "Gauss1", GAUSS },
    { "Gauss2", GAUSS },
    { "Gauss3", GAUSS },
    { "Kirby2", "y = (b1+b2*x+b3*x^2)/(1+b4*x+b5*x^2)" },
    { "Hahn1", CUBIC },
    { "Thurber", CUBIC },
    { "Nelson", "log(y) = b1-b2*x1*exp(-b3*x2)" },
    { "MGH09", "y = b1*(x^2+x*b2)/(x^2+x*b3+b4)" },
    { "MGH10", "y = b1*exp(b2/(x+b3))" },
    { "MGH17", "y = b1+b2*exp(-x*b4)+b3*exp(-x*b5)" },
    { "Rat42", "y = b1/(1+exp(b2-b3*x))" },
    { "Rat43", "y = b1/(1+exp(b2-b3*x))^(1/b4)" },
    { "BoxBOD", "y = b1*(1-exp(-b2*x))" },
    { "Bennett5", "y = b1*(b2+x)^(-1/b3)" },
    { "Eckerle4", "y = b1/b2*exp(-0.5*((x-b3)/b2)^2)" },
    { "ENSO", ENSO_FORMULA },
    { "Roszman1", ROSZMAN_FORMULA },
};
#define N_SETS (sizeof sets / sizeof sets[0])

/* The set from its file in a folder; false when it is not there. */
static bool run_file(const char *folder, size_t k)
{
    char *path = mem_printf("%s/%s.dat", folder, sets[k].name), *csv;
    struct certified c[16];
    struct str text = { 0 };
    struct err err;
    double rss = 0;
    bool found = access(path, R_OK) == 0;
    int n;

    if (found) {
        check_ok(file_read(&text, path, 1 << 20, &err), err);
        n = read_certified(c, &rss, str_text(&text));
        assert_true(n >= 2 && rss > 0);
        csv =
            read_rows(str_text(&text),
                      strcmp(sets[k].name, "Nelson") == 0 ? "y,x1,x2" : "y,x");
        run_set(sets[k].name, csv, sets[k].formula, c, n, rss);
        free(csv);
    }
    free(path);
    str_release(&text);
    return found;
}

static const char *whole_folder; /* given by a person: all 27 sets */

static void sets_from_both_starts(void **state)
{
    char *folder;
    size_t found = 0;

    (void)state;
    if (!whole_folder)
        check_need_shared();
    folder = whole_folder ? mem_strdup(whole_folder)
                          : mem_printf("%s/data/nist", check_shared());
    for (size_t k = 0; k < N_SETS; k++)
        found += run_file(folder, k);
    printf("%zu sets of %s\n", found, folder);
    assert_true(found >= (whole_folder ? N_SETS : 8));
    free(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misra1a), cmocka_unit_test(danwood),
        cmocka_unit_test(rat42),   cmocka_unit_test(roszman1),
        cmocka_unit_test(enso),    cmocka_unit_test(sets_from_both_starts),
    };

    whole_folder = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
