#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "harness/bench.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    { "d-model", 0, "N", "step: width (default 64, 128, 256, 384 in turn)" },
    { "n-layer", 0, "N", "step: blocks (default 4)" },
    { "seq-len", 0, "N", "step: context (default 256)" },
    { "vocab", 0, "N", "step: vocabulary (default 256)" },
    { "batch", 0, "N", "step: sequences (default 16)" },
    { "quant", 0, "SPEC", "step: none, w4a4:32, or a quantizer for w and x" },
    { "rounds", 0, "N", "step: measured steps (default 5)" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

struct shape {
    int k, n;
};

/* The linear layers of small models: inputs and outputs. */
static const struct shape shapes[] = {
    { 64, 64 },   { 64, 256 },   { 256, 64 },  { 128, 128 }, { 128, 512 },
    { 512, 128 }, { 256, 256 },  { 256, 1024 }, { 1024, 256 }, { 384, 384 },
};
#define N_SHAPES (int)(sizeof shapes / sizeof shapes[0])
#define TOKENS   2048

struct bench {
    const struct cli *cli;
    const struct kernels *kn;
    double peak;
    struct str json;
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
        "int8/g32", "int4/g32", "int4/row", "e2m1/g32", "e4m3/g32", "mxfp8",
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

/* w4a4:32 is the short form of int4 weights and activations in groups. */
static char *spec_of(const char *text)
{
    int w, a, group;

    if (sscanf(text, "w%da%d:%d", &w, &a, &group) == 3 && w == a)
        return mem_printf("int%d/g%d", w, group);
    return mem_strdup(text);
}

static enum status step_config(struct config **out, const struct cli *cli,
                               int d_model, const char *quant,
                               struct err *err)
{
    struct config *c = config_new();
    char *spec = spec_of(quant), width[16], heads[16];
    const struct {
        const char *key, *value;
    } sets[] = {
        { "model.d_model", width },
        { "model.n_head", heads },
        { "model.n_layer", cli_value(cli, "n-layer", "4") },
        { "model.seq_len", cli_value(cli, "seq-len", "256") },
        { "model.vocab", cli_value(cli, "vocab", "256") },
        { "train.batch", cli_value(cli, "batch", "16") },
        { "quant.w", spec },
        { "quant.x", spec },
    };
    enum status st = OK;

    snprintf(width, sizeof width, "%d", d_model);
    snprintf(heads, sizeof heads, "%d", d_model % 32 ? 1 : d_model / 32);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0] && st == OK; i++)
        st = config_set(c, sets[i].key, sets[i].value, err);
    if (st == OK)
        st = config_resolve(c, err);
    free(spec);
    if (st == OK)
        *out = c;
    else
        config_free(c);
    return st;
}

static void report_step(struct bench *b, int d_model, const char *quant,
                        const struct bench_step *s)
{
    if (as_json(b)) {
        json_add_number(&b->json, "d_model", d_model);
        json_add_text(&b->json, "quant", quant);
        json_add_number(&b->json, "tok_per_s", s->tok_per_s);
        json_add_number(&b->json, "gflops", s->gflops);
        json_add_number(&b->json, "memory_bytes", (double)s->memory_bytes);
        return;
    }
    printf("  d_model %-4d %-10s %9.0f tok/s  %6.1f GFLOP/s  %3.0f %% of "
           "peak  %5.1f MiB\n",
           d_model, quant, s->tok_per_s, s->gflops,
           100 * s->gflops / b->peak, (double)s->memory_bytes / 0x1p20);
}

static enum status one_step(struct bench *b, int d_model, const char *quant,
                            struct err *err)
{
    struct config *c = NULL;
    struct bench_step s;
    double rounds;
    enum status st =
        cli_number(&rounds, b->cli, "rounds", 5, 1, 1e6, err);

    if (st == OK)
        st = step_config(&c, b->cli, d_model, quant, err);
    if (st == OK)
        st = bench_step(&s, c, b->kn, (int)rounds, err);
    if (st == OK)
        report_step(b, d_model, quant, &s);
    config_free(c);
    return st;
}

static enum status do_step(struct bench *b, struct err *err)
{
    static const int widths[] = { 64, 128, 256, 384 };
    static const char *const quants[] = { "none", "w4a4:32", "mxfp8" };
    const char *quant = cli_value(b->cli, "quant", NULL);
    double d = 0;
    enum status st = cli_number(&d, b->cli, "d-model", 0, 1, 65536, err);

    if (st != OK)
        return st;
    if (d > 0 || as_json(b))
        return one_step(b, d > 0 ? (int)d : 128, quant ? quant : "none", err);
    printf("training step (6 N D + causal attention)\n");
    for (int i = 0; i < 4; i++)
        for (int q = 0; q < (quant ? 1 : 3) && st == OK; q++)
            st = one_step(b, widths[i], quant ? quant : quants[q], err);
    return st;
}

static const struct part {
    const char *name;
    enum status (*run)(struct bench *b, struct err *err);
} parts[] = {
    { "peak", do_peak },
    { "gemm", do_gemm },
    { "quant", do_quant },
    { "step", do_step },
};
#define N_PARTS (int)(sizeof parts / sizeof parts[0])

static enum status unknown(const char *name, struct err *err)
{
    const char *names[N_PARTS], *near;

    for (int i = 0; i < N_PARTS; i++)
        names[i] = parts[i].name;
    near = text_nearest(name, names, N_PARTS);
    return err_set(err, ERR_USAGE, "'%s' is not peak, gemm, quant or step%s%s%s",
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
    .args = "[peak|gemm|quant|step]",
    .max_args = 1,
    .summary = "how fast the kernels and a training step are here",
    .example = "qlaw bench step --d-model 128 --quant w4a4:32 --json",
    .options = options,
    .detail = "One thread, CPU time; shares are of the f32 peak measured in "
              "the same call.",
    .run = run,
};
