#include "base/texts.h"

#include <stdlib.h>

#include "base/str.h"

void texts_add(struct texts *list, const char *text)
{
    list->text = mem_grow(list->text, (size_t)list->n + 1, sizeof *list->text);
    list->text[list->n++] = mem_strdup(text);
}

void texts_release(struct texts *list)
{
    for (int i = 0; i < list->n; i++)
        free(list->text[i]);
    free(list->text);
    *list = (struct texts){ .n = 0 };
}

char *texts_join(const struct texts *list, const char *between)
{
    struct str out = { 0 };

    for (int i = 0; i < list->n; i++)
        str_addf(&out, "%s%s", i ? between : "", list->text[i]);
    return list->n ? str_steal(&out) : NULL;
}

const char *texts_last(const struct texts *list)
{
    return list->n ? list->text[list->n - 1] : NULL;
}
