/* files.c - a figure's files: what the program carries, and its data. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "plots/files.h"

/* The standard promises only 4,095 characters; every compiler takes more. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
const struct plot_text plot_texts[] = {
#include "plots/texts.h"
    { NULL, NULL },
};
#pragma GCC diagnostic pop

const char *plot_text_find(const char *name)
{
    for (const struct plot_text *t = plot_texts; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t->text;
    return NULL;
}

static enum status copy(const char *name, const char *folder, struct err *err)
{
    const char *text = plot_text_find(name);
    char *path = mem_printf("%s/%s", folder, name);
    const enum status st = file_replace(path, text, strlen(text), err);

    free(path);
    return st;
}

#define PLACE "@NAME@"

/* The script of a figure: every one is the same but for the name. */
static enum status write_script(const char *name, const char *folder,
                                struct err *err)
{
    const char *text = plot_text_find("figure.gp"), *at;
    char *path = mem_printf("%s/%s.gp", folder, name);
    struct str script = { 0 };
    enum status st;

    for (; (at = strstr(text, PLACE)); text = at + strlen(PLACE)) {
        str_add_n(&script, text, (size_t)(at - text));
        str_add(&script, name);
    }
    str_add(&script, text);
    st = file_replace(path, str_text(&script), script.len, err);
    str_release(&script);
    free(path);
    return st;
}

enum status plot_write(struct picture *p, const char *name, const char *folder,
                       struct err *err)
{
    char *path = mem_printf("%s/%s.dat", folder, name);
    struct str data = { 0 };
    enum status st;

    picture_data(&data, p, name);
    st = file_replace(path, str_text(&data), data.len, err);
    if (st == OK)
        st = copy("style.gp", folder, err);
    if (st == OK)
        st = copy("panels.gp", folder, err);
    if (st == OK)
        st = write_script(name, folder, err);
    str_release(&data);
    free(path);
    return st;
}
