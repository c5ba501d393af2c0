#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/out.h"
#include "base/str.h"
#include "harness/fetch/fetch.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "sha256", 0, "HEX", "the digest the file must have" },
    { "out", 'o', "PATH", "file, or folder ending in / (default: the cache)" },
    { "max-bytes", 0, "N", "refuse more than N bytes (default 64Gi)" },
    { "tries", 0, "N", "attempts in all (default 5)" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

/* $XDG_CACHE_HOME/qlaw, else ~/.cache/qlaw; relative values are ignored, as
 * the specification says. */
static char *cache_folder(void)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (xdg && xdg[0] == '/')
        return mem_printf("%s/qlaw", xdg);
    return mem_printf("%s/.cache/qlaw", home && home[0] == '/' ? home : ".");
}

static enum status choose_target(char **target, const char *out,
                                 const char *url, struct err *err)
{
    char *folder = NULL, *name;
    enum status st;

    if (out && !text_has_suffix(out, "/")) {
        *target = mem_strdup(out);
        return OK;
    }
    folder = out ? mem_strndup(out, strlen(out) > 1 ? strlen(out) - 1 : 1)
                 : cache_folder();
    name = fetch_file_name(url);
    *target = mem_printf("%s/%s", folder, name);
    st = file_make_dirs(folder, err);
    free(folder);
    free(name);
    return st;
}

struct bar {
    const struct cli *cli;
    double last_s;
};

static void show_progress(void *ctx, int64_t have, int64_t total)
{
    struct bar *bar = ctx;
    const double now = clock_monotonic();
    char a[32], b[32];

    if (now - bar->last_s < 0.2)
        return;
    bar->last_s = now;
    out_control(stderr, "\r");
    fprintf(stderr, "  %sB of %sB ", text_si(a, (double)have, 3),
            total > 0 ? text_si(b, (double)total, 3) : "?");
    fflush(stderr);
}

static void report(const struct cli *cli, const struct fetch_result *r,
                   const char *url, const char *target)
{
    if (cli_flag(cli, "json")) {
        char *shown = fetch_shown(url);
        struct str s = { 0 };

        str_add(&s, "{");
        json_add_text(&s, "schema", "qlaw/fetch/1");
        json_add_text(&s, "url", shown);
        free(shown);
        json_add_text(&s, "path", target);
        json_add_text(&s, "sha256", r->sha256);
        json_add_number(&s, "bytes", (double)r->bytes);
        str_addf(&s, ",\"cached\":%s,\"pinned\":%s}",
                 r->cached ? "true" : "false", r->pinned ? "true" : "false");
        puts(str_text(&s));
        str_release(&s);
        return;
    }
    cli_note(cli, "%s %lld bytes, SHA-256 %s%s",
             r->cached ? "already there:" : "fetched", (long long)r->bytes,
             r->sha256,
             r->pinned ? "\nno digest was given: this one is now demanded of "
                         "later downloads"
                       : "");
    out_path(target);
}

static enum status not_a_url(const char *url, struct err *err)
{
    char *shown = fetch_shown(url);

    err_set(err, ERR_USAGE,
            "'%s' is not a URL: it must start with https:// or http://", shown);
    free(shown);
    return ERR_USAGE;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *url = cli->args[0];
    struct fetch_options o = fetch_defaults();
    struct fetch_result r;
    struct bar bar = { .cli = cli };
    double max_bytes, tries;
    char *target = NULL;
    enum status st;

    if (!text_has_prefix(url, "http://") && !text_has_prefix(url, "https://"))
        return not_a_url(url, err);
    o.sha256 = cli_value(cli, "sha256", NULL);
    st = cli_number(&max_bytes, cli, "max-bytes", (double)o.max_bytes, 1,
                    0x1p62, err);
    if (st == OK)
        st = cli_number(&tries, cli, "tries", o.tries, 1, 1000, err);
    if (st == OK)
        st = choose_target(&target, cli_value(cli, "out", NULL), url, err);
    if (st == OK) {
        o.max_bytes = (int64_t)max_bytes;
        o.tries = (int)tries;
        if (session_is_terminal(2) && cli->session.verbosity >= 0) {
            o.progress = show_progress;
            o.ctx = &bar;
        }
        st = fetch_url(&r, url, target, &o, err);
        if (bar.last_s > 0)
            out_control(stderr, "\r\033[K");
    }
    if (st == OK)
        report(cli, &r, url, target);
    free(target);
    return st;
}

const struct verb verb_fetch = {
    .name = "fetch",
    .args = "URL",
    .min_args = 1,
    .max_args = 1,
    .summary = "download a corpus, resumed, checked and cached",
    .example = "qlaw fetch https://example.org/corpus.txt.zst --sha256 2af6...",
    .options = options,
    .detail = "The file appears only when it is whole and has its digest; its "
              "path goes\nto stdout, for [data] path.  An interrupted download "
              "goes on where it\nstopped.  Nothing else in qlaw uses the "
              "network.",
    .run = run,
};
