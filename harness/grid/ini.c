#include "harness/grid/ini.h"

#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/odd.h"

/* libinih takes "name: value" too and would split a key at its colon
 * (quant.last:1.x), so colons of keys travel through it as this byte. */
#define COLON '\x01'

struct reader {
    struct ini *ini;
    const char *text, *end; /* what is still unread */
    struct str line;        /* the line as libinih gets it, with newline */
    size_t given;           /* bytes of it already handed out */
    struct ini_where where; /* of its first character that is not blank */
    int value_column;       /* where the value of an entry starts */
    bool indented;
    struct str raw; /* the line with what looks like a comment */
    bool verbatim;  /* the lines of the last entry are kept so */
    enum status st;
    struct err *err;
};

/* --- lines --------------------------------------------------------------- */

static enum status fail(struct reader *r, const char *what)
{
    r->st = ini_fail(r->err, r->where, "%s", what);
    return r->st;
}

/* Bytes of the UTF-8 character at p, 0 when there is none: no overlong forms,
 * surrogates or code points above 10FFFF (RFC 3629). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char lo, hi, next_lo, next_hi, len;
    } rows[] = {
        { 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t n = rows[i].len;

        if (p[0] < rows[i].lo || p[0] > rows[i].hi)
            continue;
        if (n > left ||
            (n > 1 && (p[1] < rows[i].next_lo || p[1] > rows[i].next_hi)))
            return 0;
        for (size_t k = 2; k < n; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return n;
    }
    return 0;
}

static enum status check_line(struct reader *r, const char *line, size_t n)
{
    if (n > INI_LINE_MAX)
        return fail(r, "the line is longer than 65536 bytes");
    for (size_t i = 0; i < n;) {
        const size_t len = utf8_length((const unsigned char *)line + i, n - i);

        if (len == 0 || (line[i] < 0x20 && line[i] > 0 && line[i] != '\t')) {
            r->st = ini_fail(r->err, r->where,
                             len ? "control character at column %zu"
                                 : "not UTF-8 at column %zu",
                             i + 1);
            return r->st;
        }
        i += len;
    }
    return OK;
}

/* A quote opens only where an item starts, and only when it is closed on the
 * same line: a stray one in a sentence is just a character. */
static bool opens_quote(const char *line, size_t i)
{
    size_t k = i;

    if (line[i] != '"' || !strchr(line + i + 1, '"'))
        return false;
    while (k > 0 && isspace((unsigned char)line[k - 1]))
        k--;
    return k == 0 || strchr("=,(", line[k - 1]);
}

static size_t comment_start(const char *line)
{
    size_t i = 0;

    while (line[i]) {
        const bool free = i == 0 || isspace((unsigned char)line[i - 1]);

        if ((line[i] == '#' || line[i] == ';') && free)
            break;
        if (opens_quote(line, i))
            i = (size_t)(strchr(line + i + 1, '"') - line);
        i++;
    }
    return i;
}

bool ini_is_verbatim(const char *section, const char *key)
{
    return strcmp(key, "slurm.setup") == 0 ||
           (strcmp(section, "slurm") == 0 && strcmp(key, "setup") == 0);
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_-.:+!", c));
}

/* "name =" but not "name ==". */
static bool looks_like_entry(const char *p)
{
    const char *q = p;

    if (!isalpha((unsigned char)*p))
        return false;
    while (is_key_char(*q))
        q++;
    q += strspn(q, " \t");
    return q[0] == '=' && q[1] != '=';
}

static struct ini_section *add_section(struct reader *r)
{
    struct ini *ini = r->ini;

    ini->sections = mem_grow(ini->sections, (size_t)ini->n_sections + 1,
                             sizeof *ini->sections);
    ini->sections[ini->n_sections] = (struct ini_section){ .where = r->where };
    return &ini->sections[ini->n_sections++];
}

/* [name] or [name "label"] and nothing else; libinih would cut a long name
 * and ignore what follows the bracket, both silently. */
static enum status read_header(struct reader *r, const char *line)
{
    const char *p = line + 1 + strspn(line + 1, " \t"), *name = p, *label;
    struct ini_section *s;
    size_t n, len = 0;

    while (isalnum((unsigned char)*p) || *p == '_' || *p == '-')
        p++;
    n = (size_t)(p - name);
    p += strspn(p, " \t");
    label = *p == '"' ? p + 1 : NULL;
    if (label) {
        len = strcspn(label, "\"");
        p = label + len + (label[len] == '"');
        p += strspn(p, " \t");
    }
    if (n == 0 || *p != ']' || p[1])
        return fail(r, "expected [section] or [section \"label\"] alone on a "
                       "line");
    if (n > INI_LABEL_MAX || len > INI_LABEL_MAX)
        return fail(r, "a section's name or label is at most 40 bytes long");
    if (label && len == 0)
        return fail(r, "the section's label is empty");
    s = add_section(r);
    r->verbatim = false;
    s->name = mem_strndup(name, n);
    s->label = label ? mem_strndup(label, len) : NULL;
    return OK;
}

static void add_piece(struct reader *r, struct ini_entry *e, const char *text,
                      int column)
{
    struct ini_where where = r->where;

    if (!*text)
        return;
    where.column = column;
    e->pieces = mem_grow(e->pieces, (size_t)e->n_pieces + 1, sizeof *e->pieces);
    e->pieces[e->n_pieces++] = (struct ini_piece){ mem_strdup(text), where };
}

/* A line more of an entry whose lines are kept; libinih sees an empty one. */
static bool take_verbatim(struct reader *r)
{
    char *text = text_trim(r->raw.data);
    struct ini_section *s = &r->ini->sections[r->ini->n_sections - 1];

    if (text == r->raw.data || strchr("#;", *text))
        return false;
    r->where.column = (int)(text - r->raw.data) + 1;
    add_piece(r, &s->entries[s->n_entries - 1], text, r->where.column);
    str_clear(&r->line);
    str_add_char(&r->line, '\n');
    r->given = 0;
    return true;
}

/* The line as libinih shall see it, and what it cannot tell us. */
static enum status prepare(struct reader *r, const char *line, size_t n)
{
    size_t start, i;

    str_clear(&r->raw);
    str_add_n(&r->raw, line, n);
    str_add_char(&r->raw, '\n');
    if (r->verbatim && take_verbatim(r))
        return OK;
    str_clear(&r->line);
    str_add_n(&r->line, line, n);
    r->line.data[comment_start(r->line.data)] = '\0';
    r->line.len = strlen(r->line.data);
    start = strspn(r->line.data, " \t");
    r->where.column = (int)start + 1;
    r->indented = start > 0;
    if (!r->line.data[start]) {
        str_clear(&r->line);
    } else if (r->line.data[start] == '[') {
        char *header = text_trim(r->line.data);

        if (read_header(r, header) != OK)
            return r->st;
        str_clear(&r->line);
        str_add(&r->line, "[s]");
    } else if (!r->indented) {
        i = strcspn(r->line.data, "=");
        r->value_column =
            (int)(i + 1 +
                  strspn(r->line.data + i + (r->line.data[i] == '='), " \t")) +
            1;
        for (size_t k = 0; k < i; k++)
            if (r->line.data[k] == ':')
                r->line.data[k] = COLON;
    }
    str_add_char(&r->line, '\n');
    r->given = 0;
    return OK;
}

static bool next_line(struct reader *r)
{
    const char *nl;
    size_t n;

    if (r->st != OK || r->text >= r->end)
        return false;
    nl = memchr(r->text, '\n', (size_t)(r->end - r->text));
    n = (size_t)((nl ? nl : r->end) - r->text);
    r->where.line++;
    if (check_line(r, r->text, n - (n > 0 && r->text[n - 1] == '\r')) != OK)
        return false;
    prepare(r, r->text, n - (n > 0 && r->text[n - 1] == '\r'));
    r->text += n + (nl != NULL);
    return r->st == OK;
}

/* fgets over the prepared lines: libinih asks again for the rest of a line
 * that is longer than its buffer. */
static char *give(char *buf, int size, void *ctx)
{
    struct reader *r = ctx;
    size_t n;

    if (r->given == r->line.len && !next_line(r))
        return NULL;
    n = r->line.len - r->given;
    if (n > (size_t)size - 1)
        n = (size_t)size - 1;
    memcpy(buf, r->line.data + r->given, n);
    buf[n] = '\0';
    r->given += n;
    return buf;
}

/* --- entries ------------------------------------------------------------- */

static enum status check_key(struct reader *r, const char *key)
{
    const char *p = key;

    while (is_key_char(*p))
        p++;
    if (*p || !isalpha((unsigned char)*key)) {
        char *odd = text_odd(key);

        r->st = ini_fail(r->err, r->where, "'%.60s' is not a key%s", key, odd);
        free(odd);
    }
    return r->st;
}

static enum status add_entry(struct reader *r, struct ini_section *s,
                             const char *name, const char *value)
{
    char *key = mem_strdup(name);
    struct ini_entry *e;

    for (char *p = key; *p; p++)
        if (*p == COLON)
            *p = ':';
    s->entries =
        mem_grow(s->entries, (size_t)s->n_entries + 1, sizeof *s->entries);
    e = &s->entries[s->n_entries++];
    *e = (struct ini_entry){ .key = key, .where = r->where };
    r->verbatim = ini_is_verbatim(s->name, key);
    if (check_key(r, key) != OK)
        return r->st;
    if (r->verbatim && *value)
        value = text_trim(r->raw.data + r->value_column - 1);
    add_piece(r, e, value, r->value_column);
    return r->st;
}

/* libinih's call-back: 1 goes on.  An indented line arrives with the name of
 * the entry before it, which libinih may have cut. */
static int take(void *ctx, const char *section, const char *name,
                const char *value)
{
    struct reader *r = ctx;
    struct ini_section *s =
        r->ini->n_sections ? &r->ini->sections[r->ini->n_sections - 1] : NULL;

    (void)section;
    if (r->st != OK)
        return 1;
    if (!s)
        return fail(r, "a key before the first [section]") == OK;
    if (!r->indented)
        return add_entry(r, s, name, value) == OK;
    if (s->n_entries == 0)
        return fail(r, "an indented line continues a value, but the section "
                       "has no key yet: remove the indentation") == OK;
    if (looks_like_entry(value)) {
        r->st = ini_fail(r->err, r->where,
                         "an indented line continues the value of '%s'; "
                         "remove the indentation to start a new key",
                         s->entries[s->n_entries - 1].key);
        return 0;
    }
    add_piece(r, &s->entries[s->n_entries - 1], value, r->where.column);
    return 1;
}

/* --- files --------------------------------------------------------------- */

enum status ini_read_text(struct ini **out, const char *path, const char *text,
                          size_t size, struct err *err)
{
    struct ini *ini = mem_alloc(sizeof *ini);
    struct reader r = {
        .ini = ini, .text = text, .end = text + size, .err = err
    };
    int bad;

    *out = NULL;
    ini->path = mem_strdup(path);
    r.where.file = ini->path;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.text += 3;
    /* The library's knobs; all callers want these values. */
    ini_use_stack = false;
    ini_allow_realloc = true;
    ini_max_line = INI_LINE_MAX + 16;
    ini_allow_inline_comments = false;
    bad = ini_parse_stream(give, &r, take, &r);
    if (bad > 0 && (r.st == OK || bad < r.where.line)) {
        r.where.line = bad;
        fail(&r, "expected 'key = value' or [section]");
    }
    str_release(&r.line);
    str_release(&r.raw);
    if (r.st == OK)
        *out = ini;
    else
        ini_free(ini);
    return r.st;
}

enum status ini_read(struct ini **out, const char *path, struct err *err)
{
    struct str text = { 0 };
    enum status st = file_read(&text, path, INI_FILE_MAX, err);

    *out = NULL;
    if (st == OK)
        st = ini_read_text(out, path, str_text(&text), text.len, err);
    str_release(&text);
    return st;
}

static void free_entry(struct ini_entry *e)
{
    for (int i = 0; i < e->n_pieces; i++)
        free(e->pieces[i].text);
    free(e->pieces);
    free(e->key);
}

void ini_free(struct ini *ini)
{
    if (!ini)
        return;
    for (int i = 0; i < ini->n_sections; i++) {
        struct ini_section *s = &ini->sections[i];

        for (int k = 0; k < s->n_entries; k++)
            free_entry(&s->entries[k]);
        free(s->entries);
        free(s->name);
        free(s->label);
    }
    free(ini->sections);
    free(ini->path);
    free(ini);
}
