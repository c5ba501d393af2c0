#include "harness/plan/plan.h"

#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/grid/source.h"
#include "harness/plan/trunk.h"
#include "harness/proto/exec_trainer.h"

static double point_flops(const struct grid *g, int point)
{
    const struct model_size *s = &g->points[point].size;

    return s->flops;
}

/* The share of a run that no other run does for it. */
static double own_share(const struct plan *p, int run)
{
    const struct plan_run *r = &p->runs[run];

    return r->trunk < 0 ? 1 : trunk_own_share(&p->grid->points[r->point]);
}

double plan_run_s(const struct plan *p, int run)
{
    return own_share(p, run) * p->point_s[p->runs[run].point];
}

bool plan_to_do(const struct plan *p, int run)
{
    const struct plan_run *r = &p->runs[run];

    return (r->state == PLAN_NEW || r->state == PLAN_OPEN) &&
           p->grid->points[r->point].chosen;
}

int plan_default_slots(const struct grid *g)
{
    const int threads = (int)config_run_threads(g->base);
    const int slots = (int)config_run_slots(g->base);
    cpu_set_t set;
    int cores = 1;

    if (slots > 0)
        return slots;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cores = CPU_COUNT(&set);
    return cores > threads ? cores / threads : 1;
}

static void list_runs(struct plan *p)
{
    const struct grid *g = p->grid;

    p->runs = mem_array((size_t)g->n_runs, sizeof *p->runs);
    for (int i = 0; i < g->n_points; i++)
        for (int k = 0; k < g->points[i].n_seeds; k++)
            p->runs[p->n_runs++] = (struct plan_run){
                .point = i, .seed = g->points[i].seeds[k], .trunk = -1
            };
}

/* Only runs still to do share: what is done has left no checkpoint. */
static void find_trunks(struct plan *p)
{
    struct trunk_run *runs = NULL;
    int *where = NULL, n = 0;

    for (int i = 0; i < p->n_runs; i++) {
        if (!plan_to_do(p, i) ||
            !trunk_may_share(&p->grid->points[p->runs[i].point], p->grid))
            continue;
        if ((n & (n - 1)) == 0) {
            runs = mem_grow(runs, n ? 2 * (size_t)n : 1, sizeof *runs);
            where = mem_grow(where, n ? 2 * (size_t)n : 1, sizeof *where);
        }
        runs[n] = (struct trunk_run){ .point = p->runs[i].point,
                                      .seed = p->runs[i].seed };
        where[n++] = i;
    }
    trunk_link(runs, n, p->grid);
    for (int i = 0; i < n; i++)
        if (runs[i].trunk >= 0)
            p->runs[where[i]].trunk = where[runs[i].trunk];
    free(runs);
    free(where);
}

/* --- time ---------------------------------------------------------------- */

/* The free times of the slots, smallest first (a heap). */
static void give_work(double *slot, int n, double seconds)
{
    int i = 0;

    slot[0] += seconds;
    for (;;) {
        int least = i;
        double keep;

        for (int c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
            if (slot[c] < slot[least])
                least = c;
        if (least == i)
            return;
        keep = slot[i];
        slot[i] = slot[least];
        slot[least] = keep;
        i = least;
    }
}

/* When the last slot is free, each taking the next run as the scheduler
 * does. */
static double makespan(const struct plan *p, int first_n, bool all)
{
    double *slot = mem_array((size_t)p->slots, sizeof *slot), last = 0;

    for (int i = 0; i < p->n_runs && first_n > 0; i++) {
        if (!all && !plan_to_do(p, i))
            continue;
        give_work(slot, p->slots,
                  all ? p->point_s[p->runs[i].point] : plan_run_s(p, i));
        first_n--;
    }
    for (int i = 0; i < p->slots; i++)
        last = slot[i] > last ? slot[i] : last;
    free(slot);
    return last;
}

/* --- memory and disk ----------------------------------------------------- */

/* The largest runs side by side: as many as there are slots, of which the
 * smallest gives way. */
static int64_t peak_memory(const struct plan *p)
{
    int64_t *bytes = mem_array((size_t)p->slots, sizeof *bytes), sum = 0;

    for (int i = 0; i < p->n_runs; i++) {
        int64_t more = p->grid->points[p->runs[i].point].size.memory_bytes;
        int least = 0;

        if (!plan_to_do(p, i))
            continue;
        for (int k = 1; k < p->slots; k++)
            least = bytes[k] < bytes[least] ? k : least;
        if (more > bytes[least])
            bytes[least] = more;
    }
    for (int k = 0; k < p->slots; k++)
        sum += bytes[k];
    free(bytes);
    return sum;
}

/* Measured on the schema of the database: 5,000 runs with 400 curve rows each
 * made 65 MB, so about 33 bytes a row with its index share. */
#define CURVE_ROW_BYTES 33
#define RUN_BYTES       2048

static int64_t curve_rows(const struct grid *g, const struct model_size *s)
{
    const int64_t every = config_run_log_every(g->base);

    if (every > 0)
        return s->steps / every + 1;
    return s->steps < 100 ? s->steps : 100;
}

/* Rows of the database, and two generations of checkpoints (weights and two
 * moments in f32) of the runs that may stand side by side. */
static int64_t disk(const struct plan *p)
{
    int64_t rows = 0, largest = 0;

    for (int i = 0; i < p->n_runs; i++) {
        const struct model_size *s = &p->grid->points[p->runs[i].point].size;
        const int64_t n = s->body + s->embed + s->head + s->other;

        if (!plan_to_do(p, i))
            continue;
        rows += RUN_BYTES + CURVE_ROW_BYTES * curve_rows(p->grid, s);
        largest = n > largest ? n : largest;
    }
    return rows + p->slots * 2 * 12 * largest;
}

/* --- budget -------------------------------------------------------------- */

static double limit_of(const struct plan *p, const char *key)
{
    return doc_number(p->grid->source->doc, key);
}

/* How many of the runs still to do fit below a limit on their FLOPs. */
static int runs_below_flops(const struct plan *p, double limit)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < p->n_runs; i++) {
        if (!plan_to_do(p, i))
            continue;
        sum += own_share(p, i) * point_flops(p->grid, p->runs[i].point);
        if (sum > limit)
            break;
        n++;
    }
    return n;
}

/* The makespan grows with every run, so halving finds the last that fits. */
static int runs_below_wall(const struct plan *p, int n, double limit)
{
    int lo = 0, hi = n;

    while (lo < hi) {
        const int mid = lo + (hi - lo + 1) / 2;

        if (makespan(p, mid, false) <= limit)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

static void exceed(struct plan *p, const char *key, const char *need,
                   const char *limit, int allowed)
{
    if (!p->over)
        p->over = mem_printf("budget.%s = %s, but the runs need %s", key, limit,
                             need);
    if (allowed < p->allowed)
        p->allowed = allowed;
}

static void check_budget(struct plan *p)
{
    const int n = p->n_left;
    const double flops = limit_of(p, "budget.max_flops");
    const double wall = limit_of(p, "budget.max_wall");
    const double runs = limit_of(p, "budget.max_runs");
    const double bytes = limit_of(p, "budget.max_disk");
    char a[32], b[32];

    p->allowed = n;
    if (flops > 0 && p->flops_left > flops) {
        snprintf(a, sizeof a, "%.3g FLOPs", p->flops_left);
        snprintf(b, sizeof b, "%.3g", flops);
        exceed(p, "max_flops", a, b, runs_below_flops(p, flops));
    }
    if (wall > 0 && p->wall_left_s > wall)
        exceed(p, "max_wall", text_duration(a, p->wall_left_s),
               text_duration(b, wall), runs_below_wall(p, n, wall));
    if (runs > 0 && n > runs) {
        snprintf(a, sizeof a, "%d", n);
        exceed(p, "max_runs", a, text_number(b, runs), (int)runs);
    }
    if (bytes > 0 && (double)p->disk_bytes > bytes) {
        snprintf(a, sizeof a, "%.3g bytes", (double)p->disk_bytes);
        snprintf(b, sizeof b, "%.3g bytes", bytes);
        exceed(p, "max_disk", a, b, (int)(n * (bytes / (double)p->disk_bytes)));
    }
}

/* --- all of it ----------------------------------------------------------- */

static void count_states(struct plan *p)
{
    p->n_new = p->n_open = p->n_done = p->n_diverged = p->n_left = 0;
    for (int i = 0; i < p->n_runs; i++) {
        p->n_left += plan_to_do(p, i);
        p->n_new += p->runs[i].state == PLAN_NEW;
        p->n_open += p->runs[i].state == PLAN_OPEN;
        p->n_done += p->runs[i].state == PLAN_DONE;
        p->n_diverged += p->runs[i].state == PLAN_DIVERGED;
    }
}

static void sum_up(struct plan *p)
{
    double seconds = 0;

    p->longest = -1;
    for (int i = 0; i < p->n_runs; i++) {
        const int point = p->runs[i].point;
        const double flops = point_flops(p->grid, point);
        const double own = own_share(p, i);

        p->flops += flops;
        seconds += p->point_s[point];
        if (!plan_to_do(p, i))
            continue;
        p->flops_left += own * flops;
        p->flops_shared += (1 - own) * flops;
        p->n_branches += p->runs[i].trunk >= 0;
        p->slot_s_left += plan_run_s(p, i);
        if (p->longest < 0 || plan_run_s(p, i) > plan_run_s(p, p->longest))
            p->longest = i;
    }
    p->speed.flops_s = seconds > 0 ? p->flops / seconds : 0;
    p->wall_s = makespan(p, p->n_runs, true);
    p->wall_left_s = makespan(p, p->n_runs, false);
    p->memory_bytes = peak_memory(p);
    p->disk_bytes = disk(p);
}

static void use_speed(struct plan *p, double flops_s)
{
    for (int i = 0; i < p->grid->n_points; i++)
        p->point_s[i] = point_flops(p->grid, i) / flops_s;
}

/* A trainer of the user's own is not tried out here: its speed is as the grid
 * says, or what its finished runs come to. */
static void use_trainer_speed(struct plan *p)
{
    const double speed = config_trainer_speed(p->grid->base);

    p->speed.unknown = speed <= 0;
    use_speed(p, speed > 0 ? speed : 1);
}

enum status plan_make(struct plan **out, const struct grid *g,
                      const struct plan_options *options, struct err *err)
{
    struct plan *p = mem_alloc(sizeof *p);
    enum status st = OK;

    *out = NULL;
    p->grid = g;
    p->threads = (int)config_run_threads(g->base);
    p->slots = options->slots ? options->slots : plan_default_slots(g);
    p->point_s = mem_array((size_t)g->n_points, sizeof *p->point_s);
    p->speed.correction = 1;
    list_runs(p);
    if (options->flops_s > 0)
        use_speed(p, options->flops_s);
    else if (config_is_exec(g->base))
        use_trainer_speed(p);
    else
        st = plan_measure(p, options->isa_cap, err);
    if (st == OK && options->db_path)
        st = plan_read_db(p, options->db_path, err);
    for (int i = 0; i < g->n_points; i++)
        p->point_s[i] *= p->speed.unknown && p->speed.n_finished == 0
                             ? 0
                             : p->speed.correction;
    if (st != OK) {
        plan_free(p);
        return st;
    }
    count_states(p);
    find_trunks(p);
    sum_up(p);
    check_budget(p);
    *out = p;
    return OK;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    free(p->runs);
    free(p->point_s);
    free(p->over);
    free(p);
}

enum status plan_budget(int *allowed, const struct grid *g,
                        const struct plan_options *options, struct err *err)
{
    const struct doc *d = g->source->doc;
    const char *then = doc_text(d, "budget.on_exceed");
    struct plan_options o = *options;
    struct plan *p;
    enum status st;

    *allowed = INT_MAX;
    if (doc_number(d, "budget.max_flops") == 0 &&
        doc_number(d, "budget.max_wall") == 0 &&
        doc_number(d, "budget.max_runs") == 0 &&
        doc_number(d, "budget.max_disk") == 0)
        return OK;
    if (doc_number(d, "budget.max_wall") == 0)
        o.flops_s = 1; /* no time is asked for */
    st = plan_make(&p, g, &o, err);
    if (st != OK)
        return st;
    if (p->over && then && strcmp(then, "truncate") == 0)
        *allowed = p->allowed;
    else if (p->over)
        st = err_set(err, ERR_REFUSED,
                     "over budget: %s; nothing was started ([budget] "
                     "on_exceed = truncate runs the first %d)",
                     p->over, p->allowed);
    plan_free(p);
    return st;
}
