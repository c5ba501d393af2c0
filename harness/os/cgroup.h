/* cgroup.h - what the control groups of this process allow.
 *
 * A limit of any group on the way to the root holds, so the least counts.
 * Version 2 has one hierarchy (line "0::/PATH" of /proc/self/cgroup), version 1
 * one for each controller ("4:cpu,cpuacct:/PATH"); a machine may have both.
 * Where a container sees only its own part, the path does not exist there and the
 * root of what it sees is its own group. */
#ifndef HARNESS_OS_CGROUP_H
#define HARNESS_OS_CGROUP_H

#include <stdint.h>

/* Cores' worth of time, quota over period; 0: no limit.  self is
 * /proc/self/cgroup and root /sys/fs/cgroup, or a test's. */
double cgroup_cores(const char *self, const char *root);

/* Bytes; -1: no limit. */
int64_t cgroup_memory(const char *self, const char *root);

#endif
