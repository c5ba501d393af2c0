#include "harness/store/snapshot.h"

#include <stdlib.h>

#include "db/place.h"
#include "harness/os/lock.h"

static enum status open_copy(struct snapshot *s, const char *db_path,
                             struct err *err)
{
    char *path = mem_printf("%s/copy.db", s->folder.path), *made = NULL;
    struct db *live = NULL;
    enum status st = db_open(&live, db_path, DB_READ, err);

    if (st == OK)
        st = file_temp_make(&made, path, err);
    if (st == OK)
        st = db_copy_bytes(live, made, err);
    db_close(live);
    if (st == OK)
        st = db_open(&s->db, made, DB_READ, err);
    free(made);
    free(path);
    return st;
}

enum status snapshot_open(struct snapshot *s, const char *db_path,
                          struct err *err)
{
    struct lock_holder holder;

    *s = (struct snapshot){ .db = NULL };
    if (lock_held(&holder, db_path) &&
        file_folder_make(&s->folder, "copy", NULL) == OK) {
        if (open_copy(s, db_path, NULL) == OK)
            return OK;
        file_folder_remove(&s->folder);
    }
    return db_open(&s->db, db_path, DB_READ, err);
}

void snapshot_drop_name(struct snapshot *s)
{
    file_folder_remove(&s->folder);
}
