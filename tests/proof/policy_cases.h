/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * helper/policy.c, case by case. policy_kernel_fs() with each name that is the
 * kernel's, and with some that are not; policy_decide() without any rule, and
 * with two of which the last decides. The functions of the C library that it
 * calls are below; fnmatch() finds that everything matches.
 */
#include "helper.h"
#include "environment.h"

int strcmp(const char *a, const char *b) {
	for (; *a && *a == *b; a++)
		b++;
	return *a - *b;
}

int fnmatch(const char *pattern, const char *name, int flags) {
	return 0;
}

size_t strlen(const char *s) {
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t n) {
	for (; n > 0; n--, a++, b++)
		if (!*a || *a != *b)
			return *a - *b;
	return 0;
}

size_t strcspn(const char *s, const char *reject) {
	size_t n = 0;

	for (const char *c; s[n]; n++)
		for (c = reject; *c; c++)
			if (*c == s[n])
				return n;
	return n;
}

#include "policy.c"

static const char *const kernel[] = {
	"proc",    "sysfs",   "cgroup",     "cgroup2",     "debugfs",    "tracefs",    "securityfs",
	"nsfs",    "pidfs",   "devpts",     "bpf",         "configfs",   "efivarfs",   "pstore",
	"mqueue",  "fusectl", "selinuxfs",  "binfmt_misc", "smackfs",    "autofs",     "rpc_pipefs",
	"resctrl", "nfsd",    "xenfs",      "apparmorfs",  "functionfs", "gadgetfs",   "oprofilefs",
	"cpuset",  "binder",  "s390_hypfs", "spufs",       "openpromfs", "ocfs2_dlmfs"
};
static const char *const others[] = { "ext4",     "tmpfs",
	                              "btrfs",    "xfs",
	                              "overlay",  "fuse.sshfs",
	                              "nfs4",     "fuse",
	                              "ramfs",    "",
	                              "cgrou",    "roc",
	                              "devtmpfs", "a_file_system_with_a_very_long_name" };

static struct policy policy;

static uint32_t decide(uint16_t op, uint64_t a, uint16_t flags) {
	const struct caisson_plan_record r = { .op = op, .flags = flags, .a = a };
	const struct facts facts = { "ext4", { "/a", NULL } };
	const struct policy_rule *rule;

	return policy_decide(&policy, &r, &facts, &rule);
}

/* What none of root's rules is about, nobody has. */
static void no_rule(void) {
	static const struct {
		uint16_t op;
		uint64_t max; /* beyond that, it asks for nothing */
	} asked[] = {
		{ CAISSON_OP_USERNS, CAISSON_USERNS_REQUIRED },
		{ CAISSON_OP_NET, UINT64_MAX },
		{ CAISSON_OP_IDS, UINT64_MAX },
		{ CAISSON_OP_SUBIDS, UINT64_MAX },
		{ CAISSON_OP_TIME, UINT64_MAX },
		{ CAISSON_OP_SECCOMP, UINT64_MAX },
		{ CAISSON_OP_BIND, UINT64_MAX },
		{ CAISSON_OP_DEVICE, UINT64_MAX },
	};
	uint32_t refused;

	//@ loop unroll 8;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		refused = decide(asked[i].op, any_size(asked[i].max), (uint16_t)any_size(15));
		//@ assert no_rule: refused != 0;
	}
}

static void add_rule(char *kind, char verb) {
	static char value[] = "/a";

	policy.rule[policy.rules++] =
		(struct policy_rule){ kind, value, verb, .first = 0, .last = UINT32_MAX };
}

/* The last that matches decides, and what may be read may not therefore be written to. */
static void last_rule(void) {
	static char device[] = "device", read[] = "read", write[] = "write";
	uint32_t refused;

	add_rule(device, 'a');
	refused = decide(CAISSON_OP_DEVICE, 0, 0);
	//@ assert allowed: refused == 0;
	add_rule(device, 'd');
	refused = decide(CAISSON_OP_DEVICE, 0, 0);
	//@ assert denied: refused != 0;
	add_rule(device, 'a');
	refused = decide(CAISSON_OP_DEVICE, 0, 0);
	//@ assert allowed_again: refused == 0;
	add_rule(read, 'a');
	refused = decide(CAISSON_OP_BIND, 0, CAISSON_BIND_RDONLY);
	//@ assert read: refused == 0;
	refused = decide(CAISSON_OP_BIND, 0, 0);
	//@ assert not_written: refused != 0;
	add_rule(write, 'a');
	refused = decide(CAISSON_OP_BIND, 0, 0);
	//@ assert written: refused == 0;
}

int main(void) {
	bool found;

	//@ loop unroll 64;
	for (size_t i = 0; i < sizeof(kernel) / sizeof(kernel[0]); i++) {
		found = policy_kernel_fs(kernel[i]);
		//@ assert kernel: found == 1;
	}
	//@ loop unroll 64;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		found = policy_kernel_fs(others[i]);
		//@ assert others: found == 0;
	}
	policy.uid = 1000;
	no_rule();
	last_rule();
	//@ check reached: \false;
	return 0;
}
