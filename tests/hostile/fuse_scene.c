/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuse_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

enum { LIVE, STOPPING, CLOSING, MUTE, PRIVATE, KINDS };

static const char *const names[KINDS] = { "live", "stopping", "closing", "mute", "private" };

#define NODE_DIR 2u
#define NODE_FILE 3u
#define NODE_STATS 4u
#define MODE_DIR (S_IFDIR | 0755)
#define MODE_FILE (S_IFREG | 0644)

/* ---------------------------------------------------------------------- the server */

static struct server {
	int fd[KINDS];
	bool stopped[KINDS];
	unsigned by_root;
	uid_t uid;
} server;

union reply {
	struct fuse_init_out init;
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;
	struct fuse_open_out open;
	struct fuse_statfs_out statfs;
};

static void attributes(struct fuse_attr *attr, uint64_t node) {
	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->mode = node == FUSE_ROOT_ID || node == NODE_DIR ? MODE_DIR : MODE_FILE;
	attr->nlink = 1;
	attr->uid = attr->gid = server.uid;
	attr->blksize = 4096;
}

/* What is there: "dir" and "file", in every directory. 0: nothing of that name. */
static uint64_t find(int kind, const char *name) {
	if (kind == LIVE && !strcmp(name, "quit"))
		exit(0);
	if ((kind == STOPPING || kind == CLOSING) && !strcmp(name, "stop"))
		server.stopped[kind] = true;
	if (!strncmp(name, "stats.", 6) && server.by_root >= (unsigned)atoi(name + 6))
		return NODE_STATS;
	return !strcmp(name, "dir") ? NODE_DIR : !strcmp(name, "file") ? NODE_FILE : 0;
}

/* The length of the reply; -errno; or 1 where there is none to give. */
static int serve(int kind, const struct fuse_in_header *in, const void *arg, union reply *out) {
	switch (in->opcode) {
	case FUSE_INIT:
		out->init.major = FUSE_KERNEL_VERSION;
		out->init.minor = 31;
		out->init.flags = FUSE_PARALLEL_DIROPS; /* one that waits does not hold up others */
		out->init.max_readahead = 4096;
		out->init.max_write = 4096;
		return sizeof(out->init);
	case FUSE_LOOKUP:
		if (!strncmp(arg, "hang", 4))
			return 1;
		out->entry.nodeid = find(kind, arg);
		attributes(&out->entry.attr, out->entry.nodeid);
		return out->entry.nodeid ? (int)sizeof(out->entry) : -ENOENT;
	case FUSE_GETATTR:
		attributes(&out->attr.attr, in->nodeid);
		return sizeof(out->attr);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		out->open.open_flags = FOPEN_DIRECT_IO;
		return sizeof(out->open);
	case FUSE_READDIR:
	case FUSE_READ:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_ACCESS:
		return 0;
	case FUSE_STATFS:
		out->statfs.st.bsize = 4096;
		out->statfs.st.namelen = 255;
		return sizeof(out->statfs);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return 1;
	default:
		return -ENOSYS;
	}
}

/* Those that ask something; the rest comes from the kernel's own housekeeping. */
static bool asks(uint32_t opcode) {
	return opcode != FUSE_INIT && opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET &&
	       opcode != FUSE_INTERRUPT && opcode != FUSE_RELEASE && opcode != FUSE_RELEASEDIR &&
	       opcode != FUSE_FLUSH && opcode != FUSE_DESTROY;
}

static void one_request(int kind) {
	static _Alignas(8) char request[65536];
	struct {
		struct fuse_out_header head;
		union reply body;
	} reply;
	const struct fuse_in_header *in = (const void *)request;
	ssize_t n = read(server.fd[kind], request, sizeof(request) - 1);
	int len;

	if (n < (ssize_t)sizeof(*in))
		return;
	request[n] = '\0';
	server.by_root += in->uid == 0 && asks(in->opcode);
	memset(&reply, 0, sizeof(reply));
	len = serve(kind, in, in + 1, &reply.body);
	if (len == 1)
		return;
	reply.head.unique = in->unique;
	reply.head.error = len < 0 ? len : 0;
	reply.head.len = (uint32_t)(sizeof(reply.head) + (len > 0 ? (unsigned)len : 0));
	(void)!write(server.fd[kind], &reply, reply.head.len);
}

static _Noreturn void run_server(pid_t parent) {
	if (setgid(server.uid) < 0 || setuid(server.uid) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	server.stopped[MUTE] = true;
	for (;;) {
		struct pollfd fds[KINDS];

		for (int i = 0; i < KINDS; i++)
			fds[i] = (struct pollfd){ .fd = server.stopped[i] ? -1 : server.fd[i],
				                  .events = POLLIN };
		poll(fds, KINDS, -1);
		for (int i = 0; i < KINDS; i++)
			if (fds[i].revents & POLLIN)
				one_request(i);
	}
}

/* ----------------------------------------------------------------------- the scene */

static void mount_one(const char *dir, int kind) {
	char options[200];

	server.fd[kind] = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (server.fd[kind] < 0)
		scene_skip("/dev/fuse");
	if (mkdir(dir, 0755) < 0)
		scene_skip(dir);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=%u,group_id=%u%s",
	         server.fd[kind], server.uid, server.uid, kind == PRIVATE ? "" : ",allow_other");
	if (mount("caisson-test", dir, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		scene_skip("mounting a FUSE file system");
}

_Noreturn void fuse_scene(char *const *cmd) {
	char base[] = "/tmp/caisson-fuse-XXXXXX", dir[64];
	pid_t parent = getpid(), pid;
	int status;

	server.uid = scene_uid();
	scene_mounts();
	if (!mkdtemp(base) || mount("none", base, "tmpfs", 0, "mode=0755,size=64k") < 0)
		scene_skip("a tmpfs");
	for (int i = 0; i < KINDS; i++) {
		snprintf(dir, sizeof(dir), "%s/%s", base, names[i]);
		mount_one(dir, i);
	}
	pid = fork();
	if (pid < 0)
		scene_skip("fork");
	if (pid == 0)
		run_server(parent);
	for (int i = 0; i < KINDS; i++)
		close(server.fd[i]);
	setenv("CAISSON_FUSE", base, 1);
	if (getenv("CAISSON_SCENE_ONLY") && !strcmp(getenv("CAISSON_SCENE_ONLY"), "legacy"))
		scene_legacy();
	status = scene_run(cmd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	umount2(base, MNT_DETACH);
	rmdir(base);
	exit(status);
}

/* ------------------------------------------------------------------ as the test user */

bool fuse_there(void) {
	return getenv("CAISSON_FUSE") != NULL;
}

const char *fuse_path(const char *name) {
	static char path[4][200];
	static unsigned turn;
	char *at = path[turn++ % 4];

	snprintf(at, sizeof(path[0]), "%s/%s", getenv("CAISSON_FUSE"), name);
	return at;
}

unsigned fuse_root_requests(void) {
	char name[32];
	unsigned n = 0;

	do
		snprintf(name, sizeof(name), "live/stats.%u", n + 1);
	while (access(fuse_path(name), F_OK) == 0 && n++ < 1000);
	return n;
}

void fuse_stop(const char *which) {
	char name[32];

	snprintf(name, sizeof(name), "%s/stop", which);
	(void)!access(fuse_path(name), F_OK);
}

void fuse_quit(void) {
	(void)!access(fuse_path("live/quit"), F_OK);
}
