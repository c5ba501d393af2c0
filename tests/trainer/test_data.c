#include "trainer/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/corpus.h"
#include "trainer/data_identity.h"
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
    static const char *const names[] = {
        "plain.txt", "text.gz",   "text.zst",
        "part?.txt", "pieces.gz", "pieces.zst"
    };
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

        check_ok(corpus_read(&corpus, at, CORPUS_AS_IT_IS, 0, &err), err);
        assert_string_equal(corpus.sha256, hash);
        assert_int_equal(corpus.size, sizeof text);
        corpus_release(&corpus);
        free(at);
    }
    hash_bytes(hash, text, 12345);
    free(path);
    path = mem_printf("%s/part?.txt", dir);
    check_ok(corpus_read(&corpus, path, CORPUS_AS_IT_IS, 12345, &err), err);
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
        { "tiny.txt", NULL,
          "the data hold 20 tokens; model.seq_len = 16 "
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
    static const unsigned char gz[] = {
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b
    };
    unsigned char zst[64] = { 0x28, 0xb5, 0x2f, 0xfd, 0x24, 0xff };
    const size_t big = 64 << 20;
    char *dir = small_folder(), *zeros = mem_alloc(big);
    char *packed = mem_alloc(1 << 20);
    struct data *d;
    struct err err;

    (void)state;
    memset(zst + 6, 0xff, sizeof zst - 6);
    memset(zeros, 'a', big);
    put(dir, "empty.txt", "", 0);
    put(dir, "tiny.txt", "abcdefghijabcdefghij", 20);
    put(dir, "odd.u16", "abc", 3);
    put(dir, "cut.gz", gz, sizeof gz);
    put(dir, "bad.zst", zst, sizeof zst);
    put(dir, "cut.zst", packed,
        ZSTD_compress(packed, 1 << 20, zeros, 100000, 1) - 1);
    put(dir, "bomb.zst", packed, ZSTD_compress(packed, 1 << 20, zeros, big, 1));
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

/* --- text or ids ---------------------------------------------------------- */

/* Ids of Zipf's law, as of a tokenizer with 50257 of them. */
#define IDS 4000

static void make_ids(uint16_t ids[IDS])
{
    for (uint64_t i = 0; i < IDS; i++) {
        const double x = 1 / (rng_f64(7, i) + 1.0 / 50257);

        ids[i] = (uint16_t)(x < 50256 ? x : 50256);
    }
}

static size_t in_numpy(unsigned char *out, const char *descr, const void *data,
                       size_t n)
{
    char head[119];

    snprintf(head, sizeof head,
             "{'descr': '%s', 'fortran_order': False, "
             "'shape': (%d,), }",
             descr, IDS);
    memset(head + strlen(head), ' ', 118 - strlen(head));
    memcpy(out, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(out + 10, head, 118);
    memcpy(out + 128, data, n);
    return n + 128;
}

static void put_gz(const char *dir, const char *name, const void *data,
                   size_t n)
{
    char *path = mem_printf("%s/%s", dir, name);
    gzFile gz = gzopen(path, "wb");

    assert_int_equal(gzwrite(gz, data, (unsigned)n), n);
    gzclose(gz);
    free(path);
}

static void put_ids(const char *dir, const uint16_t ids[IDS])
{
    static unsigned char out[8 * IDS + 2048];
    uint32_t wide[IDS], header[256] = { 20240520, 1, IDS };
    uint64_t wider[IDS];

    for (int i = 0; i < IDS; i++)
        wide[i] = ids[i], wider[i] = ids[i];
    put(dir, "ids.u16", ids, 2 * IDS);
    put(dir, "train.bin", ids, 2 * IDS);
    put(dir, "data", ids, 2 * IDS);
    put_gz(dir, "zip.u16.gz", ids, 2 * IDS);
    put_gz(dir, "train.bin.gz", ids, 2 * IDS);
    put(dir, "ids.npy", out, in_numpy(out, "<u2", ids, 2 * IDS));
    put_gz(dir, "ids.npy.gz", out, in_numpy(out, "<u2", ids, 2 * IDS));
    put(dir, "wide.npy", out, in_numpy(out, "<i4", wide, 4 * IDS));
    put(dir, "float.npy", out, in_numpy(out, "<f2", ids, 2 * IDS));
    memcpy(out, header, sizeof header);
    memcpy(out + sizeof header, ids, 2 * IDS);
    put(dir, "shard.bin", out, sizeof header + 2 * IDS);
    put(dir, "shard.txt", out, sizeof header + 2 * IDS);
    out[4] = 2;
    put(dir, "version.bin", out, sizeof header + 2 * IDS);
    header[0] = 20240801;
    memcpy(out, header, sizeof header);
    put(dir, "shard32.bin", out, sizeof header + 2 * IDS);
    put(dir, "wide.bin", wide, sizeof wide);
    put(dir, "wide.u16", wide, sizeof wide);
    put(dir, "wider.u16", wider, sizeof wider);
}

static void put_look_alikes(const char *dir)
{
    static const char text[] = "Latin-1: \xe9t\xe9, a form feed \f, a tab\t, "
                               "and \x1b[1mbold\x1b[0m; zero: ";
    char utf16[2000], mixed[2000];

    for (int i = 0; i < 1000; i++)
        utf16[2 * i] = (char)('a' + i % 26), utf16[2 * i + 1] = 0;
    put(dir, "utf16.txt", utf16, sizeof utf16);
    for (size_t i = 0; i < sizeof mixed; i++)
        mixed[i] = text[i % sizeof text];
    put(dir, "latin1", mixed, sizeof mixed);
    memcpy(mixed, "PAR1", 4);
    put(dir, "data.parquet", mixed, sizeof mixed);
    memcpy(mixed, "PK\3\4", 4);
    put(dir, "ids.npz", mixed, sizeof mixed);
    memcpy(mixed + 257, "ustar", 5);
    mixed[0] = 'a';
    put(dir, "corpus.tar", mixed, sizeof mixed);
    put(dir, "unseen.txt", "BZh91AY&SY and so on, forty bytes or more of it",
        47);
}

/* Named by what they are, or refused with what to do. */
static void text_and_ids_are_not_taken_for_each_other(void **state)
{
    static const struct {
        const char *file, *more, *kind; /* kind: or what the error says */
    } table[] = {
        { "ids.u16", NULL, "u16" },
        { "zip.u16.gz", NULL, "u16" },
        { "ids.npy", NULL, "u16" },
        { "ids.npy.gz", NULL, "u16" },
        { "shard.bin", NULL, "u16" },
        { "shard.txt", NULL, "u16" },
        { "train.bin", "data.kind=u16", "u16" },
        { "train.bin.gz", "data.kind=u16", "u16" },
        { "data", "data.kind=u16", "u16" },
        { "text.txt", NULL, "text" },
        { "latin1", NULL, "text" },
        { "train.bin", NULL, "data.kind = u16 or name it .u16" },
        { "train.bin.gz", NULL, "data.kind = u16 or name it .u16" },
        { "data", NULL, "is not text" },
        { "wide.bin", NULL, "ids of 32 or 64 bits" },
        { "wide.bin", "data.kind=u16", "ids of 32 or 64 bits" },
        { "wide.u16", NULL, "ids of 32 or 64 bits" },
        { "wider.u16", NULL, "ids of 32 or 64 bits" },
        { "wide.npy", NULL, "a NumPy array of <i4; 16-bit ids are '<u2'" },
        { "float.npy", NULL, "a NumPy array of <f2" },
        { "version.bin", NULL, "its header is of version 2" },
        { "shard32.bin", NULL, "is a shard of 32-bit ids" },
        { "utf16.txt", NULL, "is text in UTF-16" },
        { "data.parquet", NULL, "is a Parquet file" },
        { "ids.npz", NULL, "is an archive (zip" },
        { "corpus.tar", NULL, "is an archive (tar)" },
        { "unseen.txt", NULL, "compressed with bzip2; .gz and .zst are read" },
        { "text.txt", "data.kind=u16", "is text, and data.kind = u16 asks" },
    };
    static uint16_t ids[IDS];
    char *dir = small_folder(), hash[HASH_HEX];

    (void)state;
    make_ids(ids);
    put_ids(dir, ids);
    put_look_alikes(dir);
    hash_bytes(hash, ids, sizeof ids);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct config *c = config_of(dir, table[i].file, table[i].more);
        struct data_facts facts;
        struct err err = { 0 };
        const enum status st = data_identify(c, &facts, &err);
        const char *kind = config_data_kind(c);

        if (st == OK ? strcmp(kind, table[i].kind) != 0
                     : !strstr(err.text, table[i].kind) ||
                           !strstr(err.text, table[i].file))
            fail_msg("%s: %s", table[i].file, st == OK ? kind : err.text);
        if (st == OK && strcmp(kind, "u16") == 0) {
            assert_string_equal(config_data_sha256(c), hash);
            assert_int_equal(facts.tokens, IDS);
        }
        config_free(c);
    }
    small_folder_free(dir);
}

/* The same bytes are another point when they are read another way; the points
 * of texts are those that they were before there were two ways. */
static void how_files_are_read_is_part_of_the_identity(void **state)
{
    char *dir = small_folder(), *text;
    struct config *c = config_of(dir, "text.txt", NULL);
    struct data_facts facts;
    struct err err;
    json_t *identity;

    (void)state;
    check_ok(data_identify(c, &facts, &err), err);
    identity = config_identity(c, IDENTITY_RUN);
    text = json_canonical_text(identity);
    assert_null(strstr(text, "\"kind\":\"text\""));
    free(text);
    json_decref(identity);
    check_ok(config_set(c, "data.kind", "u16", &err), err);
    identity = config_identity(c, IDENTITY_RUN);
    text = json_canonical_text(json_object_get(identity, "data"));
    assert_non_null(strstr(text, "\"kind\":\"u16\""));
    free(text);
    json_decref(identity);
    config_free(c);
    small_folder_free(dir);
}

static void all_files_of_a_run_are_of_one_kind(void **state)
{
    static const struct {
        const char *path, *key, *other, *says; /* NULL: fine */
    } table[] = {
        { "ids.u16", "data.val", "train.bin", NULL },
        { "ids.npy", "data.probe", "shard.bin", NULL },
        { "shard.bin", "data.val", "train.bin.gz", NULL },
        { "ids.u16", "data.val", "text.txt", "data.val: " },
        { "ids.npy", "data.probe", "text.txt", "data.probe: " },
        { "text.txt", "data.val", "ids.u16",
          "data.val: it holds 16-bit ids and data.path is text" },
        { "text.txt", "data.probe", "zip.u16.gz", "data.probe: it holds" },
        { "text.txt", "data.val", "train.bin", "data.val: " },
    };
    static uint16_t ids[IDS];
    char *dir = small_folder();

    (void)state;
    make_ids(ids);
    put_ids(dir, ids);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct config *c = config_of(dir, table[i].path, "model.vocab=50257");
        char *other = mem_printf("%s/%s", dir, table[i].other);
        struct data_facts facts;
        struct data *d = NULL;
        struct err err = { 0 }, again = { 0 };
        const enum status want = table[i].says ? ERR_CONFIG : OK;

        check_ok(config_set(c, table[i].key, other, &err), err);
        check_ok(config_set(c, "model.seq_len", "16", &err), err);
        if (data_identify(c, &facts, &err) != want ||
            data_open(&d, c, &again) != want ||
            (want != OK && !strstr(err.text, table[i].says)) ||
            strcmp(err.text, again.text) != 0)
            fail_msg("%s, %s: %s; %s", table[i].path, table[i].other, err.text,
                     again.text);
        data_close(d);
        free(other);
        config_free(c);
    }
    small_folder_free(dir);
}

/* Before anything trains; a trainer of one's own has its own vocabulary. */
static void a_vocabulary_has_to_fit(void **state)
{
    static const struct {
        const char *file, *vocab, *kind, *says;
    } table[] = {
        { "text.txt", "256", "builtin", NULL },
        { "text.txt", "300", "builtin", NULL },
        { "text.txt", "50304", "builtin", "256 are enough" },
        { "text.txt", "1024", "builtin", "256 are enough" },
        { "text.txt", "100", "builtin", "but model.vocab = 100" },
        { "text.txt", "50304", "exec", NULL },
        { "ids.u16", "50257", "builtin", NULL },
        { "ids.u16", "50256", "builtin", "hold token 50256" },
        { "ids.u16", "256", "builtin", "hold token 50256" },
        { "ids.u16", "256", "exec", NULL },
        { "train.bin", "50257", "exec", NULL },
    };
    static uint16_t ids[IDS];
    char *dir = small_folder();

    (void)state;
    make_ids(ids);
    ids[IDS / 2] = 50256;
    put_ids(dir, ids);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct config *c = config_of(dir, table[i].file, NULL);
        struct data_facts facts;
        struct err err = { 0 };
        enum status st;

        check_ok(config_set(c, "model.vocab", table[i].vocab, &err), err);
        check_ok(config_set(c, "trainer.kind", table[i].kind, &err), err);
        st = data_identify(c, &facts, &err);
        if (st == OK)
            st = data_fits(c, &facts, &err);
        if (st != (table[i].says ? ERR_CONFIG : OK) ||
            (table[i].says && !strstr(err.text, table[i].says)))
            fail_msg("%s, %s: %s", table[i].file, table[i].vocab, err.text);
        config_free(c);
    }
    small_folder_free(dir);
}

static void the_identity_is_filled_in_or_checked(void **state)
{
    char *dir = small_folder();
    struct config *c = config_of(dir, "text.txt", NULL);
    struct err err;
    struct data_facts facts;

    (void)state;
    check_ok(data_identify(c, &facts, &err), err);
    assert_int_equal(facts.bytes, 20000);
    assert_int_equal(strlen(config_data_sha256(c)), 64);
    check_ok(data_identify(c, &facts, &err), err);
    put(dir, "text.txt", "other text", 10);
    assert_int_equal(data_identify(c, &facts, &err), ERR_CONFIG);
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
    struct data_facts facts;

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
    check_ok(data_identify(with, &facts, &err), err);
    assert_int_equal(strlen(config_data_val_sha256(with)), 64);
    put(dir, "val.txt", "other", 5);
    assert_int_equal(data_open(&b, with, &err), ERR_CONFIG);
    check_says(err, "data.val: the data changed");
    assert_int_equal(data_identify(with, &facts, &err), ERR_CONFIG);
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
        cmocka_unit_test(text_and_ids_are_not_taken_for_each_other),
        cmocka_unit_test(how_files_are_read_is_part_of_the_identity),
        cmocka_unit_test(all_files_of_a_run_are_of_one_kind),
        cmocka_unit_test(a_vocabulary_has_to_fit),
        cmocka_unit_test(the_identity_is_filled_in_or_checked),
        cmocka_unit_test(
            the_validation_set_does_not_depend_on_the_seed_or_the_arm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
