#include "trainer/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "trainer/corpus.h"
#include "trainer/run.h"

#define BLOCK 8192

/* One side of the split: blocks by their first token. */
struct side {
    int64_t *start;
    int64_t n;       /* blocks */
    int64_t windows; /* sequences in all */
};

struct data {
    struct corpus corpus;
    int64_t n; /* tokens */
    int seq, vocab;
    int64_t block, per_block; /* tokens, sequences of a block */
    struct side train, val;
    int64_t val_count;
};

static int token_at(const struct data *d, int64_t i)
{
    const unsigned char *b = d->corpus.bytes;

    return d->corpus.tokens ? b[2 * i] | b[2 * i + 1] << 8 : b[i];
}

static enum status check_vocab(const struct data *d, struct err *err)
{
    int max = 0;

    if (!d->corpus.tokens && d->vocab >= 256)
        return OK;
    for (int64_t i = 0; i < d->n; i++) {
        const int t = token_at(d, i);

        max = t > max ? t : max;
    }
    if (max < d->vocab)
        return OK;
    return err_set(err, ERR_CONFIG,
                   "the data hold token %d, but model.vocab = %d", max,
                   d->vocab);
}

/* --- the split ----------------------------------------------------------- */

static int64_t clamp(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static void choose_block(struct data *d)
{
    const int64_t window = d->seq + 1;

    d->block = clamp(d->n / 64, window, BLOCK);
    if (d->block < 4 * window)
        d->block = clamp(4 * window, 1, d->n / 2);
    d->per_block = d->block > d->seq ? (d->block - 1) / d->seq : 0;
}

static void add_block(struct side *s, int64_t start, int64_t windows)
{
    s->start[s->n++] = start;
    s->windows += windows;
}

/* The hash decides; when it gives a side nothing, its most extreme block goes
 * there. */
static void split(struct data *d, double fraction)
{
    const uint64_t key = rng_key(0, RNG_HOLDOUT, 0);
    const int64_t blocks = d->n / d->block;
    int64_t least = 0, most = 0;

    d->train.start = mem_array((size_t)blocks, sizeof *d->train.start);
    d->val.start = mem_array((size_t)blocks, sizeof *d->val.start);
    for (int64_t i = 1; i < blocks; i++) {
        const double u = rng_f64(key, (uint64_t)i);

        least = u < rng_f64(key, (uint64_t)least) ? i : least;
        most = u > rng_f64(key, (uint64_t)most) ? i : most;
    }
    for (int64_t i = 0; i < blocks; i++) {
        const bool held = i == least || (i != most &&
                          rng_f64(key, (uint64_t)i) < fraction);

        add_block(held ? &d->val : &d->train, i * d->block, d->per_block);
    }
}

static enum status too_small(int64_t tokens, int seq, struct err *err)
{
    return err_set(err, ERR_CONFIG,
                   "the data hold %lld tokens; model.seq_len = %d needs at "
                   "least %d (two sequences, one of them held out)",
                   (long long)tokens, seq, 2 * (seq + 1));
}

static enum status prepare(struct data *d, const struct config *c,
                           struct err *err)
{
    const char *want = config_get(c, "data.sha256");
    int64_t val;

    if (*want && strcmp(want, d->corpus.sha256) != 0)
        return err_set(err, ERR_CONFIG,
                       "the data changed: SHA-256 is %s, the run was made for "
                       "%s",
                       d->corpus.sha256, want);
    if (!d->corpus.tokens)
        corpus_cut(&d->corpus, config_get(c, "data.delimiter"));
    d->n = (int64_t)(d->corpus.tokens ? d->corpus.size / 2 : d->corpus.size);
    if (d->n < 2 * (d->seq + 1))
        return too_small(d->n, d->seq, err);
    choose_block(d);
    split(d, config_number(c, "data.val_fraction"));
    val = config_int(c, "data.val_tokens") / d->seq;
    d->val_count = clamp(val, 1, d->val.windows);
    return check_vocab(d, err);
}

enum status data_open(struct data **out, const struct config *c,
                      struct err *err)
{
    struct data *d = mem_alloc(sizeof *d);
    enum status st;

    *out = NULL;
    d->seq = (int)config_int(c, "model.seq_len");
    d->vocab = (int)config_int(c, "model.vocab");
    st = corpus_read(&d->corpus, config_get(c, "data.path"),
                     config_int(c, "data.max_bytes"), err);
    if (st == OK)
        st = prepare(d, c, err);
    if (st == OK)
        *out = d;
    else
        data_close(d);
    return st;
}

void data_close(struct data *d)
{
    if (!d)
        return;
    corpus_release(&d->corpus);
    free(d->train.start);
    free(d->val.start);
    free(d);
}

const char *data_sha256(const struct data *d)
{
    return d->corpus.sha256;
}

int64_t data_train_tokens(const struct data *d)
{
    return d->train.windows * d->seq;
}

int64_t data_val_tokens(const struct data *d)
{
    return d->val_count * d->seq;
}

/* --- sequences ----------------------------------------------------------- */

static void read_window(const struct data *d, const struct side *s,
                        int64_t window, int *tokens, int *targets)
{
    const int64_t at = s->start[window / d->per_block] +
                       window % d->per_block * d->seq;

    for (int i = 0; i < d->seq; i++) {
        tokens[i] = token_at(d, at + i);
        targets[i] = token_at(d, at + i + 1);
    }
}

uint64_t data_permute(uint64_t key, uint64_t i, uint64_t n)
{
    int half = 1;
    uint64_t mask;

    while (half < 32 && UINT64_C(1) << (2 * half) < n)
        half++;
    mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;

        for (uint64_t round = 0; round < 4; round++) {
            const uint64_t mixed =
                rng_u64(key, right * 4 + round) & mask;
            const uint64_t next = left ^ mixed;

            left = right;
            right = next;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

void data_batch(const struct data *d, int *tokens, int *targets, int batch,
                uint64_t data_seed, int64_t step)
{
    const uint64_t windows = (uint64_t)d->train.windows;

    for (int b = 0; b < batch; b++) {
        const uint64_t k = (uint64_t)step * (uint64_t)batch + (uint64_t)b;
        const uint64_t key = rng_key(data_seed, RNG_DATA, k / windows);

        read_window(d, &d->train,
                    (int64_t)data_permute(key, k % windows, windows),
                    tokens + b * d->seq, targets + b * d->seq);
    }
}

int data_val_count(const struct data *d)
{
    return (int)d->val_count;
}

/* Spread over all that is held out. */
void data_val(const struct data *d, int *tokens, int *targets, int i)
{
    read_window(d, &d->val, i * d->val.windows / d->val_count, tokens,
                targets);
}

enum status run_data_identity(struct config *c, int64_t *bytes,
                              struct err *err)
{
    struct corpus corpus;
    enum status st = corpus_read(&corpus, config_get(c, "data.path"),
                                 config_int(c, "data.max_bytes"), err);
    const char *want = config_get(c, "data.sha256");
    const int64_t seq = config_int(c, "model.seq_len");

    if (st != OK)
        return st;
    *bytes = (int64_t)corpus.size;
    if (*bytes / (corpus.tokens ? 2 : 1) < 2 * (seq + 1))
        st = too_small(*bytes / (corpus.tokens ? 2 : 1), (int)seq, err);
    else if (!*want)
        st = config_set(c, "data.sha256", corpus.sha256, err);
    else if (strcmp(want, corpus.sha256) != 0)
        st = err_set(err, ERR_CONFIG,
                     "data.sha256 = %s, but the files hash to %s", want,
                     corpus.sha256);
    corpus_release(&corpus);
    return st;
}
