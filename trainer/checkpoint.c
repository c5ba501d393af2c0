#include "trainer/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define MAGIC        "QLAWCKP1"
#define END          "QLAWEND1"
#define HEAD         56
#define ROW          64
#define MAX_SECTIONS 64
#define TAIL         40 /* digest of head and table, end marker */

static void put_u64(unsigned char *p, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(x >> 8 * i);
}

static uint64_t get_u64(const unsigned char *p)
{
    uint64_t x = 0;

    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

static void digest(unsigned char out[32], const void *data, size_t size)
{
    EVP_Digest(data, size, out, NULL, EVP_sha256(), NULL);
}

static uint64_t align(uint64_t x)
{
    return (x + 63) / 64 * 64;
}

static char *path_of(const char *dir, int generation)
{
    return mem_printf("%s/checkpoint.%d", dir, generation);
}

/* --- a file in memory ------------------------------------------------------------- */

/* A checked view of a file: every row lies inside it. */
struct image {
    struct str bytes;
    int64_t step;
    int n;
};

static const unsigned char *at(const struct image *im, uint64_t offset)
{
    return (const unsigned char *)im->bytes.data + offset;
}

static const unsigned char *row_of(const struct image *im, int i)
{
    return at(im, HEAD + (uint64_t)i * ROW);
}

/* NULL when row i is sound, else what is wrong with it.  end is the first
 * byte not yet claimed by an earlier section. */
static const char *check_row(const struct image *im, int i, uint64_t *end)
{
    const unsigned char *row = row_of(im, i);
    const uint64_t offset = get_u64(row + 16), length = get_u64(row + 24);
    const uint64_t size = im->bytes.len;
    unsigned char sum[32];

    if (memchr(row, '\0', CHECKPOINT_NAME) == NULL)
        return "a section has no name";
    if (offset % 64 || offset < *end || offset > size ||
        length > size - offset)
        return "a section lies outside the file";
    digest(sum, at(im, offset), length);
    if (memcmp(sum, row + 32, 32) != 0)
        return "a section is damaged";
    *end = offset + length;
    return NULL;
}

static const char *check_image(struct image *im, const unsigned char id[32])
{
    const uint64_t size = im->bytes.len;
    uint64_t end;
    unsigned char sum[32];
    const char *why = NULL;

    if (size < HEAD + TAIL || memcmp(at(im, 0), MAGIC, 8) != 0)
        return "it is not a checkpoint of this version";
    if (memcmp(at(im, size - 8), END, 8) != 0)
        return "its end is missing";
    if (id && memcmp(at(im, 8), id, 32) != 0)
        return "it belongs to another run";
    im->step = (int64_t)get_u64(at(im, 40));
    im->n = (int)(get_u64(at(im, 48)) & 0xffffffff);
    if (im->n < 0 || im->n > MAX_SECTIONS || im->step < 0 ||
        HEAD + (uint64_t)im->n * ROW + TAIL > size)
        return "its table is damaged";
    digest(sum, at(im, 0), HEAD + (uint64_t)im->n * ROW);
    if (memcmp(sum, at(im, size - TAIL), 32) != 0)
        return "its table is damaged";
    end = align(HEAD + (uint64_t)im->n * ROW);
    for (int i = 0; i < im->n && !why; i++)
        why = check_row(im, i, &end);
    if (!why && align(end) + TAIL != size)
        why = "it has the wrong length";
    return why;
}

/* Load and check one generation; why is NULL when it is good, "" when the
 * file does not exist. */
static const char *load(struct image *im, const char *path,
                        const unsigned char id[32])
{
    struct stat sb;
    struct err err;

    *im = (struct image){ 0 };
    if (stat(path, &sb) != 0)
        return "";
    if (!S_ISREG(sb.st_mode))
        return "it is not a regular file";
    if (file_read(&im->bytes, path, (size_t)sb.st_size, &err) != OK)
        return "it cannot be read";
    return check_image(im, id);
}

/* --- the interface ------------------------------------------------------------------ */

enum status checkpoint_find(int64_t *step, int *generation, const char *dir,
                            const unsigned char id[32],
                            void (*warn)(const char *sentence),
                            struct err *err)
{
    (void)err;
    *step = -1;
    *generation = 0;
    for (int g = 0; g < 2; g++) {
        char *path = path_of(dir, g), *sentence;
        struct image im;
        const char *why = load(&im, path, id);

        if (!why && im.step > *step) {
            *step = im.step;
            *generation = g;
        }
        if (why && *why && warn) {
            sentence = mem_printf("%s is not used: %s", path, why);
            warn(sentence);
            free(sentence);
        }
        str_release(&im.bytes);
        free(path);
    }
    return OK;
}

static enum status copy_out(const struct image *im, const char *path,
                            const char *name, void **data, size_t *size,
                            struct err *err)
{
    for (int i = 0; i < im->n; i++) {
        const unsigned char *row = row_of(im, i);
        const uint64_t length = get_u64(row + 24);

        if (strncmp((const char *)row, name, CHECKPOINT_NAME) != 0)
            continue;
        if (*data && length != *size)
            return err_set(err, ERR_IO,
                           "%s: section %s has %llu bytes, expected %zu", path,
                           name, (unsigned long long)length, *size);
        if (!*data)
            *data = mem_alloc(length + 1);
        *size = length;
        memcpy(*data, at(im, get_u64(row + 16)), length);
        return OK;
    }
    return err_set(err, ERR_IO, "%s: has no section %s", path, name);
}

enum status checkpoint_read(const char *dir, int generation, const char *name,
                            void **data, size_t *size, struct err *err)
{
    char *path = path_of(dir, generation);
    struct image im;
    const char *why = load(&im, path, NULL);
    enum status st;

    st = why ? err_set(err, ERR_IO, "%s: %s", path,
                       *why ? why : "does not exist")
             : copy_out(&im, path, name, data, size, err);
    str_release(&im.bytes);
    free(path);
    return st;
}

static void compose(struct str *out, const unsigned char id[32], int64_t step,
                    const struct section *sections, int n)
{
    const uint64_t table = HEAD + (uint64_t)n * ROW;
    uint64_t offset = align(table);
    unsigned char head[HEAD] = MAGIC, row[ROW], sum[32];
    static const char zeros[64];

    memcpy(head + 8, id, 32);
    put_u64(head + 40, (uint64_t)step);
    put_u64(head + 48, (uint64_t)n);
    str_add_n(out, (const char *)head, HEAD);
    for (int i = 0; i < n; i++) {
        memset(row, 0, sizeof row);
        snprintf((char *)row, CHECKPOINT_NAME, "%s", sections[i].name);
        put_u64(row + 16, offset);
        put_u64(row + 24, sections[i].size);
        digest(row + 32, sections[i].data, sections[i].size);
        str_add_n(out, (const char *)row, ROW);
        offset = align(offset + sections[i].size);
    }
    for (int i = 0; i < n; i++) {
        str_add_n(out, zeros, align(out->len) - out->len);
        str_add_n(out, sections[i].data, sections[i].size);
    }
    str_add_n(out, zeros, align(out->len) - out->len);
    digest(sum, out->data, table);
    str_add_n(out, (const char *)sum, sizeof sum);
    str_add_n(out, END, 8);
}

/* The generation to overwrite: a missing or unusable one, else the older. */
static int victim(const char *dir, const unsigned char id[32])
{
    int64_t step[2];

    for (int g = 0; g < 2; g++) {
        char *path = path_of(dir, g);
        struct image im;

        step[g] = load(&im, path, id) ? -1 : im.step;
        str_release(&im.bytes);
        free(path);
    }
    return step[0] <= step[1] ? 0 : 1;
}

enum status checkpoint_write(const char *dir, const unsigned char id[32],
                             int64_t step, const struct section *sections,
                             int n, struct err *err)
{
    char *path = path_of(dir, victim(dir, id));
    struct str out = { 0 };
    enum status st;

    compose(&out, id, step, sections, n);
    st = file_replace(path, out.data, out.len, err);
    str_release(&out);
    free(path);
    return st;
}

void checkpoint_remove(const char *dir)
{
    for (int g = 0; g < 2; g++) {
        char *path = path_of(dir, g);

        unlink(path);
        free(path);
    }
}
