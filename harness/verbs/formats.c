#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "harness/grid/doc.h"
#include "harness/verbs/verbs.h"
#include "kernels/num.h"
#include "kernels/quant.h"

static const struct cli_option options[] = {
    { "grid", 0, "FILE", "the formats that a grid file defines" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static void add_format_json(struct str *s, const struct num_format *f)
{
    str_add(s, "{");
    json_add_text(s, "name", f->name);
    json_add_number(s, "bits", f->bits);
    json_add_number(s, "exp_bits", f->exp_bits);
    json_add_number(s, "man_bits", f->man_bits);
    json_add_number(s, "max", (double)f->max);
    json_add_number(s, "min_code", (double)f->min_code);
    json_add_number(s, "step_at_zero", (double)f->step_zero);
    json_add_number(s, "gaussian_mse", num_gaussian_mse(f));
    json_add_text(s, "source", f->source);
    str_add(s, "}");
}

static void print_head(void)
{
    printf("format  bits       max  step at 0  Gaussian MSE  source\n");
}

static void print_format(const struct num_format *f)
{
    printf("%-7s %4d %9.5g %10.4g %12.4g  %s\n", f->name, f->bits,
           (double)f->max, (double)f->step_zero, num_gaussian_mse(f),
           f->source);
}

static void list_json(void)
{
    struct num_format f;
    struct quant_spec spec;
    struct str s = { 0 };
    const struct quant_preset *p;
    const struct quant_word *w;

    str_add(&s, "{\"schema\":\"qlaw/formats/1\",\"formats\":[");
    for (int i = 0; num_at(&f, i); i++) {
        str_add(&s, i ? "," : "");
        add_format_json(&s, &f);
    }
    str_add(&s, "],\"presets\":[");
    for (int i = 0; (p = quant_preset_at(i)); i++) {
        str_add(&s, i ? ",{" : "{");
        json_add_text(&s, "name", p->name);
        json_add_text(&s, "spec", p->text);
        quant_parse(&spec, p->name, NULL, NULL);
        json_add_number(&s, "stored_bits", quant_bits(&spec, 4096, 4096));
        json_add_number(&s, "gaussian_mse", quant_gaussian_mse(&spec));
        json_add_text(&s, "source", p->source);
        str_add(&s, "}");
    }
    str_add(&s, "],\"scales\":[");
    for (int i = 0; (w = quant_word_at(QUANT_FIELD_SCALE, i)); i++) {
        str_add(&s, i ? ",{" : "{");
        json_add_text(&s, "name", w->name);
        json_add_text(&s, "help", w->help);
        str_add(&s, "}");
    }
    str_add(&s, "]}");
    puts(str_text(&s));
    str_release(&s);
}

/* Broken before what would pass 80 columns. */
static void print_syntax(void)
{
    static const char head[] = "a quantizer is FORMAT";
    int column = printf("\n%s", head) - 1;

    for (int f = 0; f < QUANT_FIELDS; f++) {
        char *part = quant_syntax((enum quant_field)f);

        if (column + (int)strlen(part) > 80)
            column = printf("\n%*s", (int)sizeof head, "") - 1;
        column += printf("%s", part);
        free(part);
    }
    putchar('\n');
}

static void list(void)
{
    struct num_format f;
    struct quant_spec spec;
    const struct quant_preset *p;
    const struct quant_word *w;

    print_head();
    for (int i = 0; num_at(&f, i); i++)
        print_format(&f);
    printf("also any intN and intNn (2 to 8 bits) and any eXmY (X + Y <= 15), "
           "with\n:ieee, :finite or :nosub; Gaussian MSE: mean squared error "
           "on N(0, 1) at the\nbest scale (1 for plain casts)\n\n");
    printf("preset      spec             bits  Gaussian MSE   source\n");
    for (int i = 0; (p = quant_preset_at(i)); i++) {
        quant_parse(&spec, p->name, NULL, NULL);
        printf("%-11s %-16s %4g %13.3g   %s\n", p->name, p->text,
               quant_bits(&spec, 4096, 4096), quant_gaussian_mse(&spec),
               p->source);
    }
    printf("bits and error with their share of the scales and in their "
           "groups\n");
    printf("\nscale       meaning\n");
    for (int i = 0; (w = quant_word_at(QUANT_FIELD_SCALE, i)); i++)
        printf("%-11s %s\n", w->name, w->help);
    print_syntax();
}

/* Every magnitude of a format of at most 8 bits, every value of a table. */
static void print_values(const struct num_format *f)
{
    const bool table = f->kind == NUM_TABLE;
    const uint32_t codes = table ? (uint32_t)f->table->n : 1u << (f->bits - 1);
    int column = 0;

    printf(table ? "values:\n" : "magnitudes:\n");
    for (uint32_t code = 0; code < codes; code++) {
        const float x = num_decode(f, code);

        if (isnan(x))
            continue;
        printf("%10.6g", (double)x);
        if (++column % 8 == 0)
            putchar('\n');
    }
    if (column % 8)
        putchar('\n');
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Every value of a format of at most 8 bits, ascending, zero once. */
static void add_values_json(struct str *s, const struct num_format *f)
{
    float values[256];
    char number[32];
    int n = 0;

    for (uint32_t code = 0; code < 1u << f->bits; code++) {
        const float x = num_decode(f, code);

        if (!isnan(x) && x >= f->min_code && (x != 0 || code == 0))
            values[n++] = x;
    }
    qsort(values, (size_t)n, sizeof *values, by_value);
    str_add(s, ",\"values\":[");
    for (int i = 0; i < n; i++)
        str_addf(s, "%s%s", i ? "," : "",
                 text_number(number, (double)values[i]));
    str_add(s, "]");
}

static void show_json(const struct quant_spec *spec)
{
    struct str s = { 0 };
    char buf[QUANT_TEXT];

    str_add(&s, "{\"schema\":\"qlaw/format/1\"");
    json_add_text(&s, "spec", quant_print(buf, spec));
    json_add_number(&s, "stored_bits", quant_bits(spec, 4096, 4096));
    json_add_number(&s, "gaussian_mse", quant_gaussian_mse(spec));
    str_add(&s, ",\"element\":");
    add_format_json(&s, &spec->elem);
    if (spec->elem.bits <= 8)
        add_values_json(&s, &spec->elem);
    str_add(&s, "}");
    puts(str_text(&s));
    str_release(&s);
}

static enum status show(const struct cli *cli, const char *text,
                        struct err *err)
{
    struct quant_spec spec;
    char buf[QUANT_TEXT], *brief;
    double mse;
    enum status st = quant_parse(&spec, text, NULL, err);

    if (st != OK || !spec.on)
        return st != OK ? st
                        : err_set(err, ERR_USAGE,
                                  "'%s' leaves the operand as it is", text);
    if (cli_flag(cli, "json")) {
        show_json(&spec);
        return OK;
    }
    brief = quant_brief(quant_print(buf, &spec));
    printf("%s\n", brief);
    free(brief);
    printf("  element      %d bits, largest %g, most negative %g, step at 0 "
           "%g\n",
           spec.elem.bits, (double)spec.elem.max, (double)spec.elem.min_code,
           (double)spec.elem.step_zero);
    mse = quant_gaussian_mse(&spec);
    printf(
        "  Gaussian MSE %.3g (%.2f dB) with these groups and scales; %.5g at\n"
        "               the element's best scale\n",
        mse, -10 * log10(mse), num_gaussian_mse(&spec.elem));
    printf("  stored       %.4g bits an element (rows of 4096)\n",
           quant_bits(&spec, 4096, 4096));
    if (spec.elem.bits <= 8)
        print_values(&spec.elem);
    return OK;
}

/* The formats of a grid file, or one of them. */
static enum status run_grid(const struct cli *cli, const char *path,
                            struct err *err)
{
    struct doc *d;
    struct num_format f;
    struct str s = { 0 };
    enum status st = doc_read(&d, path, NULL, err);
    char *spec;

    if (st != OK)
        return st;
    if (cli->n_args > 0) {
        spec = doc_with_values(d, cli->args[0]);
        st = show(cli, spec, err);
        free(spec);
    } else if (cli_flag(cli, "json")) {
        str_add(&s, "{\"schema\":\"qlaw/formats/1\",\"formats\":[");
        for (int i = 0; i < d->n_formats; i++) {
            num_find(&f, d->formats[i].text, NULL);
            str_add(&s, i ? "," : "");
            add_format_json(&s, &f);
        }
        printf("%s]}\n", str_text(&s));
    } else {
        print_head();
        for (int i = 0; i < d->n_formats; i++) {
            num_find(&f, d->formats[i].text, NULL);
            print_format(&f);
        }
    }
    str_release(&s);
    doc_free(d);
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *grid = cli_value(cli, "grid", NULL);

    if (grid)
        return run_grid(cli, grid, err);
    if (cli->n_args > 0)
        return show(cli, cli->args[0], err);
    if (cli_flag(cli, "json"))
        list_json();
    else
        list();
    return OK;
}

const struct verb verb_formats = {
    .name = "formats",
    .args = "[SPEC]",
    .max_args = 1,
    .summary = "number formats, presets and scale formats",
    .example = "qlaw formats mxfp4",
    .options = options,
    .detail = "With SPEC, one quantizer: its canonical text, storage and "
              "values.",
    .run = run,
};
