/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a hostile program tries from inside, in both modes, through libcaisson and by hand. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/properties.h"
#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

static const char *const mode_name[] = { "auto", "required", "none" };
static char work[] = "/tmp/caisson-escape-XXXXXX";

#define PROBE(...) ((const char *const[]){ "/t/inside", __VA_ARGS__, NULL })

static void probe(struct raw_plan *plan, const char *prefix, const char *const *argv) {
	raw_probe(plan, &RAW_HOW, prefix, argv);
	raw_free(plan);
}

/* A process of ours that a sandbox must not find, signal or trace. */
static pid_t bystander(int terminal) {
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		raw_bail("pipe2");
	pid = fork();

	if (pid < 0)
		raw_bail("fork");
	if (pid == 0) {
		/* With a terminal: the session that it belongs to. */
		if (terminal >= 0 && (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0))
			_exit(1);
		close(ready[0]);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) < 0)
		raw_bail("read");
	close(ready[0]);
	return pid;
}

static void end_bystander(pid_t pid, const char *prefix) {
	int status;

	tap_ok(waitpid(pid, &status, WNOHANG) == 0, "%s: the host's process still lives", prefix);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void try_host(enum caisson_userns mode, const char *prefix) {
	pid_t pid = bystander(-1);
	char own[24], other[24];

	snprintf(own, sizeof(own), "%d", (int)pid);
	snprintf(other, sizeof(other), "%d", (int)getpid());
	probe(raw_root(mode), prefix, PROBE("host", own, other));
	probe(raw_root(mode), prefix, PROBE("killall"));
	end_bystander(pid, prefix);
}

/* Start the probe with a descriptor of the host's as its fd 3. */
static void with_fd(enum caisson_userns mode, const char *prefix, const char *name, int fd) {
	struct raw_plan *plan = raw_root(mode);
	struct raw_box box;

	raw_build(&box, plan, &RAW_HOW);
	if (tap_ok(raw_built(&box), "%s: %s: %s", prefix, name, raw_text(&box)))
		raw_attack(&box, prefix, name, PROBE(name, "3"), &fd, 1, 0);
	raw_end(&box);
	raw_free(plan);
}

static void try_peer(enum caisson_userns mode, const char *prefix) {
	int sv[2], secret = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		raw_bail("socketpair");
	with_fd(mode, prefix, "peer", sv[1]);
	close(sv[0]);
	close(sv[1]);
	close(secret);
}

static void try_terminal(enum caisson_userns mode, const char *prefix) {
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, waiting = 0;
	pid_t owner;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    (slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		tap_skip("a terminal passed in", "this host gives no pseudoterminal");
		return;
	}
	owner = bystander(slave);
	with_fd(mode, prefix, "tty", slave);
	tap_ok(ioctl(slave, FIONREAD, &waiting) == 0 && waiting == 0,
	       "%s: nothing was typed into the host's terminal", prefix);
	end_bystander(owner, prefix);
	close(master);
	close(slave);
	probe(raw_root(mode), prefix, PROBE("tty"));
}

static void make_file(const char *dir, const char *name) {
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "untouched", 9) != 9)
		raw_bail(path);
	close(fd);
}

static void try_trees(enum caisson_userns mode, const char *prefix) {
	struct raw_plan *plan = raw_root(mode);
	char path[128], text[16] = "";
	struct stat st;
	int fd;

	raw_bind(plan, raw_path(work), "/ro", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	probe(plan, prefix, PROBE("readonly", "/ro"));
	snprintf(path, sizeof(path), "%s/file", work);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	tap_ok(fd >= 0 && read(fd, text, 15) == 9 && !strcmp(text, "untouched"),
	       "%s: the file is untouched", prefix);
	close(fd);

	plan = raw_root(mode);
	raw_bind(plan, raw_path(work), "/rw", CAISSON_BIND_DIR);
	probe(plan, prefix, PROBE("planted", "/rw"));
	snprintf(path, sizeof(path), "%s/planted", work);
	tap_ok(stat(path, &st) < 0 || !(st.st_mode & 06000), "%s: no setuid file on the host",
	       prefix);
	unlink(path);

	plan = raw_root(mode);
	snprintf(path, sizeof(path), "%s", raw_helper());
	*strrchr(path, '/') = '\0';
	raw_bind(plan, raw_path(path), "/suid", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	probe(plan, prefix, PROBE("setuid", "/suid/caisson-helper"));
}

/* With the host's network the abstract names are the host's too: only Landlock's scope separates. */
static void try_abstract(enum caisson_userns mode, enum caisson_net net, const char *prefix) {
	struct raw_plan *plan = raw_root(mode);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), n;
	struct raw_box box;

	n = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "caisson-escape-%d", getpid());
	if (bind(fd, (struct sockaddr *)&at,
	         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0 ||
	    listen(fd, 1) < 0)
		raw_bail("an abstract socket");
	memmove(&plan->record[2], &plan->record[1],
	        (plan->head.records++ - 1) * sizeof(plan->record[0]));
	plan->record[1] = (struct caisson_plan_record){ .op = CAISSON_OP_NET, .fd = -1, .a = net };
	raw_build(&box, plan, &RAW_HOW);
	if (raw_built(&box) && net == CAISSON_NET_HOST && box.answer.landlock_abi < 6)
		tap_skip(
			"abstract sockets with the host's network",
			"this kernel's Landlock has no scope (6.12): the report says host network");
	else
		raw_probe(plan, &RAW_HOW, prefix, PROBE("abstract", at.sun_path + 1));
	raw_end(&box);
	raw_probe(plan, &RAW_HOW, prefix,
	          PROBE("sockets", net == CAISSON_NET_NONE       ? "none"
	                           : net == CAISSON_NET_LOOPBACK ? "loopback"
	                                                         : "host"));
	raw_free(plan);
	close(fd);
}

/* System V memory of ours, and a Landlock domain wherever this kernel has one. */
static void try_shared(enum caisson_userns mode, const char *prefix) {
	key_t key = 0x43410000 | (getpid() & 0xffff);
	int id = shmget(key, 4096, IPC_CREAT | 0600);
	long abi = syscall(444 /* landlock_create_ruleset */, NULL, 0, 1 /* VERSION */);
	struct raw_plan *plan = raw_root(mode);
	struct raw_box box;
	char text[24];

	raw_build(&box, plan, &RAW_HOW);
	if (abi > 1 || (abi == 1 && mode == CAISSON_USERNS_NONE))
		tap_ok(raw_built(&box) && box.answer.landlock_abi == (uint32_t)abi &&
		               box.answer.held & CAISSON_BIT(LANDLOCK),
		       "%s: a Landlock domain of ABI %ld", prefix, abi);
	else
		tap_skip("a Landlock domain", "this kernel offers none that fits");
	raw_end(&box);
	if (id < 0) {
		tap_skip("System V memory", "this kernel has none");
		raw_free(plan);
		return;
	}
	snprintf(text, sizeof(text), "%#x", (unsigned)key);
	raw_probe(plan, &RAW_HOW, prefix, PROBE("ipc", text));
	raw_free(plan);
	shmctl(id, IPC_RMID, NULL);
}

/* Descriptors that would be a way out are refused by init. */
static void try_descriptors(enum caisson_userns mode, const char *prefix) {
	const char *const paths[] = { "/", work, "/proc/self/exe", "/proc/self/ns/net" };
	const int flags[] = { O_RDONLY, O_PATH, O_RDONLY, O_RDONLY };

	for (unsigned i = 0; i < 4; i++) {
		struct raw_plan *plan = raw_root(mode);
		struct caisson_answer answer = { 0 };
		struct raw_box box;
		int fd = open(paths[i], flags[i] | O_CLOEXEC);

		if (fd < 0 && raw_selinux()) {
			tap_skip(paths[i], "SELinux denies the caller a descriptor of it");
			raw_free(plan);
			continue;
		}
		raw_build(&box, plan, &RAW_HOW);
		raw_start(&box, PROBE("self"), -1, &fd, 1, 0);
		raw_next(&box, &answer, 20000);
		tap_ok(answer.kind == CAISSON_ANSWER_FAILED && answer.stage == CAISSON_STAGE_INIT &&
		               ((answer.knob == CAISSON_KNOB_STDIO && answer.detail == 3) ||
		                (raw_selinux() && answer.knob == CAISSON_KNOB_CONTROL)),
		       "%s: a descriptor of %s is not passed on (answer %u knob %u detail %u)",
		       prefix, paths[i], answer.kind, answer.knob, answer.detail);
		raw_end(&box);
		raw_free(plan);
		close(fd);
	}
}

static void try_mode(enum caisson_userns mode) {
	static const char *const plain[] = { "self",  "ids",  "init",  "namespaces", "mounts",
		                             "calls", "keys", "nodes", "proc" };
	char prefix[32];

	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		snprintf(prefix, sizeof(prefix), "%s, %s", mode_name[mode], plain[i]);
		probe(raw_root(mode), prefix, PROBE(plain[i]));
	}
	snprintf(prefix, sizeof(prefix), "%s", mode_name[mode]);
	try_host(mode, prefix);
	try_peer(mode, prefix);
	try_terminal(mode, prefix);
	try_trees(mode, prefix);
	for (int net = CAISSON_NET_NONE; net <= CAISSON_NET_HOST; net++)
		try_abstract(mode, (enum caisson_net)net, prefix);
	try_shared(mode, prefix);
	try_descriptors(mode, prefix);
}

int main(void) {
	char path[128];

	raw_watch();
	if (!mkdtemp(work) || chmod(work, 0755) < 0)
		raw_bail(work);
	make_file(work, "file");
	try_mode(CAISSON_USERNS_AUTO);
	if (raw_without_helper())
		tap_skip("without a user namespace", "caisson-builder builds of them");
	else
		try_mode(CAISSON_USERNS_NONE);
	snprintf(path, sizeof(path), "%s/file", work);
	unlink(path);
	tap_ok(rmdir(work) == 0, "the working directory is empty at the end");
	raw_nothing_left("at the end");
	return tap_done();
}
