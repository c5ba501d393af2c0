/* Checkpoints with changed bytes, also with their digests made right again.
 *
 * As it is, a changed file is refused; with right digests it may be taken, and
 * then every section lies inside it and no other length is read. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/checkpoint.h"

#define HEAD 56 /* checkpoint.h has the layout */
#define ROW  64
#define TAIL 40

static const unsigned char id[32] = "the identity of this run";

struct original {
    unsigned char *bytes;
    size_t size;
};

static uint64_t get_u64(const unsigned char *p)
{
    uint64_t x = 0;

    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

static void digest(unsigned char *to, const unsigned char *from, size_t n)
{
    EVP_Digest(from, n, to, NULL, EVP_sha256(), NULL);
}

/* Make every digest right that the changed table still allows. */
static void repair(unsigned char *b, size_t size)
{
    const uint64_t n = size >= HEAD ? get_u64(b + 48) : 0;

    if (size < HEAD + TAIL || n > (size - HEAD - TAIL) / ROW)
        return;
    for (uint64_t i = 0; i < n; i++) {
        unsigned char *row = b + HEAD + i * ROW;
        const uint64_t at = get_u64(row + 16), length = get_u64(row + 24);

        if (at <= size && length <= size - at)
            digest(row + 32, b + at, length);
    }
    digest(b + size - TAIL, b, HEAD + n * ROW);
}

static void write_file(const unsigned char *bytes, size_t size)
{
    FILE *f = fopen("checkpoint.0", "wb");

    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
}

static void read_sections(const struct checkpoint *k, struct fuzz *f,
                          size_t file)
{
    static const char *const names[] = { "params", "progress", "curve", "none",
                                         "" };
    struct err err = { 0 };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *data = NULL;
        size_t size = 0;
        char small[16];
        void *to = small;
        size_t want = 1 + fuzz_pick(f, sizeof small);

        if (checkpoint_read(k, names[i], &data, &size, &err) == OK &&
            size > file)
            fuzz_fail("a section larger than its file", names[i], 0);
        free(data);
        if (checkpoint_read(k, names[i], &to, &want, &err) != OK && !*err.text)
            fuzz_fail("refused without a word", names[i], 0);
    }
}

static void one(struct fuzz *f, void *ctx)
{
    const struct original *o = ctx;
    const bool cut = fuzz_pick(f, 4) == 0;
    const bool repaired = fuzz_pick(f, 2) == 0;
    const size_t size = cut ? fuzz_pick(f, o->size + 1) : o->size;
    unsigned char *bytes = (unsigned char *)fuzz_exact((char *)o->bytes, size);
    struct checkpoint *k;
    bool changed;

    /* Head and table are where the checks are; the rest is one in four. */
    fuzz_bytes(bytes,
               fuzz_pick(f, 4) || size < HEAD + 3 * ROW
                   ? (size < HEAD + 3 * ROW ? size : HEAD + 3 * ROW)
                   : size,
               f);
    if (repaired)
        repair(bytes, size);
    changed = size != o->size || memcmp(bytes, o->bytes, size) != 0;
    write_file(bytes, size);
    checkpoint_peek(".");
    k = checkpoint_open(".", id, NULL);
    if (k && changed && !repaired)
        fuzz_fail("a changed file is taken", "", 0);
    if (!k && !changed)
        fuzz_fail("an unchanged file is refused", "", 0);
    if (k)
        read_sections(k, f, size);
    checkpoint_close(k);
    free(bytes);
}

static void make_original(struct original *o)
{
    static const double params[300] = { 1, 2, 3 }, curve[21] = { 7 };
    const struct section sections[] = {
        { "params", params, sizeof params },
        { "progress", "0123456789", 10 },
        { "curve", curve, sizeof curve },
    };
    struct str text = { 0 };
    struct err err;

    if (checkpoint_write(".", id, 1234, sections, 3, &err) != OK ||
        file_read(&text, "checkpoint.0", 1 << 20, &err) != OK)
        fuzz_fail(err.text, "", 0);
    o->bytes = (unsigned char *)text.data;
    o->size = text.len;
}

int main(int argc, char **argv)
{
    struct fuzz f = { .n_seeds = 0 };
    char dir[32];
    struct original o;
    int rc;

    /* In memory where that is possible. */
    snprintf(dir, sizeof dir, "%s/qlaw-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(dir) || chdir(dir) != 0)
        return 2;
    make_original(&o);
    rc = fuzz_main(argc, argv, &f, "checkpoints", one, &o);
    checkpoint_remove(".");
    if (chdir("/") == 0)
        rmdir(dir);
    free(o.bytes);
    return rc;
}
