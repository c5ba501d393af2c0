#include "harness/slurm/parents.h"

#include <stdlib.h>

#include "base/str.h"
#include "db/statement.h"
#include "harness/proto/record.h"
#include "trainer/weights.h"

/* Parents of which every child has come to its end. */
static const char settled[] =
    "SELECT p.parent_id, p.seed FROM posts p JOIN run_states s USING(state) "
    "WHERE p.parent_id IS NOT NULL AND NOT EXISTS ("
    "SELECT 1 FROM point b, json_each(b.settings, '$.run') j "
    "WHERE b.point_id = p.parent_id AND j.key = 'keep_weights' AND j.value) "
    "GROUP BY p.parent_id, p.seed "
    "HAVING min(s.kind NOT IN ('waiting', 'running'))";

enum status parents_sweep(struct db *db, const char *root, struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_open(&s, db, settled, err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        char *folder =
            record_folder_in(root, db_text(s, 0), (uint64_t)db_int(s, 1));

        weights_remove(folder);
        free(folder);
    }
    db_stmt_close(s);
    return st;
}
