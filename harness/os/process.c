#include "harness/os/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static bool read_small(char *buf, size_t size, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return false;
    buf[n] = '\0';
    return true;
}

/* State (field 3) and start time (field 22) of /proc/PID/stat.  The name in
 * field 2 may hold anything, so fields are counted from its last ')'. */
static bool read_stat(char *state, int64_t *start, int64_t pid)
{
    char path[48], buf[1024], *p;
    int field = 3;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (!read_small(buf, sizeof buf, path) || !(p = strrchr(buf, ')')) ||
        p[1] != ' ')
        return false;
    p += 2;
    *state = *p;
    while (field < 22 && (p = strchr(p, ' '))) {
        p++;
        field++;
    }
    *start = p ? strtoll(p, NULL, 10) : 0;
    return p != NULL;
}

static void read_boot(char boot[PROCESS_BOOT])
{
    if (!read_small(boot, PROCESS_BOOT, "/proc/sys/kernel/random/boot_id"))
        boot[0] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
}

bool process_find(struct process *out, pid_t pid)
{
    char state;

    *out = (struct process){ .pid = pid };
    read_boot(out->boot);
    return read_stat(&state, &out->start_ticks, pid) && state != 'Z';
}

bool process_alive(const struct process *p)
{
    struct process now;

    return p->pid > 1 && p->start_ticks > 0 &&
           process_find(&now, (pid_t)p->pid) &&
           now.start_ticks == p->start_ticks && strcmp(now.boot, p->boot) == 0;
}

bool process_end_group(const struct process *p, double patience_s)
{
    const double end = clock_monotonic() + patience_s;
    const struct timespec pause = { .tv_nsec = 10000000 };

    while (process_alive(p)) {
        if (clock_monotonic() > end)
            return false;
        /* Only a group that it leads is surely its own. */
        if (getpgid((pid_t)p->pid) == (pid_t)p->pid)
            kill(-(pid_t)p->pid, SIGKILL);
        else
            kill((pid_t)p->pid, SIGKILL);
        nanosleep(&pause, NULL);
    }
    return true;
}

void process_host(char out[PROCESS_HOST])
{
    if (gethostname(out, PROCESS_HOST) != 0)
        strcpy(out, "?"); /* a word, as a lock has it */
    out[PROCESS_HOST - 1] = '\0';
}

char *process_program(void)
{
    return mem_printf("/proc/%ld/exe", (long)getpid());
}
