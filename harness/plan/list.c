/* list.c - the runs of a plan, a line each or as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "harness/grid/arm.h"
#include "harness/plan/print.h"

static const char *const state_words[] = {
    [PLAN_NEW] = "new",
    [PLAN_OPEN] = "open",
    [PLAN_DONE] = "done",
    [PLAN_DIVERGED] = "diverged",
};

char *quant_summary(const struct config *c)
{
    struct str text = { 0 };

    for (int k = 0; k < OPERAND_COUNT; k++) {
        char *key = mem_printf("quant.%s", quant_operands[k]);
        char *value = quant_brief(config_get(c, key));

        if (strcmp(value, "none") != 0 && strcmp(value, "forward") != 0)
            str_addf(&text, "%s%s=%s", text.len ? " " : "", quant_operands[k],
                     value);
        free(value);
        free(key);
    }
    if (text.len)
        str_addf(&text, " group=%s", config_quant_group(c));
    for (int i = 0; config_override_at(c, i); i++) {
        const char *key = config_override_at(c, i);
        char *value = quant_brief(config_get(c, key));

        if (quant_section_of(key) == SECTION_QUANT)
            str_addf(&text, "%s%s=%s", text.len ? " " : "",
                     key + strlen("quant."), value);
        free(value);
    }
    if (!text.len)
        str_add(&text, "none");
    return str_steal(&text);
}

static char *summary_of(const struct grid *g, int point)
{
    struct config *c = grid_config(g, point);
    char *text = quant_summary(c);

    config_free(c);
    return text;
}

/* --- a list -------------------------------------------------------------- */

/* Block and arm of a point, in what is left of its line. */
static void add_names(struct str *out, const struct grid *g, int point)
{
    const char *block = g->points[point].block;
    struct config *c = grid_config(g, point);
    char *arm = arm_text(c, true);

    str_add_cell(out, *block ? block : "-", 12);
    str_add_char(out, ' ');
    str_add_label(out, arm, 15);
    free(arm);
    config_free(c);
}

/* Only what is chosen; as narrow as a terminal. */
void plan_print_list(const struct plan *p)
{
    say("%5s %-8s %4s %6s %6s %8s %-8s %-12s %s\n", "run", "point", "seed", "N",
        "D", "time", "state", "block", "arm");
    for (int i = 0; i < p->n_runs; i++) {
        const struct plan_run *r = &p->runs[i];
        const struct grid_point *point = &p->grid->points[r->point];
        char n[32], d[32], t[32];
        struct str names = { 0 };

        if (!point->chosen)
            continue;
        add_names(&names, p->grid, r->point);
        say("%5d %.8s %4llu %6s %6s %8s %-8s %s\n", i, point->id,
            (unsigned long long)r->seed,
            text_si(n, (double)point->size.body, 3),
            text_si(d, (double)point->size.tokens, 3),
            isnan(plan_seconds(p, 0)) ? "unknown"
                                      : text_duration(t, plan_run_s(p, i)),
            state_words[r->state], str_text(&names));
        str_release(&names);
    }
}

/* --- JSON ---------------------------------------------------------------- */

static void add_totals(struct str *out, const struct plan *p)
{
    json_add_number(out, "points", p->grid->n_points);
    json_add_number(out, "runs", p->n_runs);
    json_add_number(out, "chosen", p->grid->n_chosen);
    json_add_number(out, "to_do", p->n_left);
    json_add_number(out, "new", p->n_new);
    json_add_number(out, "unfinished", p->n_open);
    json_add_number(out, "done", p->n_done);
    json_add_number(out, "diverged", p->n_diverged);
    json_add_number(out, "duplicates", p->grid->duplicates);
    json_add_number(out, "flops", p->flops);
    json_add_number(out, "flops_left", p->flops_left);
    json_add_number(out, "flops_shared", p->flops_shared);
    json_add_number(out, "branches", p->n_branches);
    json_add_number(out, "slots", p->slots);
    json_add_number(out, "threads", p->threads);
    json_add_number(out, "wall_s", plan_seconds(p, p->wall_s));
    json_add_number(out, "wall_left_s", plan_seconds(p, p->wall_left_s));
    json_add_number(out, "slot_left_s", plan_seconds(p, p->slot_s_left));
    json_add_number(out, "slot_flops_s", plan_seconds(p, p->speed.flops_s));
    json_add_number(out, "speed_correction", p->speed.correction);
    json_add_number(out, "finished_runs", p->speed.n_finished);
    json_add_number(out, "memory_bytes", (double)p->memory_bytes);
    json_add_number(out, "disk_bytes", (double)p->disk_bytes);
    json_add_number(out, "runs_in_budget", p->allowed);
    if (p->over)
        json_add_text(out, "over_budget", p->over);
}

static void add_parts(struct str *out, const struct grid *g)
{
    str_add(out, ",\"axes\":[");
    for (int i = 0; i < g->n_axes; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "label", g->axes[i].label);
        json_add_number(out, "values", g->axes[i].n);
        str_add(out, "}");
    }
    str_add(out, "],\"blocks\":[");
    for (int i = 0; i < g->n_blocks; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "label", g->blocks[i].label);
        json_add_number(out, "cells", (double)g->blocks[i].cells);
        json_add_number(out, "points", g->blocks[i].points);
        json_add_number(out, "runs", g->blocks[i].runs);
        str_add(out, "}");
    }
    str_add(out, "],\"filters\":[");
    for (int i = 0; i < g->n_filters; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "rule", g->filters[i].keep ? "keep" : "exclude");
        json_add_text(out, "text", g->filters[i].text);
        json_add_number(out, "removed", (double)g->filters[i].removed);
        str_add(out, "}");
    }
    str_add(out, "]");
}

/* A million runs are written as they are made. */
static void flush(struct str *out)
{
    fwrite(str_text(out), 1, out->len, stdout);
    str_clear(out);
}

static void add_runs(struct str *out, const struct plan *p)
{
    str_add(out, ",\"run\":[");
    for (int i = 0; i < p->n_runs; i++) {
        const struct plan_run *r = &p->runs[i];
        const struct grid_point *point = &p->grid->points[r->point];
        char *quant = summary_of(p->grid, r->point);

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "point_id", point->id);
        json_add_text(out, "twin_id", point->twin);
        json_add_number(out, "seed", (double)r->seed);
        json_add_text(out, "block", point->block);
        json_add_text(out, "state", state_words[r->state]);
        str_addf(out, ",\"chosen\":%s", point->chosen ? "true" : "false");
        json_add_number(out, "n_body", (double)point->size.body);
        json_add_number(out, "tokens", (double)point->size.tokens);
        json_add_text(out, "quant", quant);
        json_add_number(out, "wall_s", plan_seconds(p, plan_run_s(p, i)));
        if (r->trunk >= 0)
            json_add_number(out, "trunk", r->trunk);
        str_add(out, "}");
        free(quant);
        flush(out);
    }
    str_add(out, "]");
}

void plan_print_json(const struct plan *p, const struct plan_law *law)
{
    struct str out = { 0 };

    str_add(&out, "{\"schema\":\"qlaw/plan/1\"");
    json_add_text(&out, "grid", p->grid->name);
    json_add_text(&out, "ini_sha256", p->grid->sha256);
    add_totals(&out, p);
    add_parts(&out, p->grid);
    if (law->judged)
        str_addf(&out, ",\"law_identifiable\":%s",
                 law->identifiable ? "true" : "false");
    if (law->judged)
        json_add_text(&out, "law", str_text(&law->verdict));
    add_runs(&out, p);
    str_add(&out, "}");
    puts(str_text(&out));
    str_release(&out);
}
