#include "base/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define HIGH_FD 20 /* out of the way of those that are given */

static bool is_program(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

char *launch_find(const char *name, bool anywhere)
{
    const char *path = getenv("PATH");

    if (strchr(name, '/'))
        return is_program(name) ? mem_strdup(name) : NULL;
    if (!path)
        path = anywhere ? "/usr/bin:/bin" : "";
    while (*path) {
        const size_t n = strcspn(path, ":");
        char *full = mem_printf("%.*s%s%s", (int)n, path, n ? "/" : "", name);

        if ((anywhere || path[0] == '/') && is_program(full))
            return full;
        free(full);
        path += n + (path[n] == ':');
    }
    return NULL;
}

char **launch_environment(const char *const *drop, char *const *add)
{
    size_t n = 0, more = 0, kept = 0;
    char **out;

    while (environ[n])
        n++;
    while (add && add[more])
        more++;
    out = mem_array(n + more + 1, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        bool keep = true;

        for (size_t k = 0; drop && drop[k]; k++)
            keep = keep && !text_has_prefix(environ[i], drop[k]);
        if (keep)
            out[kept++] = environ[i];
    }
    for (size_t i = 0; i < more; i++)
        out[kept++] = add[i];
    return out;
}

/* What the child needs, laid out before the fork: it shares our memory until
 * it executes, so it calls the kernel and nothing else. */
struct child_plan {
    const struct launch *s;
    int null; /* CLOEXEC */
    pid_t parent;
    sigset_t none;
    volatile int failed; /* errno, written by the child */
};

static bool place_descriptors(const struct child_plan *l)
{
    int high[LAUNCH_FDS];

    for (int i = 0; i < l->s->n_fds; i++) {
        high[i] = fcntl(l->s->fds[i] < 0 ? l->null : l->s->fds[i],
                        F_DUPFD_CLOEXEC, HIGH_FD);
        if (high[i] < 0)
            return false;
    }
    for (int i = 0; i < l->s->n_fds; i++)
        if (dup2(high[i], i) != i)
            return false;
    close_range((unsigned)l->s->n_fds, ~0u, CLOSE_RANGE_CLOEXEC);
    return true;
}

static void become(struct child_plan *l)
{
    const struct launch *s = l->s;

    setpgid(0, 0);
    if (!s->outlives) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != l->parent)
            _exit(127); /* it died before the line above */
    }
    if (s->cores)
        sched_setaffinity(0, sizeof *s->cores, s->cores);
    if (s->nice)
        setpriority(PRIO_PROCESS, 0, s->nice);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, s->mask ? s->mask : &l->none, NULL);
    if (place_descriptors(l) && (!s->folder || chdir(s->folder) == 0))
        execve(s->path, s->argv, s->env ? s->env : environ);
    l->failed = errno;
    _exit(127);
}

static pid_t fork_child(struct child_plan *l)
{
    const pid_t pid = vfork();

    if (pid == 0)
        become(l);
    return pid;
}

enum status launch_process(pid_t *pid, const struct launch *s, struct err *err)
{
    struct child_plan l = { .s = s, .parent = getpid() };

    *pid = -1;
    sigemptyset(&l.none);
    l.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (l.null < 0)
        return err_errno(err, ERR_IO, "/dev/null");
    *pid = fork_child(&l);
    close(l.null);
    if (*pid < 0)
        return err_errno(err, ERR_IO, "cannot start another process");
    if (!l.failed) {
        setpgid(*pid, *pid); /* before anybody signals the group */
        return OK;
    }
    waitpid(*pid, NULL, 0);
    *pid = -1;
    errno = l.failed;
    return err_errno(err, ERR_IO, "cannot start %s", s->path);
}
