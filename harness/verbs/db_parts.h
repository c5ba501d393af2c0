/* db_parts.h - the parts of qlaw db that change or list what is in the file.
 *
 * With --json: list prints {"schema":"qlaw/db-list/1","grids":[{"grid","runs",
 * "done","made","deleted","tags":[]}],"runs":[{"run_id","run","grid","arm",
 * "state","loss","deleted","tags":[]}]}, the runs of the grid that was named,
 * or else those with tags; rename, delete, undelete and vacuum an object with
 * the counts "grids", "runs" and "fits"; tag one with "name" and "tags". */
#ifndef HARNESS_VERBS_DB_PARTS_H
#define HARNESS_VERBS_DB_PARTS_H

#include "base/err.h"
#include "harness/cli/cli.h"

/* The words after qlaw db; NULL past the end. */
const char *db_part_at(int i);

enum status db_part_list(struct cli *cli, struct err *err);
enum status db_part_rename(struct cli *cli, struct err *err);
enum status db_part_tag(struct cli *cli, struct err *err);
enum status db_part_delete(struct cli *cli, struct err *err);
enum status db_part_undelete(struct cli *cli, struct err *err);
enum status db_part_vacuum(struct cli *cli, struct err *err);

#endif
