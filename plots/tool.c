#include "plots/tool.h"

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

#define MAX_OUTPUT 4096 /* of what it prints; the rest is read and dropped */

/* --- starting ------------------------------------------------------------- */

enum status tool_start(struct tool *t, const char *name, const char *path,
                       char *const *argv, const char *folder,
                       const char *const *drop, double limit_s, struct err *err)
{
    int pipe_fd[2];
    char **env;
    struct err why;
    struct launch s;
    enum status st;

    *t = (struct tool){ .name = name, .fd = -1, .limit_s = limit_s };
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return err_errno(err, ERR_IO, "%s: pipe", name);
    env = launch_environment(drop, NULL);
    s = (struct launch){ .path = path,
                         .argv = argv,
                         .env = env,
                         .folder = folder,
                         .n_fds = 3,
                         .fds = { -1, pipe_fd[1], pipe_fd[1] } };
    st = launch_process(&t->pid, &s, &why);
    free(env);
    close(pipe_fd[1]);
    if (st != OK) {
        close(pipe_fd[0]);
        t->pid = 0;
        return err_set(err, ERR_TOOL, "%s: %s", name, why.text);
    }
    fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
    t->fd = pipe_fd[0];
    t->until = clock_monotonic() + limit_s;
    return OK;
}

/* --- watching ------------------------------------------------------------- */

static void read_output(struct tool *t)
{
    char buf[4096];
    ssize_t n;

    while ((n = read(t->fd, buf, sizeof buf)) > 0)
        if (t->output.len < MAX_OUTPUT)
            str_add_n(&t->output, buf, (size_t)n);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(t->fd);
        t->fd = -1;
    }
}

void tool_wait(struct tool *t, int n)
{
    struct pollfd *fds = mem_array((size_t)n, sizeof *fds);
    nfds_t m = 0;
    bool closed = false; /* its end is near, but is not announced */

    for (int i = 0; i < n; i++) {
        if (t[i].pid && t[i].fd >= 0)
            fds[m++] = (struct pollfd){ t[i].fd, POLLIN, 0 };
        closed = closed || (t[i].pid && t[i].fd < 0);
    }
    poll(fds, m, closed ? 2 : 100);
    for (int i = 0; i < n; i++)
        if (t[i].pid && t[i].fd >= 0)
            read_output(&t[i]);
    free(fds);
}

/* Its group goes with it, so that nothing it started stays behind. */
bool tool_ended(struct tool *t)
{
    const bool late = clock_monotonic() > t->until;
    const pid_t got = waitpid(t->pid, &t->wait_status, WNOHANG);

    if (got == 0 && !late)
        return false;
    kill(-t->pid, SIGKILL);
    if (got == 0) {
        t->late = true;
        kill(t->pid, SIGKILL);
        while (waitpid(t->pid, &t->wait_status, 0) < 0 && errno == EINTR)
            ;
    }
    if (t->fd >= 0)
        read_output(t);
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    t->pid = 0;
    return true;
}

/* The first line of what it printed, for a message. */
static const char *first_line(struct tool *t)
{
    char *line;

    if (!t->output.data)
        return "";
    line = text_trim(t->output.data);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

enum status tool_verdict(struct tool *t, struct err *err)
{
    if (t->late)
        return err_set(err, ERR_TOOL, "%s took more than %g s and was stopped",
                       t->name, t->limit_s);
    if (WIFSIGNALED(t->wait_status))
        return err_set(err, ERR_TOOL, "%s was ended by signal %d", t->name,
                       WTERMSIG(t->wait_status));
    if (WEXITSTATUS(t->wait_status) != 0)
        return err_set(err, ERR_TOOL, "%s ended with status %d: %.300s",
                       t->name, WEXITSTATUS(t->wait_status), first_line(t));
    return OK;
}

enum status tool_run(struct str *output, const char *name, const char *path,
                     char *const *argv, const char *folder,
                     const char *const *drop, double limit_s, struct err *err)
{
    struct tool t;
    enum status st =
        tool_start(&t, name, path, argv, folder, drop, limit_s, err);

    if (st != OK)
        return st;
    while (!tool_ended(&t))
        tool_wait(&t, 1);
    st = tool_verdict(&t, err);
    if (output) {
        *output = t.output;
        t.output = (struct str){ 0 };
    }
    str_release(&t.output);
    return st;
}
