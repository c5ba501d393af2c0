/* train.c - one run, as the scheduler starts it or a person by hand. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/proto/exec_trainer.h"
#include "harness/verbs/run_config.h"
#include "harness/verbs/verbs.h"
#include "post/post.h"
#include "trainer/branch.h"
#include "trainer/dump.h"
#include "trainer/run.h"

static const struct cli_option options[] = {
    { "config", 'c', "FILE", "the configuration as JSON; - reads stdin" },
    { "set", 's', "KEY=VALUE", "change a key (repeatable)" },
    { "seed", 0, "N",
      "initial weights and rounding (default: the file's, "
      "else 1)" },
    { "data-seed", 0, "N", "order of the data (default: the seed)" },
    { "dir", 0, "DIR", "keep checkpoints here and resume from them" },
    { "metrics", 0, "FILE",
      "append JSON lines here (default: $QLAW_METRICS, "
      "else stdout); a number is an open descriptor" },
    { "threads", 't', "N",
      "threads (default: run.threads); results do not "
      "depend on it" },
    { "branch", 0, "DIR",
      "leave a checkpoint in DIR, whose config.json differs "
      "in its length only (repeatable)" },
    { "parent", 0, "DIR",
      "with [post]: take the weights of the training before from "
      "DIR, if they are there (default: where they stand beside --dir)" },
    { "keep-weights", 0, NULL, "leave the weights in --dir at the end" },
    { "stop-after", 0, "STEP", "stop after this step as a signal would" },
    { "dump-weights", 0, "FILE", "write the initial weights and end" },
    { "dump-batches", 0, "N", "with --dump-weights: append N batches" },
    { NULL, 0, NULL, NULL },
};

/* A signal only asks; the loop stops at the end of its step.  A second Ctrl-C
 * ends at once. */
static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal)
{
    (void)signal;
    stop_asked = 1;
}

#define GRACE_S 2 /* to save in, once the scheduler is gone */

/* The scheduler holds the other end of this descriptor open; when it is gone,
 * so should we be, whatever became of the parent-death signal.  Ending in the
 * middle of a save is safe: a checkpoint appears by its rename. */
static void *watch_life(void *arg)
{
    struct pollfd p = { .fd = (int)(intptr_t)arg, .events = POLLIN };

    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    stop_asked = 1;
    sleep(GRACE_S);
    _exit(err_exit_code(ERR_STOPPED));
}

static void prepare_to_end(void)
{
    const char *life = getenv("QLAW_LIFE_FD");
    const int signals[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
    struct sigaction action = { .sa_handler = ask_to_stop };
    pthread_t thread;

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        action.sa_flags = signals[i] == SIGINT ? (int)SA_RESETHAND : 0;
        sigaction(signals[i], &action, NULL);
    }
    if (!life)
        return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (pthread_create(&thread, NULL, watch_life,
                       (void *)(intptr_t)atoi(life)) == 0)
        pthread_detach(thread);
}

static enum status open_metrics(int *fd, const struct cli *cli, struct err *err)
{
    const char *path = cli_value(cli, "metrics", getenv("QLAW_METRICS"));

    *fd = STDOUT_FILENO;
    if (!path || !*path)
        return OK;
    if (strspn(path, "0123456789") == strlen(path)) {
        *fd = atoi(path);
        return fcntl(*fd, F_SETFD, FD_CLOEXEC) == 0
                   ? OK
                   : err_errno(err, ERR_IO, "metrics descriptor %s", path);
    }
    *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    return *fd < 0 ? err_errno(err, ERR_IO, "%s", path) : OK;
}

static enum status apply_sets(struct config *c, const struct cli *cli,
                              struct err *err)
{
    const char *set, *threads = cli_value(cli, "threads", NULL);
    enum status st = threads ? config_set(c, "run.threads", threads, err) : OK;

    for (int i = 0; st == OK && (set = cli_nth(cli, "set", i)); i++) {
        const size_t n = strcspn(set, "=");
        char *key = mem_strndup(set, n), *value;

        value = mem_strdup(set[n] ? set + n + 1 : "");
        st = set[n] ? config_set(c, text_trim(key), text_trim(value), err)
                    : err_set(err, ERR_USAGE, "-s %s: expected KEY=VALUE", set);
        free(key);
        free(value);
    }
    return st;
}

/* --- branches ------------------------------------------------------------- */

/* The run of a folder; false when it cannot be read, and then it will train
 * alone. */
static bool read_branch(struct run_branch *out, const struct cli *cli,
                        const char *dir)
{
    char *path = mem_printf("%s/config.json", dir);
    struct config *c = NULL;
    json_t *json = NULL;
    struct err err;
    const bool ok = run_config_read(&c, &json, path, &err) == OK &&
                    config_resolve(c, &err) == OK;

    if (ok) {
        const uint64_t seed = run_config_seed(json, "seed", -1, 1);

        *out = (struct run_branch){
            c, seed, run_config_seed(json, "data_seed", -1, seed), dir
        };
    } else {
        cli_error(cli, "%s", err.text);
        config_free(c);
    }
    json_decref(json);
    free(path);
    return ok;
}

static struct run_branch *read_branches(int *n, const struct cli *cli)
{
    struct run_branch *list = NULL;
    const char *dir;

    *n = 0;
    for (int i = 0; (dir = cli_nth(cli, "branch", i)); i++) {
        list = mem_grow(list, (size_t)*n + 1, sizeof *list);
        *n += read_branch(&list[*n], cli, dir);
    }
    return list;
}

static void free_branches(struct run_branch *list, int n)
{
    for (int i = 0; i < n; i++)
        config_free((struct config *)list[i].config);
    free(list);
}

/* --- the run -------------------------------------------------------------- */

static void report(const struct cli *cli, const struct run_result *r)
{
    char wall[32];

    if (r->stopped) {
        cli_note(cli, "%s", r->reason);
        return;
    }
    for (int i = 0; i < r->n_numbers; i++)
        if (strcmp(r->numbers[i].name, "delta") == 0)
            cli_note(cli, "rounding costs %.6f +- %.6f nats per token",
                     r->numbers[i].value, r->numbers[i + 1].value);
    cli_note(cli,
             "loss %.6f +- %.6f nats per token after %lld steps, %lld "
             "tokens, %s",
             r->loss, r->loss_se, (long long)r->steps, (long long)r->tokens,
             text_duration(wall, r->wall_s));
}

/* Where the run that this one begins with may be; the caller frees it, NULL: not
 * known. */
static char *parent_of(const struct cli *cli, const struct config *c,
                       uint64_t seed)
{
    const char *dir = cli_value(cli, "dir", NULL);
    const char *said = cli_value(cli, "parent", NULL);

    if (said)
        return mem_strdup(said);
    return dir && config_is_post(c) ? run_config_parent(dir, c, seed) : NULL;
}

static enum status train(struct cli *cli, const struct config *c, uint64_t seed,
                         uint64_t data_seed, struct err *err)
{
    struct run_io io = { .dir = cli_value(cli, "dir", NULL),
                         .keep_weights = cli_flag(cli, "keep-weights") ||
                                         config_run_keep_weights(c),
                         .isa_cap = getenv("QLAW_ISA"),
                         .stop = &stop_asked };
    struct run_branch *branches;
    struct run_result r;
    char *parent;
    double after, batches;
    const char *dump = cli_value(cli, "dump-weights", NULL);
    enum status st = cli_number(&after, cli, "stop-after", 0, 0, 1e15, err);

    if (st == OK)
        st = cli_number(&batches, cli, "dump-batches", 0, 0, 1e6, err);
    if (st == OK && dump)
        return dump_weights(dump, c, seed, data_seed, (int)batches, err);
    if (st == OK && io.dir)
        st = file_make_dirs(io.dir, err);
    if (st == OK)
        st = open_metrics(&io.metrics_fd, cli, err);
    if (st != OK)
        return st;
    io.stop_after = (int64_t)after;
    io.branches = branches = read_branches(&io.n_branches, cli);
    prepare_to_end();
    io.parent = parent = parent_of(cli, c, seed);
    st = (config_is_post(c) ? post_run : run_train)(&r, c, seed, data_seed, &io,
                                                    err);
    free_branches(branches, io.n_branches);
    free(parent);
    if (st == OK)
        report(cli, &r);
    return st;
}

/* A trainer of the user's own takes our place. */
static enum status become(const struct cli *cli, const struct config *c,
                          uint64_t seed, uint64_t data_seed, struct err *err)
{
    const struct exec_job job = { cli_value(cli, "config", NULL),
                                  cli_value(cli, "dir", NULL),
                                  cli_value(cli, "parent", NULL), seed,
                                  data_seed };

    if (!job.config_path || strcmp(job.config_path, "-") == 0 ||
        cli_nth(cli, "set", 0))
        return err_set(err, ERR_USAGE,
                       "trainer.kind = exec: the trainer reads its "
                       "configuration from a file; give --config FILE alone");
    if (job.dir && file_make_dirs(job.dir, err) != OK)
        return ERR_IO;
    return exec_trainer_become(c, &job, cli_value(cli, "metrics", NULL), err);
}

static enum status run(struct cli *cli, struct err *err)
{
    struct config *c = NULL;
    json_t *json = NULL;
    double seed, data_seed;
    const char *path = cli_value(cli, "config", NULL);
    enum status st = cli_number(&seed, cli, "seed", -1, 0, 0x1p53, err);

    if (st == OK)
        st = cli_number(&data_seed, cli, "data-seed", -1, 0, 0x1p53, err);
    if (st == OK && path)
        st = run_config_read(&c, &json, path, err);
    else if (st == OK)
        c = config_new();
    if (st == OK)
        st = apply_sets(c, cli, err);
    if (st == OK)
        st = config_resolve(c, err);
    if (st == OK) {
        const uint64_t s = run_config_seed(json, "seed", seed, 1);
        const uint64_t d = run_config_seed(json, "data_seed", data_seed,
                                           run_config_order(c, s));

        st = config_is_exec(c) ? become(cli, c, s, d, err)
                               : train(cli, c, s, d, err);
    }
    json_decref(json);
    config_free(c);
    return st;
}

const struct verb verb_train = {
    .name = "train",
    .args = "",
    .summary = "one run by hand; what the scheduler starts",
    .example = "qlaw train -s data.path=book.txt -s quant.w=int4 -s "
               "quant.x=int4",
    .options = options,
    .detail = "Curve points and the final loss are JSON lines.  Keys without "
              "a value have\ntheir defaults (qlaw keys).  Ends with 65 when "
              "the run diverged, 75 when it\nwas stopped with its state "
              "saved, 64 when the configuration is not supported.",
    .run = run,
};
