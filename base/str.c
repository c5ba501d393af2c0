#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

static void out_of_memory(size_t size)
{
    fprintf(stderr, "qlaw: out of memory asking for %zu bytes\n", size);
    exit(err_exit_code(ERR_NOMEM));
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_array(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);

    if (!p)
        out_of_memory(n > SIZE_MAX / size ? SIZE_MAX : n * size);
    return p;
}

void *mem_grow(void *p, size_t n, size_t size)
{
    void *q = n > SIZE_MAX / size ? NULL : realloc(p, n ? n * size : 1);

    if (!q)
        out_of_memory(n > SIZE_MAX / size ? SIZE_MAX : n * size);
    return q;
}

char *mem_strndup(const char *text, size_t n)
{
    char *copy = mem_alloc(n + 1);

    memcpy(copy, text, n);
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    int n;
    char *text;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    text = mem_alloc((size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}

static void reserve(struct str *s, size_t more)
{
    if (s->len + more + 1 <= s->cap)
        return;
    s->cap = (s->len + more + 1) * 3 / 2 + 32;
    s->data = mem_grow(s->data, s->cap, 1);
}

void str_release(struct str *s)
{
    free(s->data);
    *s = (struct str){ 0 };
}

void str_clear(struct str *s)
{
    s->len = 0;
    if (s->data)
        s->data[0] = '\0';
}

void str_add_n(struct str *s, const char *text, size_t n)
{
    reserve(s, n);
    if (n)
        memcpy(s->data + s->len, text, n);
    s->len += n;
    s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_add_n(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
    str_add_n(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    reserve(s, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(s->data + s->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    s->len += (size_t)n;
}

void str_add_doubled(struct str *s, const char *text)
{
    for (; *text; text++) {
        if (*text == '"')
            str_add_char(s, '"');
        str_add_char(s, *text);
    }
}

uint32_t text_decode(const char *text, size_t *size)
{
    /* Smallest code point of each length: a longer form of it is refused. */
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *s = (const unsigned char *)text;
    const size_t n = s[0] < 0x80   ? 1
                     : s[0] < 0xc2 ? 0
                     : s[0] < 0xe0 ? 2
                     : s[0] < 0xf0 ? 3
                     : s[0] < 0xf5 ? 4
                                   : 0;
    uint32_t c = n > 1 ? s[0] & (0xffu >> (n + 1)) : s[0];

    *size = s[0] != 0;
    if (n == 0)
        return TEXT_NOT_UTF8;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return TEXT_NOT_UTF8;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return TEXT_NOT_UTF8;
    if (n > 1)
        *size = n;
    return c;
}

bool text_is_control(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x61c, 0x61c },
        { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

void str_add_shown(struct str *s, const char *text, size_t columns)
{
    size_t cut = 0, n = 0; /* cut: the length with room for the dots */

    for (const char *p = text; *p; n++) {
        size_t length;
        const uint32_t c = text_decode(p, &length);
        const bool shown = c != TEXT_NOT_UTF8 && !text_is_control(c);

        if (n + 3 == columns)
            cut = s->len;
        if (n == columns) {
            s->len = cut;
            str_add(s, "...");
            return;
        }
        str_add_n(s, shown ? p : "?", shown ? length : 1);
        p += length;
    }
}

const char *str_text(const struct str *s)
{
    return s->data ? s->data : "";
}

char *str_steal(struct str *s)
{
    char *text = s->data ? s->data : mem_strdup("");

    *s = (struct str){ 0 };
    return text;
}

char *text_trim(char *text)
{
    size_t n;

    while (isspace((unsigned char)*text))
        text++;
    n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    text[n] = '\0';
    return text;
}

bool text_has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_has_suffix(const char *text, const char *suffix)
{
    const size_t n = strlen(text), m = strlen(suffix);

    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

/* Optimal string alignment distance: edits and swaps of neighbours. */
#define NEAREST_MAX 48
static int distance(const char *a, const char *b)
{
    int d[3][NEAREST_MAX + 1];
    const int n = (int)strlen(a), m = (int)strlen(b);

    if (n > NEAREST_MAX || m > NEAREST_MAX)
        return NEAREST_MAX;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = d[i % 3], *up = d[(i + 2) % 3], *upup = d[(i + 1) % 3];

        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = up[j - 1] + (a[i - 1] != b[j - 1]);

            best = up[j] + 1 < best ? up[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && upup[j - 2] + 1 < best)
                best = upup[j - 2] + 1;
            now[j] = best;
        }
    }
    return d[n % 3][m];
}

const char *text_nearest(const char *word, const char *const *candidates,
                         size_t n)
{
    const int len = (int)strlen(word);
    int best = len < 9 ? (len + 2) / 3 : 3;
    const char *found = NULL;

    for (size_t i = 0; i < n; i++) {
        const int d = distance(word, candidates[i]);

        if (d < best || (d == best && !found)) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}

/* By hand, because a plan of a million runs writes tens of millions. */
static const char *whole_number(char buf[32], int64_t x)
{
    char digits[20], *out = buf;
    int n = 0;

    if (x < 0)
        *out++ = '-';
    for (uint64_t left = (uint64_t)(x < 0 ? -x : x); left; left /= 10)
        digits[n++] = (char)('0' + left % 10);
    while (n > 0)
        *out++ = digits[--n];
    *out = '\0';
    return buf;
}

const char *text_number(char buf[32], double x)
{
    if (isnan(x))
        return strcpy(buf, "nan");
    if (isinf(x))
        return strcpy(buf, x > 0 ? "inf" : "-inf");
    if (x == 0)
        return strcpy(buf, "0"); /* one text for both zeros */
    if (fabs(x) < 1e15 && x == nearbyint(x))
        return whole_number(buf, (int64_t)x);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, 32, "%.*g", digits, x);
        if (strtod(buf, NULL) == x)
            break;
    }
    return buf;
}

const char *text_si(char buf[32], double x, int digits)
{
    static const char *const suffix[] = { "", "k", "M", "G", "T", "P" };
    int i = 0;

    if (!(fabs(x) < 999.5e15)) { /* 3e19, not 30E: E is a letter of numbers */
        snprintf(buf, 32, "%.*g", digits, x);
        return buf;
    }
    while (fabs(x) >= 999.5 && i < 5) {
        x /= 1000;
        i++;
    }
    snprintf(buf, 24, "%.*g", digits, x);
    return strcat(buf, suffix[i]);
}

const char *text_duration(char buf[32], double seconds)
{
    const long long s = llround(seconds);

    if (seconds < 9.95)
        snprintf(buf, 32, "%.1f s", seconds);
    else if (s < 60)
        snprintf(buf, 32, "%lld s", s);
    else if (s < 3600)
        snprintf(buf, 32, "%lld min %02lld s", s / 60, s % 60);
    else if (s < 48 * 3600)
        snprintf(buf, 32, "%lld h %02lld min", s / 3600, s % 3600 / 60);
    else
        snprintf(buf, 32, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    return buf;
}

static const struct {
    const char *text;
    double factor;
    bool duration;
} suffixes[] = {
    { "Ki", 0x1p10, false }, { "Mi", 0x1p20, false }, { "Gi", 0x1p30, false },
    { "Ti", 0x1p40, false }, { "k", 1e3, false },     { "M", 1e6, false },
    { "G", 1e9, false },     { "T", 1e12, false },    { "s", 1, true },
    { "m", 60, true },       { "h", 3600, true },     { "d", 86400, true },
};

/* The longest prefix that is a plain decimal number; strtod alone would also
 * take hexadecimal, "inf" and "nan". */
static size_t number_length(const char *text)
{
    size_t n = text[0] == '+' || text[0] == '-', digits = 0, e;

    for (; isdigit((unsigned char)text[n]); n++)
        digits++;
    if (text[n] == '.')
        for (n++; isdigit((unsigned char)text[n]); n++)
            digits++;
    if (!digits)
        return 0;
    e = n;
    if (text[e] == 'e' || text[e] == 'E') {
        e++;
        e += text[e] == '+' || text[e] == '-';
        if (isdigit((unsigned char)text[e])) {
            while (isdigit((unsigned char)text[e]))
                e++;
            n = e;
        }
    }
    return n;
}

bool text_read_number(double *out, const char *text, const char **end,
                      bool durations)
{
    const size_t n = number_length(text);
    char digits[64];

    *end = text;
    if (n == 0 || n >= sizeof digits)
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    *out = strtod(digits, NULL);
    *end = text + n;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t len = strlen(suffixes[i].text);

        if ((suffixes[i].duration && !durations) ||
            strncmp(*end, suffixes[i].text, len) != 0 ||
            isalnum((unsigned char)(*end)[len]) || (*end)[len] == '_')
            continue;
        *out *= suffixes[i].factor;
        *end += len;
        break;
    }
    return isfinite(*out);
}

enum status text_number_in(double *out, const char *name, const char *text,
                           bool durations, double min, double max,
                           struct err *err)
{
    const char *end;

    if (!text_read_number(out, text, &end, durations) || *end)
        return err_set(
            err, ERR_USAGE, "--%s: '%s' is not a number%s", name, text,
            end > text && strcmp(end, "m") == 0 ? "; millions are M" : "");
    if (*out < min || *out > max)
        return err_set(err, ERR_USAGE, "--%s: %s is outside %g .. %g", name,
                       text, min, max);
    return OK;
}
