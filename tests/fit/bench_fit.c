/* bench_fit.c - CPU time of one robust fit with its own starts and of 4000
 * bootstrap refits, on a table of log N, log D, log loss without a header.
 *
 *   bench_fit FILE.csv [REPEATS] */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/order.h"
#include "base/str.h"
#include "fit/bootstrap.h"
#include "fit/optimum.h"

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct table *read_table(const char *path)
{
    struct table *t = table_new(path, "line");
    FILE *f = fopen(path, "r");
    double n, d, l;
    int64_t line = 1;

    if (!f)
        return NULL;
    table_add_column(t, "N");
    table_add_column(t, "D");
    table_add_column(t, "loss");
    while (fscanf(f, "%lf,%lf,%lf", &n, &d, &l) == 3) {
        char text[3][32];
        const char *cells[3] = { text[0], text[1], text[2] };

        text_number(text[0], exp(n));
        text_number(text[1], exp(d));
        text_number(text[2], exp(l));
        table_add_row(t, line++, cells);
    }
    fclose(f);
    return t;
}

int main(int argc, char **argv)
{
    const int repeats = argc > 2 ? atoi(argv[2]) : 5;
    double *fit_s = mem_array((size_t)repeats, sizeof *fit_s);
    double *boot_s = mem_array((size_t)repeats, sizeof *boot_s);
    struct table *t = argc > 1 ? read_table(argv[1]) : NULL;
    struct bootstrap b;
    struct optimum o;
    struct fit_spec s;
    struct model *m;
    struct err err;

    gsl_set_error_handler_off();
    if (!t) {
        fprintf(stderr, "usage: bench_fit FILE.csv [REPEATS]\n");
        return 2;
    }
    fit_spec_init(&s, law_find("chinchilla"), NULL);
    s.loss = (struct fit_loss){ FIT_HUBER, 1e-3 };
    if (fit_model_new(&m, t, &s, &err) != OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int k = 0; k < repeats; k++) {
        double start = cpu_s();

        optimum_find(&o, m, NULL, (uint64_t)k + 1);
        fit_s[k] = cpu_s() - start;
        start = cpu_s();
        bootstrap_run(&b, m, o.theta, 1, NULL, NULL, 0, 4000, (uint64_t)k + 1);
        boot_s[k] = cpu_s() - start;
        if (k + 1 == repeats)
            printf("objective %.10g, alpha %.6f, beta %.6f; bootstrap sd of "
                   "alpha %.5f\n",
                   o.objective, o.theta[2], o.theta[4],
                   bootstrap_sd(&b, m->n_params, 2));
        bootstrap_release(&b);
        optimum_release(&o);
    }
    qsort(fit_s, (size_t)repeats, sizeof *fit_s, order_doubles);
    qsort(boot_s, (size_t)repeats, sizeof *boot_s, order_doubles);
    printf("one fit %.3f ms, 4000 bootstrap refits %.1f ms (%.4f ms each)\n",
           1e3 * fit_s[repeats / 2], 1e3 * boot_s[repeats / 2],
           boot_s[repeats / 2] / 4);
    return 0;
}
