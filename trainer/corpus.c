#include "trainer/corpus.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "base/str.h"

#define CHUNK      (1 << 16) /* of the heap, so that pages are used again */
#define MAX_RATIO  200
#define RATIO_FREE (16 << 20) /* the ratio counts after so much output */
#define MAX_WINDOW 27         /* log2 of zstd's window: 128 MiB */

/* Bytes as they come, up to the limit. */
struct sink {
    unsigned char *bytes;
    size_t size, cap, limit;
    size_t skip;       /* bytes still to be left out */
    struct hash *hash; /* NULL: not wanted */
};

/* Returns false when the limit is reached and nothing more is wanted. */
static bool sink_add(struct sink *s, const void *data, size_t n)
{
    const size_t left_out = n < s->skip ? n : s->skip;
    bool full;

    s->skip -= left_out;
    data = (const unsigned char *)data + left_out;
    n -= left_out;
    full = n >= s->limit - s->size;
    if (full)
        n = s->limit - s->size;
    if (s->size + n > s->cap) {
        s->cap = s->size + n + s->cap / 2;
        s->bytes = mem_grow(s->bytes, s->cap, 1);
    }
    if (n > 0)
        memcpy(s->bytes + s->size, data, n);
    if (s->hash)
        hash_add(s->hash, data, n);
    s->size += n;
    return !full;
}

/* --- one file ------------------------------------------------------------ */

struct source {
    const char *path;
    FILE *file;
    unsigned char *in, *out; /* CHUNK bytes each */
    size_t read, written;    /* packed and unpacked so far */
};

static bool is_bomb(const struct source *s)
{
    return s->written > RATIO_FREE && s->written / MAX_RATIO > s->read;
}

static enum status bomb(const struct source *s, struct err *err)
{
    return err_set(err, ERR_CONFIG,
                   "%s: unpacks to more than %d times its size", s->path,
                   MAX_RATIO);
}

static size_t read_chunk(struct source *s)
{
    const size_t n = fread(s->in, 1, CHUNK, s->file);

    s->read += n;
    return n;
}

static enum status read_plain(struct source *s, struct sink *to,
                              struct err *err)
{
    size_t n;

    while ((n = read_chunk(s)) > 0)
        if (!sink_add(to, s->in, n))
            return OK;
    return ferror(s->file) ? err_errno(err, ERR_IO, "%s: cannot read", s->path)
                           : OK;
}

static enum status read_gzip(struct source *s, struct sink *to, struct err *err)
{
    z_stream z = { 0 };
    enum status st = OK;
    int code = Z_OK;
    bool more = true;

    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return err_set(err, ERR_NOMEM, "%s: zlib does not start", s->path);
    while (st == OK && more) {
        if (z.avail_in == 0) {
            z.avail_in = (unsigned)read_chunk(s);
            z.next_in = s->in;
            if (z.avail_in == 0)
                break;
        }
        if (code == Z_STREAM_END)
            inflateReset(&z); /* several members in one file */
        z.next_out = s->out;
        z.avail_out = CHUNK;
        code = inflate(&z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            st = err_set(err, ERR_CONFIG, "%s: damaged gzip: %s", s->path,
                         z.msg ? z.msg : "unknown cause");
        s->written += CHUNK - z.avail_out;
        more = sink_add(to, s->out, CHUNK - z.avail_out);
        if (st == OK && is_bomb(s))
            st = bomb(s, err);
    }
    if (st == OK && more && code != Z_STREAM_END)
        st = err_set(err, ERR_CONFIG, "%s: the gzip data end too early",
                     s->path);
    inflateEnd(&z);
    return st;
}

static enum status read_zstd(struct source *s, struct sink *to, struct err *err)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    ZSTD_inBuffer in = { s->in, 0, 0 };
    enum status st = OK;
    size_t left = 1; /* 0 at the end of a frame */
    bool more = true;

    if (!z)
        return err_set(err, ERR_NOMEM, "%s: zstd does not start", s->path);
    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, MAX_WINDOW);
    while (st == OK && more) {
        ZSTD_outBuffer out = { s->out, CHUNK, 0 };

        if (in.pos == in.size) {
            in = (ZSTD_inBuffer){ s->in, read_chunk(s), 0 };
            if (in.size == 0)
                break;
        }
        left = ZSTD_decompressStream(z, &out, &in);
        if (ZSTD_isError(left))
            st = err_set(err, ERR_CONFIG, "%s: damaged zstd: %s", s->path,
                         ZSTD_getErrorName(left));
        s->written += out.pos;
        more = sink_add(to, s->out, out.pos);
        if (st == OK && is_bomb(s))
            st = bomb(s, err);
    }
    if (st == OK && more && left != 0)
        st = err_set(err, ERR_CONFIG, "%s: the zstd data end too early",
                     s->path);
    ZSTD_freeDCtx(z);
    return st;
}

/* Which reader, by the first bytes. */
static enum status read_any(struct source *s, struct sink *to, struct err *err)
{
    static const unsigned char gzip[] = { 0x1f, 0x8b };
    static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
    unsigned char head[4] = { 0 };
    const size_t n = fread(head, 1, sizeof head, s->file);

    rewind(s->file);
    if (n == 0)
        return err_set(err, ERR_CONFIG, "%s: is empty", s->path);
    if (memcmp(head, gzip, sizeof gzip) == 0)
        return read_gzip(s, to, err);
    if (memcmp(head, zstd, sizeof zstd) == 0)
        return read_zstd(s, to, err);
    return read_plain(s, to, err);
}

static enum status read_file(struct sink *to, const char *path, struct err *err)
{
    struct source s = { .path = path };
    struct stat sb;
    enum status st;

    if (stat(path, &sb) != 0)
        return err_errno(err, ERR_CONFIG, "%s", path);
    if (!S_ISREG(sb.st_mode))
        return err_set(err, ERR_CONFIG, "%s: is not a regular file", path);
    s.file = fopen(path, "rbe");
    if (!s.file)
        return err_errno(err, ERR_CONFIG, "%s", path);
    s.in = mem_alloc(CHUNK);
    s.out = mem_alloc(CHUNK);
    st = read_any(&s, to, err);
    free(s.in);
    free(s.out);
    fclose(s.file);
    return st;
}

/* --- all files ----------------------------------------------------------- */

/* The kind of a file by its beginning, which is unpacked for that. */
static enum status find_kind(struct corpus_kind *kind, const char *path,
                             enum corpus_as as, struct err *err)
{
    struct sink head = { .limit = CORPUS_HEAD };
    enum status st = read_file(&head, path, err);

    if (st == OK)
        st = corpus_kind_find(kind, path, head.bytes, head.size, as, err);
    free(head.bytes);
    return st;
}

static enum status read_named(struct sink *to, const char *path,
                              enum corpus_as as, bool *tokens, struct err *err)
{
    struct corpus_kind kind;
    enum status st = find_kind(&kind, path, as, err);

    if (st != OK)
        return st;
    if (to->size > 0 && kind.tokens != *tokens)
        return err_set(err, ERR_CONFIG,
                       "%s: text and 16-bit ids cannot be mixed", path);
    *tokens = kind.tokens;
    to->skip = kind.skip;
    st = read_file(to, path, err);
    if (st == OK && kind.tokens && as != CORPUS_FOREIGN &&
        to->size < to->limit && to->size % 2)
        st = err_set(err, ERR_CONFIG,
                     "%s: an odd number of bytes is not 16-bit ids", path);
    return st;
}

static void add_file(struct corpus_files *f, const char *path)
{
    if ((f->n & (f->n - 1)) == 0)
        f->path = mem_grow(f->path, f->n ? 2 * f->n : 1, sizeof *f->path);
    f->path[f->n++] = mem_strdup(path);
}

/* A name that exists is meant as it stands, even with [ or * in it. */
static enum status add_pattern(struct corpus_files *f, const char *pattern,
                               struct err *err)
{
    glob_t g;
    struct stat sb;

    if (stat(pattern, &sb) == 0) {
        add_file(f, pattern);
        return OK;
    }
    if (strstr(pattern, "**"))
        return err_set(err, ERR_CONFIG,
                       "%s: ** is * here and would leave out folders; name "
                       "each level, as in d/*.txt, d/*/*.txt",
                       pattern);
    if (glob(pattern, GLOB_TILDE, NULL, &g) != 0)
        return err_set(err, ERR_CONFIG, "%s: no such file", pattern);
    for (size_t i = 0; i < g.gl_pathc; i++)
        add_file(f, g.gl_pathv[i]);
    globfree(&g);
    return OK;
}

enum status corpus_files_find(struct corpus_files *out, const char *paths,
                              struct err *err)
{
    char *copy = mem_strdup(paths), *save = NULL, *line;
    enum status st = OK;

    *out = (struct corpus_files){ 0 };
    for (line = strtok_r(copy, "\n", &save); line && st == OK;
         line = strtok_r(NULL, "\n", &save))
        st = add_pattern(out, text_trim(line), err);
    if (st == OK && out->n == 0)
        st = err_set(err, ERR_CONFIG, "data.path is not set");
    if (st != OK)
        corpus_files_release(out);
    free(copy);
    return st;
}

void corpus_files_release(struct corpus_files *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->path[i]);
    free(f->path);
    *f = (struct corpus_files){ 0 };
}

enum status corpus_read(struct corpus *out, const char *paths,
                        enum corpus_as as, int64_t max_bytes, struct err *err)
{
    struct sink to = { .limit = max_bytes > 0 ? (size_t)max_bytes : SIZE_MAX,
                       .hash = hash_open() };
    struct corpus_files files;
    enum status st = corpus_files_find(&files, paths, err);

    *out = (struct corpus){ 0 };
    for (size_t i = 0; i < files.n && st == OK && to.size < to.limit; i++)
        st = read_named(&to, files.path[i], as, &out->tokens, err);
    hash_close(to.hash, out->sha256);
    corpus_files_release(&files);
    out->bytes = to.bytes;
    out->size = to.size;
    if (st != OK)
        corpus_release(out);
    return st;
}

/* from is always the start of a line. */
void corpus_cut(struct corpus *c, const char *delimiter)
{
    const size_t len = strlen(delimiter);
    unsigned char *from = c->bytes, *to = c->bytes, *scan = c->bytes, *hit;
    unsigned char *const end = c->bytes + c->size;

    if (len == 0)
        return;
    while ((hit = memmem(scan, (size_t)(end - scan), delimiter, len))) {
        unsigned char *const after = hit + len;

        scan = hit + 1;
        if ((hit > from && hit[-1] != '\n') || (after < end && *after != '\n'))
            continue;
        memmove(to, from, (size_t)(hit - from));
        to += hit - from;
        *to++ = 0;
        scan = from = after + (after < end);
    }
    memmove(to, from, (size_t)(end - from));
    c->size = (size_t)(to - c->bytes) + (size_t)(end - from);
}

int64_t corpus_count_cuts(int64_t *cuts, int64_t *near, const struct corpus *c,
                          const char *delimiter)
{
    int64_t n = 0;
    const size_t len = strlen(delimiter);
    const unsigned char *scan = c->bytes, *hit;
    const unsigned char *const end = c->bytes + c->size;

    *cuts = *near = 0;
    while (len > 0 &&
           (hit = memmem(scan, (size_t)(end - scan), delimiter, len))) {
        const unsigned char *after = hit + len, *tail = after;

        while (tail < end && strchr(" \t\r", *tail) && *tail)
            tail++;
        scan = after;
        n++;
        if ((hit > c->bytes && hit[-1] != '\n') ||
            (tail < end && *tail != '\n'))
            continue;
        *cuts += tail == after;
        *near += tail > after;
    }
    return n;
}

void corpus_release(struct corpus *c)
{
    if (c->mapped)
        munmap(c->mapped, c->mapped_size);
    else
        free(c->bytes);
    c->mapped = NULL;
    c->bytes = NULL;
    c->size = 0;
}
