#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hash *hash_open(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        fputs("qlaw: libcrypto offers no SHA-256\n", stderr);
        abort();
    }
    return (struct hash *)ctx;
}

void hash_add(struct hash *h, const void *data, size_t size)
{
    EVP_DigestUpdate((EVP_MD_CTX *)h, data, size);
}

void hash_close(struct hash *h, char hex[HASH_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;

    EVP_DigestFinal_ex((EVP_MD_CTX *)h, digest, &n);
    EVP_MD_CTX_free((EVP_MD_CTX *)h);
    for (unsigned int i = 0; i < n; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[2 * n] = '\0';
}

void hash_bytes(char hex[HASH_HEX], const void *data, size_t size)
{
    struct hash *h = hash_open();

    hash_add(h, data, size);
    hash_close(h, hex);
}

void hash_id(char id[HASH_ID], const void *data, size_t size)
{
    char hex[HASH_HEX];

    hash_bytes(hex, data, size);
    memcpy(id, hex, HASH_ID - 1);
    id[HASH_ID - 1] = '\0';
}
