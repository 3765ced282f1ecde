/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy's language and its decisions, table by table. */
#include <criterion/criterion.h>

#include "helper/policy.h"

#define ME 1000u

static struct policy *fresh(void) {
	struct policy *p = calloc(1, sizeof(*p));

	cr_assert_not_null(p);
	p->uid = ME;
	p->group[0] = 100;
	p->group[1] = 44;
	p->groups = 2;
	return p;
}

/* As if text were the next file. */
static uint32_t feed(struct policy *p, const char *text) {
	size_t size = strlen(text);
	char *copy = p->text + p->used;

	cr_assert_lt(size + p->used, sizeof(p->text));
	memcpy(copy, text, size + 1);
	p->used += (uint32_t)size + 1;
	p->line = ((p->line >> 20) + 1) << 20;
	return policy_parse(p, copy, size);
}

/* ------------------------------------------------------------------- numbers */

Test(policy, number) {
	static const struct {
		const char *text;
		int64_t is;
	} cases[] = { { "0", 0 },           { "1", 1 },
		      { "1000", 1000 },     { "4294967295", UINT32_MAX },
		      { "4294967296", -1 }, { "99999999999999999999999999", -1 },
		      { "", -1 },           { NULL, -1 },
		      { "01", -1 },         { "00", -1 },
		      { "-1", -1 },         { "+1", -1 },
		      { " 1", -1 },         { "1 ", -1 },
		      { "0x10", -1 },       { "1a", -1 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(policy_number(cases[i].text), cases[i].is, "%s",
		             cases[i].text ? cases[i].text : "NULL");
}

Test(policy, settings_and_their_units) {
	static const struct {
		const char *text;
		uint64_t is; /* 0: no rule */
	} cases[] = { { "1", 1 },
		      { "600", 600 },
		      { "1K", 1 << 10 },
		      { "2M", 2 << 20 },
		      { "3G", 3ull << 30 },
		      { "4T", 4ull << 40 },
		      { "unlimited", UINT64_MAX },
		      { "4294967295T", 0 }, /* over INT64_MAX */
		      { "8388607T", 8388607ull << 40 },
		      { "8388608T", 0 },
		      { "K", 0 },
		      { "1k", 0 },
		      { "1KK", 0 },
		      { "1KB", 0 },
		      { "01", 0 },
		      { "-1", 0 },
		      { "1.5G", 0 },
		      { "Unlimited", 0 },
		      { "4294967296", 0 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy *p = fresh();
		char line[64];
		uint32_t fault;

		snprintf(line, sizeof(line), "set all memory %s\n", cases[i].text);
		fault = feed(p, line);
		cr_expect_eq(fault, cases[i].is ? 0 : CAISSON_POLICY_LINE, "%s", line);
		if (cases[i].is)
			cr_expect_eq(policy_max(p, "memory", 7), cases[i].is, "%s", line);
		free(p);
	}
}

/* -------------------------------------------------------------------- faults */

/* What is no rule, each with the number of its line. */
static const struct {
	const char *text;
	uint32_t fault, line;
} faults[] = {
	{ "", 0, 1 },
	{ "\n\n# a comment\n   \t\n", 0, 5 },
	{ "allow all net host\n", 0, 2 },
	{ " allow\tall  net host # why\n", 0, 2 },
	{ "allow all net host #\n", 0, 2 },
	{ "#", CAISSON_POLICY_LINE, 1 },
	{ "allow all net host", CAISSON_POLICY_LINE, 1 },
	{ "\nallow all net host\nallow", CAISSON_POLICY_LINE, 3 },
	{ "allow\n", CAISSON_POLICY_LINE, 1 },
	{ "\nallow all\n", CAISSON_POLICY_LINE, 2 },
	{ "\n\nallow all net\n", CAISSON_POLICY_LINE, 3 },
	{ "allow all net moon\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all net hos\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all net host now\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all net host\r\n", CAISSON_POLICY_LINE, 1 },
	{ "permit all net host\n", CAISSON_POLICY_LINE, 1 },
	{ "Allow all net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow everybody net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid: net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid:root net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid:1- net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid:-1 net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid:2-1 net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid:1-2-3 net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow uid:4294967296 net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all:1 net host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all files 3\n", CAISSON_POLICY_LINE, 1 },
	{ "set all net host\n", CAISSON_POLICY_LINE, 1 },
	{ "set all audit loud\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all n host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all net=host host\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read srv\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read /srv/\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read //srv\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read /srv/../etc\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read /srv/.\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read /[a-z]\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read /a\\b\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read @own\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read @ownx/a\n", CAISSON_POLICY_LINE, 1 },
	{ "deny all read @own/a\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all device null\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read 1:3\n", CAISSON_POLICY_LINE, 1 },
	{ "allow all read @own/\n", 0, 2 },
	{ "allow all read /\n", 0, 2 },
	{ "allow all device 195:*\nallow all device /dev/nvidia*\n", 0, 3 },
	/* one file says one thing about the same */
	{ "allow all net host\ndeny all net host\n", CAISSON_POLICY_TWICE, 2 },
	{ "allow all net host\nallow all net host\n", CAISSON_POLICY_TWICE, 2 },
	{ "set all files 5\n\nset all files 6\n", CAISSON_POLICY_TWICE, 3 },
	{ "allow uid:1 net host\nallow uid:1-1 net host\n", CAISSON_POLICY_TWICE, 2 },
	{ "allow uid:1 net host\nallow gid:1 net host\n", 0, 3 },
	{ "allow uid:1 net host\ndeny uid:1-2 net host\n", 0, 3 },
	{ "set all files 5\nset uid:1 files 6\n", 0, 3 },
};

Test(policy, every_fault_with_its_line) {
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct policy *p = fresh();

		cr_expect_eq(feed(p, faults[i].text), faults[i].fault, "%s", faults[i].text);
		cr_expect_eq(p->line, 1u << 20 | faults[i].line, "%s: line %u", faults[i].text,
		             p->line & 0xfffff);
		free(p);
	}
}

Test(policy, a_byte_0_is_no_end) {
	struct policy *p = fresh();
	char text[] = "allow all net host\n\0deny all net host\n";

	cr_expect_eq(policy_parse(p, text, sizeof(text) - 1), CAISSON_POLICY_LINE);
	cr_expect_eq(p->line, 2);
	free(p);
}

Test(policy, too_many_rules) {
	struct policy *p = fresh();
	char line[64];

	for (int i = 0; i < POLICY_MAX_RULES; i++) {
		snprintf(line, sizeof(line), "allow uid:%d net host\n", i);
		cr_assert_eq(feed(p, line), 0);
	}
	cr_expect_eq(p->rules, POLICY_MAX_RULES);
	cr_expect_eq(feed(p, "\n# nothing\n"), 0, "what is no rule takes no room");
	cr_expect_eq(feed(p, "allow all net host\n"), CAISSON_POLICY_SIZE);
	free(p);
}

Test(policy, another_file_may_say_otherwise) {
	struct policy *p = fresh();

	cr_expect_eq(feed(p, "allow all net host\n"), 0);
	cr_expect_eq(feed(p, "deny all net host\n"), 0);
	cr_expect_eq(policy_find(p, "net", (const char *const[]){ "host", NULL })->verb, 'd');
	free(p);
}

/* ----------------------------------------------------------------- decisions */

/* Rules; the kind; the name, "@": the caller owns it; the line that decides, 0: none. */
static const struct {
	const char *rules, *kind, *name;
	uint32_t line;
} finds[] = {
	/* the last that matches */
	{ "deny all read /\nallow all read /a\n", "read", "/a", 2 },
	{ "allow all read /a\ndeny all read /\n", "read", "/a", 2 },
	{ "deny all read /\nallow all read /a\n", "read", "/b", 1 },
	{ "allow all read /a\n", "write", "/a", 0 },
	{ "", "read", "/a", 0 },
	/* below, and twins by prefix */
	{ "allow all read /scratch\n", "read", "/scratch", 1 },
	{ "allow all read /scratch\n", "read", "/scratch/x/y", 1 },
	{ "allow all read /scratch\n", "read", "/scratch2", 0 },
	{ "allow all read /scratch\n", "read", "/scratc", 0 },
	{ "allow all read /scratch\n", "read", "/x/scratch", 0 },
	{ "allow all read /\n", "read", "", 1 },
	{ "allow all read /\n", "read", "/a/b", 1 },
	{ "allow all read /a\n", "read", "", 0 },
	/* '*' and '?' stay within a component, and may stand for a leading dot */
	{ "deny all read /home/*/.ssh\n", "read", "/home/a/.ssh", 1 },
	{ "deny all read /home/*/.ssh\n", "read", "/home/a/.ssh/id", 1 },
	{ "deny all read /home/*/.ssh\n", "read", "/home/a/b/.ssh", 0 },
	{ "deny all read /home/*/.ssh\n", "read", "/home/.ssh", 0 },
	{ "deny all read /home/*/.ssh\n", "read", "/home/a/.ssh2", 0 },
	{ "deny all read /home/*/.ssh\n", "read", "/home", 0 },
	{ "allow all read /home/*\n", "read", "/home/.a", 1 },
	{ "allow all read /d?\n", "read", "/da/x", 1 },
	{ "allow all read /d?\n", "read", "/d/x", 0 },
	{ "allow all device /dev/nvidia*\n", "device", "/dev/nvidia0", 1 },
	{ "allow all device /dev/nvidia*\n", "device", "/dev/nvidi", 0 },
	/* whose */
	{ "allow uid:1000 read /a\n", "read", "/a", 1 },
	{ "allow uid:999 read /a\n", "read", "/a", 0 },
	{ "allow uid:1000-1000 read /a\n", "read", "/a", 1 },
	{ "allow uid:1001-2000 read /a\n", "read", "/a", 0 },
	{ "allow uid:0-999 read /a\n", "read", "/a", 0 },
	{ "allow uid:0-4294967295 read /a\n", "read", "/a", 1 },
	{ "allow gid:100 read /a\n", "read", "/a", 1 },
	{ "allow gid:44 read /a\n", "read", "/a", 1 },
	{ "allow gid:1000 read /a\n", "read", "/a", 0 },
	{ "allow gid:45-99 read /a\n", "read", "/a", 0 },
	{ "allow gid:43-45 read /a\n", "read", "/a", 1 },
	{ "deny all read /a\nallow uid:1 read /a\n", "read", "/a", 1 },
	/* what the caller owns */
	{ "allow all write @own/\n", "write", "@/a", 1 },
	{ "allow all write @own/\n", "write", "/a", 0 },
	{ "allow all write @own/a\n", "write", "@/a/b", 1 },
	{ "allow all write @own/a\n", "write", "@/ab", 0 },
	{ "allow all write @own/a\n", "write", "@/b", 0 },
	{ "allow all write @own/\n", "write", "@", 1 },
	{ "deny all write /\nallow all write @own/\n", "write", "@/a", 2 },
	{ "deny all write /\nallow all write @own/\n", "write", "/a", 1 },
	/* words are no patterns and no prefixes */
	{ "allow all net host\n", "net", "host", 1 },
	{ "allow all net host\n", "net", "hos", 0 },
	{ "allow all userns plain\n", "userns", "ids", 0 },
};

Test(policy, which_rule_decides) {
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		bool own = *finds[i].name == '@';
		const struct policy_rule *r;
		struct policy *p = fresh();
		char path[256];
		const char *name[2] = { finds[i].name + own, own ? path : NULL };

		snprintf(path, sizeof(path), "@own%s", finds[i].name + own);
		cr_assert_eq(feed(p, finds[i].rules), 0, "%s", finds[i].rules);
		r = policy_find(p, finds[i].kind, name);
		cr_expect_eq(r ? r->line & 0xfffff : 0, finds[i].line, "%s%s %s: line %u",
		             finds[i].rules, finds[i].kind, finds[i].name,
		             r ? r->line & 0xfffff : 0);
		free(p);
	}
}

/* Records against rules: the knob, and the line of the rule. */
static const struct {
	const char *rules;
	uint16_t op, flags;
	uint64_t a;
	const char *fstype, *path, *also;
	uint32_t knob, line;
} records[] = {
	{ "allow all read /\n", CAISSON_OP_BIND, CAISSON_BIND_RDONLY, 0, "ext4", "/a", NULL, 0, 1 },
	{ "allow all read /\n", CAISSON_OP_BIND, 0, 0, "ext4", "/a", NULL, CAISSON_KNOB_POLICY, 0 },
	{ "allow all read /\nallow all write /\n", CAISSON_OP_BIND, 0, 0, "ext4", "/a", NULL, 0,
	  2 },
	{ "allow all write /\n", CAISSON_OP_BIND, 0, 0, "ext4", "/a", NULL, CAISSON_KNOB_POLICY,
	  0 },
	{ "allow all read /\nallow all write @own/\n", CAISSON_OP_BIND, 0, 0, "ext4", "/a",
	  "@own/a", 0, 2 },
	{ "allow all read /\nallow all write /\ndeny all read /a\n", CAISSON_OP_BIND, 0, 0, "ext4",
	  "/a/b", NULL, CAISSON_KNOB_POLICY, 3 },
	{ "allow all read /\n", CAISSON_OP_BIND, CAISSON_BIND_RDONLY, 0, "proc", "/proc", NULL,
	  CAISSON_KNOB_SOURCE_FS, 0 },
	{ "allow all read /\n", CAISSON_OP_BIND, CAISSON_BIND_RDONLY, 0, "fuse.x", "/a", NULL, 0,
	  1 },
	{ "allow all device 1:3\n", CAISSON_OP_DEVICE, 0, 0, "devtmpfs", "/dev/null", "1:3", 0, 1 },
	{ "allow all device /dev/null\n", CAISSON_OP_DEVICE, 0, 0, "devtmpfs", "/dev/null", "1:3",
	  0, 1 },
	{ "allow all device 1:3\n", CAISSON_OP_DEVICE, 0, 0, "devtmpfs", "/dev/zero", "1:5",
	  CAISSON_KNOB_POLICY, 0 },
	{ "allow all device 1:*\ndeny all device 1:5\n", CAISSON_OP_DEVICE, 0, 0, "devtmpfs",
	  "/dev/zero", "1:5", CAISSON_KNOB_POLICY, 2 },
	{ "allow all read /\n", CAISSON_OP_DEVICE, 0, 0, "devtmpfs", "/dev/null", "1:3",
	  CAISSON_KNOB_POLICY, 0 },
	{ "allow all net none\n", CAISSON_OP_NET, 0, CAISSON_NET_NONE, NULL, NULL, NULL, 0, 1 },
	{ "allow all net none\n", CAISSON_OP_NET, 0, CAISSON_NET_LOOPBACK, NULL, NULL, NULL,
	  CAISSON_KNOB_POLICY, 0 },
	{ "allow all net host\n", CAISSON_OP_NET, 0, CAISSON_NET_HOST, NULL, NULL, NULL, 0, 1 },
	{ "allow all userns plain\n", CAISSON_OP_USERNS, 0, CAISSON_USERNS_AUTO, NULL, NULL, NULL,
	  0, 1 },
	{ "deny all userns plain\n", CAISSON_OP_USERNS, 0, CAISSON_USERNS_NONE, NULL, NULL, NULL, 0,
	  0 },
	{ "deny all userns ids\n", CAISSON_OP_IDS, 0, 0, NULL, NULL, NULL, CAISSON_KNOB_POLICY, 1 },
	{ "allow all userns ids\n", CAISSON_OP_IDS, 0, 5000, NULL, NULL, NULL, 0, 1 },
	{ "allow all userns subids\n", CAISSON_OP_SUBIDS, 0, 100000, NULL, NULL, NULL, 0, 1 },
	{ "allow all userns ids\n", CAISSON_OP_SUBIDS, 0, 100000, NULL, NULL, NULL,
	  CAISSON_KNOB_POLICY, 0 },
	{ "allow all userns time\n", CAISSON_OP_TIME, 0, UINT64_MAX, NULL, NULL, NULL, 0, 1 },
	{ "allow all seccomp strict\n", CAISSON_OP_SECCOMP, 0, CAISSON_SECCOMP_STRICT, NULL, NULL,
	  NULL, 0, 1 },
	{ "allow all seccomp strict\n", CAISSON_OP_SECCOMP, 0, CAISSON_SECCOMP_GPU, NULL, NULL,
	  NULL, CAISSON_KNOB_POLICY, 0 },
	{ "allow all seccomp nested\n", CAISSON_OP_SECCOMP, 0, CAISSON_SECCOMP_NESTED, NULL, NULL,
	  NULL, 0, 1 },
	{ "allow all seccomp gpu\n", CAISSON_OP_SECCOMP, 0, CAISSON_SECCOMP_NESTED, NULL, NULL,
	  NULL, CAISSON_KNOB_POLICY, 0 },
	{ "allow all seccomp nested\n", CAISSON_OP_SECCOMP, 0, CAISSON_SECCOMP_GPU, NULL, NULL,
	  NULL, CAISSON_KNOB_POLICY, 0 },
	/* what a sandbox has of its own needs no rule */
	{ "", CAISSON_OP_TMPFS, 0, 4096, NULL, NULL, NULL, 0, 0 },
	{ "", CAISSON_OP_PROC, 0, 0, NULL, NULL, NULL, 0, 0 },
	{ "", CAISSON_OP_MASK, 0, 0, NULL, NULL, NULL, 0, 0 },
	{ "", CAISSON_OP_FILE, 0, 4096, NULL, NULL, NULL, 0, 0 },
	{ "", CAISSON_OP_HOSTNAME, 0, 0, NULL, NULL, NULL, 0, 0 },
};

Test(policy, decisions) {
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const struct caisson_plan_record r = { .op = records[i].op,
			                               .flags = records[i].flags,
			                               .a = records[i].a };
		const struct facts facts = { records[i].fstype,
			                     { records[i].path, records[i].also } };
		struct policy *p = fresh();
		const struct policy_rule *rule;
		uint32_t knob;

		cr_assert_eq(feed(p, records[i].rules), 0, "%s", records[i].rules);
		knob = policy_decide(p, &r, &facts, &rule);
		cr_expect_eq(knob, records[i].knob, "%zu: %s: knob %u", i, records[i].rules, knob);
		cr_expect_eq(rule ? rule->line & 0xfffff : 0, records[i].line, "%zu: %s: line %u",
		             i, records[i].rules, rule ? rule->line & 0xfffff : 0);
		p->uid = 0;
		cr_expect_eq(policy_decide(p, &r, &facts, &rule), CAISSON_KNOB_POLICY,
		             "root gets none");
		cr_expect_null(rule);
		free(p);
	}
}

Test(policy, what_is_set) {
	struct policy *p = fresh();

	cr_assert_eq(feed(p, "set all pids 64\nset gid:44 pids 128\nset uid:1 pids 1\n"
	                     "set all audit required\n"),
	             0);
	cr_expect_eq(policy_max(p, "pids", 7), 128, "the last that is the caller's");
	cr_expect_eq(policy_max(p, "binds", 7), 7, "none: as it is built in");
	cr_expect_eq(policy_max(p, "audit", 't'), 'r', "a word: its first letter");
	free(p);
}

Test(policy, kernel_fs) {
	static const char *const yes[] = { "proc", "sysfs", "cgroup2", "xenfs" };
	static const char *const no[] = { "ext4", "", "pro", "proc2", "fuse.proc", "tmpfs", " " };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		cr_expect(policy_kernel_fs(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		cr_expect_not(policy_kernel_fs(no[i]), "%s", no[i]);
}
