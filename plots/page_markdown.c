/* page_markdown.c - a document as GitHub-flavoured Markdown. */
#include <stdlib.h>
#include <string.h>

#include "base/label.h"
#include "plots/html.h"
#include "plots/page.h"

/* Any ASCII punctuation may be escaped (CommonMark 2.4); these would act. */
static bool acts(const char *text, size_t i)
{
    const char c = text[i];

    if (strchr("\\`*_[]<>#|~&$@", c))
        return true;
    if (c == ':') /* a bare address becomes a link */
        return text[i + 1] == '/';
    if (c == '.')
        return i >= 3 && memcmp(text + i - 3, "www", 3) == 0;
    return i == 0 && strchr("+-=", c); /* of lists and underlines */
}

static void escaped(struct str *out, const char *text)
{
    char *shown = label_visible(text);
    const size_t digits = strspn(shown, "0123456789");

    for (size_t i = 0; shown[i]; i++) {
        /* "1." and "1)" begin a list. */
        if (acts(shown, i) ||
            (digits && i == digits && strchr(".)", shown[i]) &&
             (shown[i + 1] == ' ' || !shown[i + 1])))
            str_add_char(out, '\\');
        str_add_char(out, shown[i]);
    }
    free(shown);
}

/* The longest run of back-quotes; a fence must be longer. */
static size_t longest_run(const char *text)
{
    size_t longest = 0;

    while (*text) {
        const size_t n = strspn(text, "`");

        longest = n > longest ? n : longest;
        text += n ? n : 1;
    }
    return longest;
}

static void repeat(struct str *out, char c, size_t n)
{
    while (n--)
        str_add_char(out, c);
}

static void add_code(struct str *out, const char *text)
{
    char *shown = label_visible(text);
    const size_t n = longest_run(shown) + 1;

    repeat(out, '`', n);
    str_addf(out, n > 1 ? " %s " : "%s", shown);
    repeat(out, '`', n);
    free(shown);
}

static void add_runs(struct str *out, const struct page_part *p)
{
    for (int i = 0; i < p->n_runs; i++)
        switch (p->runs[i].style) {
        case PAGE_PLAIN:
            escaped(out, p->runs[i].text);
            break;
        case PAGE_CODE:
            add_code(out, p->runs[i].text);
            break;
        case PAGE_STRONG:
            str_add(out, "**");
            escaped(out, p->runs[i].text);
            str_add(out, "**");
            break;
        }
}

static void add_table(struct str *out, const struct page_part *p)
{
    if (p->text && *p->text) {
        escaped(out, p->text);
        str_add(out, ":\n\n");
    }
    for (int i = 0; i < p->n_columns; i++) {
        str_add(out, "| ");
        escaped(out, p->columns[i].head);
        str_add(out, " ");
    }
    str_add(out, "|\n");
    for (int i = 0; i < p->n_columns; i++)
        str_add(out, p->columns[i].number ? "|---:" : "|---");
    str_add(out, "|\n");
    for (int i = 0; i < p->n_cells; i++) {
        str_add(out, "| ");
        escaped(out, p->cells[i]);
        str_add(out, (i + 1) % p->n_columns == 0 ? " |\n" : " ");
    }
    str_add(out, "\n");
}

static void add_figure(struct str *out, const struct page_part *p)
{
    if (p->light) {
        str_add(out, "![");
        escaped(out, p->text);
        str_add(out, "](");
        html_path(out, p->folder);
        str_add(out, "/");
        html_path(out, p->name);
        str_add(out, ".svg)\n\n");
    }
    escaped(out, p->text);
    str_add(out, "\n\n");
}

static void add_block(struct str *out, const struct page_part *p)
{
    const size_t n = longest_run(p->body) + 3;
    const char *text = p->body;

    escaped(out, p->text);
    str_add(out, ":\n\n");
    repeat(out, '`', n);
    str_add(out, "\n");
    while (*text) {
        const size_t len = strcspn(text, "\n\t");
        char *piece = mem_strndup(text, len);

        label_add(out, piece);
        free(piece);
        text += len;
        if (*text)
            str_add_char(out, *text++);
    }
    str_add(out, out->data[out->len - 1] == '\n' ? "" : "\n");
    repeat(out, '`', n);
    str_add(out, "\n\n");
}

static void add_part(struct str *out, const struct page *d, int i)
{
    const struct page_part *p = &d->parts[i];

    switch (p->kind) {
    case PAGE_SECTION:
        str_add(out, "## ");
        escaped(out, p->text);
        str_add(out, "\n\n");
        break;
    case PAGE_PARAGRAPH:
    case PAGE_WARNING:
        str_add(out, p->kind == PAGE_WARNING ? "> **Note:** " : "");
        add_runs(out, p);
        str_add(out, "\n\n");
        break;
    case PAGE_LIST_ITEM:
        str_add(out, "* ");
        add_runs(out, p);
        str_add(out, i + 1 < d->n && d->parts[i + 1].kind == PAGE_LIST_ITEM
                         ? "\n"
                         : "\n\n");
        break;
    case PAGE_TABLE:
        add_table(out, p);
        break;
    case PAGE_FIGURE:
        add_figure(out, p);
        break;
    case PAGE_BLOCK:
        add_block(out, p);
        break;
    }
}

void page_markdown(struct str *out, const struct page *d)
{
    str_add(out, "# ");
    escaped(out, d->title);
    str_add(out, "\n\n");
    if (*d->lead) {
        escaped(out, d->lead);
        str_add(out, "\n\n");
    }
    for (int i = 0; i < d->n; i++)
        add_part(out, d, i);
    escaped(out, d->made);
    str_add(out, "\n");
}
