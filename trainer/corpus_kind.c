#include "trainer/corpus_kind.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define SHARD_HEADER 1024

static uint32_t word_at(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* --- formats by their first bytes ----------------------------------------- */

typedef enum status read_header(struct corpus_kind *out, const char *path,
                                const unsigned char *head, size_t n,
                                struct err *err);

static enum status shard(struct corpus_kind *out, const char *path,
                         const unsigned char *head, size_t n, struct err *err)
{
    if (n < SHARD_HEADER || word_at(head + 4) != 1)
        return err_set(err, ERR_CONFIG,
                       "%s: begins as a shard of 16-bit ids, but its header "
                       "is of version %lu or cut short",
                       path, n < 8 ? 0ul : (unsigned long)word_at(head + 4));
    *out = (struct corpus_kind){ true, SHARD_HEADER };
    return OK;
}

static enum status wide_shard(struct corpus_kind *out, const char *path,
                              const unsigned char *head, size_t n,
                              struct err *err)
{
    (void)out;
    (void)head;
    (void)n;
    return err_set(err, ERR_CONFIG,
                   "%s: is a shard of 32-bit ids; write them as 16-bit ids",
                   path);
}

/* Version, length of the header, and a dictionary in the words of Python. */
static enum status numpy(struct corpus_kind *out, const char *path,
                         const unsigned char *head, size_t n, struct err *err)
{
    const size_t lead = n > 6 && head[6] >= 2 ? 12 : 10;
    size_t length;
    char text[200] = "", *descr, *end;

    if (n < lead)
        return err_set(err, ERR_CONFIG, "%s: NumPy's header is cut short",
                       path);
    length =
        lead == 10 ? (size_t)head[8] | (size_t)head[9] << 8 : word_at(head + 8);
    snprintf(text, sizeof text, "%.*s",
             (int)(length < n - lead ? length : n - lead), head + lead);
    descr = strstr(text, "'descr':");
    descr = descr ? strchr(descr + 8, '\'') : NULL;
    end = descr ? strchr(descr + 1, '\'') : NULL;
    if (end)
        *end = '\0';
    if (!end || strcmp(descr + 1, "<u2") != 0)
        return err_set(err, ERR_CONFIG,
                       "%s: is a NumPy array of %s; 16-bit ids are '<u2' "
                       "(ids.astype('<u2'))",
                       path, end ? descr + 1 : "something else");
    *out = (struct corpus_kind){ true, lead + length };
    return OK;
}

/* read NULL: name says what it is, and that it is not read. */
static const struct {
    const char *bytes;
    size_t n, at;
    const char *name;
    read_header *read;
} magics[] = {
    { "\x88\xd8\x34\x01", 4, 0, "", shard },      /* 20240520 */
    { "\xa1\xd9\x34\x01", 4, 0, "", wide_shard }, /* 20240801 */
    { "\x93NUMPY", 6, 0, "", numpy },
    { "PAR1", 4, 0, "a Parquet file", NULL },
    { "ARROW1", 6, 0, "an Arrow file", NULL },
    { "PK\x03\x04", 4, 0, "an archive (zip, npz or pt)", NULL },
    { "ustar", 5, 257, "an archive (tar)", NULL },
    { "MMIDIDX\0", 8, 0, "an index of ids, not the ids", NULL },
    { "\x89HDF\r\n", 6, 0, "an HDF5 file", NULL },
    { "SQLite format 3", 16, 0, "a database", NULL },
    { "%PDF-", 5, 0, "a PDF", NULL },
    { "\xfd"
      "7zXZ",
      5, 0, "compressed with xz; .gz and .zst are read", NULL },
    { "\x04\x22\x4d\x18", 4, 0, "compressed with lz4; .gz and .zst are read",
      NULL },
    { "1AY&SY", 6, 4, "compressed with bzip2; .gz and .zst are read", NULL },
};
#define N_MAGICS (sizeof magics / sizeof magics[0])

/* --- what looks like something else --------------------------------------- */

static bool is_control(unsigned char c)
{
    return (c < ' ' && !strchr("\t\n\v\f\r\x1b", c)) || c == 0;
}

/* More than one byte in fifty is a control character. */
static bool looks_binary(const unsigned char *head, size_t n)
{
    size_t controls = 0;

    for (size_t i = 0; i < n; i++)
        controls += is_control(head[i]);
    return controls * 50 > n;
}

/* One byte of each pair is 0 and the other a letter, or there is a mark. */
static bool looks_utf16(const unsigned char *head, size_t n)
{
    size_t zeros[2] = { 0 }, letters[2] = { 0 };

    if (n >= 2 && ((head[0] == 0xff && head[1] == 0xfe) ||
                   (head[0] == 0xfe && head[1] == 0xff)))
        return true;
    for (size_t i = 0; i < n; i++) {
        zeros[i % 2] += head[i] == 0;
        letters[i % 2] += head[i] >= ' ' && head[i] < 0x7f;
    }
    return (zeros[0] * 10 > n * 4 && letters[1] * 10 > n * 4) ||
           (zeros[1] * 10 > n * 4 && letters[0] * 10 > n * 4);
}

/* The upper half of a 32-bit id of a vocabulary below half a million. */
#define UPPER 8
#define LEAST 64 /* ids */

static bool looks_wide(const unsigned char *ids, size_t n)
{
    size_t larger = 0;

    if (n < 4 * LEAST)
        return false;
    for (size_t i = 0; i + 3 < n; i += 4) {
        if ((ids[i + 2] | ids[i + 3] << 8) >= UPPER)
            return false;
        larger += (ids[i] | ids[i + 1] << 8) >= UPPER;
    }
    return larger > 0;
}

/* Tokens keep their suffix under a compression. */
static bool named_tokens(const char *path)
{
    return text_has_suffix(path, ".u16") || text_has_suffix(path, ".u16.gz") ||
           text_has_suffix(path, ".u16.zst");
}

static enum status check_text(const char *path, const unsigned char *head,
                              size_t n, struct err *err)
{
    if (looks_wide(head, n))
        return err_set(err, ERR_CONFIG,
                       "%s: looks like ids of 32 or 64 bits, not like text; "
                       "write them as 16-bit ids, and say data.kind = u16",
                       path);
    if (looks_utf16(head, n))
        return err_set(err, ERR_CONFIG,
                       "%s: is text in UTF-16; text is read byte by byte, as "
                       "UTF-8 (iconv -f UTF-16 -t UTF-8)",
                       path);
    if (looks_binary(head, n))
        return err_set(err, ERR_CONFIG,
                       "%s: is not text; if it holds 16-bit ids, say "
                       "data.kind = u16 or name it .u16",
                       path);
    return OK;
}

static enum status check_ids(const char *path, bool named,
                             const unsigned char *ids, size_t n,
                             struct err *err)
{
    if (!named && !looks_binary(ids, n))
        return err_set(err, ERR_CONFIG,
                       "%s: is text, and data.kind = u16 asks for 16-bit ids; "
                       "a model reads one or the other",
                       path);
    if (looks_wide(ids, n))
        return err_set(err, ERR_CONFIG,
                       "%s: looks like ids of 32 or 64 bits (every second "
                       "16-bit id is 0 or next to it); write them as 16-bit "
                       "ids",
                       path);
    return OK;
}

enum status corpus_kind_find(struct corpus_kind *out, const char *path,
                             const unsigned char *head, size_t n,
                             enum corpus_as as, struct err *err)
{
    const bool named = named_tokens(path);

    *out = (struct corpus_kind){ .tokens = named || as == CORPUS_AS_IDS };
    if (as == CORPUS_FOREIGN)
        return OK;
    for (size_t i = 0; i < N_MAGICS; i++) {
        if (n < magics[i].at + magics[i].n ||
            memcmp(head + magics[i].at, magics[i].bytes, magics[i].n) != 0)
            continue;
        if (magics[i].read)
            return magics[i].read(out, path, head, n, err);
        return err_set(err, ERR_CONFIG, "%s: is %s", path, magics[i].name);
    }
    return out->tokens ? check_ids(path, named, head, n, err)
                       : check_text(path, head, n, err);
}
