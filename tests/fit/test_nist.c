/* NIST's Statistical Reference Datasets for nonlinear regression, as formulas,
 * from both starting points.  A value agrees to LRE digits,
 * LRE = -log10 |estimate - certified| / |certified|. */
#include <stdio.h>
#include <string.h>

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
    for (int s = 0; s < 2; s++) {
        struct str start = { 0 };
        struct fitted x;
        char *option;

        for (int i = 0; i < n; i++)
            str_addf(&start, "%sb%d=%.17g", i ? "," : "", i + 1, c[i].start[s]);
        option = mem_printf("start=%s", str_text(&start));
        fitted_text(&x, csv, formula, OPTIONS(option));
        check_ok(x.status, x.err);
        check_lre(name, "rss", x.fit.rss, rss, 6);
        for (int i = 0; i < n; i++) {
            const char b[] = { 'b', (char)('1' + i), '\0' };

            check_lre(name, b, fitted_get(&x, b)->value, c[i].value, 6);
            check_lre(name, "sd", fitted_get(&x, b)->se, c[i].sd, 4);
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

/* --- all eight, from the files ------------------------------------------- */

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

static void all_eight_sets_from_both_starts(void **state)
{
    static const struct {
        const char *name, *header, *formula;
    } sets[] = {
        { "DanWood", "y,x", "y = b1*x^b2" },
        { "Misra1a", "y,x", "y = b1*(1-exp(-b2*x))" },
        { "Gauss1", "y,x",
          "y = b1*exp(-b2*x)+b3*exp(-(x-b4)^2/b5^2)+b6*exp(-(x-b7)^2/b8^2)" },
        { "Kirby2", "y,x", "y = (b1+b2*x+b3*x^2)/(1+b4*x+b5*x^2)" },
        { "Nelson", "y,x1,x2", "log(y) = b1-b2*x1*exp(-b3*x2)" },
        { "MGH17", "y,x", "y = b1+b2*exp(-x*b4)+b3*exp(-x*b5)" },
        { "Rat42", "y,x", "y = b1/(1+exp(b2-b3*x))" },
        { "MGH10", "y,x", "y = b1*exp(b2/(x+b3))" },
    };

    (void)state;
    check_need_shared();
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        char *path =
            mem_printf("%s/data/nist/%s.dat", check_shared(), sets[i].name);
        struct certified c[16];
        struct str text = { 0 };
        struct err err;
        double rss = 0;
        char *csv;
        int n;

        check_ok(file_read(&text, path, 1 << 20, &err), err);
        n = read_certified(c, &rss, str_text(&text));
        assert_true(n >= 2 && rss > 0);
        csv = read_rows(str_text(&text), sets[i].header);
        run_set(sets[i].name, csv, sets[i].formula, c, n, rss);
        free(csv);
        free(path);
        str_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misra1a),
        cmocka_unit_test(danwood),
        cmocka_unit_test(rat42),
        cmocka_unit_test(all_eight_sets_from_both_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
