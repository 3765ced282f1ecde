/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson-bwrap-inner: what only the process that becomes the program can do, in
 * the sandbox, with nothing but the program's own rights: descriptors to their
 * numbers, the caller's filters, argv[0] and the umask. Nothing that it is told
 * here could the program not do by itself.
 *
 *     caisson-bwrap-inner [OPTION]... -- ARGV0 PROGRAM ARGUMENT...
 *
 * -m FROM:TO  a descriptor, to its number; in the order of FROM
 * -s FD       a filter, in the order to be loaded
 * -r FD       to be told when the program runs: then it is closed; a byte: it does not
 * -g FD       say on -r in which namespaces this is, and wait for FD to be closed
 * -u MODE     umask
 * -l          "<3>" before what is said, as with --level-prefix
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FDS 80
#define MAX_FILTERS 16
#define MAX_BYTES (BPF_MAXINSNS * sizeof(struct sock_filter))

static struct { int from, to; } move[MAX_FDS];
static struct sock_fprog filter[MAX_FILTERS];
static int moves, filters, report = -1;
static const char *level = "";

static _Noreturn void fail(const char *what, const char *of, int error) {
	dprintf(2, "%sbwrap: %s%s%s%s\n", level, what, of, error ? ": " : "",
	        error ? strerror(error) : "");
	if (report >= 0 && write(report, "x", 1) < 0)
		_exit(1);
	_exit(1);
}

static int number(const char *text) {
	return (int)strtol(text, NULL, 10);
}

static void read_filter(int fd) {
	char *bytes = malloc(MAX_BYTES + 1);
	size_t used = 0;
	ssize_t n = 1;

	if (!bytes || filters == MAX_FILTERS)
		fail("Too many seccomp programs", "", 0);
	while (n > 0 && used <= MAX_BYTES) {
		n = read(fd, bytes + used, MAX_BYTES + 1 - used);
		used += n > 0 ? (size_t)n : 0;
		if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		fail("Can't read seccomp data", "", errno);
	if (used % sizeof(struct sock_filter) != 0)
		fail("Invalid seccomp data, must be multiple of 8", "", 0);
	if (used > MAX_BYTES)
		fail("Invalid seccomp data, it is too long", "", 0);
	close(fd);
	filter[filters].len = (unsigned short)(used / sizeof(struct sock_filter));
	filter[filters++].filter = (struct sock_filter *)(void *)bytes;
}

static void tell_namespaces(void) {
	static const char *const names[] = { "cgroup", "ipc", "mnt", "net", "pid", "uts" };
	char path[40], text[512];
	struct stat st;
	int at = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		if (stat(path, &st) == 0)
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%s %lu\n", names[i],
			               (unsigned long)st.st_ino);
	}
	text[at++] = '\n';
	if (write(report, text, (size_t)at) < 0)
		fail("Can't write to the reporting pipe", "", errno);
}

static void wait_for(int fd) {
	char byte;

	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
	close(fd);
}

/*
 * They arrive as 3, 4, ...; each goes to a number that is not below its own. From the
 * last to the first, so that none is overwritten that is still to be moved.
 */
static void move_fds(void) {
	for (int i = moves; i-- > 0;)
		if (move[i].from != move[i].to &&
		    (dup2(move[i].from, move[i].to) < 0 || close(move[i].from) < 0))
			fail("Can't give a descriptor its number", "", errno);
}

int main(int argc, char **argv) {
	int option, go = -1;
	char **program, *colon, *name;

	while ((option = getopt(argc, argv, "+lm:s:r:g:u:")) != -1) {
		if (option == 'm' && moves < MAX_FDS && (colon = strchr(optarg, ':'))) {
			move[moves].from = number(optarg);
			move[moves++].to = number(colon + 1);
		} else if (option == 's') {
			read_filter(number(optarg));
		} else if (option == 'r') {
			report = number(optarg);
		} else if (option == 'g') {
			go = number(optarg);
		} else if (option == 'l') {
			level = "<3>";
		} else if (option == 'u') {
			umask((mode_t)strtol(optarg, NULL, 8));
		} else {
			return 1;
		}
	}
	if (argc - optind < 2)
		return 1;
	if (go >= 0) {
		tell_namespaces();
		wait_for(go);
	}
	if (report >= 0) { /* above all numbers that are to be had */
		int lowest = moves ? move[moves - 1].to + 1 : 3;
		int high = fcntl(report, F_DUPFD_CLOEXEC, lowest > 3 + moves ? lowest : 3 + moves);

		if (high < 0)
			fail("Can't keep the reporting pipe", "", errno);
		close(report);
		report = high;
	}
	move_fds();
	for (int i = 0; i < filters; i++)
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter[i], 0, 0) < 0) {
			if (errno == EINVAL)
				fail("Unable to set up system call filtering as requested: "
				     "prctl(PR_SET_SECCOMP) reported EINVAL: it is no valid filter",
				     "", 0);
			fail("prctl(PR_SET_SECCOMP)", "", errno);
		}
	program = argv + optind + 1;
	name = program[0];
	program[0] = argv[optind];
	execvp(name, program);
	fail("execvp ", name, errno);
}
