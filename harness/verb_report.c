/* verb_report.c - write the report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "harness/report.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    { "fit", 0, "ID", "the fit to report (default: the grid's latest)" },
    { "no-fit", 0, NULL, "report the runs alone" },
    { "out", 0, "DIR", "folder of the report (default report)" },
    { "format", 0, "LIST", "html, md, or both: html,md (default html)" },
    { "plots", 0, "WHEN", "require: without figures the report is an error" },
    { "json", 0, NULL, "print what was written as JSON" },
    { NULL, 0, NULL, NULL },
};

static bool wants(const char *list, const char *word)
{
    const size_t n = strlen(word);

    while (*list) {
        const size_t len = strcspn(list, ",");

        if (len == n && memcmp(list, word, n) == 0)
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

static enum status check_formats(const char *list, struct err *err)
{
    const char *word = list;

    while (*word) {
        const size_t n = strcspn(word, ",");

        if (!((n == 4 && memcmp(word, "html", 4) == 0) ||
              (n == 2 && memcmp(word, "md", 2) == 0)))
            return err_set(err, ERR_USAGE, "--format: '%.*s' is not html or md",
                           (int)n, word);
        word += n + (word[n] == ',');
    }
    return OK;
}

static enum status write_one(const struct report *r, const char *folder,
                             const char *stem, const char *format,
                             struct err *err)
{
    char *path = mem_printf("%s/%s.%s", folder, stem, format);
    struct str text = { 0 };
    enum status st;

    if (strcmp(format, "html") == 0)
        page_html(&text, r->page);
    else
        page_markdown(&text, r->page);
    st = file_replace(path, str_text(&text), text.len, err);
    if (st == OK)
        printf("%s\n", path);
    str_release(&text);
    free(path);
    return st;
}

/* A file name of a grid's name, which other people's databases may hold. */
static char *stem_of(const char *grid)
{
    char *stem = mem_strdup(grid ? grid : "all-runs");

    for (char *c = stem; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    "0123456789_-.",
                    *c) ||
            (c == stem && (*c == '.' || *c == '-')))
            *c = '_';
    if (strlen(stem) > 100)
        stem[100] = '\0';
    return stem;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *grid = cli->n_args ? cli->args[0] : NULL;
    const char *out = cli_value(cli, "out", "report");
    const char *formats = cli_value(cli, "format", "html");
    char *stem = stem_of(grid), *beside = mem_printf("%s-figures", stem);
    char *folder = mem_printf("%s/%s", out, beside);
    struct report *r = NULL;
    double id;
    enum status st = cli_number(&id, cli, "fit", 0, 1, 0x1p53, err);

    if (cli_flag(cli, "no-fit"))
        id = -1;
    if (st == OK)
        st = check_formats(formats, err);
    if (st == OK)
        st = report_make(&r, cli, grid, (int64_t)id, folder, beside, err);
    if (st == OK && wants(formats, "html"))
        st = write_one(r, out, stem, "html", err);
    if (st == OK && wants(formats, "md"))
        st = write_one(r, out, stem, "md", err);
    if (st == OK && r->trouble) {
        if (strcmp(cli_value(cli, "plots", ""), "require") == 0)
            st = err_set(err, ERR_TOOL, "%s", r->trouble);
        else
            cli_note(cli, "warning: figures are missing: %s", r->trouble);
    }
    report_free(r);
    free(folder);
    free(beside);
    free(stem);
    return st;
}

const struct verb verb_report = {
    .name = "report",
    .args = "[GRID]",
    .min_args = 0,
    .max_args = 1,
    .summary = "one page: the answer, the law, figures, how to do it again",
    .example = "qlaw report quickstart --fit 1 --format html,md",
    .options = options,
    .detail = "Prints the path of each file. The page refers to nothing outside "
              "itself;\nfigures with their data and scripts lie in the folder "
              "beside it.",
    .run = run,
};
