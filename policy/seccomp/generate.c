/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* generate OUTPUT.h [x86_64|aarch64]: write the floor as a C header. A build-time program. */
#include "floor.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

static const char *const arch_names[FLOOR_ARCHES] = {
	[FLOOR_X86_64] = "x86_64",
	[FLOOR_AARCH64] = "aarch64",
};

static const char *const network_names[FLOOR_NETWORKS] = {
	[FLOOR_NONE] = "none",
	[FLOOR_LOOPBACK] = "loopback",
	[FLOOR_HOST] = "host",
};

static int arch_by_name(const char *name)
{
	for (int i = 0; i < FLOOR_ARCHES; i++)
		if (strcmp(name, arch_names[i]) == 0)
			return i;
	return -1;
}

static int write_filter(FILE *out, enum floor_arch arch, enum floor_network network)
{
	static struct sock_filter code[FLOOR_MAX_LENGTH];
	int len = floor_compile(arch, network, 2, code);

	if (len < 0) {
		fprintf(stderr, "generate: compiling the floor for %s, network %s: %s\n",
		        arch_names[arch], network_names[network], strerror(-len));
		return -1;
	}
	fprintf(out,
	        "\n/* %d instructions */\nstatic const struct sock_filter caisson_floor_%s[] = {\n",
	        len, network_names[network]);
	for (int i = 0; i < len; i++)
		fprintf(out, "\t{ 0x%02x, %u, %u, 0x%08x },\n", (unsigned)code[i].code,
		        (unsigned)code[i].jt, (unsigned)code[i].jf, code[i].k);
	fprintf(out, "};\n");
	return 0;
}

static void write_head(FILE *out, enum floor_arch arch)
{
	const struct scmp_version *version = seccomp_version();

	fprintf(out, "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n");
	fprintf(out, "/*\n * The seccomp floor for %s, generated with libseccomp %u.%u.%u from\n",
	        arch_names[arch], version->major, version->minor, version->micro);
	fprintf(out, " * policy/seccomp/floor.c. Do not edit.\n */\n");
	fprintf(out, "#ifndef CAISSON_FLOOR_GENERATED_H\n#define CAISSON_FLOOR_GENERATED_H\n\n");
	fprintf(out, "#include <linux/filter.h>\n\n");
	fprintf(out, "#ifndef __%s__\n#error \"the seccomp floor was generated for %s\"\n#endif\n",
	        arch_names[arch], arch_names[arch]);
	fprintf(out, "#define CAISSON_FLOOR_MAX_NR %d\n", floor_max_number(arch));
	fprintf(out, "#define CAISSON_FLOOR_ARCH 0x%08xu\n", floor_audit_arch(arch));
	for (int i = 0; i < FLOOR_NETWORKS; i++)
		fprintf(out,
		        "#define CAISSON_FLOOR_%s_LEN \\\n"
		        "\t(sizeof(caisson_floor_%s) / sizeof(caisson_floor_%s[0]))\n",
		        (const char *const[]){ "NONE", "LOOPBACK", "HOST" }[i], network_names[i],
		        network_names[i]);
}

static int write_header(const char *path, enum floor_arch arch)
{
	FILE *out = fopen(path, "w");
	int ret = 0;

	if (!out) {
		fprintf(stderr, "generate: %s: %s\n", path, strerror(errno));
		return -1;
	}
	write_head(out, arch);
	for (int i = 0; i < FLOOR_NETWORKS && !ret; i++)
		ret = write_filter(out, arch, (enum floor_network)i);
	fprintf(out, "\n#endif\n");
	if (ferror(out) || fclose(out) == EOF) {
		fprintf(stderr, "generate: writing %s: %s\n", path, strerror(errno));
		ret = -1;
	}
	return ret;
}

int main(int argc, char **argv)
{
	int arch = argc == 3 ? arch_by_name(argv[2]) : floor_native_arch();

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: generate OUTPUT.h [x86_64|aarch64]\n");
		return 2;
	}
	if (arch < 0) {
		fprintf(stderr,
		        "generate: %s: no table of system calls for this architecture; "
		        "policy/seccomp/syscalls.h has x86_64 and aarch64\n",
		        argc == 3 ? argv[2] : "this machine");
		return 1;
	}
	if (write_header(argv[1], (enum floor_arch)arch) < 0) {
		remove(argv[1]);
		return 1;
	}
	return 0;
}
