#include "harness/scheduler.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define METRICS_FD 3
#define LIFE_FD    4
#define GRACE_S    10 /* from SIGTERM to SIGKILL */
#define TICK_MS    100

struct slot {
    bool busy;
    pid_t pid;
    int pipe;
    void *user;
    char *line; /* bytes of an unfinished line */
    size_t len;
    bool skipping; /* in a line that is too long */
    double started_s, deadline_s, kill_s; /* 0: none */
    bool timed_out, asked;
};

struct sched {
    struct slot *slots;
    int n, running;
    const struct sched_ops *ops;
    void *ctx;
    int signals; /* signalfd */
    int life[2];
    sigset_t before;
    enum sched_stop stop;
    int interrupts;
};

/* --- starting -------------------------------------------------------------------- */

/* In the child: only calls that are safe after fork. */
static void become_job(const struct sched *s, const struct sched_job *job,
                       int metrics, int log)
{
    const int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    signal(SIGPIPE, SIG_DFL);
    /* First out of the way of the numbers they will get. */
    metrics = fcntl(metrics, F_DUPFD, 20);
    log = fcntl(log, F_DUPFD, 20);
    if (dup2(fcntl(s->life[0], F_DUPFD, 20), LIFE_FD) < 0 ||
        dup2(metrics, METRICS_FD) < 0 || dup2(null, 0) < 0 ||
        dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(126);
    for (int fd = LIFE_FD + 1; fd < 64; fd++)
        close(fd);
    setenv("QLAW_METRICS", "/dev/fd/3", 1);
    setenv("QLAW_LIFE_FD", "4", 1);
    execv(job->argv[0], job->argv);
    fprintf(stderr, "cannot start %s: %s\n", job->argv[0], strerror(errno));
    _exit(127);
}

static enum status start(struct sched *s, struct slot *slot,
                         const struct sched_job *job, struct err *err)
{
    const int log = open(job->log_path,
                         O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int fds[2];

    if (log < 0)
        return err_errno(err, ERR_IO, "%s: cannot open", job->log_path);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        close(log);
        return err_errno(err, ERR_IO, "cannot make a pipe");
    }
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    *slot = (struct slot){ .line = slot->line, .user = job->user,
                           .pipe = fds[0], .started_s = clock_monotonic() };
    if (job->timeout_s > 0)
        slot->deadline_s = slot->started_s + job->timeout_s;
    slot->pid = fork();
    if (slot->pid == 0)
        become_job(s, job, fds[1], log);
    close(fds[1]);
    close(log);
    if (slot->pid < 0) {
        close(fds[0]);
        return err_errno(err, ERR_IO, "cannot start another process");
    }
    setpgid(slot->pid, slot->pid);
    slot->busy = true;
    s->running++;
    s->ops->started(s->ctx, job->user, slot->pid);
    return OK;
}

/* *later says that jobs remain although none can start now. */
static enum status fill_slots(struct sched *s, bool *later, struct err *err)
{
    *later = false;
    for (int i = 0; i < s->n && s->stop == STOP_NONE; i++) {
        struct sched_job job = { 0 };
        enum status st;

        if (s->slots[i].busy)
            continue;
        switch (s->ops->next(s->ctx, &job)) {
        case NEXT_LATER:
            *later = true;
            return OK;
        case NEXT_NONE:
            return OK;
        case NEXT_JOB:
            break;
        }
        st = start(s, &s->slots[i], &job, err);
        if (st != OK)
            return st;
    }
    return OK;
}

/* --- lines ------------------------------------------------------------------------- */

static void take_bytes(struct sched *s, struct slot *slot, const char *data,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] != '\n') {
            if (slot->len < SCHED_LINE)
                slot->line[slot->len++] = data[i];
            else
                slot->skipping = true;
            continue;
        }
        slot->line[slot->len] = '\0';
        if (!slot->skipping)
            s->ops->line(s->ctx, slot->user, slot->line, slot->len);
        slot->len = 0;
        slot->skipping = false;
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

/* --- ends ---------------------------------------------------------------------------- */

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static void finish(struct sched *s, struct slot *slot, int status,
                   const struct rusage *ru)
{
    const struct sched_exit e = {
        .pid = slot->pid,
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .timed_out = slot->timed_out,
        .asked_to_stop = slot->asked,
        .wall_s = clock_monotonic() - slot->started_s,
        .cpu_s = seconds(ru->ru_utime) + seconds(ru->ru_stime),
        .max_rss = ru->ru_maxrss * 1024L,
    };

    kill(-slot->pid, SIGKILL); /* what it left behind */
    read_lines(s, slot, 1024);
    if (slot->len > 0 && !slot->skipping) {
        slot->line[slot->len] = '\0'; /* a last line without its newline */
        s->ops->line(s->ctx, slot->user, slot->line, slot->len);
    }
    if (slot->pipe >= 0)
        close(slot->pipe);
    slot->busy = false;
    slot->pipe = -1;
    slot->len = 0;
    s->running--;
    s->ops->done(s->ctx, slot->user, &e);
}

static void reap(struct sched *s)
{
    for (int i = 0; i < s->n; i++) {
        struct rusage ru;
        int status;

        if (s->slots[i].busy &&
            wait4(s->slots[i].pid, &status, WNOHANG, &ru) ==
                s->slots[i].pid)
            finish(s, &s->slots[i], status, &ru);
    }
}

/* --- stopping ------------------------------------------------------------------------- */

static void ask_job(struct slot *slot, int sig)
{
    const double now = clock_monotonic();

    if (!slot->busy)
        return;
    kill(-slot->pid, sig);
    slot->asked = true;
    if (slot->kill_s == 0)
        slot->kill_s = now + GRACE_S;
}

static void raise_stop(struct sched *s, enum sched_stop stop)
{
    if (stop <= s->stop)
        return;
    s->stop = stop;
    for (int i = 0; stop >= STOP_ASK && i < s->n; i++)
        ask_job(&s->slots[i], stop == STOP_ASK ? SIGTERM : SIGKILL);
}

static void hear_signals(struct sched *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGINT) {
            s->interrupts++;
            raise_stop(s, s->interrupts == 1   ? STOP_DRAIN
                          : s->interrupts == 2 ? STOP_ASK
                                               : STOP_KILL);
        } else if (info.ssi_signo == SIGTERM) {
            raise_stop(s, STOP_ASK);
        }
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
            ask_job(slot, SIGTERM);
        }
        if (slot->kill_s > 0 && now >= slot->kill_s)
            kill(-slot->pid, SIGKILL);
    }
}

/* --- the loop -------------------------------------------------------------------------- */

static void wait_for_news(struct sched *s, struct pollfd *fds)
{
    int n = 1;

    fds[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
    for (int i = 0; i < s->n; i++)
        if (s->slots[i].busy && s->slots[i].pipe >= 0)
            fds[n++] = (struct pollfd){ .fd = s->slots[i].pipe,
                                        .events = POLLIN };
    poll(fds, (nfds_t)n, TICK_MS);
    for (int i = 0; i < s->n; i++)
        if (s->slots[i].busy)
            read_lines(s, &s->slots[i], 4);
}

static enum status open_sched(struct sched *s, struct err *err)
{
    sigset_t set;

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

static void close_sched(struct sched *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->slots[i].line);
    free(s->slots);
    close(s->signals);
    close(s->life[0]);
    close(s->life[1]);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
}

enum status sched_run(enum sched_stop *stopped, int slots,
                      const struct sched_ops *ops, void *ctx, struct err *err)
{
    struct sched s = { .n = slots, .ops = ops, .ctx = ctx };
    struct pollfd *fds = mem_array((size_t)slots + 1, sizeof *fds);
    enum status st;

    s.slots = mem_array((size_t)slots, sizeof *s.slots);
    st = open_sched(&s, err);
    for (bool later = false; st == OK || s.running > 0;) {
        if (st == OK)
            st = fill_slots(&s, &later, err);
        if (st != OK)
            raise_stop(&s, STOP_ASK); /* the jobs end first */
        raise_stop(&s, ops->tick(ctx, s.stop, s.running));
        if (s.running == 0 && (!later || s.stop != STOP_NONE))
            break;
        wait_for_news(&s, fds);
        hear_signals(&s);
        watch_clocks(&s);
        reap(&s);
    }
    *stopped = s.stop;
    close_sched(&s);
    free(fds);
    return st;
}
