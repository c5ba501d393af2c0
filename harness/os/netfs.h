/* netfs.h - is a folder on a network file system?
 *
 * There, a file that another host has just written may not be seen for a
 * while, locks may not reach beyond a host, and an append is not one step
 * between hosts. */
#ifndef HARNESS_OS_NETFS_H
#define HARNESS_OS_NETFS_H

#include <stdbool.h>

/* "NFS", "Lustre", ...; NULL: a local one, or nobody knows. */
const char *netfs_name(const char *path);

/* The same of the magic number that statfs gives; for tests. */
const char *netfs_of_magic(unsigned long magic);

/* How long a change may stay unseen by another host: the longest that the
 * attribute caches of NFS keep a folder (acdirmax, nfs(5)). */
#define NETFS_LATE_S 60

#endif
