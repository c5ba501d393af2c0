#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/wrap.h"
#include "fit/report.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static void print_list(void)
{
    for (int i = 0; law_at(i); i++) {
        struct str out = { 0 };
        char *lead = mem_printf("%-17s ", law_at(i)->name);

        report_wrapped(&out, lead, law_at(i)->formula, 20);
        fputs(str_text(&out), stdout);
        free(lead);
        str_release(&out);
    }
}

static void add_params(struct str *out, const struct law *law)
{
    str_add(out, "\nparameters:\n");
    for (int i = 0; i < law_param_count(law); i++) {
        const struct law_param *p = &law->params[i];

        str_addf(out, "  %-8s %s%s%s%s%s\n", p->name, p->meaning,
                 p->flags & LAW_PER_FORMAT ? "; one for each format" : "",
                 p->flags & LAW_PER_BUDGET ? "; one for each C" : "",
                 p->flags & LAW_FIXED ? "; held" : "",
                 p->flags & LAW_SIGNED ? "; may be negative" : "");
    }
    str_add(out, "\nvariables:\n");
    for (int i = 0; i < LAW_VARS && law->vars[i].name; i++) {
        const struct law_var *v = &law->vars[i];

        str_addf(out, "  %-8s %s", v->name, v->meaning);
        if (!isnan(v->absent))
            str_addf(out, " (%g when there is no such column)", v->absent);
        str_add(out, "\n");
    }
}

static void print_law(const struct law *law)
{
    struct str out = { 0 };

    report_wrapped(&out, "", law->formula, 4);
    report_wrapped(&out, "source: ", law->source, 4);
    report_wrapped(&out, "terms: ", law->terms, 4);
    str_addf(&out, "space: %s (%s)\n", fit_space_name(law->space),
             fit_space_residual(law->space));
    if (law->note)
        report_wrapped(&out, "note: ", law->note, 4);
    add_params(&out, law);
    for (int i = 0; i < LAW_SETS && law->sets[i].name; i++) {
        char *lead = mem_printf("  %-16s ", law->sets[i].name);
        char *text =
            mem_printf("%s (%s)", law->sets[i].values, law->sets[i].source);

        str_add(&out, i ? "" : "\npublished constants:\n");
        report_wrapped(&out, lead, text, 6);
        free(lead);
        free(text);
    }
    say_text(stdout, str_text(&out));
    str_release(&out);
}

static void add_json(struct str *out, const struct law *law)
{
    str_add(out, "{");
    json_add_text(out, "name", law->name);
    json_add_text(out, "formula", law->formula);
    json_add_text(out, "source", law->source);
    json_add_text(out, "space", fit_space_name(law->space));
    if (law->note)
        json_add_text(out, "note", law->note);
    str_add(out, ",\"params\":[");
    for (int i = 0; i < law_param_count(law); i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "name", law->params[i].name);
        json_add_text(out, "meaning", law->params[i].meaning);
        str_add_char(out, '}');
    }
    str_add(out, "],\"sets\":[");
    for (int k = 0; k < LAW_SETS && law->sets[k].name; k++) {
        str_add(out, k ? ",{" : "{");
        json_add_text(out, "name", law->sets[k].name);
        json_add_text(out, "source", law->sets[k].source);
        str_add(out, ",\"values\":{");
        for (int i = 0; i < law_param_count(law); i++)
            json_add_number(out, law->params[i].name,
                            law_set_value(&law->sets[k], law->params[i].name));
        str_add(out, "}}");
    }
    str_add(out, "]}");
}

static void print_json(const struct law *only)
{
    struct str out = { 0 };
    int n = 0;

    str_add(&out, "{\"schema\":\"qlaw/laws/1\",\"laws\":[");
    for (int i = 0; law_at(i); i++) {
        if (only && law_at(i) != only)
            continue;
        str_add(&out, n++ ? "," : "");
        add_json(&out, law_at(i));
    }
    str_add(&out, "]}");
    puts(str_text(&out));
    str_release(&out);
}

static enum status run(struct cli *cli, struct err *err)
{
    const struct law *law = NULL;
    enum status st = cli->n_args ? law_need(&law, cli->args[0], err) : OK;

    if (st != OK)
        return st;
    if (cli_flag(cli, "json"))
        print_json(law);
    else if (law)
        print_law(law);
    else
        print_list();
    return OK;
}

const struct verb verb_laws = {
    .name = "laws",
    .args = "[LAW]",
    .min_args = 0,
    .max_args = 1,
    .summary = "the built-in laws, or one in full: source, constants, traps",
    .example = "qlaw laws qat-delta",
    .options = options,
    .run = run,
};
