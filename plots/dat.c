#include "plots/dat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"

void dat_comment(struct str *out, const char *text)
{
    while (*text) {
        const size_t n = strcspn(text, "\n");
        char *line = mem_strndup(text, n);

        str_add(out, *line ? "# " : "#");
        label_add(out, line);
        str_add(out, "\n");
        free(line);
        text += n + (text[n] == '\n');
    }
}

void dat_block(struct str *out, const char *name, const char *columns)
{
    str_addf(out, "\n\n# %s\n", name);
    if (*columns)
        str_addf(out, "# %s\n", columns);
}

static void begin_cell(struct str *out)
{
    if (out->len && out->data[out->len - 1] != '\n')
        str_add_char(out, '\t');
}

void dat_number(struct str *out, double x)
{
    char buf[32];

    begin_cell(out);
    str_add(out, isnan(x) ? "NaN" : text_number(buf, x));
}

static void add_text(struct str *out, const char *text, bool tic)
{
    char *shown = label_visible(text);

    begin_cell(out);
    if (!*shown)
        str_add(out, "\\040");
    for (const char *c = shown; *c; c++) {
        if (*c == '\\')
            str_add(out, "\\\\");
        else if (*c == '"')
            str_add(out, "\\042");
        else if (*c == ' ' && c == shown)
            str_add(out, "\\040");
        else if (*c == '>' && c - shown >= 2 && c[-1] == ']' && c[-2] == ']')
            str_add(out, "\\\\x3e");
        else if (*c == '%' && tic)
            str_add(out, "%%");
        else
            str_add_char(out, *c);
    }
    free(shown);
}

void dat_text(struct str *out, const char *text)
{
    add_text(out, text, false);
}

void dat_tic(struct str *out, const char *text)
{
    add_text(out, text, true);
}

void dat_end_line(struct str *out)
{
    str_add_char(out, '\n');
}
