/* ini_place.c - places in files, and sentences that begin with one. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/grid/ini.h"

void ini_prefix(struct err *err, struct ini_where where)
{
    if (where.line)
        err_prefix(err, "%s:%d: ", where.file, where.line);
    else if (where.file)
        err_prefix(err, "%s: ", where.file);
}

enum status ini_fail(struct err *err, struct ini_where where, const char *fmt,
                     ...)
{
    char text[sizeof err->text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(err, ERR_CONFIG, "%s", text);
    ini_prefix(err, where);
    return ERR_CONFIG;
}

char *ini_beside(struct ini_where where, const char *path)
{
    const char *slash = where.line ? strrchr(where.file, '/') : NULL;

    if (path[0] == '/' || !slash)
        return mem_strdup(path);
    return mem_printf("%.*s%s", (int)(slash + 1 - where.file), where.file,
                      path);
}

char *ini_value(const struct ini_entry *entry)
{
    struct str text = { 0 };

    for (int i = 0; i < entry->n_pieces; i++)
        str_addf(&text, "%s%s", i ? " " : "", entry->pieces[i].text);
    return str_steal(&text);
}

struct ini_where ini_locate(const struct ini_entry *entry, int column)
{
    for (int i = 0; i < entry->n_pieces; i++) {
        const int len = (int)strlen(entry->pieces[i].text);
        struct ini_where where = entry->pieces[i].where;

        if (column <= len || i == entry->n_pieces - 1) {
            where.column += column - 1;
            return where;
        }
        column -= len + 1;
    }
    return entry->where;
}
