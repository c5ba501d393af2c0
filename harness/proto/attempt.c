#include "harness/proto/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/proto/record_sum.h"
#include "trainer/run.h"

#define LOG_TAIL 4096 /* bytes of the log that are looked at */

/* A log is for people.  A trainer that says something a step for a million
 * steps stays below this; one that is caught in a loop fills a disk. */
#define LOG_LIMIT (256ll << 20)

/* --- the folder -------------------------------------------------------------- */

static bool same_content(const char *path, const char *text)
{
    struct str have = { 0 };
    const bool same = file_read(&have, path, strlen(text) + 1, NULL) == OK &&
                      strcmp(str_text(&have), text) == 0;

    str_release(&have);
    return same;
}

enum status attempt_prepare(const char *folder, const struct config *c,
                            uint64_t seed, uint64_t data_seed, struct err *err)
{
    json_t *json = config_json(c);
    char *path = mem_printf("%s/config.json", folder), *text;
    enum status st = OK;

    json_object_set_new(json, "seed", json_integer((json_int_t)seed));
    json_object_set_new(json, "data_seed", json_integer((json_int_t)data_seed));
    text = json_canonical_text(json);
    if (access(folder, F_OK) == 0) {
        record_sweep(folder);
    } else {
        st = file_make_dirs(folder, err);
        if (st == OK)
            st = file_sync_dir(folder, err);
    }
    if (st == OK && !same_content(path, text))
        st = file_replace(path, text, strlen(text), err);
    free(text);
    free(path);
    json_decref(json);
    return st;
}

struct attempt *attempt_new(char *folder, double steps,
                            const struct attempt_begin *begin)
{
    struct attempt *a = mem_alloc(sizeof *a);
    struct stat sb;

    a->folder = folder;
    a->config_path = mem_printf("%s/config.json", folder);
    a->log_path = mem_printf("%s/log.txt", folder);
    a->fd = -1;
    a->log_start = stat(a->log_path, &sb) == 0 ? sb.st_size : 0;
    a->begin = *begin;
    a->steps = steps;
    a->loss = NAN;
    a->first = true;
    a->final.loss = NAN;
    return a;
}

void attempt_free(struct attempt *a)
{
    if (!a)
        return;
    if (a->fd >= 0)
        close(a->fd);
    free(a->folder);
    free(a->config_path);
    free(a->log_path);
    free(a->records_path);
    str_release(&a->open);
    free(a);
}

/* --- records ------------------------------------------------------------------ */

void attempt_record(struct attempt *a, const char *line, size_t n)
{
    struct str s = { 0 };

    if (a->fd < 0)
        return;
    str_add_n(&s, line, n);
    str_add_char(&s, '\n');
    a->sum = record_sum(a->sum, s.data, s.len);
    if (file_write_all(a->fd, s.data, s.len, "", NULL) != OK)
        a->full = true;
    str_release(&s);
}

/* An earlier attempt may have been cut off in the middle of a line. */
static void end_torn_line(int fd)
{
    const off_t size = lseek(fd, 0, SEEK_END);
    char last = '\n';

    if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n')
        file_write_all(fd, "\n", 1, "", NULL);
}

void attempt_begin(struct attempt *a, pid_t pid)
{
    char *path = a->records_path ? mem_strdup(a->records_path)
                                 : mem_printf("%s/metrics.jsonl", a->folder);
    char *line;

    process_find(&a->begin.process, pid);
    clock_iso(a->begin.at);
    if (a->fd < 0) /* nobody claimed it before: a task of a cluster */
        a->fd = open(path,
                     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
                         O_NONBLOCK,
                     0666);
    if (a->fd < 0)
        a->full = true;
    else
        end_torn_line(a->fd);
    line = record_begin_line(&a->begin);
    attempt_record(a, line, strlen(line));
    free(line);
    free(path);
}

bool attempt_log_overflows(struct attempt *a)
{
    struct stat sb;

    if (stat(a->log_path, &sb) != 0 || sb.st_size - a->log_start < LOG_LIMIT)
        return false;
    snprintf(a->complaint, sizeof a->complaint,
             "its log is longer than %lld MB", LOG_LIMIT >> 20);
    return true;
}

void attempt_end(struct attempt *a, const struct attempt_end *e)
{
    char *line = record_seal(a->sum, record_end_line(a->begin.number, e));

    attempt_record(a, line, strlen(line));
    free(line);
}

void attempt_sync(struct attempt *a)
{
    if (a->fd < 0)
        return;
    if (fsync(a->fd) != 0)
        a->full = true;
    close(a->fd);
    a->fd = -1;
}

/* --- judging ---------------------------------------------------------------------- */

/* A line of a log is bytes; what is kept of it in records and in the database is
 * UTF-8, the same in both: what is not, or was cut, is U+FFFD there and here. */
static void keep_line(char *out, size_t size, const char *line)
{
    struct str kept = { 0 };
    size_t n;

    for (const char *p = line; *p; p += n) {
        const uint32_t c = text_decode(p, &n);
        const bool bad = c == TEXT_NOT_UTF8;

        if (kept.len + (bad ? 3 : n) >= size)
            break;
        if (bad)
            str_add(&kept, "\xef\xbf\xbd");
        else if (c < ' ' || c == 0x7f)
            str_add_char(&kept, ' ');
        else
            str_add_n(&kept, p, n);
    }
    snprintf(out, size, "%s", str_text(&kept));
    str_release(&kept);
}

/* The last line of a text file that says something, without control
 * characters. */
static void last_words(char *out, size_t size, const struct attempt *a)
{
    char text[LOG_TAIL + 1], *start, *line;
    const int fd = open(a->log_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    off_t from = a->log_start;
    struct stat sb;
    ssize_t n = -1;

    snprintf(out, size, "nothing in its log");
    if (fd >= 0 && fstat(fd, &sb) == 0) {
        from = sb.st_size - LOG_TAIL > from ? sb.st_size - LOG_TAIL : from;
        n = pread(fd, text, LOG_TAIL, from);
    }
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return;
    for (ssize_t i = 0; i < n; i++)
        text[i] = text[i] ? text[i] : ' '; /* a zero ends no log */
    text[n] = '\0';
    start = text_trim(text);
    line = strrchr(start, '\n');
    line = line ? line + 1 : start;
    if (*line)
        keep_line(out, size, line);
}

struct attempt_facts attempt_facts(struct attempt *a,
                                   const struct sched_exit *e,
                                   double best_step_before)
{
    attempt_close_lines(a);
    return (struct attempt_facts){
        .final = a->final.final,
        .diverged = a->final.diverged,
        .stopped = a->final.stopped,
        .finite = isfinite(a->final.loss),
        .unread_final = a->unread_final,
        .exit_code = e->exit_code,
        .term_signal = e->term_signal,
        .timed_out = e->timed_out,
        .asked_to_stop = e->asked_to_stop,
        .refused = e->refused,
        .progress = a->step > best_step_before,
        .folder_busy = e->exit_code == err_exit_code(ERR_BUSY) && a->lines == 0,
    };
}

void attempt_explain(char *out, size_t size, const struct attempt *a,
                     const struct sched_exit *e, const struct verdict *v)
{
    char words[300];

    *out = '\0';
    if (v->outcome == OUTCOME_DIVERGED) {
        snprintf(out, size, "%s",
                 *a->final.reason ? a->final.reason
                 : a->final.final ? "the final loss is not finite"
                                  : "it says so (exit 65)");
    } else if (a->final.stopped && v->state == RUN_CANCELLED) {
        snprintf(out, size, "%s", a->final.reason);
    } else if (*a->complaint) {
        snprintf(out, size, "%s: %s", v->why, a->complaint);
    } else if (v->outcome == OUTCOME_SIGNAL || v->outcome == OUTCOME_OOM) {
        snprintf(out, size, "%s by signal %d (%s)", v->why, e->term_signal,
                 strsignal(e->term_signal));
    } else if (v->failure && *a->unread &&
               (a->unread_final || e->exit_code == 0)) {
        snprintf(out, size, "%s: %s", v->why, a->unread);
    } else if (v->failure || v->state == RUN_SKIPPED) {
        last_words(words, sizeof words, a);
        if (*v->why)
            snprintf(out, size, "%s: %s%s", v->why, words,
                     *words == '{' && strstr(words, "\"final\"")
                         ? " (in its log; records go to the file that "
                           "$QLAW_METRICS names)"
                         : "");
        else
            snprintf(out, size, "exit %d: %s", e->exit_code, words);
    } else if (*v->why) {
        snprintf(out, size, "%s", v->why);
    }
}
