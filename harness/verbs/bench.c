#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "harness/bench/bench.h"
#include "harness/verbs/bench_show.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "d-model", 0, "N", "step: width (default 64, 128, 256, 384 in turn)" },
    { "n-layer", 0, "N", "step: blocks (default 4)" },
    { "seq-len", 0, "N", "step: context (default 256)" },
    { "vocab", 0, "N", "step: vocabulary (default 256)" },
    { "batch", 0, "N", "step: sequences (default 16)" },
    { "quant", 0, "SPEC", "step: none, w4a4:32, or a quantizer for w and x" },
    { "compute", 0, "KIND", "step: f32 (default) or bf16 products" },
    { "rounds", 0, "N", "step: measured steps (default 5)" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

struct shape {
    int k, n;
};

/* The linear layers of small models: inputs and outputs. */
static const struct shape shapes[] = {
    { 64, 64 },   { 64, 256 },  { 256, 64 },   { 128, 128 },  { 128, 512 },
    { 512, 128 }, { 256, 256 }, { 256, 1024 }, { 1024, 256 }, { 384, 384 },
};
#define N_SHAPES (int)(sizeof shapes / sizeof shapes[0])
#define TOKENS   2048

struct bench {
    const struct cli *cli;
    const struct kernels *kn;
    double peak;
    struct str json;
    struct bench_show show;
};

static bool as_json(const struct bench *b)
{
    return cli_flag(b->cli, "json");
}

static enum status do_peak(struct bench *b, struct err *err)
{
    (void)err;
    if (!as_json(b))
        printf("peak  %.1f GFLOP/s, f32 fused multiply-add, one thread, %s\n",
               b->peak, b->kn->name);
    return OK;
}

static enum status do_gemm(struct bench *b, struct err *err)
{
    double product = 0, worst = INFINITY;

    (void)err;
    if (!as_json(b))
        printf("product, %d tokens       forward  input grad  weight grad   "
               "GFLOP/s\n",
               TOKENS);
    for (int i = 0; i < N_SHAPES; i++) {
        const struct shape s = shapes[i];
        const double g[3] = {
            bench_gemm(b->kn, 0, TOKENS, s.n, s.k),
            bench_gemm(b->kn, 1, TOKENS, s.k, s.n),
            bench_gemm(b->kn, 2, s.n, s.k, TOKENS),
        };

        for (int k = 0; k < 3; k++) {
            product += log(g[k]) / (3 * N_SHAPES);
            worst = fmin(worst, g[k]);
        }
        if (!as_json(b))
            printf("  %4d -> %-4d           %7.1f  %10.1f  %11.1f\n", s.k, s.n,
                   g[0], g[1], g[2]);
    }
    if (as_json(b)) {
        json_add_number(&b->json, "gemm_gflops", exp(product));
        json_add_number(&b->json, "gemm_worst_gflops", worst);
        return OK;
    }
    printf("  geometric mean %.1f (%.0f %% of peak), worst %.1f (%.0f %%)\n",
           exp(product), 100 * exp(product) / b->peak, worst,
           100 * worst / b->peak);
    return OK;
}

static enum status do_quant(struct bench *b, struct err *err)
{
    static const char *const specs[] = {
        "int8/g32", "int4/g32", "int4/row",
        "e2m1/g32", "e4m3/g32", "mxfp8",
        "mxfp4",    "nvfp4",    "int4/g32/stochastic",
    };

    if (!as_json(b))
        printf("quantizer              along rows' axis  across   ns an "
               "element\n");
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct quant_spec s;
        double ns[2];

        if (quant_parse(&s, specs[i], NULL, err) != OK)
            return ERR_CONFIG;
        for (int axis = 0; axis < 2; axis++)
            ns[axis] =
                bench_quant(b->kn, &s, TOKENS, 256, (enum quant_axis)axis);
        if (as_json(b)) {
            char *key = mem_printf("quant_ns:%s", specs[i]);

            json_add_number(&b->json, key, ns[0]);
            free(key);
        } else {
            printf("  %-22s %14.2f  %6.2f\n", specs[i], ns[0], ns[1]);
        }
    }
    return OK;
}

static void report_int(struct bench *b, int group, double peak, double gops,
                       double all, double copies)
{
    char key[32];

    if (!as_json(b)) {
        printf("  K, N >= 128    %5d  geometric mean %10.1f  %5.0f %%  %13.2f "
               " %11.2f\n",
               group, gops, 100 * gops / peak, all, copies);
        return;
    }
    snprintf(key, sizeof key, "int_g%d_of_peak", group);
    json_add_number(&b->json, key, gops / peak);
    snprintf(key, sizeof key, "int_g%d_all_in", group);
    json_add_number(&b->json, key, all);
    snprintf(key, sizeof key, "int_g%d_copies", group);
    json_add_number(&b->json, key, copies);
}

/* The forward product of quantized operands.  Small K and N pay for packing
 * and quantizing; from 128 on the goals of docs/performance.md hold. */
static enum status do_int(struct bench *b, struct err *err)
{
    static const int groups[] = { 32, 128 };
    const double peak = bench_peak_int8(b->kn);

    if (!as_json(b))
        printf("integer product, %d tokens, int4 in groups; peak %.0f "
               "GOP/s\n"
               "                 group  f32 GFLOP/s  alone GOP/s  of peak  "
               "x f32, all in  with copies\n",
               TOKENS, peak);
    for (int g = 0; g < 2; g++) {
        double gops = 0, all = 0, copies = 0;
        int n = 0;
        struct quant_spec spec;
        char *text = mem_printf("int4/g%d", groups[g]);
        const enum status st = quant_parse(&spec, text, NULL, err);

        free(text);
        if (st != OK)
            return st;
        for (int i = 0; i < N_SHAPES; i++) {
            const struct shape s = shapes[i];
            struct bench_int r;

            if (s.k % groups[g] != 0)
                continue;
            r = bench_int(b->kn, &spec, TOKENS, s.n, s.k);
            if (s.k >= 128 && s.n >= 128) {
                gops += log(r.gops);
                all += log(r.all_in);
                copies += log(r.all_copies);
                n++;
            }
            if (!as_json(b))
                printf("  %4d -> %-4d   %5d  %11.1f  %11.1f  %5.0f %%  "
                       "%13.2f  %11.2f\n",
                       s.k, s.n, groups[g], r.f32_gflops, r.gops,
                       100 * r.gops / peak, r.all_in, r.all_copies);
        }
        report_int(b, groups[g], peak, exp(gops / n), exp(all / n),
                   exp(copies / n));
    }
    return OK;
}

static enum status do_step(struct bench *b, struct err *err)
{
    return bench_show_step(&b->show, err);
}

static enum status do_slots(struct bench *b, struct err *err)
{
    return bench_show_slots(&b->show, err);
}

static const struct part {
    const char *name;
    enum status (*run)(struct bench *b, struct err *err);
} parts[] = {
    { "peak", do_peak }, { "gemm", do_gemm }, { "quant", do_quant },
    { "int", do_int },   { "step", do_step }, { "slots", do_slots },
};
#define N_PARTS (int)(sizeof parts / sizeof parts[0])

static enum status unknown(const char *name, struct err *err)
{
    const char *names[N_PARTS], *near;

    for (int i = 0; i < N_PARTS; i++)
        names[i] = parts[i].name;
    near = text_nearest(name, names, N_PARTS);
    return err_set(err, ERR_USAGE,
                   "'%s' is not peak, gemm, quant, int, step or slots"
                   "%s%s%s",
                   name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

static enum status run(struct cli *cli, struct err *err)
{
    struct bench b = { .cli = cli };
    const char *only = cli->n_args > 0 ? cli->args[0] : NULL;
    enum status st = kernels_select(&b.kn, getenv("QLAW_ISA"), err);
    bool found = false;

    if (st != OK)
        return st;
    b.peak = bench_peak(b.kn);
    b.show = (struct bench_show){ cli, b.kn, b.peak, &b.json };
    str_add(&b.json, "{");
    json_add_text(&b.json, "schema", "qlaw/bench/1");
    json_add_text(&b.json, "isa", b.kn->name);
    json_add_number(&b.json, "peak_gflops", b.peak);
    for (int i = 0; i < N_PARTS && st == OK; i++)
        if (!only || strcmp(only, parts[i].name) == 0) {
            found = true;
            st = parts[i].run(&b, err);
        }
    if (st == OK && !found)
        st = unknown(only, err);
    if (st == OK && as_json(&b))
        printf("%s}\n", str_text(&b.json));
    str_release(&b.json);
    return st;
}

const struct verb verb_bench = {
    .name = "bench",
    .args = "[peak|gemm|quant|int|step|slots]",
    .max_args = 1,
    .summary = "how fast the kernels and a training step are here",
    .example = "qlaw bench step --d-model 128 --quant w4a4:32 --json",
    .options = options,
    .detail = "One thread, CPU time; shares are of the peak measured in the "
              "same call, and ratios are medians of steps taken in turn. "
              "slots compares two runs at once with one, by the clock on the "
              "wall.",
    .run = run,
};
