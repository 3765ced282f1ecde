/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the command line to wishes and settings; and what goes with what.
 * Whatever is refused here is refused for a reason that caisson-bwrap(1) has.
 */
#define _GNU_SOURCE
#include "args.h"
#include "options.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 9000
#define MAX_FILE (256u << 20)

char *read_whole(int fd, size_t *size) {
	size_t room = 4096, used = 0;
	char *data = need_memory(room, 1);
	ssize_t n;

	while ((n = read(fd, data + used, room - used - 1)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		used += n > 0 ? (size_t)n : 0;
		if (n < 0 || used > MAX_FILE) {
			errno = n < 0 ? errno : EFBIG;
			free(data);
			return NULL;
		}
		if (used == room - 1) {
			char *more = realloc(data, room *= 2);

			if (!more)
				die("Out of memory");
			data = more;
		}
	}
	data[used] = '\0';
	*size = used;
	return data;
}

static void parse(struct args *a, int argc, char **argv, bool in_file, int *total);

static void parse_file(struct args *a, const char *fd_text, int *total) {
	int fd = option_fd(a, fd_text), n = 0;
	size_t size;
	char *data = read_whole(fd, &size), **argv;

	if (!data)
		die_errno("Can't read --args data");
	close(fd);
	for (char *p = data; p < data + size; p += strlen(p) + 1)
		n++;
	*total += n;
	if (*total > MAX_ARGS)
		die("Exceeded maximum number of arguments %u", MAX_ARGS);
	argv = need_memory((size_t)n + 1, sizeof(*argv));
	n = 0;
	for (char *p = data; p < data + size; p += strlen(p) + 1)
		argv[n++] = p;
	parse(a, n, argv, true, total);
	free(argv); /* but not what is in it */
}

static void check_count(const struct option *o, int given) {
	static const char *const words[] = { "", "an argument", "two arguments",
		                             "three arguments" };
	if (given < (int)o->takes)
		die("%s takes %s", o->name, o->flags & ONE ? "one argument" : words[o->takes]);
}

static void one_option(struct args *a, const struct option *o, char **v) {
	o->apply(a, o, v);
	if (o->flags & MODIFIER)
		return;
	if (a->next_perms != -1 && !(o->flags & PERMS))
		die("--perms must be followed by an option that creates a file");
	if (a->next_size && !(o->flags & SIZE))
		die("--size must be followed by --tmpfs");
	a->next_perms = -1;
	a->next_size = 0;
}

static void parse(struct args *a, int argc, char **argv, bool in_file, int *total) {
	int i = 0;

	while (i < argc && argv[i][0] == '-') {
		const struct option *o;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--help") == 0)
			print_help(NULL, false);
		if (strcmp(argv[i], "--version") == 0)
			print_version();
		if (strcmp(argv[i], "--args") == 0) {
			if (in_file)
				die("--args not supported in arguments file");
			if (argc - i < 2)
				die("--args takes an argument");
			parse_file(a, argv[i + 1], total);
			i += 2;
			continue;
		}
		o = option_find(argv[i]);
		if (!o)
			die("Unknown option %s", argv[i]);
		check_count(o, argc - i - 1);
		one_option(a, o, argv + i + 1);
		i += 1 + (int)o->takes;
	}
	if (!in_file)
		a->argv = argv + i;
}

/* What cannot be had with the helper, and what needs something else beside it. */
static void check(const struct args *a) {
	if (a->userns_block_fd != -1 && !a->unshare_user)
		die("--userns-block-fd requires --unshare-user");
	if (a->userns_block_fd != -1 && a->info_fd == -1)
		die("--userns-block-fd requires --info-fd");
	if (a->userns_fd != -1 && a->unshare_user)
		die("--userns not compatible --unshare-user");
	if (a->disable_userns && !a->unshare_user)
		die("--disable-userns requires --unshare-user");
	if (a->hostname && !a->unshare_uts)
		die("Specifying --hostname requires --unshare-uts");
	if (a->as_pid_1 && !a->unshare_pid)
		die("Specifying --as-pid-1 requires --unshare-pid");
	if (a->caps_added)
		die("--cap-add in setuid mode can be used only by root: a program in the sandbox "
		    "has no capability, ever; leave it out");
	if (a->userns_fd != -1)
		die("--userns doesn't work in setuid mode: nothing privileged joins a namespace");
	if (a->userns2_fd != -1)
		die("--userns2 doesn't work in setuid mode: nothing privileged joins a namespace");
	if (a->pidns_fd != -1)
		die("--pidns doesn't work in setuid mode: nothing privileged joins a namespace");
	if (a->userns_block_fd != -1)
		die("--userns-block-fd doesn't work in setuid mode: the user namespace is root's, "
		    "and its ids are mapped by caisson-helper; leave it out, or use "
		    "\"caisson run --subuid N --subgid N\"");
	if (a->as_pid_1)
		die("--as-pid-1 doesn't work in setuid mode: process 1 is what ends the sandbox "
		    "with its caller, and no program of the user's; leave it out");
	if (a->exec_label || a->file_label)
		die("labeling not supported on this system: the label is the administrator's to "
		    "choose, by the policy that confines caisson-helper");
}

void args_parse(struct args *a, int argc, char **argv, char **environment) {
	int total = argc - 1;

	*a = (struct args){ .uid = -1, .gid = -1, .next_perms = -1 };
	a->block_fd = a->sync_fd = a->info_fd = a->status_fd = a->userns_block_fd = -1;
	a->userns_fd = a->userns2_fd = a->pidns_fd = -1;
	env_copy(a, environment);
	if (argc < 2)
		print_help(argv[0], true);
	if (total > MAX_ARGS)
		die("Exceeded maximum number of arguments %u", MAX_ARGS);
	parse(a, total, argv + 1, false, &total);
	check(a);
	if (!a->argv[0])
		print_help(argv[0], true);
}
