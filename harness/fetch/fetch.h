/* fetch.h - downloads that are whole or absent.
 *
 * A download grows as TARGET.part, is resumed by range (If-Range with the
 * server's validator, kept in TARGET.part.etag), checked against its SHA-256
 * and only then renamed to TARGET.  http and https only; redirects are
 * followed up to 10 times, never from https to http and never from a public
 * host to a private address.  4xx ends at once; 429, 5xx, stalls and cut
 * connections are tried again with growing pauses. */
#ifndef HARNESS_FETCH_FETCH_H
#define HARNESS_FETCH_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

struct fetch_options {
    const char *sha256; /* expected digest in hexadecimal, or NULL */
    int64_t max_bytes;  /* refuse more */
    int tries;          /* attempts in all */
    double pause_s;     /* first pause between attempts; doubles */
    long low_speed;     /* bytes a second below which ... */
    long low_time_s;    /* ... for so long counts as a stall */
    void (*progress)(void *ctx, int64_t have, int64_t total); /* or NULL */
    void *ctx;
};

struct fetch_options fetch_defaults(void);

struct fetch_result {
    char sha256[HASH_HEX];
    int64_t bytes;
    bool cached; /* the target was there and is what was asked for */
    bool pinned; /* no digest was given: this one is now kept beside it */
};

/* Bring url to the file target.  Without a digest, the one kept in
 * TARGET.sha256 by an earlier download is demanded; without that the new one
 * is written there.  An existing target with another digest is never
 * overwritten. */
enum status fetch_url(struct fetch_result *out, const char *url,
                      const char *target, const struct fetch_options *options,
                      struct err *err);

/* The file name a URL suggests: its last path segment, cut to letters, digits,
 * '.', '_' and '-', never starting with a dot; "download" when nothing is
 * left.  The caller frees it. */
char *fetch_file_name(const char *url);

/* A URL as it may be shown, logged and kept: without the name and password before
 * its host, and without its query, where signed addresses have their key.  The
 * caller frees it. */
char *fetch_shown(const char *url);

/* Digest and size of an existing file. */
enum status fetch_hash_file(char hex[HASH_HEX], int64_t *bytes,
                            const char *path, struct err *err);

#endif
