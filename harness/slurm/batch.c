#include "harness/slurm/batch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "db/statement.h"
#include "trainer/checkpoint.h"

#define PATIENCE_S 60

struct change {
    const char *sql;
    char *text; /* owned, may be NULL */
    int64_t attempt;
};

struct leftover {
    char *spool, *folder;
};

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

void batch_change(struct batch *b, const char *sql, const char *text,
                  int64_t attempt)
{
    b->changes =
        mem_grow(b->changes, (size_t)b->n_changes + 1, sizeof *b->changes);
    b->changes[b->n_changes++] = (struct change){ sql, copy(text), attempt };
}

void batch_leave(struct batch *b, const char *spool, const char *folder)
{
    b->leftovers = mem_grow(b->leftovers, (size_t)b->n_leftovers + 1,
                            sizeof *b->leftovers);
    b->leftovers[b->n_leftovers++] =
        (struct leftover){ copy(spool), copy(folder) };
}

static void drop_changes(struct batch *b)
{
    while (b->n_changes > 0)
        free(b->changes[--b->n_changes].text);
}

static enum status write_changes(struct batch *b, struct err *err)
{
    enum status st = b->n_changes > 0 ? db_begin(b->db, err) : OK;

    for (int i = 0; i < b->n_changes && st == OK; i++)
        st = db_do_all(b->db, &b->changes[i].sql, 1,
                       DB_VALUES(DB_T("text", b->changes[i].text),
                                 DB_I("attempt", b->changes[i].attempt)),
                       err);
    if (st == OK && b->n_changes > 0)
        st = db_commit(b->db, err);
    if (st != OK)
        db_rollback(b->db);
    drop_changes(b);
    return st;
}

static void drop_leftovers(struct batch *b, bool remove)
{
    for (int i = 0; i < b->n_leftovers; i++) {
        struct leftover *l = &b->leftovers[i];

        if (remove && l->spool)
            unlink(l->spool);
        if (remove && l->folder)
            checkpoint_remove(l->folder);
        free(l->spool);
        free(l->folder);
    }
    b->n_leftovers = 0;
}

enum status batch_commit(struct batch *b, struct err *err)
{
    const int fd = open(b->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st = OK;

    if (b->wrote && (fd < 0 || syncfs(fd) != 0))
        st = err_errno(err, ERR_IO, "%s: cannot sync", b->root);
    if (fd >= 0)
        close(fd);
    if (st == OK)
        st = write_changes(b, err);
    if (st == OK)
        st = journal_flush(b->journal, PATIENCE_S, err);
    drop_leftovers(b, st == OK);
    b->wrote = false;
    return st;
}

void batch_release(struct batch *b)
{
    drop_leftovers(b, false);
    drop_changes(b);
    free(b->leftovers);
    free(b->changes);
}
