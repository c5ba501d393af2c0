#include "harness/os/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/launch.h"

#define MOST (64u << 20) /* a queue of a million tasks is less */

void command_release(struct command *c)
{
    str_release(&c->out);
    str_release(&c->err);
}

/* Read until both streams end; false: too long or too much. */
static bool listen(struct command *c, const int fds[2], double until)
{
    struct str *to[] = { &c->out, &c->err };
    struct pollfd p[] = { { fds[0], POLLIN, 0 }, { fds[1], POLLIN, 0 } };
    char data[16384];

    while (p[0].fd >= 0 || p[1].fd >= 0) {
        const double left = until - clock_monotonic();

        if (left <= 0 || c->out.len + c->err.len > MOST)
            return false;
        if (poll(p, 2, (int)(left * 1000) + 1) < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if (p[i].fd < 0 || !p[i].revents)
                continue;
            n = read(p[i].fd, data, sizeof data);
            if (n > 0)
                str_add_n(to[i], data, (size_t)n);
            else if (n == 0 || errno != EINTR)
                p[i].fd = -1;
        }
    }
    return true;
}

static void end(struct command *c, pid_t pid, bool whole)
{
    int status = 0;

    if (!whole)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    kill(-pid, SIGKILL); /* what it left behind */
    c->late = !whole;
    c->exit_code = whole && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static enum status begin(pid_t *pid, int out, int bad, char *const *argv,
                         struct err *err)
{
    char *path = launch_find(argv[0], false);
    const struct launch s = { .path = path,
                              .argv = argv,
                              .outlives = true,
                              .fds = { -1, out, bad },
                              .n_fds = 3 };
    struct err why = { .text = "no such program" };
    enum status st = OK;

    if (!path || launch_process(pid, &s, &why) != OK)
        st = err_set(err, ERR_TOOL, "cannot run %s: %s", argv[0], why.text);
    free(path);
    return st;
}

enum status command_run(struct command *c, char *const *argv, double limit_s,
                        struct err *err)
{
    int out[2] = { -1, -1 }, bad[2] = { -1, -1 };
    enum status st = OK;
    pid_t pid;

    *c = (struct command){ .exit_code = -1 };
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(bad, O_CLOEXEC) != 0)
        st = err_errno(err, ERR_TOOL, "cannot run %s", argv[0]);
    if (st == OK)
        st = begin(&pid, out[1], bad[1], argv, err);
    close(out[1]);
    close(bad[1]);
    if (st == OK) {
        const int fds[] = { out[0], bad[0] };

        end(c, pid, listen(c, fds, clock_monotonic() + limit_s));
    }
    close(out[0]);
    close(bad[0]);
    return st;
}
