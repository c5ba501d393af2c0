#include "harness/grid/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void value_add(struct value_list *list, const char *text, struct ini_where w,
               bool quoted)
{
    /* Grown by doubling: n is a power of two exactly when it is full. */
    if ((list->n & (list->n - 1)) == 0)
        list->items = mem_grow(list->items, list->n ? 2 * (size_t)list->n : 1,
                               sizeof *list->items);
    list->items[list->n++] = (struct value_item){ mem_strdup(text), w, quoted };
}

void value_release(struct value_list *list)
{
    for (int i = 0; i < list->n; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (struct value_list){ 0 };
}

static enum status add_quoted(struct value_list *list, const char *text,
                              size_t n, struct ini_where w, struct err *err)
{
    const char *close = memchr(text + 1, '"', n - 1);
    char *inside;

    if (!close)
        return ini_fail(err, w, "missing closing quote in %.*s", (int)n, text);
    if ((size_t)(close - text) != n - 1)
        return ini_fail(err, w, "text after the closing quote in %.*s", (int)n,
                        text);
    inside = mem_strndup(text + 1, n - 2);
    value_add(list, inside, w, true);
    free(inside);
    return OK;
}

static enum status add_item(struct value_list *list, const char *text, size_t n,
                            struct ini_where w, struct err *err)
{
    char *copy;

    while (n > 0 && isspace((unsigned char)*text)) {
        text++;
        n--;
        w.column++;
    }
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    if (n == 0)
        return ini_fail(err, w, "a value is missing beside a comma");
    if (*text == '"')
        return add_quoted(list, text, n, w, err);
    copy = mem_strndup(text, n);
    value_add(list, copy, w, false);
    free(copy);
    return OK;
}

/* Length of the item that starts at p: up to a comma outside quotes and
 * parentheses. */
static size_t item_length(const char *p)
{
    size_t i = strspn(p, " \t");
    int depth = 0;

    if (p[i] == '"' && strchr(p + i + 1, '"'))
        i = (size_t)(strchr(p + i + 1, '"') - p) + 1;
    for (; p[i] && (p[i] != ',' || depth > 0); i++)
        depth += p[i] == '(' ? 1 : p[i] == ')' && depth > 0 ? -1 : 0;
    return i;
}

enum status value_split_piece(struct value_list *list,
                              const struct ini_piece *piece, struct err *err)
{
    const char *p = piece->text;
    enum status st = OK;

    for (;;) {
        const size_t n = item_length(p);
        struct ini_where w = piece->where;

        w.column += (int)(p - piece->text);
        st = add_item(list, p, n, w, err);
        p += n;
        if (st != OK || !*p)
            return st;
        p++;
    }
}

/* A comma at the end of a line that goes on stands for the line break. */
static void drop_last_comma(char *text)
{
    const size_t n = strlen(text);

    if (n > 1 && text[n - 1] == ',')
        text[n - 1] = '\0';
}

enum status value_split(struct value_list *list, const struct ini_entry *entry,
                        struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < entry->n_pieces && st == OK; i++) {
        struct ini_piece piece = entry->pieces[i];

        piece.text = mem_strdup(piece.text);
        if (i < entry->n_pieces - 1)
            drop_last_comma(piece.text);
        st = value_split_piece(list, &piece, err);
        free(piece.text);
    }
    return st;
}

const char *value_unit_hint(const char *text, bool duration)
{
    static const char *const units[] = { "k",  "M",  "G", "T", "Ki", "Mi",
                                         "Gi", "Ti", "s", "m", "h",  "d" };
    static const struct {
        const char *wrong, *right;
    } words[] = {
        { "K", "k" },    { "sec", "s" },  { "secs", "s" }, { "min", "m" },
        { "mins", "m" }, { "hr", "h" },   { "hour", "h" }, { "hours", "h" },
        { "day", "d" },  { "days", "d" }, { "KiB", "Ki" }, { "MiB", "Mi" },
        { "GiB", "Gi" }, { "kB", "k" },   { "KB", "k" },   { "MB", "M" },
        { "GB", "G" },   { "B", "G" },    { "b", "G" },    { "m", "M" },
        { "g", "G" },    { "t", "T" },
    };
    const int n_plain = 8;
    const char *end;
    double x;

    if (!text_read_number(&x, text, &end, duration) || !*end)
        return NULL;
    end += strspn(end, " \t");
    for (int i = 0; i < (duration ? 12 : n_plain); i++)
        if (strcmp(end, units[i]) == 0)
            return units[i]; /* "12 M": the space is what is wrong */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(end, words[i].wrong) == 0)
            return duration || !strchr("smhd", words[i].right[0])
                       ? words[i].right
                       : NULL;
    /* Every single letter is near to every other: only longer ones tell. */
    return strlen(end) < 2
               ? NULL
               : text_nearest(end, units, duration ? 12 : (size_t)n_plain);
}
