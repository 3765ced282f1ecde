/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which container manager made the place that this process is in. */
#define _GNU_SOURCE
#include "probe_host.h"

#include <stdio.h>
#include <string.h>

const char *const host_container_names[HOST_CONTAINERS] = {
	[HOST_NO_CONTAINER] = "",
	[HOST_DOCKER] = "docker",
	[HOST_PODMAN] = "podman",
	[HOST_LXC] = "lxc",
	[HOST_NSPAWN] = "nspawn",
	[HOST_KUBERNETES] = "kubernetes",
	[HOST_OTHER_CONTAINER] = "container",
};

/* A file that only such a container has. The first that is found decides. */
static const struct {
	enum host_container container;
	const char *path;
} files[] = {
	{ HOST_KUBERNETES, "var/run/secrets/kubernetes.io" },
	{ HOST_KUBERNETES, "run/secrets/kubernetes.io" },
	{ HOST_PODMAN, "run/.containerenv" },
	{ HOST_LXC, "dev/.lxc" },
	{ HOST_LXC, "dev/lxd" },
	{ HOST_LXC, "dev/incus" },
};

/* In /proc/self/cgroup; with id: a container's id follows, and not "-registry.service". */
static const struct {
	enum host_container container;
	bool id;
	const char *word;
} groups[] = {
	{ HOST_KUBERNETES, false, "kubepods" }, { HOST_PODMAN, true, "libpod-" },
	{ HOST_DOCKER, true, "/docker/" },      { HOST_DOCKER, true, "docker-" },
	{ HOST_LXC, false, "/lxc/" },           { HOST_LXC, false, "/lxc.payload" },
};

/*
 * With a cgroup namespace that file says "/", and the manager's own files over
 * /etc/hostname and the like remain: where a mount comes from. The host itself has
 * mounts with such names too, but at other places.
 */
static const struct {
	enum host_container container;
	const char *from, *at;
} mounts[] = {
	{ HOST_KUBERNETES, "/kubelet/pods/", " /etc/host" },
	{ HOST_KUBERNETES, "/io.containerd.grpc.v1.cri/", " /etc/" },
	{ HOST_PODMAN, "/userdata/", " /etc/" },
	{ HOST_DOCKER, "/docker/containers/", " /etc/" },
	{ HOST_LXC, " fuse.lxcfs ", " /proc/" },
};

/* What systemd and its kind call it, in /run/systemd/container. */
static const struct {
	enum host_container container;
	const char *name;
} managers[] = {
	{ HOST_LXC, "lxc" },       { HOST_LXC, "lxc-libvirt" }, { HOST_NSPAWN, "systemd-nspawn" },
	{ HOST_DOCKER, "docker" }, { HOST_PODMAN, "podman" },   { HOST_OTHER_CONTAINER, "" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool by_file(int root, struct host *host) {
	for (size_t i = 0; i < COUNT(files); i++) {
		if (!host_exists(root, files[i].path))
			continue;
		host->container = files[i].container;
		snprintf(host->sign, sizeof(host->sign), "/%s exists", files[i].path);
		return true;
	}
	return false;
}

static bool is_id(const char *text) {
	return strspn(text, "0123456789abcdef") >= 12;
}

static bool by_cgroup(int root, struct host *host) {
	char cgroup[4096];

	if (host_text(root, "proc/self/cgroup", cgroup, sizeof(cgroup)) < 0)
		return false;
	for (size_t i = 0; i < COUNT(groups); i++) {
		const char *at = strstr(cgroup, groups[i].word);

		if (!at || (groups[i].id && !is_id(at + strlen(groups[i].word))))
			continue;
		host->container = groups[i].container;
		snprintf(host->sign, sizeof(host->sign), "\"%s\" in /proc/self/cgroup",
		         groups[i].word);
		return true;
	}
	return false;
}

/* One line of mountinfo has both words. */
static bool mounted(const char *mountinfo, const char *from, const char *at) {
	for (const char *line = mountinfo; *line;) {
		const char *end = strchrnul(line, '\n');
		const char *one = memmem(line, (size_t)(end - line), from, strlen(from));

		if (one && memmem(line, (size_t)(end - line), at, strlen(at)))
			return true;
		line = *end ? end + 1 : end;
	}
	return false;
}

static bool by_mount(const char *mountinfo, struct host *host) {
	for (size_t i = 0; i < COUNT(mounts); i++) {
		if (!mounted(mountinfo, mounts[i].from, mounts[i].at))
			continue;
		host->container = mounts[i].container;
		snprintf(host->sign, sizeof(host->sign), "\"%s\" in /proc/self/mountinfo",
		         mounts[i].from);
		return true;
	}
	return false;
}

/* Left in an image that was unpacked onto a disk it says nothing: Docker's root is an overlay. */
static bool by_dockerenv(int root, const char *mountinfo, struct host *host) {
	if (!host_exists(root, ".dockerenv") || !mounted(mountinfo, " / / ", " - overlay "))
		return false;
	host->container = HOST_DOCKER;
	snprintf(host->sign, sizeof(host->sign), "/.dockerenv exists, and / is an overlay");
	return true;
}

static bool by_manager(int root, struct host *host) {
	char name[64];
	size_t i = 0;

	if (host_line(root, "run/systemd/container", name, sizeof(name)) < 0 &&
	    host_line(root, "run/host/container-manager", name, sizeof(name)) < 0)
		return false;
	while (i < COUNT(managers) - 1 && strcmp(managers[i].name, name) != 0)
		i++;
	host->container = managers[i].container;
	snprintf(host->sign, sizeof(host->sign), "/run/systemd/container says %s", name);
	return true;
}

void host_find_container(int root, const char *mountinfo, struct host *host) {
	if (by_file(root, host) || by_cgroup(root, host) || by_mount(mountinfo, host) ||
	    by_dockerenv(root, mountinfo, host) || by_manager(root, host))
		return;
	if (!(host->withheld & HOST_PROC_MASKED) || !(host->withheld & HOST_PROC_RDONLY))
		return;
	host->container = HOST_OTHER_CONTAINER;
	snprintf(host->sign, sizeof(host->sign), "/proc is masked as container runtimes do it");
}
