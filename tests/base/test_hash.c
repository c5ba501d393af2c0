#include "base/hash.h"

#include <string.h>

#include "tests/check.h"

/* FIPS 180-4 example values. */
static void sha256_gives_the_published_digests(void **state)
{
    char hex[HASH_HEX];

    (void)state;
    hash_bytes(hex, "abc", 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
    hash_bytes(hex, "", 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
                             "27ae41e4649b934ca495991b7852b855");
}

static void pieces_hash_like_the_whole(void **state)
{
    char whole[HASH_HEX], pieces[HASH_HEX], text[1000];
    struct hash *h = hash_open();

    (void)state;
    memset(text, 'q', sizeof text);
    hash_bytes(whole, text, sizeof text);
    for (size_t at = 0; at < sizeof text; at += 125)
        hash_add(h, text + at, 125);
    hash_close(h, pieces);
    assert_string_equal(pieces, whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(pieces_hash_like_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
