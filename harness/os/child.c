#include "harness/os/child.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/launch.h"
#include "base/str.h"

static const char *const ours[] = { "QLAW_METRICS=", "QLAW_LIFE_FD=",
                                    "QLAW_SLOT=", "OMP_NUM_THREADS=", NULL };

static enum status open_log(int *log, const char *path, struct err *err)
{
    *log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                0666);
    return *log < 0 ? err_errno(err, ERR_IO, "%s: cannot open", path) : OK;
}

/* Descriptors 0 to 4: nothing, the log twice, the lines, our life. */
static enum status begin(pid_t *pid, const struct child_spec *spec, int log,
                         int lines, struct err *err)
{
    char *slot = mem_printf("QLAW_SLOT=%d", spec->slot);
    char *threads = mem_printf("OMP_NUM_THREADS=%d", spec->threads);
    char *add[] = { (char *)"QLAW_METRICS=/dev/fd/3",
                    (char *)"QLAW_LIFE_FD=4",
                    slot,
                    threads,
                    getenv("OMP_WAIT_POLICY")
                        ? NULL
                        : (char *)"OMP_WAIT_POLICY=passive",
                    NULL };
    char **env = launch_environment(ours, add);
    const struct launch s = { .path = spec->argv[0],
                              .argv = spec->argv,
                              .env = env,
                              .fds = { -1, log, log, lines, spec->life_fd },
                              .n_fds = 5,
                              .mask = spec->mask,
                              .cores = spec->cores,
                              .nice = spec->nice };
    enum status st = launch_process(pid, &s, err);

    free(env);
    free(slot);
    free(threads);
    return st;
}

enum status child_start(pid_t *pid, int *lines, const struct child_spec *spec,
                        struct err *err)
{
    int pipe[2] = { -1, -1 }, log;
    enum status st = open_log(&log, spec->log_path, err);

    *pid = -1;
    if (st == OK && pipe2(pipe, O_CLOEXEC) != 0)
        st = err_errno(err, ERR_IO, "cannot make a pipe");
    if (st == OK)
        st = begin(pid, spec, log, pipe[1], err);
    if (log >= 0)
        close(log);
    if (pipe[1] >= 0)
        close(pipe[1]);
    if (st == OK)
        fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    else if (pipe[0] >= 0)
        close(pipe[0]);
    *lines = st == OK ? pipe[0] : -1;
    return st;
}
