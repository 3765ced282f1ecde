/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program that makes filters of profiles/, at build time, and shows them to
 * whoever wants to know what is in them. See usage().
 */
#define _GNU_SOURCE
#include "generate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(FILE *out) {
	fputs("usage: caisson-seccomp-generate [-a x86_64|aarch64] [-d DIR] COMMAND\n"
	      "  header FILE             all filters, and their twins that notify, as C\n"
	      "  names FILE              the names of the system calls, by number, as C\n"
	      "  print PROFILE NETWORK   the rules in words\n"
	      "  pfc PROFILE NETWORK     the same as pseudo code, as libseccomp writes it\n"
	      "  code PROFILE NETWORK    the instructions; code-notify: those of the twin\n"
	      "  sizes                   how many instructions each filter has\n"
	      "-a: for which machine, this one's. -d: where the profiles are, "
	      "NAME.conf.\nPROFILE: default, strict, gpu, nested. NETWORK: none, loopback, host.\n",
	      out);
}

static int index_of(const char *const names[], int count, const char *name, const char *what) {
	for (int i = 0; name && i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	fprintf(stderr, "caisson-seccomp-generate: %s is no %s\n", name ? name : "nothing", what);
	return -1;
}

static int show(const struct settings *s, const char *how, char **argv) {
	struct floor_variant v = { .arch = s->arch, .notify = 0, .reach = FLOOR_REACH };
	int network = index_of(floor_network_names, FLOOR_NETWORKS, argv[1], "network");
	static struct sock_filter code[FLOOR_MAX_LENGTH];
	struct floor_profile *profile;
	int len = 0;

	/* Of other names too: DIR may be an administrator's. */
	if (network < 0 || !(profile = profile_read(s->dir, argv[0], stderr)))
		return 1;
	v.network = (enum floor_network)network;
	v.notify = strcmp(how, "code-notify") == 0;
	if (strcmp(how, "print") == 0)
		print_words(stdout, profile, v.arch, v.network);
	else if (strcmp(how, "pfc") == 0)
		print_pfc(stdout, profile, v.arch, v.network);
	else if ((len = floor_compile(profile, &v, code)) > 0)
		print_code(stdout, code, len);
	profile_free(profile);
	if (len < 0)
		fprintf(stderr, "caisson-seccomp-generate: compiling: %s\n", strerror(-len));
	return len < 0 || fflush(stdout) == EOF;
}

static int sizes(const struct settings *s) {
	static struct sock_filter code[FLOOR_MAX_LENGTH];
	int ret = 0;

	for (int i = 0; i < FLOOR_PROFILES && ret == 0; i++) {
		struct floor_profile *p = profile_read(s->dir, floor_profile_names[i], stderr);

		if (!p)
			return 1;
		for (int n = 0; n < FLOOR_NETWORKS; n++) {
			struct floor_variant v = { s->arch, (enum floor_network)n, 0, FLOOR_REACH };
			int plain = floor_compile(p, &v, code), twin;

			v.notify = 1;
			twin = floor_compile(p, &v, code);
			printf("%-8s %-9s %4d, twin %4d\n", p->name, floor_network_names[n], plain,
			       twin);
			ret |= plain < 0 || twin < 0;
		}
		profile_free(p);
	}
	return ret || fflush(stdout) == EOF;
}

/* To a file that is there in full or not at all. */
static int write_file(const struct settings *s, const char *path,
                      int (*write)(FILE *out, const struct settings *s)) {
	FILE *out = fopen(path, "we");
	int failed = !out || write(out, s) < 0;

	if (out && (ferror(out) | fclose(out)))
		failed = 1;
	if (!failed)
		return 0;
	fprintf(stderr, "caisson-seccomp-generate: %s is not written: %s\n", path, strerror(errno));
	remove(path);
	return 1;
}

static int command(const struct settings *s, int argc, char **argv) {
	static const char *const shown[] = { "print", "pfc", "code", "code-notify" };

	if (argc == 2 && strcmp(argv[0], "header") == 0)
		return write_file(s, argv[1], write_header);
	if (argc == 2 && strcmp(argv[0], "names") == 0)
		return write_file(s, argv[1], write_names);
	if (argc == 1 && strcmp(argv[0], "sizes") == 0)
		return sizes(s);
	for (size_t i = 0; argc == 3 && i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(argv[0], shown[i]) == 0)
			return show(s, argv[0], argv + 1);
	usage(stderr);
	return 2;
}

int main(int argc, char **argv) {
	struct settings s = { .dir = PROFILE_DIR };
	int arch = floor_native_arch(), i = 1;

	for (; i + 1 < argc && (!strcmp(argv[i], "-a") || !strcmp(argv[i], "-d")); i += 2) {
		if (argv[i][1] == 'd')
			s.dir = argv[i + 1];
		else if ((arch = index_of(floor_arch_names, FLOOR_ARCHES, argv[i + 1],
		                          "architecture")) < 0)
			return 2;
	}
	if (i < argc && strcmp(argv[i], "--help") == 0) {
		usage(stdout);
		return 0;
	}
	if (arch < 0) {
		fprintf(stderr, "caisson-seccomp-generate: syscalls.h has no numbers for this "
		                "machine, only for x86_64 and aarch64\n");
		return 1;
	}
	s.arch = (enum floor_arch)arch;
	return command(&s, argc - i, argv + i);
}
