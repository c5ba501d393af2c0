#include "harness/report/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* What a part of the page is in JSON; NULL: it is not said but shown. */
static const char *const kinds[] = {
    [PAGE_PARAGRAPH] = "sentence",
    [PAGE_LIST_ITEM] = "finding",
    [PAGE_WARNING] = "warning",
    [PAGE_BLOCK] = NULL,
};

static void add_said(struct str *out, const struct page_part *part, bool first)
{
    struct str text = { 0 };

    for (int i = 0; i < part->n_runs; i++)
        str_add(&text, part->runs[i].text);
    str_add(out, first ? "{" : ",{");
    json_add_text(out, "kind", kinds[part->kind]);
    json_add_text(out, "text", str_text(&text));
    str_add(out, "}");
    str_release(&text);
}

/* The words of the section "answer", up to the next one. */
static void add_answer(struct str *out, const struct page *page)
{
    bool inside = false, first = true;

    str_add(out, ",\"answer\":[");
    for (int i = 0; i < page->n; i++) {
        const struct page_part *part = &page->parts[i];

        if (part->kind == PAGE_SECTION)
            inside = strcmp(part->name, "answer") == 0;
        else if (inside && kinds[part->kind]) {
            add_said(out, part, first);
            first = false;
        }
    }
    str_add(out, "]");
}

static void add_figures(struct str *out, const struct report *r)
{
    str_add(out, ",\"figures\":[");
    for (int i = 0; i < r->n_figures; i++) {
        const struct report_figure *f = &r->figures[i];
        char *data = mem_printf("%s/%s.dat", r->folder, f->figure->name);

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "figure", f->figure->name);
        json_add_text(out, "finding", f->finding);
        json_add_text(out, "data", data);
        str_add(out, "}");
        free(data);
    }
    str_add(out, "]");
}

void report_json_add(struct str *out, const struct report *r,
                     char *const *files, int n_files)
{
    str_add(out, "{\"schema\":\"qlaw/report/1\"");
    if (r->data->grid)
        json_add_text(out, "grid", r->data->grid);
    else
        str_add(out, ",\"grid\":null");
    json_add_text(out, "title", r->page->title);
    str_add(out, ",\"files\":[");
    for (int i = 0; i < n_files; i++) {
        str_add(out, i ? "," : "");
        json_quote(out, files[i]);
    }
    str_add(out, "]");
    json_add_text(out, "figures_folder", r->folder);
    if (r->trouble)
        json_add_text(out, "figures_missing", r->trouble);
    add_answer(out, r->page);
    add_figures(out, r);
    str_add(out, "}");
}
