#include "harness/proto/exec_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/os/children.h"

#define GRACE_S 2   /* to save in, once the scheduler is gone */
#define ROUNDS  100 /* of killing what was left behind */

/* --- the trainer ---------------------------------------------------------- */

static void become(const char *program, char *const *argv, int life_fd,
                   int failed, const sigset_t *mask)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* of the guard */
    close(life_fd);
    unsetenv("QLAW_LIFE_FD");
    sigprocmask(SIG_SETMASK, mask, NULL);
    execv(program, argv);
    if (write(failed, &errno, sizeof errno) < 0)
        _exit(126);
    _exit(127);
}

/* *failed is the errno of a program that could not be executed, 0: it runs. */
static pid_t start(int *failed, const char *program, char *const *argv,
                   int life_fd, const sigset_t *mask)
{
    int pipe[2];
    pid_t pid;

    *failed = 0;
    if (pipe2(pipe, O_CLOEXEC) != 0) {
        *failed = errno;
        return -1;
    }
    pid = fork();
    if (pid == 0)
        become(program, argv, life_fd, pipe[1], mask);
    close(pipe[1]);
    if (pid < 0 || read(pipe[0], failed, sizeof *failed) < 0)
        *failed = errno;
    close(pipe[0]);
    return pid;
}

/* --- what it leaves behind -------------------------------------------------- */

/* Kill our children, which orphans become; false: there are none. */
static bool kill_children(void)
{
    int n;
    pid_t *list = children_list(&n);

    for (int i = 0; i < n; i++)
        kill(list[i], SIGKILL);
    free(list);
    return n > 0;
}

/* Whoever dies hands its own children to us, so more than once. */
static void clean_up(void)
{
    for (int i = 0; i < ROUNDS && kill_children(); i++) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        poll(NULL, 0, 5);
    }
}

static void end_like(int status)
{
    const struct rlimit none = { 0, 0 };

    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    setrlimit(RLIMIT_CORE, &none); /* the trainer may have left one */
    signal(WTERMSIG(status), SIG_DFL);
    sigprocmask(SIG_SETMASK, &(sigset_t){ 0 }, NULL);
    raise(WTERMSIG(status));
    _exit(128 + WTERMSIG(status));
}

/* --- the guard ---------------------------------------------------------------- */

/* Nobody is there to hear the trainer: it may save its state, then all ends. */
static void scheduler_is_gone(void)
{
    kill(0, SIGTERM);
    for (int i = 0; i < GRACE_S * 10 && kill(0, 0) == 0; i++) {
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
            break;
        poll(NULL, 0, 100);
    }
    clean_up();
    kill(0, SIGKILL);
    _exit(75);
}

static void watch(pid_t trainer, int children, int life_fd)
{
    struct pollfd fds[] = { { children, POLLIN, 0 }, { life_fd, POLLIN, 0 } };
    struct signalfd_siginfo info;

    for (;;) {
        int status;
        pid_t pid;

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (read(children, &info, sizeof info) < 0)
            errno = 0; /* nothing waited */
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            if (pid == trainer) {
                clean_up();
                end_like(status);
            }
        if (fds[1].revents)
            scheduler_is_gone();
    }
}

enum status exec_guard(const char *program, char *const *argv, int life_fd,
                       struct err *err)
{
    const int deaf[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
    sigset_t child, before;
    int failed, children;
    pid_t pid;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    children = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, 0); /* the descriptor tells it as well */
    pid = start(&failed, program, argv, life_fd, &before);
    if (pid < 0 || failed || children < 0) {
        errno = failed ? failed : errno;
        return err_errno(err, ERR_TOOL, "cannot start %s", program);
    }
    /* The trainer is in our group and hears for itself. */
    for (size_t i = 0; i < sizeof deaf / sizeof deaf[0]; i++)
        signal(deaf[i], SIG_IGN);
    close(3); /* QLAW_METRICS is the trainer's alone */
    watch(pid, children, life_fd);
    _exit(75);
}
