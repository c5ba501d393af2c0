#include "harness/os/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define MOST (64u << 20) /* a queue of a million tasks is less */

extern char **environ;

void command_release(struct command *c)
{
    str_release(&c->out);
    str_release(&c->err);
}

static int spawn(pid_t *pid, int out, int err, char *const *argv)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int e;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, err, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
                                        POSIX_SPAWN_SETSIGMASK |
                                        POSIX_SPAWN_SETSIGDEF);
    e = posix_spawnp(pid, argv[0], &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return e;
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

static enum status end(struct command *c, pid_t pid, bool whole)
{
    int status = 0;

    if (!whole)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    kill(-pid, SIGKILL); /* what it left behind */
    c->late = !whole;
    c->exit_code = whole && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return OK;
}

enum status command_run(struct command *c, char *const *argv, double limit_s,
                        struct err *err)
{
    int out[2] = { -1, -1 }, bad[2] = { -1, -1 };
    pid_t pid;
    int e = 0;

    *c = (struct command){ .exit_code = -1 };
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(bad, O_CLOEXEC) != 0)
        e = errno;
    if (e == 0)
        e = spawn(&pid, out[1], bad[1], argv);
    close(out[1]);
    close(bad[1]);
    if (e == 0) {
        const int fds[] = { out[0], bad[0] };

        end(c, pid, listen(c, fds, clock_monotonic() + limit_s));
    }
    close(out[0]);
    close(bad[0]);
    errno = e;
    return e == 0 ? OK : err_errno(err, ERR_TOOL, "cannot run %s", argv[0]);
}
