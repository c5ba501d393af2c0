/* corpus_cache.h - a corpus of many or packed files, read and hashed once.
 *
 * Every run of a grid reads the same text.  What came of reading it is kept as
 * one file for all runs, of all grids, under
 *
 *   $QLAW_CACHE, else $XDG_CACHE_HOME/qlaw/texts, else ~/.cache/qlaw/texts
 *
 * and none is kept when QLAW_CACHE is "off".  It is a cache of content, not a
 * part of any run: what is read is the same bytes, with the same SHA-256, with
 * and without it.
 *
 * An entry is named by the SHA-256 of what stat says of all files (path,
 * device, inode, size, times of change of contents and of inode, which nobody
 * can set back), of how they are to be read and of the number of bytes wanted.
 * Files that changed within the last seconds are not trusted to that, and
 * nothing is kept of them.
 *
 *   offset 0     "qlawtxt2", then numbers of this machine's byte order: size
 *                and check sum of the bytes (64 bits each), 1 for tokens (32
 *                bits), the SHA-256 in hexadecimal with its end
 *   offset 4096  the bytes
 *
 * Entries are written under another name and renamed; one that is cut short or
 * damaged is noticed by its size or check sum and made again.  The oldest give
 * way when all together exceed CORPUS_CACHE_BYTES. */
#ifndef TRAINER_CORPUS_CACHE_H
#define TRAINER_CORPUS_CACHE_H

#include "trainer/corpus.h"

#define CORPUS_CACHE_BYTES ((int64_t)1 << 30)

/* corpus_read through the cache. */
enum status corpus_read_cached(struct corpus *out, const char *paths,
                               enum corpus_as as, int64_t max_bytes,
                               struct err *err);

/* The files themselves, whatever the cache holds; leaves them in it. */
enum status corpus_read_fresh(struct corpus *out, const char *paths,
                              enum corpus_as as, int64_t max_bytes,
                              struct err *err);

#endif
