#include "plots/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

extern char **environ;

#define MAX_OUTPUT 4096 /* of what it prints; the rest is read and dropped */

char *tool_find(const char *name)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        const size_t n = strcspn(path, ":");
        char *full = mem_printf("%.*s/%s", (int)n, path, name);
        struct stat s;

        if (path[0] == '/' && stat(full, &s) == 0 && S_ISREG(s.st_mode) &&
            access(full, X_OK) == 0)
            return full;
        free(full);
        path += n + (path[n] == ':');
    }
    return NULL;
}

/* --- starting ------------------------------------------------------------- */

static char **environment_without(const char *const *drop)
{
    size_t n = 0, kept = 0;
    char **out;

    while (environ[n])
        n++;
    out = mem_array(n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        bool keep = true;

        for (size_t k = 0; drop && drop[k]; k++)
            keep = keep && !text_has_prefix(environ[i], drop[k]);
        if (keep)
            out[kept++] = environ[i];
    }
    return out;
}

/* In the child: only calls that are safe after fork. */
static void become(const char *path, char *const *argv, char *const *env,
                   const char *folder, int out)
{
    const int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
        (folder && chdir(folder) != 0))
        _exit(126);
    execve(path, argv, env);
    _exit(127);
}

enum status tool_start(struct tool *t, const char *name, const char *path,
                       char *const *argv, const char *folder,
                       const char *const *drop, double limit_s, struct err *err)
{
    char **env = environment_without(drop);
    int pipe_fd[2];

    *t = (struct tool){ .name = name, .fd = -1, .limit_s = limit_s };
    if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
        free(env);
        return err_errno(err, ERR_IO, "%s: pipe", name);
    }
    t->pid = fork();
    if (t->pid == 0)
        become(path, argv, env, folder, pipe_fd[1]);
    free(env);
    close(pipe_fd[1]);
    if (t->pid < 0) {
        close(pipe_fd[0]);
        t->pid = 0;
        return err_errno(err, ERR_IO, "%s: fork", name);
    }
    setpgid(t->pid, t->pid);
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
