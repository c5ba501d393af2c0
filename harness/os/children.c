#include "harness/os/children.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define ROUNDS 40 /* of 5 ms */
#define MOST   ((size_t)1 << 20)

pid_t *children_list(int *n)
{
    char path[64];
    struct str text = { 0 };
    pid_t *list = NULL;

    *n = 0;
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    if (file_read(&text, path, MOST, NULL) == OK)
        for (char *p = text.data, *end; p && *p; p = end) {
            const long pid = strtol(p, &end, 10);

            if (end == p)
                break;
            list = mem_grow(list, (size_t)*n + 1, sizeof *list);
            list[(*n)++] = (pid_t)pid;
        }
    str_release(&text);
    return list;
}

static bool is_known(pid_t pid, const pid_t *known, int n)
{
    for (int i = 0; i < n; i++)
        if (known[i] == pid)
            return true;
    return false;
}

/* Tools of our own are children too, and have no such environment. */
static bool is_of_a_run(pid_t pid)
{
    static const char name[] = "QLAW_DIR=";
    const char *own = getenv("QLAW_DIR"); /* we are a trainer's own */
    char path[48];
    struct str text = { 0 };
    bool found = false;

    snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
    if (file_read(&text, path, MOST, NULL) == OK)
        for (size_t i = 0; i < text.len && !found;
             i += strlen(text.data + i) + 1)
            found = text_has_prefix(text.data + i, name) &&
                    !(own && strcmp(text.data + i + sizeof name - 1, own) == 0);
    str_release(&text);
    return found;
}

/* Kill a child and take its end, which does not take long unless a file system
 * holds it. */
static void end(pid_t pid)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    kill(pid, SIGKILL);
    for (int i = 0; i < 50 && waitpid(pid, NULL, WNOHANG) == 0; i++)
        nanosleep(&pause, NULL);
}

void children_end_orphans(const pid_t *known, int n, pid_t group)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    bool any = true;

    for (int round = 0; round < ROUNDS && any; round++) {
        int count;
        pid_t *list = children_list(&count);

        any = false;
        for (int i = 0; i < count; i++) {
            if (is_known(list[i], known, n) ||
                (getpgid(list[i]) != group && !is_of_a_run(list[i])))
                continue;
            any = true;
            end(list[i]);
        }
        free(list);
        if (any)
            nanosleep(&pause, NULL);
    }
}
