/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of a host say, read below a directory that stands for "/": tests
 * read the files of other hosts by the same code. Nothing here is tried.
 */
#ifndef CAISSON_LIBCLIENT_PROBE_HOST_H
#define CAISSON_LIBCLIENT_PROBE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_sysctl {
	HOST_MAX_USERNS,
	HOST_MAX_MNT,
	HOST_MAX_PID,
	HOST_MAX_NET,
	HOST_USERNS_CLONE,
	HOST_APPARMOR_USERNS,
	HOST_APPARMOR_UNCONFINED,
	HOST_PTRACE_SCOPE,
	HOST_SUID_DUMPABLE,
	HOST_NR_HUGEPAGES,
	HOST_SYSCTLS,
};

extern const char *const host_sysctl_names[HOST_SYSCTLS]; /* "user.max_user_namespaces" */

enum host_container {
	HOST_NO_CONTAINER,
	HOST_DOCKER,
	HOST_PODMAN,
	HOST_KUBERNETES,
	HOST_LXC,
	HOST_NSPAWN,
	HOST_OTHER_CONTAINER,
	HOST_CONTAINERS,
};

extern const char *const host_container_names[HOST_CONTAINERS]; /* "docker"; "" for none */

enum host_system { HOST_LINUX, HOST_WSL1, HOST_WSL2, HOST_GVISOR, HOST_SYSTEMS };

extern const char *const host_system_names[HOST_SYSTEMS];

/* Capabilities, filters and files that this process is kept from; bits. */
enum host_withheld {
	HOST_LACKS_CAPS = 1,    /* out of the bounding set: nothing gives them back */
	HOST_FILTERED = 2,      /* a seccomp filter */
	HOST_NO_NEW_PRIVS = 4,  /* setuid does nothing */
	HOST_PROC_MASKED = 8,   /* something lies over parts of /proc */
	HOST_PROC_RDONLY = 16,  /* /proc/sys or all of /proc is read-only */
	HOST_OTHER_USERNS = 32, /* its root is not the machine's */
};

#define HOST_WITHHELD_BITS 6
extern const char *const host_withheld_names[HOST_WITHHELD_BITS];

struct host {
	enum host_system system;
	enum host_container container;
	char version[256], release[80]; /* /proc/version and osrelease */
	char sign[128];                 /* of the container: what showed it */
	char sysctl[HOST_SYSCTLS][24];  /* "": there is no such file */
	bool apparmor, selinux, enforcing;
	char label[256]; /* of this process, "" if none */
	unsigned withheld;
	uint64_t bounding; /* capabilities that can be had at all */
	char masked[160];  /* "/proc/kcore, /proc/keys and 7 more" */
	char uid_map[64];  /* its first line, blanks squeezed */
};

/* root: a directory, "/" but in tests. Whatever cannot be read stays empty. */
void host_read(int root, struct host *host);

/* The first line of a file below root, without its newline; -1 if there is none. */
int host_line(int root, const char *path, char *line, size_t size);
bool host_exists(int root, const char *path);
/* All of it that fits, NUL-terminated; -1 if it cannot be read. */
int host_text(int root, const char *path, char *text, size_t size);
/* True if that sysctl is there and has this value. */
bool host_sysctl_is(const struct host *host, enum host_sysctl which, const char *value);

/* probe_container.c: which container, from marks and from what is mounted. */
void host_find_container(int root, const char *mountinfo, struct host *host);

#endif
