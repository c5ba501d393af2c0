#include "trainer/evaluate.h"

#include <math.h>

/* One batch of the set from sequence `at`; the last one is filled up. */
static bool forward(struct model *m, const struct data *d, enum data_set set,
                    int at, uint64_t seed, int *tokens, int *targets)
{
    const int n = data_set_count(d, set), seq = m->dims.seq;

    m->work.step = -1; /* its own rounding stream */
    m->work.seed = seed;
    for (int b = 0; b < m->dims.batch; b++)
        data_set_read(d, set, tokens + b * seq, targets + b * seq,
                      at + b < n ? at + b : 0);
    return model_forward(m, tokens, targets);
}

bool evaluate(struct evaluation *out, struct model *m, const struct data *d,
              enum data_set set, uint64_t seed, int *tokens, int *targets)
{
    const int n = data_set_count(d, set), batch = m->dims.batch;
    const int seq = m->dims.seq;
    double sum = 0, squares = 0;

    for (int at = 0; at < n; at += batch) {
        if (!forward(m, d, set, at, seed, tokens, targets))
            return false;
        for (int b = 0; b < batch && at + b < n; b++) {
            double loss = 0;

            for (int i = 0; i < seq; i++)
                loss += (double)m->loss[b * seq + i] / seq;
            sum += loss;
            squares += loss * loss;
        }
    }
    out->loss = n > 0 ? sum / n : NAN;
    out->se =
        n > 1 ? sqrt(fmax(0, squares - sum * sum / n) / (n - 1) / n) : NAN;
    return true;
}

static double kurtosis(const real *x, size_t n)
{
    double mean = 0, second = 0, fourth = 0;

    for (size_t i = 0; i < n; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)x[i] - mean;

        second += d * d;
        fourth += d * d * d * d;
    }
    return fourth * (double)n / (second * second);
}

bool evaluate_kurtosis(double out[LAYER_HEAD], struct model *m,
                       const struct data *d, uint64_t seed, int *tokens,
                       int *targets)
{
    const struct model_dims *s = &m->dims;
    const size_t rows = (size_t)s->bt;

    for (int kind = 0; kind < LAYER_HEAD; kind++)
        out[kind] = 0;
    if (!forward(m, d, DATA_VAL, 0, seed, tokens, targets))
        return false;
    for (int i = 0; i < s->n_layer; i++)
        for (int k = 0; k < LAYER_HEAD; k++) {
            const enum layer_kind kind = (enum layer_kind)k;

            out[k] += kurtosis(block_input(&m->blocks[i], kind),
                               rows * (size_t)layer_in(s, kind)) /
                      s->n_layer;
        }
    return true;
}
