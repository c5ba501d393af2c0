#include "harness/verbs/bench_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* What is measured at each width when nothing is asked for; the first is what
 * the others are compared with. */
static const char *const schemes[] = { "none",         "none+bf16",
                                       "w4a4:32/fake", "w4a4:32",
                                       "w4a4:32+bf16", "mxfp8" };
#define N_SCHEMES (int)(sizeof schemes / sizeof schemes[0])
_Static_assert(N_SCHEMES <= BENCH_STEPS, "all schemes are taken in turn");

static const int widths[] = { 64, 128, 256, 384 };
#define N_WIDTHS (int)(sizeof widths / sizeof widths[0])

/* w4a4:32 is the short form of int4 weights and activations in groups; /fake
 * after it asks for the f32 product of the same values, +bf16 after any scheme
 * for bf16 products where they are not integer ones. */
static char *spec_of(const char *text)
{
    int w, a, group;

    if (sscanf(text, "w%da%d:%d", &w, &a, &group) == 3 && w == a)
        return mem_printf("int%d/g%d", w, group);
    return mem_strdup(text);
}

/* Characters before a final +bf16. */
static size_t scheme_length(const char *scheme)
{
    const size_t n = strlen(scheme), tail = strlen("+bf16");

    return n > tail && strcmp(scheme + n - tail, "+bf16") == 0 ? n - tail : n;
}

static enum status step_config(struct config **out, const struct cli *cli,
                               int d_model, const char *quant, struct err *err)
{
    struct config *c = config_new();
    char *text = mem_strndup(quant, scheme_length(quant));
    char *spec = spec_of(text), width[16], heads[16];
    const bool bf16 = scheme_length(quant) < strlen(quant) ||
                      strcmp(cli_value(cli, "compute", "f32"), "bf16") == 0;
    const char *fake = strstr(quant, "/fake");
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
        { "quant.gemm", fake ? "fake" : "integer" },
        { "train.compute", bf16 ? "bf16" : cli_value(cli, "compute", "f32") },
    };
    enum status st = OK;

    snprintf(width, sizeof width, "%d", d_model);
    snprintf(heads, sizeof heads, "%d", d_model % 32 ? 1 : d_model / 32);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0] && st == OK; i++)
        st = config_set(c, sets[i].key, sets[i].value, err);
    if (st == OK)
        st = config_resolve(c, err);
    free(spec);
    free(text);
    if (st == OK)
        *out = c;
    else
        config_free(c);
    return st;
}

static bool as_json(const struct bench_show *b)
{
    return cli_flag(b->cli, "json");
}

static void step_json(struct bench_show *b, int d_model, const char *quant,
                      const struct bench_step *s)
{
    json_add_number(b->json, "d_model", d_model);
    json_add_text(b->json, "quant", quant);
    json_add_number(b->json, "tok_per_s", s->tok_per_s);
    json_add_number(b->json, "gflops", s->gflops);
    json_add_number(b->json, "memory_bytes", (double)s->memory_bytes);
    json_add_number(b->json, "least_bytes", (double)s->least_bytes);
}

static void step_line(const struct bench_show *b, int d_model,
                      const char *quant, const struct bench_step *s)
{
    printf("  %7d  %-14s %7.0f  %8.1f  %6.0f %%  %6.2f  %6.1f  %5.2f\n",
           d_model, quant, s->tok_per_s, s->gflops, 100 * s->gflops / b->peak,
           s->time_ratio, (double)s->memory_bytes / 0x1p20,
           (double)s->memory_bytes / (double)s->least_bytes);
}

/* Some schemes at one width, in turn. */
static enum status show_width(struct bench_show *b, int d_model,
                              const char *const *quant, int n, struct err *err)
{
    struct config *c[BENCH_STEPS] = { 0 };
    struct bench_step s[BENCH_STEPS];
    double rounds;
    enum status st = cli_number(&rounds, b->cli, "rounds", 5, 1, 1e6, err);

    for (int i = 0; i < n && st == OK; i++)
        st = step_config(&c[i], b->cli, d_model, quant[i], err);
    if (st == OK)
        st = bench_steps(s, c, n, b->kn, (int)rounds, err);
    for (int i = 0; i < n && st == OK; i++)
        if (as_json(b))
            step_json(b, d_model, quant[i], &s[i]);
        else
            step_line(b, d_model, quant[i], &s[i]);
    for (int i = 0; i < n; i++)
        config_free(c[i]);
    return st;
}

enum status bench_show_step(struct bench_show *b, struct err *err)
{
    const char *const one = cli_value(b->cli, "quant", NULL);
    const char *const pair[] = { "none", one };
    double d = 0;
    enum status st = cli_number(&d, b->cli, "d-model", 0, 1, 65536, err);

    if (st != OK)
        return st;
    if (as_json(b))
        return show_width(b, d > 0 ? (int)d : 128, one ? &one : schemes, 1,
                          err);
    printf("training step, flops as 6 N D + causal attention; memory against "
           "16 bytes a\nparameter and the activations that f32 must keep\n"
           "  d_model  quantized        tok/s   GFLOP/s  of peak  x time     "
           "MiB  ratio\n");
    for (int i = 0; i < (d > 0 ? 1 : N_WIDTHS) && st == OK; i++)
        st = show_width(b, d > 0 ? (int)d : widths[i], one ? pair : schemes,
                        !one                       ? N_SCHEMES
                        : strcmp(one, "none") == 0 ? 1
                                                   : 2,
                        err);
    return st;
}

enum status bench_show_slots(struct bench_show *b, struct err *err)
{
    struct config *c = NULL;
    struct bench_slots s;
    double d, rounds;
    enum status st = cli_number(&d, b->cli, "d-model", 128, 1, 65536, err);

    if (st == OK)
        st = cli_number(&rounds, b->cli, "rounds", 5, 1, 1e6, err);
    if (st == OK)
        st = step_config(&c, b->cli, (int)d, cli_value(b->cli, "quant", "none"),
                         err);
    if (st == OK)
        st = bench_slots(&s, c, b->kn, (int)rounds, 2, err);
    config_free(c);
    if (st != OK)
        return st;
    if (as_json(b)) {
        json_add_number(b->json, "two_slots_ratio", s.slots_ratio);
        json_add_number(b->json, "two_threads_ratio", s.threads_ratio);
        return OK;
    }
    printf("runs at once, d_model %d     tok/s  x one run\n"
           "  one run, one thread     %9.0f\n"
           "  two runs, one thread    %9.0f  %9.2f\n"
           "  one run, two threads    %9.0f  %9.2f\n",
           (int)d, s.one, s.two_slots, s.slots_ratio, s.two_threads,
           s.threads_ratio);
    return OK;
}
