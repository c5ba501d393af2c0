#include "harness/grid/wrong.h"

#include <string.h>

#define ROOM (sizeof((struct err *)NULL)->text - 64) /* for the last line */

void wrong_note(struct wrong *w, enum status st, const struct err *err)
{
    if (st == OK)
        return;
    if (w->n++ == 0)
        w->first = st;
    if (!err)
        return;
    if (w->text.len + strlen(err->text) + 1 > ROOM) {
        w->left_out++;
        return;
    }
    str_addf(&w->text, "%s%s", w->text.len ? "\n" : "", err->text);
}

enum status wrong_end(struct wrong *w, struct err *err)
{
    const enum status st = w->n ? w->first : OK;

    if (w->left_out)
        str_addf(&w->text, "\n... and %d more", w->left_out);
    if (st != OK)
        err_set(err, st, "%s", str_text(&w->text));
    str_release(&w->text);
    *w = (struct wrong){ .n = 0 };
    return st;
}
