/* What Slurm's commands print, in form and out of it; packing; scripts; names
 * of file systems. */
#include "harness/slurm/slurm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "harness/grid/slurm_keys.h"
#include "harness/os/netfs.h"
#include "harness/slurm/judge.h"
#include "harness/slurm/pack.h"
#include "harness/slurm/script.h"
#include "tests/check.h"

/* --- readers ------------------------------------------------------------------ */

/* As Slurm 22.05.8 of Debian 12 printed them on one machine. */
static const char squeue[] = "12|4|PENDING|qlaw:g:0a1b2c3d\n"
                             "12|10|PENDING|qlaw:g:0a1b2c3d\n"
                             "12|2|RUNNING|qlaw:g:0a1b2c3d\n"
                             "9|N/A|RUNNING|bash\n"
                             "12|1|COMPLETING|qlaw:g:0a1b2c3d\n";
static const char scontrol[] =
    "JobId=12 ArrayJobId=12 ArrayTaskId=3-5%1 JobName=a UserId=root(0) "
    "GroupId=root(0) Priority=1 JobState=PENDING Reason=JobArrayTaskLimit\n"
    "JobId=15 ArrayJobId=12 ArrayTaskId=2 JobName=a UserId=root(0) "
    "JobState=TIMEOUT Reason=TimeLimit ExitCode=0:15\n"
    "JobId=13 ArrayJobId=12 ArrayTaskId=0 JobName=a JobState=COMPLETED\n"
    "JobId=20 JobName=single JobState=NODE_FAIL Reason=NodeDown\n";
static const char sacct[] =
    "12_0|COMPLETED|qlaw:g:0a1b2c3d\n12_2|CANCELLED by 1000|qlaw:g:0a1b2c3d\n"
    "12_[3-5%1]|PENDING|qlaw:g:0a1b2c3d\n20|OUT_OF_MEMORY|single\n";

static void queues_are_read_as_slurm_prints_them(void **state)
{
    struct slurm_tasks t = { .list = NULL };

    (void)state;
    assert_true(slurm_read_squeue(&t, squeue));
    assert_int_equal(t.n, 4); /* one is over */
    assert_string_equal(slurm_tasks_find(&t, "12", 2)->state, "RUNNING");
    assert_string_equal(slurm_tasks_find(&t, "12", 10)->state, "PENDING");
    assert_string_equal(slurm_tasks_find(&t, "12", 4)->name, "qlaw:g:0a1b2c3d");
    assert_string_equal(slurm_tasks_find(&t, "9", -1)->state, "RUNNING");
    assert_null(slurm_tasks_find(&t, "12", 1));
    assert_null(slurm_tasks_find(&t, "1", 2));
    slurm_tasks_release(&t);
}

static void histories_are_read_as_slurm_prints_them(void **state)
{
    struct slurm_tasks t = { .list = NULL };

    (void)state;
    slurm_read_scontrol(&t, scontrol);
    assert_int_equal(t.n, 4); /* waiting ones share a line */
    assert_string_equal(slurm_tasks_find(&t, "12", SLURM_RANGE)->state,
                        "PENDING");
    assert_string_equal(slurm_tasks_find(&t, "12", 2)->state, "TIMEOUT");
    assert_string_equal(slurm_tasks_find(&t, "12", 0)->state, "COMPLETED");
    assert_string_equal(slurm_tasks_find(&t, "20", -1)->state, "NODE_FAIL");
    slurm_tasks_release(&t);
    slurm_read_sacct(&t, sacct);
    assert_int_equal(t.n, 4);
    assert_string_equal(slurm_tasks_find(&t, "12", 2)->state, "CANCELLED");
    assert_string_equal(slurm_tasks_find(&t, "12", 0)->name, "qlaw:g:0a1b2c3d");
    assert_string_equal(slurm_tasks_find(&t, "20", -1)->state, "OUT_OF_MEMORY");
    slurm_tasks_release(&t);
}

/* A list that is cut off, or among which a wrapper says something of its own, may
 * lack what it should have. */
static void what_is_no_list_is_not_believed(void **state)
{
    static const char *const odd[] = {
        "Welcome to alpha\n12|4|PENDING|qlaw:g:0a1b2c3d\n",
        "12|4|PENDING|qlaw:g:0a1b2c3d\n12|10|PEND",
        "12|4|PENDING|qlaw:g:0a1b2c3d\n12|10|PENDING|qlaw:g",
        "12|4|PENDING",
        "12 4 PENDING qlaw:g:0a1b2c3d\n",
        "\n",
        "x|4|PENDING|qlaw:g:0a1b2c3d\n",
        "12|4|pending|qlaw:g:0a1b2c3d\n",
    };
    struct slurm_tasks t = { .list = NULL };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        if (slurm_read_squeue(&t, odd[i]))
            fail_msg("'%s' is believed", odd[i]);
        slurm_tasks_release(&t);
    }
    assert_true(slurm_read_squeue(&t, "")); /* nothing runs */
    assert_true(slurm_read_squeue(&t, "12|N/A|RUNNING|a|b c\n"));
    slurm_tasks_release(&t);
    slurm_read_scontrol(&t, "JobId=20 JobName=single JobState=FAIL");
    slurm_read_sacct(&t, "20|FAILED|sing");
    assert_int_equal(t.n, 0);
    slurm_tasks_release(&t);
}

static void a_range_says_which_tasks_wait(void **state)
{
    (void)state;
    assert_true(slurm_range_has("3-5%1", 3));
    assert_true(slurm_range_has("3-5%1", 5));
    assert_false(slurm_range_has("3-5%1", 2));
    assert_false(slurm_range_has("1,3-5%1", 2));
    assert_true(slurm_range_has("1,3-5,9]", 9));
    assert_false(slurm_range_has("1,3-5,9]", 8));
    assert_true(slurm_range_has("1,3,...", 8)); /* cut: nobody knows */
    assert_true(slurm_range_has("0-10:2", 20));
}

/* sacct(1), JOB STATE CODES: what a task has left for good.  A REVOKED one runs
 * in another cluster of the federation. */
static void a_final_state_is_one_that_is_left_no_more(void **state)
{
    static const char *const final[] = {
        "BOOT_FAIL", "CANCELLED",     "COMPLETED", "DEADLINE", "FAILED",
        "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"
    };
    static const char *const not [] = { "PENDING",   "RUNNING",  "COMPLETING",
                                        "REQUEUED",  "RESIZING", "REVOKED",
                                        "SUSPENDED", "",         "COMPLETE" };

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        assert_true(slurm_is_final(final[i]));
        assert_false(slurm_is_final(not [i]));
    }
}

/* The rule at the top of slurm/judge.h, a line each. */
static void absence_is_not_an_end(void **state)
{
    static const struct {
        enum record_lock lock;
        enum claim_place place;
        bool begun, remote;
        double missed_s, quiet_s;
        enum fate fate;
    } rows[] = {
        /* who holds the lock lives */
        { LOCK_HELD, PLACE_GONE, true, false, 1e9, 1e9, FATE_ALIVE },
        { LOCK_HELD, PLACE_MISSING, true, true, 1e9, 1e9, FATE_ALIVE },
        { LOCK_HELD, PLACE_UNKNOWN, true, false, -1, 0, FATE_ALIVE },
        /* so does what is listed */
        { LOCK_FREE, PLACE_WAITS, true, false, 1e9, 1e9, FATE_ALIVE },
        { LOCK_FREE, PLACE_RUNS, false, false, 1e9, 1e9, FATE_ALIVE },
        /* nobody answers */
        { LOCK_FREE, PLACE_UNKNOWN, true, false, 1e9, 1e9, FATE_UNSURE },
        /* Slurm names the end */
        { LOCK_FREE, PLACE_GONE, true, false, -1, 0, FATE_OVER },
        { LOCK_FREE, PLACE_GONE, false, false, -1, 0, FATE_OVER },
        { LOCK_NONE, PLACE_GONE, true, false, 59, 0, FATE_UNSURE },
        { LOCK_FREE, PLACE_GONE, true, true, 59, 0, FATE_UNSURE },
        { LOCK_FREE, PLACE_GONE, true, true, 61, 0, FATE_OVER },
        /* nobody knows it */
        { LOCK_FREE, PLACE_MISSING, true, false, -1, 1e9, FATE_UNSURE },
        { LOCK_FREE, PLACE_MISSING, true, false, 6, 0, FATE_OVER },
        { LOCK_FREE, PLACE_MISSING, false, false, 6, 0, FATE_UNSURE },
        { LOCK_FREE, PLACE_MISSING, false, false, 61, 0, FATE_OVER },
        { LOCK_FREE, PLACE_FORGOTTEN, false, false, 6, 0, FATE_OVER },
        /* a free lock proves nothing there */
        { LOCK_FREE, PLACE_MISSING, true, true, 1e9, 3599, FATE_UNSURE },
        { LOCK_NONE, PLACE_MISSING, true, false, 1e9, 3599, FATE_UNSURE },
        { LOCK_NONE, PLACE_FORGOTTEN, true, false, 1e9, 3599, FATE_UNSURE },
        { LOCK_NONE, PLACE_MISSING, true, false, 61, 3601, FATE_OVER },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct claim claim = { .unseen_s = rows[i].missed_s };
        const struct spool s = { .claim = &claim,
                                 .lock = rows[i].lock,
                                 .begun = rows[i].begun,
                                 .quiet_s = rows[i].quiet_s };

        if (slurm_fate(&s, rows[i].place, rows[i].remote) != rows[i].fate)
            fail_msg("row %zu is judged otherwise", i);
    }
}

static void a_configuration_names_the_cluster(void **state)
{
    struct slurm_config c;

    (void)state;
    slurm_read_config(&c, "Configuration data as of 2026-11-24T13:00:00\n"
                          "ClusterName             = alpha\n"
                          "MaxArraySize            = 1234\n");
    assert_string_equal(c.cluster, "alpha");
    assert_int_equal(c.max_array, 1234);
    slurm_read_config(&c, "MaxArraySize = x\nClusterName\n");
    assert_string_equal(c.cluster, "");
    assert_int_equal(c.max_array, 1);
    slurm_read_config(&c, "");
    assert_int_equal(c.max_array, 1001);
}

static void a_job_number_is_a_number(void **state)
{
    static const struct {
        const char *text, *job; /* NULL: none */
    } rows[] = {
        { "88120\n", "88120" },
        { "88120;alpha\n", "88120" },
        { "  7\nwarning\n", "7" },
        { "", NULL },
        { "Submitted batch job 7\n", NULL },
        { "-3\n", NULL },
        { "0\n", NULL },
        { "12x\n", NULL },
        { "99999999999999999999\n", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char job[SLURM_JOB], cluster[SLURM_CLUSTER];
        const bool ok = slurm_read_sbatch(job, cluster, rows[i].text);

        if (ok != (rows[i].job != NULL))
            fail_msg("'%s' is %sread", rows[i].text, ok ? "" : "not ");
        if (ok)
            assert_string_equal(job, rows[i].job);
    }
}

/* Whatever a command prints is data: no reader may run beyond it or keep what
 * has no number. */
static void odd_answers_do_no_harm(void **state)
{
    const char *const seeds[] = { squeue, scontrol, sacct };

    (void)state;
    for (uint64_t i = 0; i < 3000; i++) {
        const uint64_t key = rng_key(i, RNG_TEST, 0);
        char *text = mem_strdup(seeds[i % 3]), job[SLURM_JOB];
        char cluster[SLURM_CLUSTER];
        struct slurm_tasks t[3] = { { .list = NULL } };
        const size_t n = strlen(text);

        for (uint64_t k = 0; k < 1 + rng_below(key, 0, 12); k++)
            text[rng_below(key, 2 * k + 1, n)] =
                (char)(1 + rng_below(key, 2 * k + 2, 255));
        text[rng_below(key, 99, n)] = i % 2 ? '\0' : 'x';
        slurm_read_squeue(&t[0], text);
        slurm_read_scontrol(&t[1], text);
        slurm_read_sacct(&t[2], text);
        slurm_read_sbatch(job, cluster, text);
        for (int k = 0; k < 3; k++) {
            for (int m = 0; m < t[k].n; m++)
                assert_true(strspn(t[k].list[m].job, "0123456789") ==
                                strlen(t[k].list[m].job) &&
                            *t[k].list[m].job &&
                            t[k].list[m].task >= SLURM_RANGE);
            slurm_tasks_release(&t[k]);
        }
        free(text);
    }
}

/* --- packing ------------------------------------------------------------------ */

static const struct pack_options usual = { .target_s = 1800,
                                           .max_s = 86400,
                                           .safety = 2,
                                           .slots = 1,
                                           .max_array = 1001,
                                           .known = true };

/* Every run once, in order within its task; tasks in one array; what Slurm
 * allows. */
static void check_pack(const struct pack *p, const double *est, int n,
                       const struct pack_options *o)
{
    char *seen = mem_alloc((size_t)n + 1);
    int tasks = 0, at_once = 0;

    for (int i = 0; i < p->n_tasks; i++) {
        const struct pack_task *t = &p->tasks[i];
        double sum = 0;

        for (int k = t->first; k < t->first + t->n; k++) {
            assert_int_equal(seen[k], 0);
            seen[k] = 1;
            sum += est[k];
        }
        assert_true(t->limit_s <= o->max_s);
        if (o->known && !t->too_long)
            assert_true(t->limit_s == o->max_s ||
                        t->limit_s >= o->safety * sum / o->slots);
        if (o->known && t->n > o->slots)
            assert_true(sum / o->slots <= o->target_s * (1 + 1e-12));
    }
    for (int k = 0; k < n; k++)
        assert_int_equal(seen[k], 1);
    for (int i = 0; i < p->n_arrays; i++) {
        const struct pack_array *a = &p->arrays[i];

        assert_int_equal(a->first, tasks);
        assert_true(a->n >= 1 && a->n - 1 < o->max_array); /* the index */
        for (int k = 0; k < a->n; k++)
            assert_true(p->tasks[a->first + k].limit_s == a->limit_s);
        tasks += a->n;
        at_once += a->throttle;
    }
    assert_int_equal(tasks, p->n_tasks);
    if (o->max_running >= p->n_arrays && o->max_running > 0)
        assert_true(at_once <= o->max_running);
    free(seen);
}

static void short_runs_share_a_task_and_long_ones_do_not(void **state)
{
    double est[30];
    struct pack p;

    (void)state;
    for (int i = 0; i < 30; i++)
        est[i] = i < 24 ? 300 : 7200; /* six fit into half an hour */
    pack_make(&p, est, 30, &usual);
    check_pack(&p, est, 30, &usual);
    assert_int_equal(p.n_tasks, 24 / 6 + 6);
    assert_int_equal(p.n_arrays, 2);
    /* 2 x 30 min + 5 min, to the next of the usual limits: 90 min; 2 x 2 h + 5
     * min: 6 h */
    check_close(p.arrays[0].limit_s, 90 * 60, 0);
    check_close(p.arrays[1].limit_s, 6 * 3600, 0);
    pack_release(&p);
}

static void a_run_longer_than_any_limit_gets_the_longest(void **state)
{
    const double est[] = { 100, 200000 };
    struct pack p;

    (void)state;
    pack_make(&p, est, 2, &usual);
    assert_int_equal(p.n_tasks, 2);
    assert_true(p.tasks[1].too_long && !p.tasks[0].too_long);
    check_close(p.tasks[1].limit_s, 86400, 0);
    pack_release(&p);
}

static void unknown_lengths_get_a_task_each_and_the_longest_limit(void **state)
{
    const double est[5] = { 0 };
    struct pack_options o = usual;
    struct pack p;

    (void)state;
    o.known = false;
    pack_make(&p, est, 5, &o);
    check_pack(&p, est, 5, &o);
    assert_int_equal(p.n_tasks, 5);
    check_close(p.arrays[0].limit_s, 86400, 0);
    pack_release(&p);
}

static void any_packing_is_legal(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        const uint64_t key = rng_key(i, RNG_TEST, 1);
        const int n = (int)rng_below(key, 0, 400);
        struct pack_options o = usual;
        double *est = mem_array((size_t)n + 1, sizeof *est);
        struct pack p;

        o.slots = 1 + (int)rng_below(key, 1, 4);
        o.max_array = 1 + (int)rng_below(key, 2, 40);
        o.max_running = (int)rng_below(key, 3, 60);
        o.known = rng_below(key, 4, 10) > 0;
        for (int k = 0; k < n; k++)
            est[k] = o.known ? exp(12 * rng_f64(key, 10 + (uint64_t)k)) : 0;
        pack_make(&p, est, n, &o);
        check_pack(&p, est, n, &o);
        pack_release(&p);
        free(est);
    }
}

/* --- scripts ------------------------------------------------------------------ */

static void a_script_says_what_the_grid_asks_for(void **state)
{
    const struct script_names names = { "my grid",  "1a2b3c4d",
                                        "5e",       "/tmp/a b/runs",
                                        "/tmp/a b", "/opt/it's/qlaw" };
    const struct pack_array a = { .n = 23, .limit_s = 8400, .throttle = 8 };
    struct config *c = config_new();
    struct str s = { 0 };
    struct err err;

    (void)state;
    check_ok(config_set(c, "slurm.gres", "gpu:1", &err), err);
    check_ok(config_set(c, "slurm.cpus", "8", &err), err);
    check_ok(config_set(c, "slurm.args", "--exclusive --nice=5", &err), err);
    check_ok(config_set(c, "slurm.setup", "module load cuda", &err), err);
    check_ok(script_print(&s, c, &a, 1001, &names, &err), err);
    assert_string_equal(
        str_text(&s),
        "#!/bin/sh\n"
        "#SBATCH --job-name=qlaw:my-grid:1a2b3c4d\n"
        "#SBATCH --array=0-22%8\n"
        "#SBATCH --time=02:20:00\n"
        "#SBATCH --cpus-per-task=8\n"
        "#SBATCH --gres=gpu:1\n"
        "#SBATCH --exclusive\n"
        "#SBATCH --nice=5\n"
        "#SBATCH --open-mode=append\n"
        "#SBATCH --requeue\n"
        "#SBATCH --signal=B:TERM@70\n"
        "#SBATCH --output=\"/tmp/a b/runs/slurm/1a2b3c4d_%a.out\"\n"
        "#SBATCH --chdir=\"/tmp/a b\"\n"
        "#SBATCH --comment=qlaw:5e\n"
        "module load cuda\n"
        "exec '/opt/it'\\''s/qlaw' worker --bundle "
        "'/tmp/a b/runs/bundles/1a2b3c4d.jsonl' --task "
        "\"${SLURM_ARRAY_TASK_ID:-0}\"\n");
    str_release(&s);
    config_free(c);
}

static char *script_of(const char *key, const char *value, double limit_s)
{
    const struct script_names names = {
        "g", "1a2b3c4d", "5e", "/r", "/f", "/q"
    };
    const struct pack_array a = { .n = 1, .limit_s = limit_s };
    struct config *c = config_new();
    struct str s = { 0 };
    struct err err;

    check_ok(config_set(c, key, value, &err), err);
    check_ok(slurm_keys_check(c, &err), err);
    check_ok(script_print(&s, c, &a, 1001, &names, &err), err);
    config_free(c);
    return str_steal(&s);
}

/* Words as a shell parts them, one option a line, as sbatch takes them. */
static void options_keep_their_quotes_together(void **state)
{
    static const struct {
        const char *args, *lines;
    } rows[] = {
        { "--comment='it is mine' --nice", "--comment=\"it is mine\"\n#SBATCH "
                                           "--nice\n" },
        { "-w node3 -J \"a b\"", "-w node3\n#SBATCH -J \"a b\"\n" },
        { "--export=A=1,B='x y'", "--export=\"A=1,B=x y\"\n" },
        { "--prefer=a\\ b  --hold", "--prefer=\"a b\"\n#SBATCH --hold\n" },
        { "--comment=\"say \\\"hi\\\"\"", "--comment=\"say \\\"hi\\\"\"\n" },
        { "--exclude=n[1-3],n7", "--exclude=n[1-3],n7\n" },
    };
    struct config *c = config_new();
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = script_of("slurm.args", rows[i].args, 600);
        char *want = mem_printf("#SBATCH %s#SBATCH --open-mode", rows[i].lines);

        if (!strstr(text, want))
            fail_msg("%s: %s", rows[i].args, text);
        free(want);
        free(text);
    }
    check_ok(config_set(c, "slurm.args", "--comment=\"two words", &err), err);
    assert_int_equal(slurm_keys_check(c, &err), ERR_CONFIG);
    check_says(err, "slurm.args: a \" is not closed");
    config_free(c);
}

/* Half of the time is for work, and the limit is what was asked for. */
static void a_task_works_half_of_its_time_at_least(void **state)
{
    static const struct {
        const char *grace;
        double limit_s;
        const char *time;
        int signal;
    } rows[] = {
        { "10s", 600, "00:10:00", 70 },   { "5m", 600, "00:10:00", 300 },
        { "20s", 75, "00:01:15", 37 },    { "2h", 86400, "1-00:00:00", 7260 },
        { "1h", 7201, "02:00:01", 3600 }, { "1s", 3599, "00:59:59", 61 },
    };
    static const struct {
        const char *grace, *max_time;
        bool fine;
    } checks[] = {
        { "10s", "60", true },  { "30s", "1m", true },   { "31s", "1m", false },
        { "12h", "24h", true }, { "13h", "24h", false }, { "2h", "90m", false },
    };
    struct config *c = config_new();
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = script_of("run.grace", rows[i].grace, rows[i].limit_s);
        char *time = mem_printf("--time=%s\n", rows[i].time);
        char *signal = mem_printf("TERM@%d\n", rows[i].signal);

        if (!strstr(text, time) || !strstr(text, signal))
            fail_msg("grace %s: %s", rows[i].grace, text);
        free(time);
        free(signal);
        free(text);
    }
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        check_ok(config_set(c, "run.grace", checks[i].grace, &err), err);
        check_ok(config_set(c, "slurm.max_time", checks[i].max_time, &err),
                 err);
        if ((slurm_keys_check(c, &err) == OK) != checks[i].fine)
            fail_msg("grace %s of %s", checks[i].grace, checks[i].max_time);
    }
    config_free(c);
}

static void a_limit_has_room_for_the_grace(void **state)
{
    static const double graces[] = { 10, 300, 1200, 7200, 40000 };

    (void)state;
    for (int i = 0; i < 5; i++) {
        const double est[1] = { 60 };
        struct pack_options o = usual;
        struct pack p;

        o.early_s = graces[i] + 60;
        pack_make(&p, est, 1, &o);
        assert_true(p.arrays[0].limit_s >= 2 * o.early_s);
        assert_false(p.tasks[0].too_long);
        pack_release(&p);
    }
}

static void a_value_cannot_add_a_line_to_a_script(void **state)
{
    const struct script_names names = {
        "g", "1a2b3c4d", "5e", "/r", "/f", "/q"
    };
    const struct pack_array a = { .n = 1, .limit_s = 600 };
    struct config *c = config_new();
    struct str s = { 0 };
    struct err err;

    (void)state;
    check_ok(config_set(c, "slurm.partition", "gpu\n#SBATCH --uid=0", &err),
             err);
    assert_int_equal(script_print(&s, c, &a, 1001, &names, &err), ERR_CONFIG);
    check_says(err, "slurm.partition holds the end of a line");
    str_release(&s);
    config_free(c);
}

/* Quotes are no help there: a line of #SBATCH ends where its text does. */
static void no_name_can_add_a_line_to_a_script(void **state)
{
    static const struct script_names rows[] = {
        { "g", "1a", "5e", "/r\nrm -rf /", "/f", "/q" },
        { "g", "1a", "5e", "/r", "/f\r\nid", "/q" },
        { "g", "1a", "5e", "/r", "/f", "/q\n#SBATCH --uid=0" },
        { "g", "1a", "5e\n\033[2J", "/r", "/f", "/q" },
        { "g", "1a\n. /tmp/x", "5e", "/r", "/f", "/q" },
    };
    const struct pack_array a = { .n = 1, .limit_s = 600 };
    struct config *c = config_new();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str s = { 0 };
        struct err err;

        assert_int_equal(script_print(&s, c, &a, 1001, &rows[i], &err),
                         ERR_CONFIG);
        check_says(err, "which no job script can hold");
        str_release(&s);
    }
    config_free(c);
}

/* --- file systems --------------------------------------------------------------- */

/* Values of linux/magic.h and statfs(2), not of the table. */
static void network_file_systems_are_known_by_their_numbers(void **state)
{
    static const struct {
        unsigned long magic;
        const char *name; /* NULL: a local one */
    } rows[] = {
        { 0x6969, "NFS" },
        { 0xff534d42, "CIFS" },
        { 0x65735546, "FUSE" },
        { 0x00c36400, "Ceph" },
        { 0x5346414f, "AFS" },
        { 0x0bd00bd0, "Lustre" },
        { 0x47504653, "GPFS" },
        { 0xef53, NULL },                 /* ext4 */
        { 0x58465342, NULL },             /* xfs */
        { 0x9123683e, NULL },             /* btrfs */
        { 0x01021994, NULL },             /* tmpfs */
        { 0x794c7630, NULL },             /* overlayfs */
        { 0xffffffffff534d42ul, "CIFS" }, /* a negative f_type */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *name = netfs_of_magic(rows[i].magic);

        if (rows[i].name)
            assert_string_equal(name ? name : "(none)", rows[i].name);
        else
            assert_null(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_are_read_as_slurm_prints_them),
        cmocka_unit_test(histories_are_read_as_slurm_prints_them),
        cmocka_unit_test(what_is_no_list_is_not_believed),
        cmocka_unit_test(a_range_says_which_tasks_wait),
        cmocka_unit_test(a_final_state_is_one_that_is_left_no_more),
        cmocka_unit_test(absence_is_not_an_end),
        cmocka_unit_test(a_configuration_names_the_cluster),
        cmocka_unit_test(a_job_number_is_a_number),
        cmocka_unit_test(odd_answers_do_no_harm),
        cmocka_unit_test(short_runs_share_a_task_and_long_ones_do_not),
        cmocka_unit_test(a_run_longer_than_any_limit_gets_the_longest),
        cmocka_unit_test(unknown_lengths_get_a_task_each_and_the_longest_limit),
        cmocka_unit_test(any_packing_is_legal),
        cmocka_unit_test(a_script_says_what_the_grid_asks_for),
        cmocka_unit_test(options_keep_their_quotes_together),
        cmocka_unit_test(a_task_works_half_of_its_time_at_least),
        cmocka_unit_test(a_limit_has_room_for_the_grace),
        cmocka_unit_test(a_value_cannot_add_a_line_to_a_script),
        cmocka_unit_test(no_name_can_add_a_line_to_a_script),
        cmocka_unit_test(network_file_systems_are_known_by_their_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
