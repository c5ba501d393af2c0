#include "harness/os/scheduler.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/os/child.h"
#include "harness/os/children.h"

#define TICK_MS 100

struct slot {
    bool busy;
    pid_t pid;
    int pipe;
    void *user;
    char *line; /* bytes of an unfinished line */
    size_t len;
    bool skipping;                        /* in a line that is too long */
    double started_s, deadline_s, kill_s; /* 0: none */
    double grace_s;
    bool timed_out, asked, refused;
};

struct sched {
    struct slot *slots;
    int n, limit, running;
    const struct sched_ops *ops;
    void *ctx;
    int signals; /* signalfd */
    int life[2];
    sigset_t before;
    enum sched_stop stop;
    int interrupts, terminations, first_signal;
};

int sched_running(const struct sched *s)
{
    return s->running;
}

void sched_limit(struct sched *s, int slots)
{
    s->limit = slots < 1 ? 1 : slots < s->n ? slots : s->n;
}

/* --- starting -------------------------------------------------------------- */

static void start(struct sched *s, struct slot *slot,
                  const struct sched_job *job)
{
    const struct child_spec spec = {
        .argv = job->argv,
        .log_path = job->log_path,
        .life_fd = s->life[0],
        .mask = &s->before,
        .slot = (int)(slot - s->slots),
        .threads = job->threads > 0 ? job->threads : 1,
        .nice = job->nice,
        .cores = job->cores,
    };
    struct err err;
    pid_t pid;
    int lines;

    if (child_start(&pid, &lines, &spec, &err) != OK) {
        s->ops->unstarted(s->ctx, job->user, &err);
        return;
    }
    *slot = (struct slot){ .busy = true,
                           .pid = pid,
                           .pipe = lines,
                           .user = job->user,
                           .line = slot->line,
                           .started_s = clock_monotonic(),
                           .grace_s = job->grace_s > 0 ? job->grace_s
                                                       : SCHED_GRACE_S };
    if (job->timeout_s > 0)
        slot->deadline_s = slot->started_s + job->timeout_s;
    s->running++;
    s->ops->started(s->ctx, job->user, pid);
}

/* *later says that jobs remain although none can start now. */
static void fill_slots(struct sched *s, bool *later)
{
    *later = false;
    for (int i = 0; i < s->n && s->stop == STOP_NONE; i++) {
        struct sched_job job = { 0 };

        /* A job that cannot be started leaves its slot to the next. */
        while (!s->slots[i].busy && s->running < s->limit) {
            switch (s->ops->next(s->ctx, &job)) {
            case NEXT_LATER:
                *later = true;
                return;
            case NEXT_NONE:
                return;
            case NEXT_JOB:
                start(s, &s->slots[i], &job);
                break;
            }
        }
    }
}

/* --- lines ------------------------------------------------------------------ */

static void give_line(struct sched *s, struct slot *slot, bool whole)
{
    slot->line[slot->len] = '\0';
    if (!slot->refused &&
        !s->ops->line(s->ctx, slot->user, slot->line, slot->len, whole)) {
        slot->refused = true;
        if (slot->pid > 0) /* it may be gone, and its number somebody else's */
            kill(-slot->pid, SIGKILL);
    }
    slot->len = 0;
}

/* A line that is too long is given before its end, which may never come, and
 * the rest of it is skipped. */
static void take_bytes(struct sched *s, struct slot *slot, const char *data,
                       size_t n)
{
    for (const char *end = data + n; data < end;) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const size_t part = (size_t)((newline ? newline : end) - data);
        const size_t room = SCHED_LINE - slot->len;

        if (!slot->skipping) {
            memcpy(slot->line + slot->len, data, part < room ? part : room);
            slot->len += part < room ? part : room;
            slot->skipping = part > room;
            if (newline || slot->skipping)
                give_line(s, slot, !slot->skipping);
        }
        if (newline)
            slot->skipping = false;
        data += part + (newline != NULL);
    }
}

/* At most a few buffers at a time, so that one endless writer cannot keep the
 * others waiting. */
static void read_lines(struct sched *s, struct slot *slot, int buffers)
{
    char data[16384];
    ssize_t n;

    while (slot->pipe >= 0 && buffers-- > 0) {
        n = read(slot->pipe, data, sizeof data);
        if (n > 0) {
            take_bytes(s, slot, data, (size_t)n);
        } else if (n == 0) {
            close(slot->pipe);
            slot->pipe = -1;
        } else if (errno != EINTR) {
            break;
        }
    }
}

/* --- ends ------------------------------------------------------------------- */

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* What the trainer of a slot left behind, if its guard went with it. */
static void end_orphans(const struct sched *s, pid_t group)
{
    pid_t *known = mem_array((size_t)s->n + 1, sizeof *known);
    int n = 0;

    for (int i = 0; i < s->n; i++)
        if (s->slots[i].busy && s->slots[i].pid > 0)
            known[n++] = s->slots[i].pid;
    children_end_orphans(known, n, group);
    free(known);
}

static void finish(struct sched *s, struct slot *slot)
{
    struct sched_exit e = {
        .pid = slot->pid,
        .timed_out = slot->timed_out,
        .asked_to_stop = slot->asked,
        .wall_s = clock_monotonic() - slot->started_s,
    };
    struct rusage ru = { 0 };
    int status = 0;

    /* While it is a zombie its number belongs to nobody else. */
    kill(-slot->pid, SIGKILL);
    wait4(slot->pid, &status, 0, &ru);
    slot->pid = 0;
    end_orphans(s, (pid_t)e.pid);
    read_lines(s, slot, 1024);
    if (slot->len > 0 && !slot->skipping)
        give_line(s, slot, true); /* a last line without its newline */
    if (slot->pipe >= 0)
        close(slot->pipe);
    e.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    e.term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    e.refused = slot->refused;
    e.cpu_s = seconds(ru.ru_utime) + seconds(ru.ru_stime);
    e.max_rss = ru.ru_maxrss * 1024L;
    slot->busy = false;
    slot->pipe = -1;
    slot->len = 0;
    s->running--;
    s->ops->done(s->ctx, slot->user, &e);
}

static void reap(struct sched *s)
{
    for (int i = 0; i < s->n; i++) {
        siginfo_t info = { .si_pid = 0 };

        if (s->slots[i].busy &&
            waitid(P_PID, (id_t)s->slots[i].pid, &info,
                   WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == s->slots[i].pid)
            finish(s, &s->slots[i]);
    }
}

/* --- stopping --------------------------------------------------------------- */

static void end_within(struct slot *slot, double seconds)
{
    const double end = clock_monotonic() + seconds;

    if (slot->kill_s == 0 || slot->kill_s > end)
        slot->kill_s = end;
}

static void ask_slot(struct slot *slot, int sig)
{
    if (!slot->busy)
        return;
    kill(-slot->pid, sig);
    end_within(slot, slot->grace_s);
}

void sched_ask(struct sched *s, const void *user)
{
    for (int i = 0; i < s->n; i++)
        if (s->slots[i].busy && s->slots[i].user == user) {
            s->slots[i].asked = true;
            ask_slot(&s->slots[i], SIGTERM);
        }
}

static struct slot *slot_of(struct sched *s, const void *user)
{
    for (int i = 0; i < s->n; i++)
        if (s->slots[i].busy && s->slots[i].user == user)
            return &s->slots[i];
    return NULL;
}

void sched_refuse(struct sched *s, const void *user)
{
    struct slot *slot = slot_of(s, user);

    if (!slot || slot->refused)
        return;
    slot->refused = true;
    kill(-slot->pid, SIGKILL);
}

void sched_let_end(struct sched *s, const void *user, double seconds)
{
    struct slot *slot = slot_of(s, user);

    if (slot)
        end_within(slot, seconds);
}

static void raise_stop(struct sched *s, enum sched_stop stop)
{
    if (stop <= s->stop)
        return;
    s->stop = stop;
    for (int i = 0; stop >= STOP_ASK && i < s->n; i++) {
        s->slots[i].asked = true;
        ask_slot(&s->slots[i], stop == STOP_ASK ? SIGTERM : SIGKILL);
    }
}

static void hear_signals(struct sched *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == sizeof info) {
        const int sig = (int)info.ssi_signo;

        if (sig != SIGINT && sig != SIGTERM)
            continue;
        if (!s->first_signal)
            s->first_signal = sig;
        if (sig == SIGINT)
            s->interrupts++;
        else
            s->terminations++;
        raise_stop(s, s->interrupts >= 3 || s->terminations >= 2 ? STOP_KILL
                      : s->interrupts == 2 || s->terminations    ? STOP_ASK
                                                                 : STOP_DRAIN);
    }
}

static void watch_clocks(struct sched *s)
{
    const double now = clock_monotonic();

    for (int i = 0; i < s->n; i++) {
        struct slot *slot = &s->slots[i];

        if (!slot->busy)
            continue;
        if (slot->deadline_s > 0 && now >= slot->deadline_s &&
            !slot->timed_out) {
            slot->timed_out = true;
            ask_slot(slot, SIGTERM);
        }
        if (slot->kill_s > 0 && now >= slot->kill_s)
            kill(-slot->pid, SIGKILL);
    }
}

/* --- the loop --------------------------------------------------------------- */

static void wait_for_news(struct sched *s, struct pollfd *fds)
{
    int n = 1;

    fds[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
    for (int i = 0; i < s->n; i++)
        if (s->slots[i].busy && s->slots[i].pipe >= 0)
            fds[n++] =
                (struct pollfd){ .fd = s->slots[i].pipe, .events = POLLIN };
    poll(fds, (nfds_t)n, TICK_MS);
    for (int i = 0; i < s->n; i++)
        if (s->slots[i].busy)
            read_lines(s, &s->slots[i], 4);
}

static enum status open_sched(struct sched *s, struct err *err)
{
    sigset_t set;

    prctl(PR_SET_CHILD_SUBREAPER, 1); /* end_orphans */
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &s->before);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signals < 0 || pipe2(s->life, O_CLOEXEC) != 0)
        return err_errno(err, ERR_IO, "cannot watch signals");
    for (int i = 0; i < s->n; i++) {
        s->slots[i].pipe = -1;
        s->slots[i].line = mem_alloc(SCHED_LINE + 1);
    }
    return OK;
}

/* A signal that still waits would end us now that the mask is lifted. */
static void close_sched(struct sched *s)
{
    hear_signals(s);
    for (int i = 0; i < s->n; i++)
        free(s->slots[i].line);
    free(s->slots);
    if (s->signals >= 0)
        close(s->signals);
    if (s->life[0] >= 0) {
        close(s->life[0]);
        close(s->life[1]);
    }
    sigprocmask(SIG_SETMASK, &s->before, NULL);
}

static void loop(struct sched *s, struct pollfd *fds)
{
    for (bool later;;) {
        fill_slots(s, &later);
        raise_stop(s, s->ops->tick(s->ctx, s, s->stop));
        if (s->running == 0 && (!later || s->stop != STOP_NONE))
            return;
        wait_for_news(s, fds);
        hear_signals(s);
        watch_clocks(s);
        reap(s);
    }
}

enum status sched_run(enum sched_stop *stopped, int *sig, int slots,
                      const struct sched_ops *ops, void *ctx, struct err *err)
{
    struct sched s = { .n = slots,
                       .limit = slots,
                       .ops = ops,
                       .ctx = ctx,
                       .signals = -1,
                       .life = { -1, -1 } };
    struct pollfd *fds = mem_array((size_t)slots + 1, sizeof *fds);
    enum status st;

    s.slots = mem_array((size_t)slots, sizeof *s.slots);
    st = open_sched(&s, err);
    if (st == OK)
        loop(&s, fds);
    if (stopped)
        *stopped = s.stop;
    if (sig)
        *sig = s.first_signal;
    close_sched(&s);
    free(fds);
    return st;
}
