#include "harness/proto/record_sum.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/json.h"
#include "base/str.h"

#define SEAL_LENGTH 18 /* ,"sum":"1c291ca3"} */

uint32_t record_sum(uint32_t sum, const char *text, size_t n)
{
    return (uint32_t)crc32(sum, (const unsigned char *)text, (uInt)n);
}

char *record_seal(uint32_t before, char *line)
{
    const size_t n = strlen(line) - 1; /* without the bracket */
    char *sealed = mem_printf("%.*s,\"sum\":\"%08x\"}", (int)n, line,
                              record_sum(before, line, n));

    free(line);
    return sealed;
}

enum record_seal record_check(uint32_t before, const char *line, size_t n)
{
    const char *seal = line + n - SEAL_LENGTH;
    char sum[9] = "";

    if (n < SEAL_LENGTH || strncmp(seal, ",\"sum\":\"", 8) != 0 ||
        strncmp(seal + 16, "\"}", 2) != 0 ||
        strspn(seal + 8, "0123456789abcdef") < 8)
        return SEAL_NONE;
    snprintf(sum, sizeof sum, "%08x",
             record_sum(before, line, n - SEAL_LENGTH));
    return memcmp(sum, seal + 8, 8) == 0 ? SEAL_FITS : SEAL_BROKEN;
}

/* --- a file ------------------------------------------------------------------ */

struct scan {
    bool *bad, open;
    int n;
    int64_t line, orphan;
    uint32_t sum;
};

static bool is_readable(const char *text, size_t n)
{
    json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    const bool readable = json != NULL;

    json_decref(json);
    return readable;
}

/* An end, sealed or not; *bad: it says that the attempt was changed. */
static bool is_end(bool *bad, const struct scan *s, const char *text, size_t n)
{
    const enum record_seal seal = record_check(s->sum, text, n);

    *bad = seal == SEAL_BROKEN;
    if (seal != SEAL_NONE)
        return true;
    if (!text_has_prefix(text, "{\"attempt\":"))
        return false;
    *bad =
        !is_readable(text, n) && text[n - 1] == '}'; /* else torn by a kill */
    return *bad || memmem(text, n, "\"end\":", 6);
}

static void scan_line(struct scan *s, const char *text, size_t n)
{
    bool bad;

    s->line++;
    if (text_has_prefix(text, "{\"attempt\":") &&
        memmem(text, n, "\"begin\":", 8)) {
        s->bad = mem_grow(s->bad, (size_t)s->n + 1, sizeof *s->bad);
        s->bad[s->n++] = !is_readable(text, n);
        s->open = true;
        s->sum = 0;
    } else if (is_end(&bad, s, text, n)) {
        if (s->open && bad)
            s->bad[s->n - 1] = true;
        else if (!s->open && s->orphan == 0)
            s->orphan = s->line;
        s->open = false;
        return;
    }
    s->sum = record_sum(record_sum(s->sum, text, n), "\n", 1);
}

bool *record_scan(int *n, int64_t *orphan, FILE *f)
{
    struct scan s = { .n = 0 };
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, f)) > 0)
        if (line[len - 1] == '\n') {
            line[len - 1] = '\0';
            scan_line(&s, line, (size_t)len - 1);
        } else if (s.open &&
                   record_check(s.sum, line, (size_t)len - 1) == SEAL_FITS) {
            s.bad[s.n - 1] = true; /* a whole end, and no line end behind it */
        }
    free(line);
    *n = s.n;
    *orphan = s.orphan;
    return s.bad;
}
