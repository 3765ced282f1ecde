/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "probe_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caisson-caps.h"

#define MOUNTINFO_MAX 65536

const char *const host_sysctl_names[HOST_SYSCTLS] = {
	[HOST_MAX_USERNS] = "user.max_user_namespaces",
	[HOST_MAX_MNT] = "user.max_mnt_namespaces",
	[HOST_MAX_PID] = "user.max_pid_namespaces",
	[HOST_MAX_NET] = "user.max_net_namespaces",
	[HOST_USERNS_CLONE] = "kernel.unprivileged_userns_clone",
	[HOST_APPARMOR_USERNS] = "kernel.apparmor_restrict_unprivileged_userns",
	[HOST_APPARMOR_UNCONFINED] = "kernel.apparmor_restrict_unprivileged_unconfined",
	[HOST_PTRACE_SCOPE] = "kernel.yama.ptrace_scope",
	[HOST_SUID_DUMPABLE] = "fs.suid_dumpable",
	[HOST_NR_HUGEPAGES] = "vm.nr_hugepages",
};

const char *const host_system_names[HOST_SYSTEMS] = {
	[HOST_LINUX] = "linux",
	[HOST_WSL1] = "wsl1",
	[HOST_WSL2] = "wsl2",
	[HOST_GVISOR] = "gvisor",
};

const char *const host_withheld_names[HOST_WITHHELD_BITS] = {
	"capabilities",  "system_calls",  "setuid_programs",
	"parts_of_proc", "writable_proc", "initial_user_namespace",
};

int host_text(int root, const char *path, char *text, size_t size) {
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t used = 0;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	while (used < size - 1) {
		n = read(fd, text + used, size - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	if (n < 0 && !used)
		return -1;
	text[used] = '\0';
	return 0;
}

int host_line(int root, const char *path, char *line, size_t size) {
	if (host_text(root, path, line, size) < 0 || !line[0])
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

bool host_exists(int root, const char *path) {
	return faccessat(root, path, F_OK, 0) == 0;
}

bool host_sysctl_is(const struct host *host, enum host_sysctl which, const char *value) {
	return strcmp(host->sysctl[which], value) == 0;
}

static void read_sysctls(int root, struct host *host) {
	char path[96];

	for (int i = 0; i < HOST_SYSCTLS; i++) {
		int n = snprintf(path, sizeof(path), "proc/sys/%s", host_sysctl_names[i]);

		for (int at = 9; at < n; at++)
			if (path[at] == '.')
				path[at] = '/';
		if (host_line(root, path, host->sysctl[i], sizeof(host->sysctl[i])) < 0)
			host->sysctl[i][0] = '\0';
	}
}

static void read_modules(int root, struct host *host) {
	char line[16] = "";

	host->selinux = host_line(root, "sys/fs/selinux/enforce", line, sizeof(line)) == 0;
	host->enforcing = host->selinux && line[0] == '1';
	host->apparmor = host_line(root, "sys/module/apparmor/parameters/enabled", line,
	                           sizeof(line)) == 0 &&
	                 line[0] == 'Y';
	if (host_line(root, "proc/self/attr/apparmor/current", host->label, sizeof(host->label)) <
	            0 &&
	    host_line(root, "proc/self/attr/current", host->label, sizeof(host->label)) < 0)
		host->label[0] = '\0';
}

/* The number after "name:\t" in /proc/self/status. */
static uint64_t status_number(const char *status, const char *name, int base, uint64_t otherwise) {
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, base) : otherwise;
}

static void read_status(int root, struct host *host) {
	char status[4096];

	host->bounding = UINT64_MAX;
	if (host_text(root, "proc/self/status", status, sizeof(status)) < 0)
		return;
	host->bounding = status_number(status, "\nCapBnd:", 16, UINT64_MAX);
	if (CAISSON_HELPER_CAPS & ~host->bounding)
		host->withheld |= HOST_LACKS_CAPS;
	if (status_number(status, "\nSeccomp:", 10, 0) == 2)
		host->withheld |= HOST_FILTERED;
	if (status_number(status, "\nNoNewPrivs:", 10, 0))
		host->withheld |= HOST_NO_NEW_PRIVS;
}

static void read_uid_map(int root, struct host *host) {
	char line[128];
	size_t n = 0;

	if (host_line(root, "proc/self/uid_map", line, sizeof(line)) < 0)
		return;
	for (const char *at = line; *at && n < sizeof(host->uid_map) - 1; at++)
		if (*at != ' ' || (n && host->uid_map[n - 1] != ' '))
			host->uid_map[n++] = *at;
	host->uid_map[n] = '\0';
	if (strcmp(host->uid_map, "0 0 4294967295") != 0)
		host->withheld |= HOST_OTHER_USERNS;
}

/* A mount point, and whether the mount is read-only, from a line of mountinfo. */
static bool mount_of(const char *line, char *point, size_t size, bool *rdonly) {
	char options[64] = "", format[32];

	snprintf(format, sizeof(format), "%%*s %%*s %%*s %%*s %%%zus %%63s", size - 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (sscanf(line, format, point, options) != 2)
		return false;
#pragma GCC diagnostic pop
	*rdonly = strncmp(options, "ro", 2) == 0 && (!options[2] || options[2] == ',');
	return true;
}

/* What container runtimes put over /proc, which makes a new procfs "too revealing". */
static void read_proc(const char *mountinfo, struct host *host) {
	char point[256], first[3][64];
	unsigned masks = 0;
	bool rdonly;

	for (const char *line = mountinfo; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!mount_of(line, point, sizeof(point), &rdonly) ||
		    strncmp(point, "/proc", 5) != 0 || (point[5] && point[5] != '/'))
			continue;
		if (rdonly && (!point[5] || strcmp(point, "/proc/sys") == 0))
			host->withheld |= HOST_PROC_RDONLY;
		/* binfmt_misc's is the one that belongs there. */
		if (!point[5] || strncmp(point, "/proc/sys/fs/binfmt_misc", 24) == 0)
			continue;
		if (masks < 3)
			snprintf(first[masks], sizeof(first[0]), "%.63s", point);
		masks++;
	}
	if (!masks)
		return;
	host->withheld |= HOST_PROC_MASKED;
	snprintf(host->masked, sizeof(host->masked), masks > 2 ? "%s, %s and %u more" : "%s%s%.0u",
	         first[0], masks > 1 ? first[1] : "", masks > 2 ? masks - 2 : 0);
}

static void read_system(int root, struct host *host) {
	if (host_line(root, "proc/version", host->version, sizeof(host->version)) < 0)
		host->version[0] = '\0';
	if (host_line(root, "proc/sys/kernel/osrelease", host->release, sizeof(host->release)) < 0)
		host->release[0] = '\0';
	if (strcasestr(host->version, "microsoft"))
		/* WSL 1 has no kernel of its own: it says "-Microsoft". */
		host->system = strcasestr(host->version, "WSL2") ||
		                               strstr(host->version, "microsoft-standard")
		                       ? HOST_WSL2
		                       : HOST_WSL1;
	/* The second is what gVisor has always said, whatever it runs on. */
	else if (strcasestr(host->version, "gvisor") ||
	         strstr(host->version, "#1 SMP Sun Jan 10 15:06:54 PST 2016"))
		host->system = HOST_GVISOR;
}

void host_read(int root, struct host *host) {
	char *mountinfo = malloc(MOUNTINFO_MAX);

	memset(host, 0, sizeof(*host));
	read_system(root, host);
	read_sysctls(root, host);
	read_modules(root, host);
	read_status(root, host);
	read_uid_map(root, host);
	if (mountinfo && host_text(root, "proc/self/mountinfo", mountinfo, MOUNTINFO_MAX) == 0)
		read_proc(mountinfo, host);
	else if (mountinfo)
		mountinfo[0] = '\0';
	host_find_container(root, mountinfo ? mountinfo : "", host);
	free(mountinfo);
}
