#include "harness/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/env.h"

extern char **environ;

#define PACKAGE "gnuplot-nox"
#define LIMIT_S 60.0
#define MAX_OUTPUT 4096 /* of what it prints; the rest is read and dropped */

/* --- one process --------------------------------------------------------- */

struct process {
    pid_t pid; /* 0: none */
    int fd;    /* what it prints; -1 after its end */
    struct str output;
    double until; /* on the monotonic clock */
    bool late;
    int wait_status;
};

/* gnuplot's own variables could name files to run or change the picture. */
static char **clean_environment(void)
{
    static const char *const drop[] = { "GNUTERM=",  "GNUPLOT_",  "GNUHELP=",
                                        "GNUFITLOG=", "FIT_LOG=", "FIT_SCRIPT=",
                                        "GDFONTPATH=" };
    size_t n = 0, kept = 0;
    char **out;

    while (environ[n])
        n++;
    out = mem_array(n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        bool keep = true;

        for (size_t k = 0; k < sizeof drop / sizeof drop[0]; k++)
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

static enum status start(struct process *p, const char *path,
                         char *const *argv, const char *folder,
                         double limit_s, struct err *err)
{
    char **env = clean_environment();
    int pipe_fd[2];

    *p = (struct process){ .fd = -1 };
    if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
        free(env);
        return err_errno(err, ERR_IO, "gnuplot: pipe");
    }
    p->pid = fork();
    if (p->pid == 0)
        become(path, argv, env, folder, pipe_fd[1]);
    free(env);
    close(pipe_fd[1]);
    if (p->pid < 0) {
        close(pipe_fd[0]);
        p->pid = 0;
        return err_errno(err, ERR_IO, "gnuplot: fork");
    }
    setpgid(p->pid, p->pid);
    fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
    p->fd = pipe_fd[0];
    p->until = clock_monotonic() + limit_s;
    return OK;
}

static void read_output(struct process *p)
{
    char buf[4096];
    ssize_t n;

    while ((n = read(p->fd, buf, sizeof buf)) > 0)
        if (p->output.len < MAX_OUTPUT)
            str_add_n(&p->output, buf, (size_t)n);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(p->fd);
        p->fd = -1;
    }
}

/* Collect the process when it has ended or its time is up; its group goes with
 * it, so that nothing it started stays behind. */
static bool ended(struct process *p)
{
    const bool late = clock_monotonic() > p->until;
    pid_t got = waitpid(p->pid, &p->wait_status, WNOHANG);

    if (got == 0 && !late)
        return false;
    kill(-p->pid, SIGKILL);
    if (got == 0) {
        p->late = true;
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, &p->wait_status, 0) < 0 && errno == EINTR)
            ;
    }
    if (p->fd >= 0) {
        read_output(p);
        if (p->fd >= 0)
            close(p->fd);
        p->fd = -1;
    }
    p->pid = 0;
    return true;
}

/* Wait a little for output of any of them. */
static void wait_for(struct process *p, int n)
{
    struct pollfd *fds = mem_array((size_t)n, sizeof *fds);
    nfds_t m = 0;
    bool closed = false; /* its end is near, but is not announced */

    for (int i = 0; i < n; i++) {
        if (p[i].pid && p[i].fd >= 0)
            fds[m++] = (struct pollfd){ p[i].fd, POLLIN, 0 };
        closed = closed || (p[i].pid && p[i].fd < 0);
    }
    poll(fds, m, closed ? 2 : 100);
    for (int i = 0; i < n; i++)
        if (p[i].pid && p[i].fd >= 0)
            read_output(&p[i]);
    free(fds);
}

/* The first line of what it printed, for a message. */
static const char *first_line(struct process *p)
{
    char *line = text_trim(p->output.data ? p->output.data : (char[1]){ 0 });

    line[strcspn(line, "\n")] = '\0';
    return line;
}

static enum status verdict(struct process *p, double limit_s, struct err *err)
{
    if (p->late)
        return err_set(err, ERR_TOOL, "gnuplot took more than %g s and was "
                                      "stopped",
                       limit_s);
    if (WIFSIGNALED(p->wait_status))
        return err_set(err, ERR_TOOL, "gnuplot was ended by signal %d",
                       WTERMSIG(p->wait_status));
    if (WEXITSTATUS(p->wait_status) != 0)
        return err_set(err, ERR_TOOL, "gnuplot ended with status %d: %.300s",
                       WEXITSTATUS(p->wait_status), first_line(p));
    return OK;
}

/* --- finding it ---------------------------------------------------------- */

/* The first executable file of that name in PATH; the caller frees it. */
static char *look_in_path(const char *name)
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

static enum status ask(struct gnuplot *g, struct err *err)
{
    char *argv[] = { "gnuplot", "-d", "-e",
                     "print GPVAL_VERSION; print GPVAL_TERMINALS", NULL };
    struct process p;
    enum status st = start(&p, g->path, argv, NULL, g->limit_s, err);
    const char *end;

    if (st != OK)
        return st;
    while (!ended(&p))
        wait_for(&p, 1);
    st = verdict(&p, g->limit_s, err);
    if (st == OK &&
        (!text_read_number(&g->version, str_text(&p.output), &end, false) ||
         g->version < 5.2))
        st = err_set(err, ERR_TOOL, "gnuplot at %s is not version 5.2 or newer "
                                    "(Debian: package " PACKAGE ")",
                     g->path);
    if (st == OK) {
        g->terminals = mem_printf(" %s ", end);
        for (char *c = g->terminals; *c; c++)
            *c = *c == '\n' ? ' ' : *c;
    }
    str_release(&p.output);
    return st;
}

enum status gnuplot_find(struct gnuplot *g, struct err *err)
{
    const char *given = getenv("QLAW_GNUPLOT");

    *g = (struct gnuplot){ .limit_s = LIMIT_S };
    g->path = given && *given ? mem_strdup(given) : look_in_path("gnuplot");
    if (!g->path)
        return err_set(err, ERR_TOOL, "gnuplot is not installed (Debian: "
                                      "package " PACKAGE ")");
    return ask(g, err);
}

void gnuplot_release(struct gnuplot *g)
{
    free(g->path);
    free(g->terminals);
    *g = (struct gnuplot){ .path = NULL };
}

bool gnuplot_has(const struct gnuplot *g, const char *term)
{
    static const struct {
        const char *name, *terminal;
    } known[] = {
        { "svg", " svg " },
        { "png", " pngcairo " },
        { "pdf", " pdfcairo " },
        { "dumb", " dumb " },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, term) == 0)
            return g->terminals && strstr(g->terminals, known[i].terminal);
    return false;
}

/* --- drawing ------------------------------------------------------------- */

static enum status start_job(struct process *p, const struct gnuplot *g,
                             const char *folder, struct gnuplot_job *job)
{
    char *script = mem_printf("%s.gp", job->name);
    char *data = mem_printf("%s.dat", job->name);
    char *part = mem_printf("%s.part", job->out);
    char *argv[] = { "gnuplot", "-d", "-c", script, data, part,
                     (char *)job->term, (char *)job->theme, NULL };

    job->status = start(p, g->path, argv, folder, g->limit_s, &job->err);
    free(script);
    free(data);
    free(part);
    return job->status;
}

/* A picture that is there and looks complete takes its name. */
static enum status keep(const char *folder, const struct gnuplot_job *job,
                        struct err *err)
{
    char *path = mem_printf("%s/%s", folder, job->out);
    char *part = mem_printf("%s.part", path);
    struct str text = { 0 };
    struct stat s;
    enum status st = OK;

    if (lstat(part, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size == 0)
        st = err_set(err, ERR_TOOL, "gnuplot drew nothing for %s", job->out);
    if (st == OK && strcmp(job->term, "svg") == 0) {
        st = file_read(&text, part, 64u << 20, err);
        if (st == OK && !strstr(str_text(&text), "</svg>"))
            st = err_set(err, ERR_TOOL, "gnuplot left %s unfinished", job->out);
    }
    if (st == OK && rename(part, path) != 0)
        st = err_errno(err, ERR_IO, "%s", path);
    if (st != OK)
        unlink(part);
    str_release(&text);
    free(part);
    free(path);
    return st;
}

static void finish_job(struct process *p, const struct gnuplot *g,
                       const char *folder, struct gnuplot_job *job)
{
    struct err why = { 0 };

    job->status = verdict(p, g->limit_s, &why);
    if (job->status == OK)
        job->status = keep(folder, job, &why);
    else {
        char *part = mem_printf("%s/%s.part", folder, job->out);

        unlink(part);
        free(part);
    }
    if (job->status != OK)
        err_set(&job->err, job->status, "figure %s: %s", job->name, why.text);
    str_release(&p->output);
}

void gnuplot_draw(const struct gnuplot *g, const char *folder,
                  struct gnuplot_job *jobs, int n)
{
    const int side = env_cores() + 1;
    struct process *p = mem_array((size_t)n, sizeof *p);
    int begun = 0, running = 0;

    while (begun < n || running > 0) {
        while (begun < n && running < side) {
            running += start_job(&p[begun], g, folder, &jobs[begun]) == OK;
            begun++;
        }
        wait_for(p, begun);
        for (int i = 0; i < begun; i++)
            if (p[i].pid && ended(&p[i])) {
                finish_job(&p[i], g, folder, &jobs[i]);
                running--;
            }
    }
    free(p);
}
