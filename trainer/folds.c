#include "trainer/folds.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

const struct fold_row fold_rows[FOLD_KINDS] = {
#define FOLD(name, word_, letter_, help_, source_)                             \
    [FOLD_##name] = { word_, letter_, help_, source_ },
#include "trainer/folds.def"
#undef FOLD
};

/* Is text this word, with a number that is none of 0 and 1 where it takes one? */
static bool read_one(struct fold *out, int kind, const char *text)
{
    const struct fold_row *row = &fold_rows[kind];
    const size_t n = strlen(row->word);
    const char *end;

    *out = (struct fold){ (enum fold_kind)kind, 0 };
    if (strncmp(text, row->word, n) != 0)
        return false;
    if (!row->letter)
        return text[n] == '\0';
    return text[n] == ':' &&
           text_read_number(&out->x, text + n + 1, &end, false) && !*end &&
           out->x > 0 && out->x <= 1e6;
}

static enum status unknown(const char *text, struct err *err)
{
    struct str words = { 0 };

    for (int k = 0; k < FOLD_KINDS; k++)
        str_addf(&words, "%s%s%s%s",
                 k == 0               ? ""
                 : k + 1 < FOLD_KINDS ? ", "
                                      : " or ",
                 fold_rows[k].word, fold_rows[k].letter ? ":" : "",
                 fold_rows[k].letter ? fold_rows[k].letter : "");
    err_set(err, ERR_CONFIG,
            "post.fold: '%.40s' is not %s; several are joined by +", text,
            str_text(&words));
    str_release(&words);
    return err_about(err, ERR_CONFIG, "post.fold");
}

enum status folds_read(struct fold list[FOLDS_MOST], int *n, const char *text,
                       struct err *err)
{
    char *copy = mem_strdup(text), *save = NULL;
    enum status st = OK;

    *n = 0;
    for (char *word = strtok_r(copy, "+", &save); word && st == OK;
         word = strtok_r(NULL, "+", &save)) {
        int kind = 0;

        word = text_trim(word);
        if (*n == FOLDS_MOST) {
            st = err_set(err, ERR_CONFIG, "post.fold: at most %d", FOLDS_MOST);
            break;
        }
        while (kind < FOLD_KINDS && !read_one(&list[*n], kind, word))
            kind++;
        st = kind < FOLD_KINDS ? OK : unknown(word, err);
        ++*n;
    }
    free(copy);
    return st;
}
