/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program: ids, network, environment, directory, descriptors, arguments. */
#define _GNU_SOURCE
#include "run.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define USUAL_UMASK 022 /* which init has */
#define MAX_PASSED 64   /* libcaisson's */

static void set_ids(const struct args *a, caisson_spec *spec) {
	uint32_t uid = a->uid >= 0 ? (uint32_t)a->uid : getuid();
	uint32_t gid = a->gid >= 0 ? (uint32_t)a->gid : getgid();

	if (uid != getuid() || gid != getgid()) /* else it is so without a user namespace, too */
		caisson_spec_ids(spec, uid, gid);
}

/* The host's, as bubblewrap leaves it; libcaisson's own where that is no name to be had. */
static void set_hostname(const struct args *a, caisson_spec *spec) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";
	char name[65] = "";

	if (a->hostname)
		caisson_spec_hostname(spec, a->hostname);
	else if (gethostname(name, sizeof(name) - 1) == 0 && *name && !name[strspn(name, allowed)])
		caisson_spec_hostname(spec, name);
}

/* ----------------------------------------------------------------- directory */

static bool can_enter(const struct layout *l, const char *path) {
	struct tree tree = l->tree; /* what is looked up is kept in it, nothing changes */
	struct place p;
	bool can;

	if (!path || *path != '/')
		return false;
	p = tree_find(&tree, path, true);
	can = p.node && p.node->kind == NODE_DIR &&
	      (!p.node->host || access(p.node->host, X_OK) == 0) &&
	      (p.node->made < 0 || l->record[p.node->made].mode & 0100);
	place_done(&p);
	return can;
}

/* The last three are tried in this order. */
static void set_directory(struct args *a, const struct layout *l, caisson_spec *spec) {
	char *here = get_current_dir_name(), *absolute;
	const char *dir = "/";

	if (a->chdir)
		dir = a->chdir;
	else if (can_enter(l, here))
		dir = here;
	else if (can_enter(l, env_get(a, "HOME")))
		dir = env_get(a, "HOME");
	absolute = need_format("%s%s", *dir == '/' ? "" : "/", dir);
	a->dir = need_string(dir);
	caisson_spec_chdir(spec, absolute);
	env_set(a, "PWD", dir);
	free(absolute);
	free(here);
}

static void set_environment(const struct args *a, caisson_spec *spec) {
	caisson_spec_clearenv(spec);
	for (size_t i = 0; i < a->envs; i++) {
		char *name = need_string(a->env[i]), *value = strchr(name, '=');

		*value++ = '\0';
		caisson_spec_setenv(spec, name, value);
		free(name);
	}
}

/* --------------------------------------------------------------- descriptors */

/* What is closed, or /dev/null already, the library makes one of its own. */
static int stream(int fd) {
	struct stat st;

	if (fstat(fd, &st) < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return -1;
	return fd;
}

static void make_pipe(int end[2]) {
	if (pipe2(end, O_CLOEXEC) < 0)
		die_errno("pipe2()");
}

struct content {
	char *bytes;
	size_t size;
};

/* All of them before anything is opened: a number that is given twice is an error. */
static struct content *read_filters(const struct args *a) {
	struct content *filter = need_memory(a->seccomp.n + 1, sizeof(*filter));

	for (size_t i = 0; i < a->seccomp.n; i++) {
		filter[i].bytes = read_whole(a->seccomp.fd[i], &filter[i].size);
		if (!filter[i].bytes)
			die_errno("Can't read seccomp data");
		close(a->seccomp.fd[i]);
		if (filter[i].size % sizeof(struct sock_filter) != 0)
			die("Invalid seccomp data, must be multiple of 8");
	}
	return filter;
}

/* A pipe that holds it, to be read in the sandbox. */
static int pipe_with(struct content *filter) {
	int end[2];

	make_pipe(end);
	fcntl(end[1], F_SETFL, O_NONBLOCK);
	if (filter->size && write(end[1], filter->bytes, filter->size) != (ssize_t)filter->size)
		die("Invalid seccomp data, it is too long");
	close(end[1]);
	free(filter->bytes);
	return end[0];
}

/* ---------------------------------------------------------------------- argv */

struct words {
	char **word;
	size_t n;
};

static void put(struct words *w, char *word) {
	w->word = need_room(w->word, w->n, sizeof(*w->word));
	w->word[w->n++] = word;
}

/* A descriptor for the sandbox, and what option of the inner program it is for. */
static void put_fd(struct words *w, caisson_spec *spec, const char *option, int fd, int *next) {
	caisson_spec_pass_fd(spec, fd);
	put(w, need_string(option));
	put(w, need_format("%d", (*next)++));
}

static void put_inner(const struct args *a, caisson_spec *spec, struct inner *inner,
                      struct words *w, mode_t mask) {
	struct content *filter = read_filters(a);
	int next = 3 + (int)inner->passed.n;

	caisson_spec_bind(spec, CAISSON_BWRAP_INNER, INNER_PATH, CAISSON_RDONLY);
	put(w, need_string(INNER_PATH));
	if (say_level) /* before -s, of which something may be wrong */
		put(w, need_string("-l"));
	for (size_t i = 0; i < inner->passed.n; i++) {
		put(w, need_string("-m"));
		put(w, need_format("%zu:%d", 3 + i, inner->passed.fd[i]));
	}
	make_pipe(inner->report);
	put_fd(w, spec, "-r", inner->report[1], &next);
	if (inner->told) {
		make_pipe(inner->go);
		put_fd(w, spec, "-g", inner->go[0], &next);
	}
	for (size_t i = 0; i < a->seccomp.n; i++)
		put_fd(w, spec, "-s", pipe_with(&filter[i]), &next);
	free(filter);
	if (mask != USUAL_UMASK) {
		put(w, need_string("-u"));
		put(w, need_format("%o", (unsigned)mask));
	}
	put(w, need_string("--"));
	put(w, need_string(a->argv0 ? a->argv0 : a->argv[0]));
}

static void set_arguments(const struct args *a, caisson_spec *spec, struct inner *inner, bool plain,
                          mode_t mask) {
	struct words w = { 0 };

	inner->told = a->info_fd != -1 || a->status_fd != -1 || a->block_fd != -1;
	inner->needed = inner->told || !plain || a->seccomp.n || a->argv0 || mask != USUAL_UMASK;
	if (inner->passed.n + a->seccomp.n + 2 > MAX_PASSED)
		die("More than %d descriptors for the sandbox", MAX_PASSED);
	for (size_t i = 0; i < inner->passed.n; i++) {
		struct stat st;

		if (fstat(inner->passed.fd[i], &st) == 0 && S_ISREG(st.st_mode))
			caisson_spec_allow_stdio_files(spec);
		caisson_spec_pass_fd(spec, inner->passed.fd[i]);
	}
	if (inner->needed)
		put_inner(a, spec, inner, &w, mask);
	for (char **arg = a->argv; *arg; arg++)
		put(&w, *arg);
	put(&w, NULL);
	caisson_spec_argv(spec, (const char *const *)w.word);
	free(w.word);
}

void prepare(struct args *a, const struct layout *l, const struct numbers *inherited,
             caisson_spec *spec, struct inner *inner) {
	bool plain;
	mode_t mask = umask(0);

	umask(mask);
	caisson_spec_network(spec,
	                     a->unshare_net ? CAISSON_NETWORK_LOOPBACK : CAISSON_NETWORK_HOST);
	set_ids(a, spec);
	set_hostname(a, spec);
	if (a->landlock && strcmp(a->landlock, "files") != 0) {
		if (strcmp(a->landlock, "processes") != 0)
			die("--caisson-landlock: files or processes, not \"%s\"", a->landlock);
		caisson_spec_landlock(spec, CAISSON_LANDLOCK_PROCESSES);
	}
	if (a->seccomp_profile && caisson_spec_seccomp(spec, a->seccomp_profile) < 0)
		die("--caisson-seccomp: default, strict, gpu or nested, not \"%s\"",
		    a->seccomp_profile);
	set_directory(a, l, spec);
	set_environment(a, spec);
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			caisson_spec_allow_stdio_files(spec);
	}
	caisson_spec_stdio(spec, stream(0), stream(1), stream(2));
	inherited_pass(a, inherited, &inner->passed, &plain);
	set_arguments(a, spec, inner, plain, mask);
}
