/* corpus_kind.h - what a data file holds: text, or the ids of a tokenizer.
 *
 * The same bytes are another corpus when they are read another way, so how they
 * are read is never a guess.  Known are, under a compression too,
 *
 *   *.u16            16-bit little-endian ids, from the first byte on
 *   magic 20240520   the same behind 256 32-bit words (shards of llm.c)
 *   \x93NUMPY '<u2'  the same behind NumPy's header
 *   anything else    text, a token a byte; or, when data.kind says u16, ids
 *                    from the first byte on (nanoGPT's train.bin)
 *
 * and refused, with what to do, is what looks like one and is another: other
 * formats by their first bytes, ids in files that would be read as text (text
 * has hardly any control characters, ids have them by the thousand), ids of 32
 * or 64 bits in files that would be read as ids of 16.
 *
 * A trainer of the user's own reads its files as it likes: nothing is refused
 * or skipped then. */
#ifndef TRAINER_CORPUS_KIND_H
#define TRAINER_CORPUS_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* By what it is asked how to read. */
enum corpus_as {
    CORPUS_AS_IT_IS, /* names and first bytes */
    CORPUS_AS_IDS,   /* 16-bit ids, whatever the name */
    CORPUS_FOREIGN,  /* another program reads it: its bytes */
};

#define CORPUS_HEAD 65536 /* unpacked bytes that are looked at */

struct corpus_kind {
    bool tokens; /* 16-bit ids */
    size_t skip; /* bytes before them */
};

/* From the name and the first n unpacked bytes.  ERR_CONFIG names the file. */
enum status corpus_kind_find(struct corpus_kind *out, const char *path,
                             const unsigned char *head, size_t n,
                             enum corpus_as as, struct err *err);

#endif
