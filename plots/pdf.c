#include "plots/pdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/launch.h"
#include "base/str.h"
#include "plots/tool.h"

#define LIMIT_S 180.0

/* A browser needs a folder of its own, and as root it has no sandbox; the page
 * cannot ask for anything (its own policy), and is not let onto the network
 * either. */
static enum status by_browser(const char *name, const char *path,
                              const char *html, const char *part,
                              struct err *err)
{
    struct file_folder folder;
    char *profile, *out, *argv[12];
    int n = 0;
    enum status st = file_folder_make(&folder, "pdf", err);

    if (st != OK)
        return st;
    profile = mem_printf("--user-data-dir=%s", folder.path);
    out = mem_printf("--print-to-pdf=%s", part);
    argv[n++] = (char *)name;
    argv[n++] = "--headless";
    argv[n++] = "--disable-gpu";
    argv[n++] = "--no-first-run";
    argv[n++] = "--disable-background-networking";
    argv[n++] = "--proxy-server=127.0.0.1:1";
    argv[n++] = "--no-pdf-header-footer";
    argv[n++] = profile;
    if (geteuid() == 0)
        argv[n++] = "--no-sandbox";
    argv[n++] = out;
    argv[n++] = (char *)html;
    argv[n] = NULL;
    st = tool_run(NULL, name, path, argv, NULL, NULL, LIMIT_S, err);
    file_folder_remove(&folder);
    free(profile);
    free(out);
    return st;
}

static enum status by_weasyprint(const char *name, const char *path,
                                 const char *html, const char *part,
                                 struct err *err)
{
    char *argv[] = { (char *)name, (char *)html, (char *)part, NULL };

    return tool_run(NULL, name, path, argv, NULL, NULL, LIMIT_S, err);
}

static const struct {
    const char *name;
    enum status (*make)(const char *name, const char *path, const char *html,
                        const char *part, struct err *err);
} converters[] = {
    { "weasyprint", by_weasyprint },
    { "chromium", by_browser },
    { "chromium-browser", by_browser },
    { "google-chrome", by_browser },
};

static enum status keep(const char *part, const char *pdf, const char *name,
                        struct err *err)
{
    struct stat s;

    if (lstat(part, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size == 0)
        return err_set(err, ERR_TOOL, "%s made no %s", name, pdf);
    if (rename(part, pdf) != 0)
        return err_errno(err, ERR_IO, "%s", pdf);
    return OK;
}

enum status pdf_make(const char *html, const char *pdf, struct err *err)
{
    char *page = realpath(html, NULL), *part = mem_printf("%s.part.pdf", pdf);
    enum status st = page ? OK : err_errno(err, ERR_IO, "%s", html);
    bool found = false;

    for (size_t i = 0;
         i < sizeof converters / sizeof converters[0] && st == OK && !found;
         i++) {
        char *path = launch_find(converters[i].name, false);

        found = path != NULL;
        if (found)
            st = converters[i].make(converters[i].name, path, page, part, err);
        if (found && st == OK)
            st = keep(part, pdf, converters[i].name, err);
        free(path);
    }
    if (st == OK && !found)
        st = err_set(err, ERR_TOOL,
                     "no converter to PDF is installed (Debian: "
                     "apt-get install weasyprint, or chromium)");
    unlink(part);
    free(part);
    free(page);
    return st;
}
