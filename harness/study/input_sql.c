#include "harness/study/input_sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/grid/arm.h"

/* Which parameters of the model count as N. */
static const struct {
    const char *name, *sql;
} n_defs[] = {
    { "body", "p.n_body" },
    { "body+head", "p.n_body + p.n_head_params" },
    { "total", "p.n_total" },
};

const char *fit_n_sql(const char *n_def)
{
    for (size_t i = 0; i < sizeof n_defs / sizeof n_defs[0]; i++)
        if (strcmp(n_defs[i].name, n_def) == 0)
            return n_defs[i].sql;
    return NULL;
}

/* Runs of the grid with its own seeds, and of twins that its points are
 * compared with but another grid made. */
static const char of_grid[] =
    "(r.run_id IN (SELECT run_id FROM grid_run WHERE grid_id = :grid) OR "
    "(r.point_id IN (" FIT_TWINS_SQL ") "
    "AND r.point_id NOT IN "
    "(SELECT point_id FROM grid_point WHERE grid_id = :grid)))";

/* Rows along the training of the runs: the loss on held-out text where a run
 * measured it along the way, else that of its batches. */
static char *curves_sql(const struct fit_request *rq, const char *where,
                        const char *n_def)
{
    return mem_printf(
        "SELECT * FROM (SELECT r.run_id, r.point_id, r.seed, c.step, %s AS N, "
        "c.tokens AS D, CASE WHEN (SELECT count(v.val_loss) FROM curve v WHERE "
        "v.run_id = r.run_id) > 2 THEN c.val_loss ELSE c.train_loss END AS "
        "loss, r.G, r.fmt, r.bits AS P, p.arm, p.is_base FROM curve c JOIN "
        "runs r ON r.run_id = c.run_id JOIN point p ON p.point_id = "
        "r.point_id WHERE r.state = 'done' %s%s) %s%s%s ORDER BY run_id, D",
        n_def, rq->options.grid ? "AND " : "", rq->options.grid ? of_grid : "",
        where ? "WHERE (" : "", where ? where : "", where ? ")" : "");
}

/* Bits of an element from the text q of its quantizer, which begins with it:
 * "int4/g32/..", "e2m1/.."; NULL of a list of values, whose name does not say. */
#define BITS_OF(q)                                                             \
    "CASE WHEN " q " GLOB 'int[0-9]*' THEN CAST(substr(" q ", 4) AS INT) "     \
    "WHEN " q " GLOB 'e[0-9]*m[0-9]*' THEN 1 + CAST(substr(" q ", 2) AS INT) " \
    "+ CAST(substr(" q ", instr(" q ", 'm') + 1) AS INT) "                     \
    "WHEN " q " GLOB '[bf][fp]16*' THEN 16 END"

/* Bits in training, 16 where nothing was rounded.  The columns of a point are of
 * what follows its training, if anything does: then the settings say it. */
static char *training_bits(void)
{
    static const char of_w[] = BITS_OF("json_extract(p.config, '$.quant.w')");
    static const char of_x[] = BITS_OF("json_extract(p.config, '$.quant.x')");
    static const char of_act[] = BITS_OF("p.act_fmt");

    return mem_printf(
        "CASE WHEN r.post = '' THEN CASE WHEN p.is_base OR " ARM_NO_WEIGHTS_SQL
        " THEN 16 ELSE r.bits END WHEN json_type(p.config, '$.quant.w') IS "
        "NULL THEN 16 ELSE %s END AS Pw, "
        "CASE WHEN r.post = '' THEN CASE WHEN p.act_fmt IS NULL THEN 16 ELSE "
        "%s END WHEN json_type(p.config, '$.quant.x') IS NULL THEN 16 ELSE %s "
        "END AS Pa, ",
        of_w, of_act, of_x);
}

/* What a post-training run measured itself, beside its own parent. */
#define OWN(metric)                                                            \
    "CASE WHEN r.post <> '' AND r.state = 'done' THEN (SELECT m.value FROM "   \
    "metric m WHERE m.run_id = r.run_id AND m.name = '" metric                 \
    "' ORDER BY m.step DESC LIMIT 1) END"
#define OWN_DELTA  "coalesce(" OWN("delta") ", e.delta)"
#define OWN_PARENT "coalesce(" OWN("parent_loss") ", e.base_loss)"

/* What is read beside the view runs, and which rows there are. */
struct source {
    const char *columns, *join, *where;
};

static const struct source losses = { "", "", "r.state = 'done'" };

/* A trainer of somebody else's may not measure what rounding cost: where the
 * parent is the unquantized twin, the difference from that is the same. */
static const struct source differences = {
    .columns = OWN_DELTA " AS delta, " OWN_PARENT " AS base_loss, ",
    .join = "LEFT JOIN deltas e ON e.run_id = r.run_id AND (r.post = '' OR "
            "json_type(p.config, '$.quant') IS NULL) ",
    .where = OWN_DELTA " IS NOT NULL"
};

/* The bits that an unquantized twin might be said to have do not matter,
 * because its group of 1 removes the quantization term.  quant tells formats
 * apart that share the element format but not what is quantized. */
static char *runs_sql(const struct fit_request *rq, const char *where,
                      const char *n_def)
{
    static const char own_bits[] = OWN("bits_w");
    const struct source *from = rq->paired ? &differences : &losses;
    char *bits = training_bits();
    char *sql = mem_printf(
        "SELECT * FROM (SELECT r.run_id, r.point_id, r.seed, %s AS N, r.D, "
        "CASE WHEN p.is_base THEN 1 ELSE r.G END AS G, "
        "CASE WHEN p.is_base THEN 1 ELSE r.G END AS B, "
        "CASE WHEN p.is_base THEN coalesce(r.E, 8) ELSE r.E END AS E, "
        "CASE WHEN p.is_base THEN coalesce(r.M, 23) ELSE r.M END AS M, "
        "r.bits AS P, CASE WHEN p.is_base THEN 0 ELSE p.gmse END AS gmse, "
        "r.fmt, " ARM_QUANT_SQL " AS quant, r.loss, r.scale, r.stored_bits, %s"
        "p.n_layer, p.d_model, p.flops_plan AS flops, p.gran, p.arm, "
        "min(q.tokens, q.data_tokens) AS U, q.tokens/q.data_tokens AS epochs, "
        "p.is_base, p.twin_id||'/'||r.seed AS twin, r.post, %s"
        "CASE WHEN r.post = '' OR " ARM_NO_WEIGHTS_SQL
        " THEN 16 ELSE r.bits END AS Ppost, "
        "CASE WHEN r.post = '' THEN 16 ELSE %s END AS bits_w "
        "FROM runs r JOIN point p ON p.point_id = r.point_id "
        "JOIN quantized q ON q.point_id = r.point_id %s"
        "WHERE %s %s%s) %s%s%s ORDER BY run_id",
        n_def, from->columns, bits, own_bits, from->join, from->where,
        rq->options.grid ? "AND " : "", rq->options.grid ? of_grid : "",
        where ? "WHERE (" : "", where ? where : "", where ? ")" : "");

    free(bits);
    return sql;
}

char *input_sql(const struct fit_request *rq, const char *where,
                const char *n_def)
{
    return rq->options.envelope ? curves_sql(rq, where, n_def)
                                : runs_sql(rq, where, n_def);
}
