/* data.h - training sequences and the fixed validation set.
 *
 * Text becomes one token a byte; a line that is the document delimiter becomes
 * the single token 0.  Files of 16-bit ids (corpus_kind.h) hold their tokens as
 * they are.  A model reads text or ids: all its files are of one kind.
 *
 * The tokens are cut into blocks of 8192 (for short texts a 64th of the text,
 * for long contexts four of them).  Block i is held out for validation when
 * the uniform number of (RNG_HOLDOUT, i) is below data.val_fraction, so that
 * the split depends on positions only; at least one block is on each side.
 * Sequences of seq_len + 1 tokens lie inside one block and never cross into a
 * held-out one.  When data.val names a text of its own, all blocks of data.path
 * are trained on; data.probe is one more text to measure, at the end only.
 *
 * Sequence number k of training (step * batch + its place) is window
 * perm(k mod W) of epoch k / W, where perm is a keyed permutation of the W
 * windows: a pure function of data_seed and k. */
#ifndef TRAINER_DATA_H
#define TRAINER_DATA_H

#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "trainer/config.h"
#include "trainer/corpus.h"

struct data; /* opaque */

/* Texts that losses are measured on. */
enum data_set { DATA_VAL, DATA_PROBE, DATA_SETS };

/* The keys that name a text of its own and what it must hash to, or NULL. */
extern const struct data_source {
    const char *path, *sha256;
} data_sources[DATA_SETS];

/* How the files of data.path are read, as data.kind says; and those of a set
 * beside them, which must be of the same kind. */
enum corpus_as data_as(const struct config *c);
enum corpus_as data_as_train(const struct corpus *train);
enum status data_like_train(const struct corpus *set,
                            const struct corpus *train, struct err *err);

/* Says how many tokens are needed. */
enum status data_too_small(int64_t tokens, int seq, struct err *err);

/* Load what c names.  ERR_CONFIG: missing, empty or damaged files, too little
 * for one sequence on either side (the sentence says how much is needed), a
 * token outside the vocabulary, or other content than data.sha256 says. */
enum status data_open(struct data **out, const struct config *c,
                      struct err *err);
void data_close(struct data *d);

const char *data_sha256(const struct data *d);
int64_t data_train_tokens(const struct data *d); /* in windows */

/* tokens[batch * seq] and targets[batch * seq] of a training step. */
void data_batch(const struct data *d, int *tokens, int *targets, int batch,
                uint64_t data_seed, int64_t step);

/* Sequence i of a fixed set; data_set_count of them (0: there is no probe). */
int data_set_count(const struct data *d, enum data_set set);
void data_set_read(const struct data *d, enum data_set set, int *tokens,
                   int *targets, int i);

/* The i-th of n under a keyed permutation (a Feistel network over the next
 * even power of two, walked until it falls below n). */
uint64_t data_permute(uint64_t key, uint64_t i, uint64_t n);

#endif
