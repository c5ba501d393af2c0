#include "kernels/quant/word.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct quant_param *param_at(const struct quant_word *w, int i)
{
    return i < QUANT_PARAMS && w->param[i].before ? &w->param[i] : NULL;
}

/* What follows the word at the start of text; NULL where it is not there.  A
 * plan of a million runs asks this a hundred million times. */
static const char *behind(const char *text, const char *word)
{
    for (; *word; word++, text++)
        if (*text != *word)
            return NULL;
    return text;
}

/* *text moves on behind the number. */
static bool read_number(double *out, const struct quant_param *p,
                        const char **text)
{
    const char *start = *text;
    bool ok;

    if (p->whole) {
        char *end;

        *out = (double)strtol(start, &end, 10);
        ok = end != start;
        *text = end;
    } else {
        ok = text_read_number(out, start, text, false);
    }
    return ok && *out <= p->most &&
           (p->open ? *out > p->least : *out >= p->least);
}

bool quant_params_read(double param[QUANT_PARAMS], const struct quant_word *w,
                       const char *text)
{
    const struct quant_param *p;

    for (int i = 0; i < QUANT_PARAMS; i++)
        param[i] = 0;
    for (int i = 0; (p = param_at(w, i)); i++) {
        text = behind(text, p->before);
        if (!text || !read_number(&param[i], p, &text))
            return false;
    }
    return *text == '\0';
}

bool quant_word_read(double param[QUANT_PARAMS], const struct quant_word *w,
                     const char *text)
{
    text = behind(text, w->name);
    return text && quant_params_read(param, w, text);
}

const char *quant_word_print(char buf[QUANT_WORD], const struct quant_word *w,
                             const double *param, bool brief)
{
    const struct quant_param *p;
    char number[32];
    size_t n;

    if (!param_at(w, 0))
        return w->name;
    n = (size_t)snprintf(buf, QUANT_WORD, "%s", w->name);
    for (int i = 0; (p = param_at(w, i)) && n < QUANT_WORD; i++) {
        if (brief && !p->whole)
            snprintf(number, sizeof number, "%g", param[i]);
        else
            text_number(number, param[i]);
        n += (size_t)snprintf(buf + n, QUANT_WORD - n, "%s%.16s", p->before,
                              number);
    }
    return buf;
}

void quant_word_form(struct str *out, const struct quant_word *w)
{
    const struct quant_param *p;

    str_add(out, w->name);
    for (int i = 0; (p = param_at(w, i)); i++)
        str_addf(out, "%s%s", p->before, p->letter);
}

void quant_word_spell(struct str *out, const struct quant_word *w)
{
    const struct quant_param *p;

    if (w->spelled) {
        str_add(out, w->spelled);
        return;
    }
    quant_word_form(out, w);
    for (int i = 0; (p = param_at(w, i)); i++)
        str_addf(out, " %s %g %s %s <= %g", i ? "and" : "with", p->least,
                 p->open ? "<" : "<=", p->letter, p->most);
}
