#include "harness/store/record_put.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/proto/record.h"
#include "harness/proto/record_sum.h"

/* runs/KIND/NAME.json; its folder is made. */
static enum status place(char **path, const char *db_path, const char *kind,
                         const char *name, struct err *err)
{
    char *root = record_root(db_path);
    char *folder = mem_printf("%s/%s", root, kind);
    const enum status st = file_make_dirs(folder, err);

    record_sweep(folder);
    *path = mem_printf("%s/%.16s.json", folder, name);
    free(folder);
    free(root);
    return st;
}

enum status record_put_env(const char *db_path, const struct env *e,
                           struct err *err)
{
    char *path, *text = env_json(e);
    enum status st = place(&path, db_path, "env", e->fingerprint, err);

    text = record_seal(0, text);
    if (st == OK && access(path, F_OK) != 0)
        st = file_replace(path, text, strlen(text), err);
    free(text);
    free(path);
    return st;
}

static void add_point(struct str *s, const struct grid_point *p)
{
    str_addf(s, "[\"%s\",%d,", p->id, p->ordinal);
    json_quote(s, p->block);
    str_addf(s, ",%d,[", p->priority);
    for (int i = 0; i < p->n_seeds; i++)
        str_addf(s, "%s%llu", i ? "," : "", (unsigned long long)p->seeds[i]);
    str_add(s, "]]");
}

/* Another grid of the same text has its record there already. */
static void step_aside(char **path, const char *name)
{
    struct str text = { 0 };
    json_t *json = NULL;
    const char *other;
    char *beside;

    if (access(*path, F_OK) == 0 &&
        file_read(&text, *path, (size_t)1 << 30, NULL) == OK)
        json_parse(&json, str_text(&text), *path, NULL);
    other = json_string_value(json_object_get(json, "name"));
    if (other && strcmp(other, name) != 0) {
        beside = mem_printf("%.*s-%08x.json", (int)strlen(*path) - 5, *path,
                            record_sum(0, name, strlen(name)));
        free(*path);
        *path = beside;
    }
    json_decref(json);
    str_release(&text);
}

enum status record_put_grid(const char *db_path, const struct grid *g,
                            const char *argv, struct err *err)
{
    struct str s = { 0 };
    char *path, *sealed, now[32];
    enum status st = place(&path, db_path, "grids", g->sha256, err);

    if (st == OK)
        step_aside(&path, g->name);

    if (st == OK && access(path, F_OK) != 0) {
        str_add(&s, "{");
        json_add_text(&s, "name", g->name);
        json_add_text(&s, "ini_sha256", g->sha256);
        json_add_text(&s, "argv", argv);
        json_add_text(&s, "created_at", clock_iso(now));
        json_add_text(&s, "ini_text", g->text);
        str_add(&s, ",\"points\":[");
        for (int i = 0; i < g->n_points; i++) {
            str_add(&s, i ? ",\n" : "\n");
            add_point(&s, &g->points[i]);
        }
        str_add(&s, "\n]}");
        sealed = record_seal(0, str_steal(&s));
        st = file_replace(path, sealed, strlen(sealed), err);
        free(sealed);
    }
    str_release(&s);
    free(path);
    return st;
}
