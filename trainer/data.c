#include "trainer/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "trainer/corpus_cache.h"
#include "trainer/run.h"

#define BLOCK 8192

/* A text, cut into blocks that sequences do not leave. */
struct text {
    struct corpus corpus;
    int64_t n;                /* tokens */
    int64_t block, per_block; /* tokens, sequences of a block */
};

/* One side of a split: blocks by their first token. */
struct side {
    const struct text *text;
    int64_t *start;
    int64_t n;       /* blocks */
    int64_t windows; /* sequences in all */
};

struct data {
    struct text train_text, set_text[DATA_SETS];
    int seq, vocab;
    struct side train, set[DATA_SETS];
    int64_t count[DATA_SETS];
};

static int token_at(const struct text *t, int64_t i)
{
    const unsigned char *b = t->corpus.bytes;

    return t->corpus.tokens ? b[2 * i] | b[2 * i + 1] << 8 : b[i];
}

static enum status check_vocab(const struct text *t, int vocab, struct err *err)
{
    int max = 0;

    if (!t->corpus.tokens && vocab >= 256)
        return OK;
    for (int64_t i = 0; i < t->n; i++) {
        const int token = token_at(t, i);

        max = token > max ? token : max;
    }
    if (max < vocab)
        return OK;
    return err_set(err, ERR_CONFIG,
                   "the data hold token %d, but model.vocab = %d", max, vocab);
}

/* --- the split ----------------------------------------------------------- */

static int64_t clamp(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static void choose_block(struct text *t, int seq)
{
    const int64_t window = seq + 1;

    t->block = clamp(t->n / 64, window, BLOCK);
    if (t->block < 4 * window)
        t->block = clamp(4 * window, 1, t->n / 2);
    t->per_block = t->block > seq ? (t->block - 1) / seq : 0;
}

static void side_init(struct side *s, const struct text *t)
{
    s->text = t;
    s->start = mem_array((size_t)(t->n / t->block), sizeof *s->start);
}

static void add_block(struct side *s, int64_t i)
{
    s->start[s->n++] = i * s->text->block;
    s->windows += s->text->per_block;
}

/* The hash decides; when it gives a side nothing, its most extreme block goes
 * there. */
static void split(struct data *d, double fraction)
{
    const struct text *t = &d->train_text;
    const uint64_t key = rng_key(0, RNG_HOLDOUT, 0);
    const int64_t blocks = t->n / t->block;
    int64_t least = 0, most = 0;

    side_init(&d->set[DATA_VAL], t);
    for (int64_t i = 1; i < blocks; i++) {
        const double u = rng_f64(key, (uint64_t)i);

        least = u < rng_f64(key, (uint64_t)least) ? i : least;
        most = u > rng_f64(key, (uint64_t)most) ? i : most;
    }
    for (int64_t i = 0; i < blocks; i++) {
        const bool held =
            i == least || (i != most && rng_f64(key, (uint64_t)i) < fraction);

        add_block(held ? &d->set[DATA_VAL] : &d->train, i);
    }
}

/* All of a text on one side. */
static void take_all(struct side *s, const struct text *t)
{
    side_init(s, t);
    for (int64_t i = 0; i < t->n / t->block; i++)
        add_block(s, i);
}

/* --- reading ------------------------------------------------------------- */

const struct data_source data_sources[DATA_SETS] = {
    [DATA_VAL] = { "data.val", "data.val_sha256" },
    [DATA_PROBE] = { "data.probe", NULL },
};

enum status data_too_small(int64_t tokens, int seq, struct err *err)
{
    return err_set(err, ERR_CONFIG,
                   "the data hold %lld tokens; model.seq_len = %d needs at "
                   "least %d (two sequences, one of them held out)",
                   (long long)tokens, seq, 2 * (seq + 1));
}

static enum status check_sha256(const struct corpus *corpus, const char *want,
                                struct err *err)
{
    if (!*want || strcmp(want, corpus->sha256) == 0)
        return OK;
    return err_set(err, ERR_CONFIG,
                   "the data changed: SHA-256 is %s, the run was made for %s",
                   corpus->sha256, want);
}

enum corpus_as data_as(const struct config *c)
{
    return config_is_exec(c)                         ? CORPUS_FOREIGN
           : strcmp(config_data_kind(c), "u16") == 0 ? CORPUS_AS_IDS
                                                     : CORPUS_AS_IT_IS;
}

enum corpus_as data_as_train(const struct corpus *train)
{
    return train->tokens ? CORPUS_AS_IDS : CORPUS_AS_IT_IS;
}

enum status data_like_train(const struct corpus *set,
                            const struct corpus *train, struct err *err)
{
    if (set->tokens == train->tokens)
        return OK;
    return err_set(err, ERR_CONFIG,
                   "it holds 16-bit ids and data.path is text; a model reads "
                   "one or the other");
}

/* Cut a text that was read into tokens and blocks. */
static enum status cut(struct text *t, const struct data *d,
                       const struct config *c, struct err *err)
{
    if (!t->corpus.tokens)
        corpus_cut(&t->corpus, config_data_delimiter(c));
    t->n = (int64_t)(t->corpus.tokens ? t->corpus.size / 2 : t->corpus.size);
    if (t->n < 2 * (d->seq + 1))
        return data_too_small(t->n, d->seq, err);
    choose_block(t, d->seq);
    return check_vocab(t, d->vocab, err);
}

static enum status open_train(struct data *d, const struct config *c,
                              struct err *err)
{
    struct text *t = &d->train_text;
    enum status st =
        corpus_read_cached(&t->corpus, config_data_path(c), data_as(c),
                           config_data_max_bytes(c), err);

    if (st == OK)
        st = check_sha256(&t->corpus, config_data_sha256(c), err);
    if (st == OK)
        st = cut(t, d, c, err);
    if (st != OK)
        return st;
    if (*config_data_val(c)) {
        take_all(&d->train, t);
    } else {
        side_init(&d->train, t);
        split(d, config_data_val_fraction(c));
    }
    return OK;
}

/* A set that has files of its own. */
static enum status open_set(struct data *d, enum data_set set,
                            const struct config *c, struct err *err)
{
    struct text *t = &d->set_text[set];
    const char *sha = data_sources[set].sha256;
    enum status st;

    if (!*config_get(c, data_sources[set].path))
        return OK;
    st = corpus_read_cached(&t->corpus, config_get(c, data_sources[set].path),
                            data_as_train(&d->train_text.corpus), 0, err);
    if (st == OK)
        st = data_like_train(&t->corpus, &d->train_text.corpus, err);
    if (st == OK && sha)
        st = check_sha256(&t->corpus, config_get(c, sha), err);
    if (st == OK)
        st = cut(t, d, c, err);
    if (st == OK)
        take_all(&d->set[set], t);
    else
        err_prefix(err, "%s: ", data_sources[set].path);
    return st;
}

enum status data_open(struct data **out, const struct config *c,
                      struct err *err)
{
    struct data *d = mem_alloc(sizeof *d);
    int64_t want;
    enum status st;

    *out = NULL;
    d->seq = (int)config_model_seq_len(c);
    d->vocab = (int)config_model_vocab(c);
    want = config_data_val_tokens(c) / d->seq;
    st = open_train(d, c, err);
    for (int set = 0; set < DATA_SETS && st == OK; set++) {
        st = open_set(d, (enum data_set)set, c, err);
        d->count[set] =
            d->set[set].windows ? clamp(want, 1, d->set[set].windows) : 0;
    }
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
    corpus_release(&d->train_text.corpus);
    free(d->train.start);
    for (int set = 0; set < DATA_SETS; set++) {
        corpus_release(&d->set_text[set].corpus);
        free(d->set[set].start);
    }
    free(d);
}

const char *data_sha256(const struct data *d)
{
    return d->train_text.corpus.sha256;
}

int64_t data_train_tokens(const struct data *d)
{
    return d->train.windows * d->seq;
}

/* --- sequences ----------------------------------------------------------- */

static void read_window(const struct data *d, const struct side *s,
                        int64_t window, int *tokens, int *targets)
{
    const struct text *t = s->text;
    const int64_t at =
        s->start[window / t->per_block] + window % t->per_block * d->seq;

    for (int i = 0; i < d->seq; i++) {
        tokens[i] = token_at(t, at + i);
        targets[i] = token_at(t, at + i + 1);
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
            const uint64_t mixed = rng_u64(key, right * 4 + round) & mask;
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

int data_set_count(const struct data *d, enum data_set set)
{
    return (int)d->count[set];
}

/* Spread over all that is held out. */
void data_set_read(const struct data *d, enum data_set set, int *tokens,
                   int *targets, int i)
{
    const struct side *s = &d->set[set];

    read_window(d, s, i * s->windows / d->count[set], tokens, targets);
}
