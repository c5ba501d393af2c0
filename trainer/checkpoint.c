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

#define MAGIC "QLAWCKP1"
#define END   "QLAWEND1"
#define HEAD  56
#define ROW   64
#define TAIL  40 /* digest of head and table, end marker */
#define CHUNK (1 << 18)

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

/* --- reading ------------------------------------------------------------- */

struct checkpoint {
    char *path;
    int fd;
    uint64_t size;
    int64_t step;
    int n;
    unsigned char head[HEAD + CHECKPOINT_SECTIONS * ROW];
};

static const unsigned char *row_of(const struct checkpoint *c, int i)
{
    return c->head + HEAD + i * ROW;
}

static bool read_at(const struct checkpoint *c, void *to, size_t n,
                    uint64_t offset)
{
    unsigned char *p = to;

    while (n > 0) {
        const ssize_t got = pread(c->fd, p, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

/* NULL when head and table are sound, else what is wrong with them. */
static const char *check_head(struct checkpoint *c, const unsigned char id[32])
{
    unsigned char tail[TAIL], sum[32];
    size_t table;

    if (c->size < HEAD + TAIL || !read_at(c, c->head, HEAD, 0) ||
        memcmp(c->head, MAGIC, 8) != 0)
        return "it is not a checkpoint of this version";
    if (!read_at(c, tail, TAIL, c->size - TAIL) ||
        memcmp(tail + 32, END, 8) != 0)
        return "its end is missing";
    if (memcmp(c->head + 8, id, 32) != 0)
        return "it belongs to another run";
    c->step = (int64_t)get_u64(c->head + 40);
    if (get_u64(c->head + 48) > CHECKPOINT_SECTIONS || c->step < 0)
        return "its table is damaged";
    c->n = (int)get_u64(c->head + 48);
    table = (size_t)c->n * ROW;
    if (HEAD + table + TAIL > c->size ||
        !read_at(c, c->head + HEAD, table, HEAD))
        return "its table is damaged";
    digest(sum, c->head, HEAD + table);
    return memcmp(sum, tail, 32) != 0 ? "its table is damaged" : NULL;
}

/* Zeros between the sections carry nothing, but they are part of the file. */
static bool is_zero(const struct checkpoint *c, uint64_t from, uint64_t to)
{
    unsigned char gap[64];

    if (to - from >= sizeof gap || !read_at(c, gap, to - from, from))
        return false;
    for (uint64_t i = 0; i < to - from; i++)
        if (gap[i])
            return false;
    return true;
}

static bool digest_fits(const struct checkpoint *c, const unsigned char *row)
{
    uint64_t at = get_u64(row + 16), left = get_u64(row + 24);
    unsigned char *buf = mem_alloc(CHUNK), sum[32];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);

    while (ok && left > 0) {
        const size_t n = left < CHUNK ? left : CHUNK;

        ok = read_at(c, buf, n, at) && EVP_DigestUpdate(ctx, buf, n);
        at += n;
        left -= n;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, sum, NULL) &&
         memcmp(sum, row + 32, 32) == 0;
    EVP_MD_CTX_free(ctx);
    free(buf);
    return ok;
}

/* Sections lie one after the other, each at the next multiple of 64. */
static const char *check_body(const struct checkpoint *c)
{
    uint64_t end = HEAD + (uint64_t)c->n * ROW;

    for (int i = 0; i < c->n; i++) {
        const unsigned char *row = row_of(c, i);
        const uint64_t offset = get_u64(row + 16), length = get_u64(row + 24);

        if (memchr(row, '\0', CHECKPOINT_NAME) == NULL)
            return "a section has no name";
        if (offset != align(end) || offset > c->size ||
            length > c->size - offset)
            return "a section lies outside the file";
        if (!is_zero(c, end, offset) || !digest_fits(c, row))
            return "a section is damaged";
        end = offset + length;
    }
    if (align(end) + TAIL != c->size || !is_zero(c, end, align(end)))
        return "it has the wrong length";
    return NULL;
}

void checkpoint_close(struct checkpoint *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    free(c->path);
    free(c);
}

/* A file with a sound head, or NULL; why is "" when there is no file.  The path
 * is taken over. */
static struct checkpoint *open_path(char *path, const unsigned char id[32],
                                    const char **why)
{
    struct checkpoint *c = mem_alloc(sizeof *c);
    struct stat sb;

    c->path = path;
    c->fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (c->fd < 0)
        *why = errno == ENOENT ? "" : "it cannot be opened";
    else if (fstat(c->fd, &sb) != 0 || !S_ISREG(sb.st_mode))
        *why = "it is not a regular file";
    else {
        c->size = (uint64_t)sb.st_size;
        *why = check_head(c, id);
    }
    if (!*why)
        return c;
    checkpoint_close(c);
    return NULL;
}

static struct checkpoint *open_one(const char *dir, int generation,
                                   const unsigned char id[32], const char **why)
{
    return open_path(path_of(dir, generation), id, why);
}

static void complain(void (*warn)(const char *sentence), const char *dir,
                     int generation, const char *why)
{
    char *sentence =
        mem_printf("%s/checkpoint.%d is not used: %s", dir, generation, why);

    if (warn && *why)
        warn(sentence);
    free(sentence);
}

struct checkpoint *checkpoint_open(const char *dir, const unsigned char id[32],
                                   void (*warn)(const char *sentence))
{
    struct checkpoint *c[2], *found = NULL;
    const char *why[2];

    for (int g = 0; g < 2; g++) {
        c[g] = open_one(dir, g, id, &why[g]);
        if (!c[g])
            complain(warn, dir, g, why[g]);
    }
    /* Only the newest is read through, unless it turns out damaged. */
    for (int tried = 0; tried < 2 && !found; tried++) {
        const int g = !c[0] || (c[1] && c[1]->step > c[0]->step) ? 1 : 0;

        if (!c[g])
            break;
        why[g] = check_body(c[g]);
        if (why[g]) {
            complain(warn, dir, g, why[g]);
            checkpoint_close(c[g]);
        } else {
            found = c[g];
        }
        c[g] = NULL;
    }
    checkpoint_close(c[0]);
    checkpoint_close(c[1]);
    return found;
}

struct checkpoint *checkpoint_open_file(const char *path,
                                        const unsigned char id[32],
                                        struct err *err)
{
    const char *why;
    struct checkpoint *c = open_path(mem_strdup(path), id, &why);

    if (c)
        why = check_body(c);
    if (!why)
        return c;
    checkpoint_close(c);
    err_set(err, ERR_IO, "%s is not used: %s", path,
            *why ? why : "it is not there");
    return NULL;
}

int64_t checkpoint_step(const struct checkpoint *c)
{
    return c->step;
}

int64_t checkpoint_peek(const char *dir)
{
    int64_t newest = -1;

    for (int g = 0; g < 2; g++) {
        char *path = path_of(dir, g);
        const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        unsigned char head[HEAD];

        if (fd >= 0 && pread(fd, head, HEAD, 0) == HEAD &&
            memcmp(head, MAGIC, 8) == 0) {
            const int64_t step = (int64_t)get_u64(head + 40);

            newest = step > newest ? step : newest;
        }
        if (fd >= 0)
            close(fd);
        free(path);
    }
    return newest;
}

static enum status read_section(const struct checkpoint *c,
                                const unsigned char *row, void **data,
                                size_t *size, struct err *err)
{
    const uint64_t length = get_u64(row + 24);
    unsigned char sum[32];

    if (*data && length != *size)
        return err_set(err, ERR_IO,
                       "%s: section %s has %llu bytes, expected %zu", c->path,
                       (const char *)row, (unsigned long long)length, *size);
    if (!*data)
        *data = mem_alloc(length + 1);
    *size = length;
    if (read_at(c, *data, length, get_u64(row + 16)))
        digest(sum, *data, length);
    else
        memset(sum, 0, sizeof sum);
    if (memcmp(sum, row + 32, 32) != 0)
        return err_set(err, ERR_IO, "%s: section %s changed while it was read",
                       c->path, (const char *)row);
    return OK;
}

enum status checkpoint_read(const struct checkpoint *c, const char *name,
                            void **data, size_t *size, struct err *err)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp((const char *)row_of(c, i), name) == 0)
            return read_section(c, row_of(c, i), data, size, err);
    return err_set(err, ERR_IO, "%s: has no section %s", c->path, name);
}

/* --- writing ------------------------------------------------------------- */

/* Head and table; returns their length. */
static size_t compose_head(unsigned char *out, const unsigned char id[32],
                           int64_t step, const struct section *sections, int n)
{
    const size_t table = HEAD + (size_t)n * ROW;
    uint64_t offset = align(table);

    memset(out, 0, table);
    memcpy(out, MAGIC, 8);
    memcpy(out + 8, id, 32);
    put_u64(out + 40, (uint64_t)step);
    put_u64(out + 48, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        unsigned char *row = out + HEAD + i * ROW;

        snprintf((char *)row, CHECKPOINT_NAME, "%s", sections[i].name);
        put_u64(row + 16, offset);
        put_u64(row + 24, sections[i].size);
        digest(row + 32, sections[i].data, sections[i].size);
        offset = align(offset + sections[i].size);
    }
    return table;
}

/* Write size bytes and zeros up to the next multiple of 64. */
static enum status put_padded(int fd, const void *data, size_t size,
                              const char *path, struct err *err)
{
    static const char zeros[64];
    enum status st = file_write_all(fd, data, size, path, err);

    return st == OK ? file_write_all(fd, zeros, align(size) - size, path, err)
                    : st;
}

static enum status put_all(int fd, const unsigned char id[32], int64_t step,
                           const struct section *sections, int n,
                           const char *path, struct err *err)
{
    unsigned char head[HEAD + CHECKPOINT_SECTIONS * ROW], tail[TAIL];
    const size_t table = compose_head(head, id, step, sections, n);
    enum status st = put_padded(fd, head, table, path, err);

    for (int i = 0; i < n && st == OK; i++)
        st = put_padded(fd, sections[i].data, sections[i].size, path, err);
    digest(tail, head, table);
    memcpy(tail + 32, END, 8);
    return st == OK ? file_write_all(fd, tail, TAIL, path, err) : st;
}

/* The generation to overwrite: a missing or unusable one, else the older.  A
 * head is enough to tell: the other file is not touched, and this one only by
 * the rename of a complete one. */
static int victim(const char *dir, const unsigned char id[32])
{
    int64_t step[2];

    for (int g = 0; g < 2; g++) {
        const char *why;
        struct checkpoint *c = open_one(dir, g, id, &why);

        step[g] = c ? c->step : -1;
        checkpoint_close(c);
    }
    return step[0] <= step[1] ? 0 : 1;
}

/* One temporary name for all attempts, so that killed ones leave one file. */
static char *temporary(const char *dir)
{
    return mem_printf("%s/checkpoint.tmp", dir);
}

enum status checkpoint_write_file(const char *path, const char *tmp,
                                  const unsigned char id[32], int64_t step,
                                  const struct section *sections, int n,
                                  struct err *err)
{
    const int fd =
        open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    enum status st = fd < 0 ? err_errno(err, ERR_IO, "%s: cannot create", tmp)
                            : put_all(fd, id, step, sections, n, tmp, err);

    if (st == OK && fsync(fd) != 0)
        st = err_errno(err, ERR_IO, "%s: cannot sync", tmp);
    if (fd >= 0 && close(fd) != 0 && st == OK)
        st = err_errno(err, ERR_IO, "%s: cannot close", tmp);
    if (st == OK && rename(tmp, path) != 0)
        st = err_errno(err, ERR_IO, "%s: cannot rename to %s", tmp, path);
    if (st == OK)
        st = file_sync_dir(path, err);
    else if (fd >= 0)
        unlink(tmp);
    return st;
}

enum status checkpoint_write(const char *dir, const unsigned char id[32],
                             int64_t step, const struct section *sections,
                             int n, struct err *err)
{
    char *path = path_of(dir, victim(dir, id)), *tmp = temporary(dir);
    const enum status st =
        checkpoint_write_file(path, tmp, id, step, sections, n, err);

    free(path);
    free(tmp);
    return st;
}

void checkpoint_remove(const char *dir)
{
    char *paths[3] = { path_of(dir, 0), path_of(dir, 1), temporary(dir) };

    for (int i = 0; i < 3; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
}
