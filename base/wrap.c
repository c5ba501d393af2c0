#include "base/wrap.h"

#include <stdlib.h>
#include <string.h>

size_t text_columns(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80; /* UTF-8 heads */
    return n;
}

static size_t columns_of(const char *text, size_t bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

static void add_blanks(struct str *out, size_t n)
{
    while (n-- > 0)
        str_add_char(out, ' ');
}

/* One line, bytes long, that does not fit. */
static void add_broken(struct str *out, const char *text, size_t bytes,
                       size_t hang)
{
    const char *end = text + bytes;
    const size_t indent = strspn(text, " ");
    size_t at = 0; /* columns used; only blanks at the start of a line */
    bool empty = true;

    while (text < end) {
        const size_t gap = strspn(text, " ");
        const size_t word = strcspn(text + gap, " \n");
        const size_t columns = columns_of(text + gap, word);

        if (word == 0)
            break; /* blanks at the end of the line */
        if (!empty && at + gap + columns > TEXT_COLUMNS) {
            str_add_char(out, '\n');
            add_blanks(out, indent + hang);
            at = indent + hang;
        } else {
            add_blanks(out, gap);
            at += gap;
        }
        str_add_n(out, text + gap, word);
        at += columns;
        empty = false;
        text += gap + word;
    }
}

void str_add_wrapped(struct str *out, const char *text, size_t hang)
{
    while (*text) {
        const size_t n = strcspn(text, "\n");

        if (columns_of(text, n) <= TEXT_COLUMNS)
            str_add_n(out, text, n);
        else
            add_broken(out, text, n, hang);
        text += n;
        if (*text) {
            str_add_char(out, '\n');
            text++;
        }
    }
}

void say_text(FILE *to, const char *text)
{
    struct str out = { 0 };

    str_add_wrapped(&out, text, TEXT_HANG);
    fputs(str_text(&out), to);
    str_release(&out);
}

/* Append what vprintf would print. */
static void add_formatted(struct str *out, const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) >= 0)
        str_add(out, text);
    free(text);
}

void say(const char *fmt, ...)
{
    static struct str line; /* what is said of a line that goes on */
    va_list ap;

    va_start(ap, fmt);
    add_formatted(&line, fmt, ap);
    va_end(ap);
    if (!text_has_suffix(str_text(&line), "\n"))
        return;
    say_text(stdout, str_text(&line));
    str_release(&line);
}

void say_line(FILE *to, const char *fmt, va_list ap)
{
    struct str line = { 0 };

    add_formatted(&line, fmt, ap);
    str_add_char(&line, '\n');
    say_text(to, str_text(&line));
    str_release(&line);
}

void str_add_label(struct str *out, const char *text, size_t columns)
{
    struct str shown = { 0 };
    const char *tail;
    size_t all, head;

    str_add_shown(&shown, text, SIZE_MAX); /* from here on valid UTF-8 */
    all = text_columns(str_text(&shown));
    if (all <= columns || columns < 5) {
        str_add_shown(out, str_text(&shown), columns);
        str_release(&shown);
        return;
    }
    head = (columns - 3) / 2;
    str_add_shown(out, str_text(&shown), head + 3); /* the dots as well */
    tail = str_text(&shown);
    for (size_t skip = all - (columns - 3 - head); skip > 0; tail++)
        skip -= ((unsigned char)tail[1] & 0xc0) != 0x80;
    str_add(out, tail);
    str_release(&shown);
}

void str_add_cell(struct str *out, const char *text, size_t columns)
{
    struct str cell = { 0 };

    str_add_label(&cell, text, columns);
    str_add(out, str_text(&cell));
    add_blanks(out, columns - text_columns(str_text(&cell)));
    str_release(&cell);
}
