#include "db/point.h"

#include "db/statement.h"

/* ", config, twin_id, ...", the same as parameters, and as columns of p. */
#define COLUMN(type, name, unset) ", " #name
static const char insert[] = "INSERT INTO point(point_id, dataset_id"
#include "db/point.def"
#undef COLUMN
#define COLUMN(type, name, unset) ", :" #name
                             ") VALUES(:point_id, :dataset_id"
#include "db/point.def"
#undef COLUMN
                             ") ON CONFLICT DO NOTHING";

#define COLUMN(type, name, unset) ", " #name
const char db_point_merge[] =
    "INSERT OR IGNORE INTO point(point_id, dataset_id"
#include "db/point.def"
#undef COLUMN
#define COLUMN(type, name, unset) ", p." #name
    ") SELECT p.point_id, (SELECT d.dataset_id FROM dataset d JOIN src.dataset "
    "e ON e.name=d.name AND e.sha256=d.sha256 AND e.tokenizer=d.tokenizer "
    "WHERE e.dataset_id=p.dataset_id)"
#include "db/point.def"
#undef COLUMN
    " FROM src.point p";

struct db_point db_point_default(void)
{
    return (struct db_point){
#define COLUMN(type, name, unset) .name = (unset),
#include "db/point.def"
#undef COLUMN
    };
}

#define BIND_TEXT db_bind_text
#define BIND_INT  db_bind_int
#define BIND_REAL db_bind_real

enum status db_point_put(bool *added, struct db *db, const struct db_point *p,
                         struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_open(&s, db, insert, err);

    if (st != OK)
        return st;
    db_bind_text(s, "point_id", p->point_id);
    db_bind_int(s, "dataset_id", p->dataset_id);
#define COLUMN(type, name, unset) BIND_##type(s, #name, p->name);
#include "db/point.def"
#undef COLUMN
    st = db_stmt_step(&row, s, err);
    if (st == OK && added)
        *added = db_changes(db) > 0;
    db_stmt_close(s);
    return st;
}

enum status db_dataset_put(int64_t *dataset_id, struct db *db, const char *name,
                           const char *sha256, const char *tokenizer,
                           int64_t vocab, struct err *err)
{
    enum status st =
        db_do(db,
              "INSERT OR IGNORE INTO dataset(name, sha256, tokenizer, vocab, "
              "n_tokens) VALUES(:name, :sha256, :tokenizer, :vocab, 0)",
              DB_VALUES(DB_T("name", name), DB_T("sha256", sha256),
                        DB_T("tokenizer", tokenizer), DB_I("vocab", vocab)),
              err);

    return st == OK
               ? db_ask(dataset_id, db,
                        "SELECT dataset_id FROM dataset WHERE name=:name AND "
                        "sha256=:sha256 AND tokenizer=:tokenizer",
                        DB_VALUES(DB_T("name", name), DB_T("sha256", sha256),
                                  DB_T("tokenizer", tokenizer)),
                        err)
               : st;
}
