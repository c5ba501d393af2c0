/* corpus.h - the bytes of a corpus, from files of several kinds.
 *
 * Paths and globs are read in the order given (a glob's matches sorted); .gz
 * and .zst are recognized by their first bytes and unpacked.  The identity of
 * the data is the SHA-256 of the bytes that are used, and whether they are text
 * or ids (corpus_kind.h): names, compression, headers before ids and the way
 * the text is cut into files do not matter. */
#ifndef TRAINER_CORPUS_H
#define TRAINER_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "trainer/corpus_kind.h"

struct corpus {
    unsigned char *bytes;
    size_t size;
    bool tokens; /* 16-bit little-endian ids rather than text */
    char sha256[HASH_HEX];
    void *mapped; /* the cache's file that bytes lie in (corpus_cache.h) */
    size_t mapped_size;
};

/* The files that paths (one name or glob a line) stand for, in their order. */
struct corpus_files {
    char **path;
    size_t n;
};
enum status corpus_files_find(struct corpus_files *out, const char *paths,
                              struct err *err);
void corpus_files_release(struct corpus_files *f);

/* Read the files that paths (one a line) name, at most max_bytes of them when
 * that is not 0.  ERR_CONFIG names the path that matches nothing, is empty or
 * damaged, or unpacks to more than 200 times its size (a bomb). */
enum status corpus_read(struct corpus *out, const char *paths,
                        enum corpus_as as, int64_t max_bytes, struct err *err);

/* Replace each line of a text that is the delimiter, its end included, by one
 * zero byte.  An empty delimiter cuts nothing. */
void corpus_cut(struct corpus *c, const char *delimiter);

/* How often the delimiter stands in the text, how many lines it would cut, and
 * how many have blanks or a carriage return after the delimiter, which it
 * leaves as they are. */
int64_t corpus_count_cuts(int64_t *cuts, int64_t *near, const struct corpus *c,
                          const char *delimiter);

void corpus_release(struct corpus *c);

#endif
