#include "harness/proto/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"
#include "harness/proto/record_sum.h"

void record_draw_token(char token[RECORD_TOKEN])
{
    uint32_t word[4];

    /* Only an early boot or a very old kernel has no randomness to give. */
    if (getrandom(word, sizeof word, 0) != sizeof word) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        rng_philox(word, (uint64_t)now.tv_sec << 32 | (uint64_t)getpid(),
                   (uint64_t)now.tv_nsec);
    }
    snprintf(token, RECORD_TOKEN, "%08x%08x%08x%08x", word[0], word[1], word[2],
             word[3]);
}

char *record_root(const char *db_path)
{
    char *copy = mem_strdup(db_path);
    char *root = mem_printf("%s/runs", dirname(copy));

    free(copy);
    return root;
}

char *record_folder(const char *db_path, const char *point_id, uint64_t seed)
{
    char *root = record_root(db_path);
    char *folder = record_folder_in(root, point_id, seed);

    free(root);
    return folder;
}

const char *record_run_name(char out[RECORD_RUN], const char *point_id,
                            uint64_t seed)
{
    snprintf(out, RECORD_RUN, "%.12s-%llu", point_id, (unsigned long long)seed);
    return out;
}

char *record_folder_in(const char *root, const char *point_id, uint64_t seed)
{
    char name[RECORD_RUN];

    return mem_printf("%s/%s", root, record_run_name(name, point_id, seed));
}

void record_sweep(const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *e;

    while (d && (e = readdir(d))) {
        char *path;

        if (!file_temp_is_left(folder, e->d_name))
            continue;
        path = mem_printf("%s/%s", folder, e->d_name);
        unlink(path);
        free(path);
    }
    if (d)
        closedir(d);
}

enum record_lock record_lock(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return LOCK_FREE;
    return errno == EAGAIN || errno == EACCES ? LOCK_HELD : LOCK_NONE;
}

enum record_lock record_lock_look(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_OFD_GETLK, &whole) != 0)
        return LOCK_NONE;
    return whole.l_type == F_UNLCK ? LOCK_FREE : LOCK_HELD;
}

int record_claim(bool *held, const char *folder, bool create)
{
    char *path = mem_printf("%s/metrics.jsonl", folder);
    struct stat sb;
    int fd = open(path,
                  O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
                      (create ? O_CREAT : 0),
                  0666);

    free(path);
    *held = fd >= 0 && record_lock(fd) == LOCK_HELD;
    if (fd >= 0 && (*held || fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* --- writing ------------------------------------------------------------------- */

char *record_begin_line(const struct attempt_begin *b)
{
    struct str s = { 0 };

    str_add(&s, "{");
    json_add_number(&s, "attempt", b->number);
    json_add_text(&s, "begin", b->at);
    json_add_text(&s, "token", b->token);
    json_add_text(&s, "store", b->store);
    json_add_text(&s, "point", b->point);
    json_add_number(&s, "pid", (double)b->process.pid);
    json_add_number(&s, "start_ticks", (double)b->process.start_ticks);
    json_add_text(&s, "boot", b->process.boot);
    json_add_text(&s, "host", b->host);
    json_add_text(&s, "env", b->env);
    if (*b->slurm_job)
        json_add_text(&s, "slurm_job", b->slurm_job);
    if (b->from_step > 0)
        json_add_number(&s, "from_step", (double)b->from_step);
    str_add(&s, "}");
    return str_steal(&s);
}

char *record_end_line(int number, const struct attempt_end *e)
{
    struct str s = { 0 };

    str_add(&s, "{");
    json_add_number(&s, "attempt", number);
    json_add_text(&s, "end", e->at);
    json_add_text(&s, "outcome", outcomes[e->outcome]);
    json_add_text(&s, "state", run_states[e->state]);
    if (e->exit_code >= 0)
        json_add_number(&s, "exit_code", e->exit_code);
    if (e->term_signal > 0)
        json_add_number(&s, "term_signal", e->term_signal);
    json_add_number(&s, "wall_s", e->wall_s);
    json_add_number(&s, "cpu_s", e->cpu_s);
    json_add_number(&s, "max_rss", (double)e->max_rss);
    if (*e->message)
        json_add_text(&s, "message", e->message);
    str_add(&s, "}");
    return str_steal(&s);
}

/* --- reading ------------------------------------------------------------------- */

static void take_text(char *to, size_t size, const json_t *json,
                      const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    snprintf(to, size, "%s", text ? text : "");
}

static double take_number(const json_t *json, const char *key, double fallback)
{
    const json_t *value = json_object_get(json, key);

    return json_is_number(value) ? json_number_value(value) : fallback;
}

static void read_begin(const json_t *json, const struct record_reader *r)
{
    struct attempt_begin b = {
        .number = (int)take_number(json, "attempt", 0),
        .process.pid = (int64_t)take_number(json, "pid", 0),
        .process.start_ticks = (int64_t)take_number(json, "start_ticks", 0),
        .from_step = (int64_t)take_number(json, "from_step", 0),
    };

    take_text(b.token, sizeof b.token, json, "token");
    take_text(b.store, sizeof b.store, json, "store");
    take_text(b.point, sizeof b.point, json, "point");
    take_text(b.env, sizeof b.env, json, "env");
    take_text(b.process.boot, sizeof b.process.boot, json, "boot");
    take_text(b.host, sizeof b.host, json, "host");
    take_text(b.slurm_job, sizeof b.slurm_job, json, "slurm_job");
    take_text(b.at, sizeof b.at, json, "begin");
    if (r->begin && b.number > 0)
        r->begin(r->ctx, &b);
}

static enum outcome find_outcome(const char *word)
{
    for (int i = 0; word && i < OUTCOMES; i++)
        if (strcmp(outcomes[i], word) == 0)
            return (enum outcome)i;
    return OUTCOMES;
}

static void read_end(const json_t *json, const struct record_reader *r)
{
    const char *state = json_string_value(json_object_get(json, "state"));
    struct attempt_end e = {
        .state = state ? run_state_find(state) : RUN_STATES,
        .outcome =
            find_outcome(json_string_value(json_object_get(json, "outcome"))),
        .exit_code = (int)take_number(json, "exit_code", -1),
        .term_signal = (int)take_number(json, "term_signal", 0),
        .wall_s = take_number(json, "wall_s", NAN),
        .cpu_s = take_number(json, "cpu_s", NAN),
        .max_rss = (int64_t)take_number(json, "max_rss", 0),
    };

    take_text(e.message, sizeof e.message, json, "message");
    take_text(e.at, sizeof e.at, json, "end");
    if (r->end && e.state != RUN_STATES && e.outcome != OUTCOMES)
        r->end(r->ctx, (int)take_number(json, "attempt", 0), &e);
}

/* A file while it is told. */
struct telling {
    const struct record_reader *r;
    const char *path;
    bool *bad; /* of each attempt */
    int n, at; /* attempts; begin records met */
    int64_t line;
    bool skip;
};

static void tell_damage(const struct telling *t, int64_t line)
{
    if (t->r->damaged)
        t->r->damaged(t->r->ctx, t->path, line);
}

static void read_ours(struct telling *t, const char *text, size_t n)
{
    json_t *json = NULL;

    if (memmem(text, n, "\"begin\":", 8)) {
        t->skip = t->at < t->n && t->bad[t->at];
        t->at++;
        if (t->skip)
            tell_damage(t, t->line);
    }
    if (!t->skip)
        json = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    if (json_object_get(json, "begin"))
        read_begin(json, t->r);
    else if (json_object_get(json, "end"))
        read_end(json, t->r);
    json_decref(json);
}

static void read_line(struct telling *t, const char *text, size_t n)
{
    struct metrics_line m;

    t->line++;
    if (text_has_prefix(text, "{\"attempt\":")) {
        read_ours(t, text, n);
    } else if (!t->skip && metrics_line_read(&m, text, n, NULL) == OK) {
        if (t->r->line)
            t->r->line(t->r->ctx, &m);
        metrics_line_release(&m);
    }
}

enum status record_read(const char *folder, const struct record_reader *r,
                        struct err *err)
{
    char *path = mem_printf("%s/metrics.jsonl", folder);
    const enum status st = record_read_file(path, r, err);

    free(path);
    return st;
}

enum status record_read_file(const char *path, const struct record_reader *r,
                             struct err *err)
{
    struct telling t = { .r = r, .path = path };
    FILE *f = file_open(path);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int64_t orphan = 0;
    enum status st = OK;

    if (!f)
        st = err_errno(err, ERR_IO, "%s", path);
    else
        t.bad = record_scan(&t.n, &orphan, f);
    if (orphan)
        tell_damage(&t, orphan);
    if (f)
        rewind(f);
    while (f && (n = getline(&line, &cap, f)) > 0)
        if (line[n - 1] == '\n') {
            line[n - 1] = '\0';
            read_line(&t, line, (size_t)n - 1);
        }
    if (f && ferror(f))
        st = err_errno(err, ERR_IO, "%s: cannot read", path);
    if (f)
        fclose(f);
    free(t.bad);
    free(line);
    return st;
}
