#include "base/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool words_next(struct str *word, const char **text, char *open)
{
    const char *p = *text;
    char quote = 0;

    while (isspace((unsigned char)*p))
        p++;
    *text = p;
    while (*p && (quote || !isspace((unsigned char)*p))) {
        if (quote ? *p == quote : *p == '\'' || *p == '"') {
            quote = quote ? 0 : *p;
        } else {
            p += *p == '\\' && quote != '\'' && p[1];
            str_add_char(word, *p);
        }
        p++;
    }
    *open = quote;
    if (p == *text)
        return false;
    *text = p;
    return true;
}

char **words_split(const char *text, char *open)
{
    char **list = mem_array(1, sizeof *list);
    struct str word = { 0 };
    size_t n = 0;

    *open = 0;
    while (!*open && words_next(&word, &text, open)) {
        list = mem_grow(list, n + 2, sizeof *list);
        list[n++] = str_steal(&word);
        list[n] = NULL;
    }
    str_release(&word);
    if (!*open)
        return list;
    words_free(list);
    return NULL;
}

void words_free(char **words)
{
    for (char **p = words; p && *p; p++)
        free(*p);
    free(words);
}

void words_add_quoted(struct str *out, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                                "uvwxyz0123456789_-+=./,:@%";

    if (*word && strspn(word, plain) == strlen(word)) {
        str_add(out, word);
        return;
    }
    str_add(out, "'");
    for (; *word; word++)
        if (*word == '\'')
            str_add(out, "'\\''");
        else
            str_add_char(out, *word);
    str_add(out, "'");
}
