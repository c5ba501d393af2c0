/* made.c - finished runs that were planned with another command or probe.
 *
 * Neither is part of a run's identity: a command is where a program lies, and
 * a probe changes no loss.  So such runs are there, and a person is told. */
#include <stdlib.h>

#include "db/statement.h"
#include "harness/store/store.h"

static const struct {
    const char *key, *advice;
    const char *sql; /* :now is what the grid says */
} keys[] = {
    { "trainer.command",
      "if that changes their losses, change trainer.revision",
      "SELECT json_extract(settings,'$.trainer.command') "
      "FROM point WHERE point_id=:point "
      "AND coalesce(json_extract(settings,'$.trainer.command'),'')!=:now "
      "AND EXISTS(SELECT 1 FROM run r WHERE r.point_id=:point "
      "AND r.state='done')" },
    { "data.probe", "their probe_loss, where they have one, is of that text",
      "SELECT text FROM ("
      "SELECT coalesce((SELECT group_concat(value, char(10)) "
      "FROM json_each(settings,'$.data.probe')),'') text "
      "FROM point WHERE point_id=:point "
      "AND EXISTS(SELECT 1 FROM run r WHERE r.point_id=:point "
      "AND r.state='done')) "
      "WHERE text!=:now" },
};
#define N_KEYS (sizeof keys / sizeof keys[0])

/* Does the stored point say something else?  *was is then what, once. */
static enum status ask(bool *differs, char **was, const char *sql,
                       const char *id, const char *now, struct db *db,
                       struct err *err)
{
    char *text;
    const enum status st = db_ask_text(
        &text, db, sql, DB_VALUES(DB_T("point", id), DB_T("now", now)), err);

    *differs = text != NULL;
    if (*was)
        free(text);
    else
        *was = text;
    return st;
}

static void add_sentence(struct str *out, int n, const char *key,
                         const char *was, const char *advice)
{
    str_addf(out,
             "%s%d configuration%s of it %s finished runs that were "
             "planned with ",
             out->len ? "\n" : "", n, n == 1 ? "" : "s",
             n == 1 ? "has" : "have");
    if (*was)
        str_addf(out, "%s = %.200s;\n  %s", key, was, advice);
    else
        str_addf(out, "no %s;\n  %s", key, advice);
}

/* A grid too large to keep its configurations is not looked at. */
static enum status look(struct str *out, size_t k, const struct grid *g,
                        struct db *db, struct err *err)
{
    char *was = NULL;
    int n = 0;
    enum status st = OK;

    for (int i = 0; i < g->n_points && st == OK; i++) {
        const struct grid_point *p = &g->points[i];
        bool differs = false;

        if (p->config)
            st = ask(&differs, &was, keys[k].sql, p->id,
                     config_get(p->config, keys[k].key), db, err);
        n += differs;
    }
    if (st == OK && n > 0)
        add_sentence(out, n, keys[k].key, was, keys[k].advice);
    free(was);
    return st;
}

enum status store_made_with(struct str *out, const struct grid *g,
                            struct db *db, struct err *err)
{
    enum status st = OK;

    for (size_t k = 0; k < N_KEYS && st == OK; k++)
        st = look(out, k, g, db, err);
    return st;
}
