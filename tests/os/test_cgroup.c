/* Limits of control groups, in trees like those of the kernel's documents
 * (admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/os/cgroup.h"
#include "tests/check.h"

static struct file_folder dir;

/* Write a file of the tree, with its folders. */
static void put(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", dir.path, name);
    char *folder = mem_strndup(path, (size_t)(strrchr(path, '/') - path));
    struct err err;

    check_ok(file_make_dirs(folder, &err), err);
    check_ok(file_replace(path, text, strlen(text), &err), err);
    free(folder);
    free(path);
}

static void check(double cores, double memory)
{
    char *self = mem_printf("%s/self", dir.path);
    char *root = mem_printf("%s/sys", dir.path);

    check_close(cgroup_cores(self, root), cores, 0);
    check_close((double)cgroup_memory(self, root), memory, 0);
    free(self);
    free(root);
}

static int make(void **state)
{
    struct err err;

    (void)state;
    return file_folder_make(&dir, "cgroup", &err) == OK ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    file_folder_remove(&dir);
    return 0;
}

static void the_least_quota_on_the_way_to_the_root_counts(void **state)
{
    (void)state;
    put("self", "0::/user.slice/job_7/step_0\n");
    put("sys/user.slice/job_7/step_0/cpu.max", "max 100000\n");
    put("sys/user.slice/job_7/step_0/memory.max", "max\n");
    check(0, -1);
    put("sys/user.slice/job_7/cpu.max", "150000 100000\n");
    put("sys/user.slice/memory.max", "2147483648\n");
    check(1.5, 0x1p31);
    put("sys/user.slice/cpu.max", "400000 100000\n");
    check(1.5, 0x1p31);
    put("sys/user.slice/job_7/step_0/cpu.max", "50000 100000\n");
    put("sys/user.slice/job_7/memory.max", "1048576\n");
    check(0.5, 0x1p20);
}

/* A container's own group is the root of what it sees, wherever its path says
 * that it is. */
static void the_root_counts_where_the_path_is_not_seen(void **state)
{
    (void)state;
    put("self", "0::/docker/0123abcd\n");
    put("sys/cpu.max", "300000 100000\n");
    put("sys/memory.max", "1048576\n");
    check(3, 0x1p20);
    put("self", "0::/\n");
    check(3, 0x1p20);
    put("self", "");
    check(3, 0x1p20);
}

static void hierarchies_of_version_1_are_looked_at_by_controller(void **state)
{
    (void)state;
    put("self", "5:cpuset:/a/b\n4:cpu,cpuacct:/a/b\n3:memory:/a/b\n"
                "1:name=systemd:/a/b\n0::/\n");
    put("sys/cpuset/a/cpu.cfs_quota_us", "1\n");
    put("sys/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    put("sys/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put("sys/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    check(0, -1);
    put("sys/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
    put("sys/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    put("sys/memory/a/memory.limit_in_bytes", "1048576\n");
    check(2.5, 0x1p20);
    put("sys/cpu/cpu.cfs_quota_us", "200000\n");
    put("sys/cpu/cpu.cfs_period_us", "100000\n");
    check(2, 0x1p20);
}

static void lines_that_are_none_are_passed_over(void **state)
{
    (void)state;
    put("self", "nonsense\n::\n0:\n0::\n:::::\n");
    put("sys/cpu.max", "x y\n");
    check(0, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_least_quota_on_the_way_to_the_root_counts, make, clear),
        cmocka_unit_test_setup_teardown(
            the_root_counts_where_the_path_is_not_seen, make, clear),
        cmocka_unit_test_setup_teardown(
            hierarchies_of_version_1_are_looked_at_by_controller, make, clear),
        cmocka_unit_test_setup_teardown(lines_that_are_none_are_passed_over,
                                        make, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
