#include "trainer/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/corpus.h"
#include "trainer/run.h"

static void put(const char *dir, const char *name, const void *data, size_t n)
{
    char *path = mem_printf("%s/%s", dir, name);
    struct err err;

    check_ok(file_replace(path, data, n, &err), err);
    free(path);
}

static struct config *config_of(const char *dir, const char *files,
                                const char *more)
{
    struct config *c =
        small_config(dir, more ? more : "model.seq_len=16", NULL);
    struct err err;
    char *path = mem_printf("%s/%s", dir, files);

    check_ok(config_set(c, "data.path", path, &err), err);
    free(path);
    return c;
}

static void each_window_comes_once_an_epoch(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 70; n += 3) {
        unsigned char seen[70] = { 0 };

        for (uint64_t i = 0; i < n; i++) {
            const uint64_t p = data_permute(rng_key(1, RNG_DATA, 0), i, n);

            assert_true(p < n && !seen[p]);
            seen[p] = 1;
        }
    }
}

static void other_seeds_and_epochs_give_other_orders(void **state)
{
    int same = 0;

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        same += data_permute(rng_key(1, RNG_DATA, 0), i, 1000) ==
                data_permute(rng_key(1, RNG_DATA, 1), i, 1000);
    assert_true(same < 5);
}

/* A text in which every token is its own position. */
static struct data *open_ramp(const char *dir, int n)
{
    uint16_t *ramp = mem_array((size_t)n, sizeof *ramp);
    struct config *c;
    struct data *d;
    struct err err;

    for (int i = 0; i < n; i++)
        ramp[i] = (uint16_t)i;
    put(dir, "ramp.u16", ramp, (size_t)n * sizeof *ramp);
    c = config_of(dir, "ramp.u16", "model.vocab=65536");
    check_ok(data_open(&d, c, &err), err);
    config_free(c);
    free(ramp);
    return d;
}

/* Two epochs of single sequences: each window once in each, in another
 * order. */
static void batches_go_through_the_windows_epoch_by_epoch(void **state)
{
    char *dir = small_folder();
    struct data *d = open_ramp(dir, 3000);
    const int windows = (int)(data_train_tokens(d) / 16);
    unsigned char *seen = mem_array(3000, 1);
    int tokens[16], targets[16], first[3000], same = 0;

    (void)state;
    for (int epoch = 0; epoch < 2; epoch++)
        for (int i = 0; i < windows; i++) {
            data_batch(d, tokens, targets, 1, 9, epoch * windows + i);
            assert_int_equal(seen[tokens[0]], epoch);
            seen[tokens[0]]++;
            same += epoch && first[i] == tokens[0];
            first[i] = tokens[0];
        }
    assert_true(windows > 100 && same < windows / 10);
    data_close(d);
    free(seen);
    small_folder_free(dir);
}

/* Blocks on one side never appear on the other; a target is the next token. */
static void training_and_validation_share_no_token(void **state)
{
    char *dir = small_folder();
    struct data *d = open_ramp(dir, 60000);
    unsigned char *side = mem_array(65536, 1);
    int tokens[64], targets[64];

    (void)state;
    for (int64_t step = 0; step < data_train_tokens(d) / 64; step++) {
        data_batch(d, tokens, targets, 4, 9, step);
        for (int i = 0; i < 64; i++) {
            assert_int_equal(targets[i], tokens[i] + 1);
            side[tokens[i]] |= 1;
            side[targets[i]] |= 1;
        }
    }
    for (int i = 0; i < data_set_count(d, DATA_VAL); i++) {
        data_set_read(d, DATA_VAL, tokens, targets, i);
        for (int k = 0; k < 16; k++) {
            assert_int_equal(targets[k], tokens[k] + 1);
            side[tokens[k]] |= 2;
            side[targets[k]] |= 2;
        }
    }
    for (int i = 0; i < 65536; i++)
        assert_true(side[i] != 3);
    data_close(d);
    free(side);
    small_folder_free(dir);
}

/* Compressed in two pieces, as `cat a.gz b.gz` makes. */
static void put_pieces(const char *dir, const char *text, size_t n)
{
    char *path = mem_printf("%s/pieces.gz", dir), packed[60000];
    size_t size = 0;

    for (int k = 0; k < 2; k++) {
        gzFile gz = gzopen(path, k ? "ab" : "wb");

        assert_int_equal(gzwrite(gz, text + k * (n / 2), (unsigned)(n / 2)),
                         n / 2);
        gzclose(gz);
        size += ZSTD_compress(packed + size, sizeof packed - size,
                              text + k * (n / 2), n / 2, 3);
    }
    put(dir, "pieces.zst", packed, size);
    free(path);
}

static void compression_and_cutting_do_not_change_the_identity(void **state)
{
    char *dir = small_folder(), text[30000], packed[60000], hash[HASH_HEX];
    struct corpus corpus;
    struct err err;
    static const char *const names[] = { "plain.txt", "text.gz", "text.zst",
                                         "part?.txt", "pieces.gz",
                                         "pieces.zst" };
    uLongf n = sizeof packed;
    size_t zn;
    gzFile gz;
    char *path = mem_printf("%s/text.gz", dir);

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + rng_below(1, i, 26));
    put(dir, "plain.txt", text, sizeof text);
    put(dir, "part1.txt", text, 10000);
    put(dir, "part2.txt", text + 10000, 20000);
    gz = gzopen(path, "wb");
    assert_int_equal(gzwrite(gz, text, sizeof text), sizeof text);
    gzclose(gz);
    zn = ZSTD_compress(packed, n, text, sizeof text, 3);
    put(dir, "text.zst", packed, zn);
    put_pieces(dir, text, sizeof text);
    hash_bytes(hash, text, sizeof text);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *at = mem_printf("%s/%s", dir, names[i]);

        check_ok(corpus_read(&corpus, at, 0, &err), err);
        assert_string_equal(corpus.sha256, hash);
        assert_int_equal(corpus.size, sizeof text);
        corpus_release(&corpus);
        free(at);
    }
    hash_bytes(hash, text, 12345);
    free(path);
    path = mem_printf("%s/part?.txt", dir);
    check_ok(corpus_read(&corpus, path, 12345, &err), err);
    assert_string_equal(corpus.sha256, hash);
    corpus_release(&corpus);
    free(path);
    small_folder_free(dir);
}

/* Every way to say the same 16-bit tokens, in a file whose name a glob would
 * read otherwise. */
static void tokens_may_be_compressed_and_oddly_named(void **state)
{
    static const char *const names[] = { "plain.u16", "packed.u16.zst",
                                         "[0-9] *.u16" };
    char *dir = small_folder();
    uint16_t ramp[4000];
    char packed[20000];

    (void)state;
    for (int i = 0; i < 4000; i++)
        ramp[i] = (uint16_t)i;
    put(dir, names[0], ramp, sizeof ramp);
    put(dir, names[1], packed,
        ZSTD_compress(packed, sizeof packed, ramp, sizeof ramp, 3));
    put(dir, names[2], ramp, sizeof ramp);
    for (int k = 0; k < 3; k++) {
        struct config *c = config_of(dir, names[k], "model.vocab=4000");
        struct data *d;
        struct err err;
        int tokens[16], targets[16];

        check_ok(data_open(&d, c, &err), err);
        data_batch(d, tokens, targets, 1, 1, 0);
        for (int i = 0; i < 16; i++)
            assert_int_equal(tokens[i], tokens[0] + i);
        data_close(d);
        config_free(c);
    }
    small_folder_free(dir);
}

/* By the definition, a line at a time. */
static size_t cut_by_lines(char *to, const char *text, size_t n,
                           const char *delimiter)
{
    size_t at = 0, out = 0;

    while (at < n) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t line = end ? (size_t)(end - text) - at : n - at;
        const size_t whole = line + (end != NULL);

        if (line == strlen(delimiter) &&
            memcmp(text + at, delimiter, line) == 0) {
            to[out++] = 0;
        } else {
            memcpy(to + out, text + at, whole);
            out += whole;
        }
        at += whole;
    }
    return out;
}

static void documents_are_cut_where_a_line_is_the_delimiter(void **state)
{
    static const char *const delimiters[] = { "a", "ab", "aa", "aba" };
    int cut = 0;

    (void)state;
    for (uint64_t trial = 0; trial < 20000; trial++) {
        const char *delimiter = delimiters[trial % 4];
        const size_t n = rng_below(1, trial, 30);
        unsigned char text[32];
        char want[32];
        struct corpus c = { .bytes = text, .size = n };
        size_t size;

        for (size_t i = 0; i < n; i++)
            text[i] = (unsigned char)"ab\n"[rng_below(trial, i, 3)];
        size = cut_by_lines(want, (char *)text, n, delimiter);
        corpus_cut(&c, delimiter);
        assert_int_equal(c.size, size);
        assert_memory_equal(text, want, size);
        cut += size < n;
    }
    assert_true(cut > 2000);
}

static void a_delimiter_line_is_one_token(void **state)
{
    char *dir = small_folder();
    struct str text = { 0 };
    struct config *c;
    struct data *d;
    struct err err;
    int tokens[16], targets[16], zeros = 0;

    (void)state;
    for (int i = 0; i < 2000; i++)
        str_add(&text, i % 3 ? "abc\n" : "<|endoftext|>\n");
    str_add(&text, "x<|endoftext|>\n"); /* not a line of its own */
    put(dir, "docs.txt", text.data, text.len);
    c = config_of(dir, "docs.txt", NULL);
    check_ok(data_open(&d, c, &err), err);
    for (int i = 0; i < data_set_count(d, DATA_VAL); i++) {
        data_set_read(d, DATA_VAL, tokens, targets, i);
        for (int k = 0; k < 16; k++) {
            zeros += tokens[k] == 0;
            assert_int_not_equal(tokens[k], '<');
        }
    }
    /* one zero in nine tokens: 0 abc\n abc\n */
    check_close(zeros / (16.0 * data_set_count(d, DATA_VAL)), 1.0 / 9, 0.02);
    data_close(d);
    config_free(c);
    str_release(&text);
    small_folder_free(dir);
}

static void wrong_data_are_refused_by_name(void **state)
{
    static const struct {
        const char *file, *more, *says;
    } table[] = {
        { "none.txt", NULL, "none.txt: no such file" },
        { "empty.txt", NULL, "empty.txt: is empty" },
        { "tiny.txt", NULL, "the data hold 20 tokens; model.seq_len = 16 "
                            "needs at least 34" },
        { "text.txt", "model.vocab=100", "the data hold token 1" },
        { "cut.gz", NULL, "cut.gz: the gzip data end too early" },
        { "cut.zst", NULL, "cut.zst: the zstd data end too early" },
        { "bad.zst", NULL, "bad.zst: damaged zstd" },
        { "text.txt", "data.sha256=0123", "the data changed: SHA-256 is" },
        { "", NULL, "is not a regular file" },
        { "bomb.zst", NULL, "unpacks to more than 200 times its size" },
        { "odd.u16", NULL, "odd.u16: an odd number of bytes" },
    };
    static const unsigned char gz[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3,
                                        0x4b };
    unsigned char zst[64] = { 0x28, 0xb5, 0x2f, 0xfd, 0x24, 0xff };
    const size_t big = 64 << 20;
    char *dir = small_folder(), *zeros = mem_alloc(big);
    char *packed = mem_alloc(1 << 20);
    struct data *d;
    struct err err;

    (void)state;
    memset(zst + 6, 0xff, sizeof zst - 6);
    put(dir, "empty.txt", "", 0);
    put(dir, "tiny.txt", "abcdefghijabcdefghij", 20);
    put(dir, "odd.u16", "abc", 3);
    put(dir, "cut.gz", gz, sizeof gz);
    put(dir, "bad.zst", zst, sizeof zst);
    put(dir, "cut.zst", packed,
        ZSTD_compress(packed, 1 << 20, zeros, 100000, 1) - 1);
    put(dir, "bomb.zst", packed,
        ZSTD_compress(packed, 1 << 20, zeros, big, 1));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct config *c = config_of(dir, table[i].file, table[i].more);

        assert_int_equal(data_open(&d, c, &err), ERR_CONFIG);
        check_says(err, table[i].says);
        config_free(c);
    }
    free(zeros);
    free(packed);
    small_folder_free(dir);
}

static void the_identity_is_filled_in_or_checked(void **state)
{
    char *dir = small_folder();
    struct config *c = config_of(dir, "text.txt", NULL);
    struct err err;
    int64_t bytes;

    (void)state;
    check_ok(run_data_identity(c, &bytes, &err), err);
    assert_int_equal(bytes, 20000);
    assert_int_equal(strlen(config_get(c, "data.sha256")), 64);
    check_ok(run_data_identity(c, &bytes, &err), err);
    put(dir, "text.txt", "other text", 10);
    assert_int_equal(run_data_identity(c, &bytes, &err), ERR_CONFIG);
    config_free(c);
    small_folder_free(dir);
}

static void the_validation_set_does_not_depend_on_the_seed_or_the_arm(
    void **state)
{
    char *dir = small_folder();
    struct config *a = config_of(dir, "text.txt", "quant.w=int4");
    struct config *b = config_of(dir, "text.txt", "train.lr=0.5");
    struct data *da, *db;
    struct err err;
    int x[16], y[16], u[16], v[16];

    (void)state;
    check_ok(data_open(&da, a, &err), err);
    check_ok(data_open(&db, b, &err), err);
    assert_int_equal(data_set_count(da, DATA_VAL), 32);
    for (int i = 0; i < 32; i++) {
        data_set_read(da, DATA_VAL, x, y, i);
        data_set_read(db, DATA_VAL, u, v, i);
        assert_memory_equal(x, u, sizeof x);
        assert_memory_equal(y, v, sizeof y);
    }
    data_close(da);
    data_close(db);
    config_free(a);
    config_free(b);
    small_folder_free(dir);
}

static void a_validation_text_of_its_own_leaves_all_of_the_data_to_train(
    void **state)
{
    char *dir = small_folder(), *val = mem_printf("%s/val.txt", dir);
    char *set = mem_printf("data.val=%s", val);
    struct config *alone = config_of(dir, "text.txt", NULL);
    struct config *with = config_of(dir, "text.txt", set);
    struct data *a, *b;
    struct err err;
    char text[400];
    int x[16], y[16];
    int64_t bytes;

    (void)state;
    memset(text, 'v', sizeof text);
    put(dir, "val.txt", text, sizeof text);
    check_ok(data_open(&a, alone, &err), err);
    check_ok(data_open(&b, with, &err), err);
    /* 64 blocks of 312 of 20000 bytes, each of 19 sequences of 16. */
    assert_int_equal(data_train_tokens(b), 64 * 19 * 16);
    assert_true(data_train_tokens(a) < data_train_tokens(b));
    assert_true(data_set_count(b, DATA_VAL) > 0);
    assert_int_equal(data_set_count(b, DATA_PROBE), 0);
    for (int i = 0; i < data_set_count(b, DATA_VAL); i++) {
        data_set_read(b, DATA_VAL, x, y, i);
        for (int k = 0; k < 16; k++)
            assert_true(x[k] == 'v' && y[k] == 'v');
    }
    data_close(a);
    data_close(b);
    check_ok(run_data_identity(with, &bytes, &err), err);
    assert_int_equal(strlen(config_get(with, "data.val_sha256")), 64);
    put(dir, "val.txt", "other", 5);
    assert_int_equal(data_open(&b, with, &err), ERR_CONFIG);
    check_says(err, "data.val: the data changed");
    assert_int_equal(run_data_identity(with, &bytes, &err), ERR_CONFIG);
    check_says(err, "data.val: the data hold 5 tokens");
    config_free(alone);
    config_free(with);
    free(set);
    free(val);
    small_folder_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_window_comes_once_an_epoch),
        cmocka_unit_test(other_seeds_and_epochs_give_other_orders),
        cmocka_unit_test(batches_go_through_the_windows_epoch_by_epoch),
        cmocka_unit_test(training_and_validation_share_no_token),
        cmocka_unit_test(
            a_validation_text_of_its_own_leaves_all_of_the_data_to_train),
        cmocka_unit_test(compression_and_cutting_do_not_change_the_identity),
        cmocka_unit_test(tokens_may_be_compressed_and_oddly_named),
        cmocka_unit_test(documents_are_cut_where_a_line_is_the_delimiter),
        cmocka_unit_test(a_delimiter_line_is_one_token),
        cmocka_unit_test(wrong_data_are_refused_by_name),
        cmocka_unit_test(the_identity_is_filled_in_or_checked),
        cmocka_unit_test(
            the_validation_set_does_not_depend_on_the_seed_or_the_arm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
