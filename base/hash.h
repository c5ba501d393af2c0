/* hash.h - SHA-256 (FIPS 180-4) through libcrypto; the one hash of qlaw, for
 * configurations, corpora, weights and downloads. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>

#define HASH_HEX 65 /* 64 hexadecimal digits and the terminator */

struct hash; /* a running SHA-256 */

struct hash *hash_open(void);
void hash_add(struct hash *h, const void *data, size_t size);

/* Write the digest as lower-case hexadecimal; h is closed. */
void hash_close(struct hash *h, char hex[HASH_HEX]);

void hash_bytes(char hex[HASH_HEX], const void *data, size_t size);

/* What a configuration is known by: the first digits of its hash. */
#define HASH_ID 17 /* 16 hexadecimal digits and the terminator */
void hash_id(char id[HASH_ID], const void *data, size_t size);

#endif
