/* report.c - write the report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/out.h"
#include "harness/report/json.h"
#include "harness/report/report.h"
#include "harness/verbs/verbs.h"
#include "plots/pdf.h"

#define WATCH_S 5 /* between looks at the database */

static const struct cli_option options[] = {
    { "fit", 0, "ID", "the fit to report (default: the grid's latest)" },
    { "no-fit", 0, NULL, "report the runs alone" },
    { "out", 0, "DIR", "folder of the report (default report)" },
    { "format", 0, "LIST", "of html, md, pdf (default html)" },
    { "watch", 0, NULL, "write it again whenever the database changes" },
    { "plots", 0, "WHEN", "require: without figures the report is an error" },
    { "json", 0, NULL, "the files and the answer as JSON, a line a report" },
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
    static const char *const known[] = { "html", "md", "pdf" };
    const char *word = list;

    while (*word) {
        const size_t n = strcspn(word, ",");
        bool ok = false;

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            ok =
                ok || (strlen(known[i]) == n && memcmp(known[i], word, n) == 0);
        if (!ok)
            return err_set(err, ERR_USAGE,
                           "--format: '%.*s' is not html, md or pdf", (int)n,
                           word);
        word += n + (word[n] == ',');
    }
    return OK;
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

/* Where everything of one report goes. */
struct places {
    const char *out, *formats;
    char *stem, *beside, *folder;
    bool json; /* paths are said with the rest, not one a line */
    char *files[3];
    int n_files;
};

/* A file is there; takes its path. */
static void tell(struct places *p, char *path)
{
    p->files[p->n_files++] = path;
    if (!p->json)
        out_path(path);
}

static void forget_files(struct places *p)
{
    while (p->n_files > 0)
        free(p->files[--p->n_files]);
}

static enum status write_text(const struct report *r, struct places *p,
                              const char *format, bool asked, struct err *err)
{
    char *path = mem_printf("%s/%s.%s", p->out, p->stem, format);
    struct str text = { 0 };
    enum status st;

    if (strcmp(format, "html") == 0)
        page_html(&text, r->page);
    else
        page_markdown(&text, r->page);
    st = file_replace(path, str_text(&text), text.len, err);
    if (st == OK && asked)
        tell(p, path);
    else
        free(path);
    str_release(&text);
    return st;
}

/* PDF is made from the page, which stays when it was asked for. */
static enum status write_pdf(const struct report *r, struct places *p,
                             struct err *err)
{
    char *html = mem_printf("%s/%s.html", p->out, p->stem);
    char *pdf = mem_printf("%s/%s.pdf", p->out, p->stem);
    const bool asked = wants(p->formats, "html");
    enum status st = asked ? OK : write_text(r, p, "html", false, err);

    if (st == OK)
        st = pdf_make(html, pdf, err);
    if (!asked)
        unlink(html);
    if (st == OK)
        tell(p, pdf);
    else
        free(pdf);
    free(html);
    return st;
}

static void print_json(const struct report *r, const struct places *p)
{
    struct str out = { 0 };

    report_json_add(&out, r, p->files, p->n_files);
    puts(str_text(&out));
    str_release(&out);
}

static enum status write_all(const struct report *r, struct places *p,
                             struct err *err)
{
    enum status st = OK;

    if (wants(p->formats, "html"))
        st = write_text(r, p, "html", true, err);
    if (st == OK && wants(p->formats, "md"))
        st = write_text(r, p, "md", true, err);
    if (st == OK && wants(p->formats, "pdf"))
        st = write_pdf(r, p, err);
    if (st == OK && p->json)
        print_json(r, p);
    forget_files(p);
    fflush(stdout);
    return st;
}

static enum status once(struct cli *cli, struct places *p, int64_t fit,
                        struct err *err)
{
    struct report *r = NULL;
    enum status st =
        report_make(&r, &cli->session, cli->n_args ? cli->args[0] : NULL, fit,
                    p->folder, p->beside, err);

    if (st == OK && cli_flag(cli, "watch"))
        r->page->refresh_s = 2 * WATCH_S;
    if (st == OK)
        st = write_all(r, p, err);
    if (st == OK && r->trouble) {
        if (strcmp(cli_value(cli, "plots", ""), "require") == 0)
            st = err_set(err, ERR_TOOL, "%s", r->trouble);
        else
            cli_note(cli, "warning: figures are missing: %s", r->trouble);
    }
    report_free(r);
    return st;
}

/* Until a signal ends the program; every file appears whole or not at all. */
static enum status watch(struct cli *cli, struct places *p, int64_t fit,
                         struct err *err)
{
    struct stat before = { 0 }, now = { 0 };
    enum status st = OK;

    while (st == OK) {
        stat(cli->session.db_path, &before);
        st = once(cli, p, fit, err);
        do {
            sleep(WATCH_S);
            now = before;
            stat(cli->session.db_path, &now);
        } while (st == OK && now.st_size == before.st_size &&
                 now.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                 now.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
    }
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct places p = { .out = cli_value(cli, "out", "report"),
                        .formats = cli_value(cli, "format", "html"),
                        .json = cli_flag(cli, "json") };
    double id;
    enum status st = cli_number(&id, cli, "fit", 0, 1, 0x1p53, err);

    p.stem = stem_of(cli->n_args ? cli->args[0] : NULL);
    p.beside = mem_printf("%s-figures", p.stem);
    p.folder = mem_printf("%s/%s", p.out, p.beside);
    if (cli_flag(cli, "no-fit"))
        id = -1;
    if (st == OK)
        st = check_formats(p.formats, err);
    if (st == OK)
        st = cli_flag(cli, "watch") ? watch(cli, &p, (int64_t)id, err)
                                    : once(cli, &p, (int64_t)id, err);
    free(p.folder);
    free(p.beside);
    free(p.stem);
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
    .detail =
        "Prints the path of each file. The page refers to nothing outside "
        "itself;\nfigures with their data and scripts lie in the folder "
        "beside it.",
    .run = run,
};
