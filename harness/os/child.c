#include "harness/os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define LINES_FD 3
#define LIFE_FD  4
#define HIGH_FD  20 /* out of the way of these */

static const char *const ours[] = { "QLAW_METRICS=", "QLAW_LIFE_FD=",
                                    "QLAW_SLOT=", "OMP_NUM_THREADS=" };
#define N_OURS (sizeof ours / sizeof ours[0])

/* Our environment with these replaced.  The caller frees the array and its
 * last two entries; the others are not copied. */
static char **make_environment(int slot, int threads)
{
    size_t n = 0, kept = 0;
    char **env;

    while (environ[n])
        n++;
    env = mem_array(n + N_OURS + 2, sizeof *env);
    for (size_t i = 0; i < n; i++) {
        bool mine = false;

        for (size_t k = 0; k < N_OURS; k++)
            mine = mine || text_has_prefix(environ[i], ours[k]);
        if (!mine)
            env[kept++] = environ[i];
    }
    env[kept++] = (char *)"QLAW_METRICS=/dev/fd/3";
    env[kept++] = (char *)"QLAW_LIFE_FD=4";
    if (!getenv("OMP_WAIT_POLICY"))
        env[kept++] = (char *)"OMP_WAIT_POLICY=passive";
    env[kept++] = mem_printf("QLAW_SLOT=%d", slot);
    env[kept] = mem_printf("OMP_NUM_THREADS=%d", threads);
    return env;
}

static void free_environment(char **env)
{
    size_t n = 0;

    while (env[n])
        n++;
    free(env[n - 1]);
    free(env[n - 2]);
    free(env);
}

/* What the child needs, laid out before the fork: it shares our memory until
 * it executes, so it calls the kernel and nothing else. */
struct launch {
    const struct child_spec *spec;
    char **env;
    int null, log, lines; /* all CLOEXEC */
    pid_t parent;
    volatile int failed; /* errno, written by the child */
};

static bool place(int fd, int number)
{
    const int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

    return high >= 0 && dup2(high, number) == number;
}

static void become(struct launch *l)
{
    const struct child_spec *s = l->spec;
    const int lines = fcntl(l->lines, F_DUPFD_CLOEXEC, HIGH_FD);
    const int life = fcntl(s->life_fd, F_DUPFD_CLOEXEC, HIGH_FD);
    const int log = fcntl(l->log, F_DUPFD_CLOEXEC, HIGH_FD);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != l->parent)
        _exit(127); /* it died before the line above */
    if (s->cores)
        sched_setaffinity(0, sizeof *s->cores, s->cores);
    if (s->nice)
        setpriority(PRIO_PROCESS, 0, s->nice);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, s->mask, NULL);
    if (lines >= 0 && life >= 0 && log >= 0 && place(l->null, 0) &&
        dup2(log, 1) == 1 && dup2(log, 2) == 2 &&
        dup2(lines, LINES_FD) == LINES_FD && dup2(life, LIFE_FD) == LIFE_FD) {
        close_range(LIFE_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC);
        execve(s->argv[0], s->argv, l->env);
    }
    l->failed = errno;
    _exit(127);
}

static pid_t launch(struct launch *l)
{
    const pid_t pid = vfork();

    if (pid == 0)
        become(l);
    return pid;
}

static enum status open_all(struct launch *l, int pipe[2], struct err *err)
{
    l->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    l->log = open(l->spec->log_path,
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                  0666);
    if (l->log < 0)
        return err_errno(err, ERR_IO, "%s: cannot open", l->spec->log_path);
    if (l->null < 0 || pipe2(pipe, O_CLOEXEC) != 0)
        return err_errno(err, ERR_IO, "cannot make a pipe");
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    return OK;
}

static void close_all(const struct launch *l, int write_end)
{
    const int fds[] = { l->null, l->log, write_end };

    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

enum status child_start(pid_t *pid, int *lines, const struct child_spec *spec,
                        struct err *err)
{
    struct launch l = { .spec = spec, .null = -1, .log = -1,
                        .parent = getpid() };
    int pipe[2] = { -1, -1 };
    enum status st = open_all(&l, pipe, err);

    *pid = -1;
    if (st == OK) {
        l.lines = pipe[1];
        l.env = make_environment(spec->slot, spec->threads);
        *pid = launch(&l);
        if (*pid < 0)
            st = err_errno(err, ERR_IO, "cannot start another process");
        free_environment(l.env);
    }
    close_all(&l, pipe[1]);
    if (st == OK && l.failed) {
        waitpid(*pid, NULL, 0);
        errno = l.failed;
        st = err_errno(err, ERR_IO, "cannot start %s", spec->argv[0]);
    }
    if (st != OK && pipe[0] >= 0)
        close(pipe[0]);
    *lines = st == OK ? pipe[0] : -1;
    return st;
}
