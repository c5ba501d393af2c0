#include "plots/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"

struct page *page_new(const char *title, const char *lead, const char *made)
{
    struct page *d = mem_alloc(sizeof *d);

    d->title = mem_strdup(title);
    d->lead = mem_strdup(lead);
    d->made = mem_strdup(made);
    return d;
}

void page_free(struct page *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n; i++) {
        struct page_part *p = &d->parts[i];

        for (int k = 0; k < p->n_runs; k++)
            free(p->runs[k].text);
        for (int k = 0; k < p->n_columns; k++)
            free(p->columns[k].head);
        for (int k = 0; k < p->n_cells; k++)
            free(p->cells[k]);
        free(p->runs);
        free(p->columns);
        free(p->cells);
        free(p->text);
        free(p->name);
        free(p->body);
        free(p->light);
        free(p->dark);
        free(p->folder);
    }
    free(d->parts);
    free(d->title);
    free(d->lead);
    free(d->made);
    free(d);
}

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static struct page_part *add(struct page *d, enum page_kind kind,
                             const char *text, const char *name)
{
    struct page_part *p;

    d->parts = mem_grow(d->parts, (size_t)d->n + 1, sizeof *d->parts);
    p = &d->parts[d->n++];
    *p = (struct page_part){ .kind = kind,
                             .text = copy(text),
                             .name = copy(name) };
    return p;
}

static struct page_part *last(struct page *d)
{
    return &d->parts[d->n - 1];
}

void page_section(struct page *d, const char *id, const char *title)
{
    add(d, PAGE_SECTION, title, id);
}

void page_paragraph(struct page *d)
{
    add(d, PAGE_PARAGRAPH, NULL, NULL);
}

void page_warning(struct page *d)
{
    add(d, PAGE_WARNING, NULL, NULL);
}

void page_item(struct page *d)
{
    add(d, PAGE_LIST_ITEM, NULL, NULL);
}

static void add_run(struct page *d, enum page_style style, char *text)
{
    struct page_part *p = last(d);

    p->runs = mem_grow(p->runs, (size_t)p->n_runs + 1, sizeof *p->runs);
    p->runs[p->n_runs++] = (struct page_run){ style, text };
}

static char *format(const char *fmt, va_list ap)
{
    va_list again;
    char *text;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    text = mem_alloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    return text;
}

void page_say(struct page *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_run(d, PAGE_PLAIN, format(fmt, ap));
    va_end(ap);
}

void page_strong(struct page *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_run(d, PAGE_STRONG, format(fmt, ap));
    va_end(ap);
}

void page_code(struct page *d, const char *text)
{
    add_run(d, PAGE_CODE, mem_strdup(text));
}

void page_table(struct page *d, const char *caption)
{
    add(d, PAGE_TABLE, caption, NULL);
}

void page_column(struct page *d, const char *head, bool number)
{
    struct page_part *p = last(d);

    p->columns =
        mem_grow(p->columns, (size_t)p->n_columns + 1, sizeof *p->columns);
    p->columns[p->n_columns++] =
        (struct page_column){ mem_strdup(head), number };
}

void page_cell(struct page *d, const char *fmt, ...)
{
    struct page_part *p = last(d);
    va_list ap;

    if ((p->n_cells & (p->n_cells + 1)) == 0 || p->n_cells == 0)
        p->cells =
            mem_grow(p->cells, 2 * (size_t)p->n_cells + 2, sizeof *p->cells);
    va_start(ap, fmt);
    p->cells[p->n_cells++] = format(fmt, ap);
    va_end(ap);
}

void page_figure(struct page *d, const char *name, const char *finding,
                 const char *folder, const char *light, const char *dark)
{
    struct page_part *p = add(d, PAGE_FIGURE, finding, name);

    p->folder = copy(folder);
    p->light = copy(light);
    p->dark = copy(dark);
}

void page_block(struct page *d, const char *summary, const char *file,
                const char *body)
{
    add(d, PAGE_BLOCK, summary, file)->body = mem_strdup(body);
}
