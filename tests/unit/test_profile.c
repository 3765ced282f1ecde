/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles as text: what is wrong in one is said with file and line, and nothing comes of it. */
#define _GNU_SOURCE
#include "floor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/profile-XXXXXX";

static void make_dir(void) {
	cr_assert_not_null(mkdtemp(dir));
}

static void put(const char *name, const char *text) {
	char path[64];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s.conf", dir, name);
	out = fopen(path, "w");
	cr_assert_not_null(out);
	fputs(text, out);
	fclose(out);
}

static void remove_dir(void) {
	char path[64];

	snprintf(path, sizeof(path), "%s/p.conf", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/q.conf", dir);
	unlink(path);
	rmdir(dir);
}

TestSuite(profile, .init = make_dir, .fini = remove_dir);

/* What is said of p.conf; "" if it is fine. */
static const char *complaint(const char *text) {
	static char said[4096];
	struct floor_profile *profile;
	FILE *to = fmemopen(said, sizeof(said), "w");

	cr_assert_not_null(to);
	said[0] = '\0';
	put("p", text);
	profile = profile_read(dir, "p", to);
	fclose(to);
	cr_expect(!profile == !!*said, "a profile and a complaint: %s", said);
	profile_free(profile);
	return said;
}

static const struct {
	const char *text, *said;
} wrong[] = {
	{ "allow read\n", "it does not say what becomes of write" },
	{ "others EPERM\nallow reed\n", "p.conf:2: reed is no system call" },
	{ "others EPERM\nallow read\nEPERM read\n", "p.conf:3: read is named a second time" },
	{ "others EPERM\nallow read read\n", "read is named a second time" },
	{ "others\n", "p.conf:1: others ANSWER" },
	{ "others maybe\n", "others ANSWER" },
	{ "others EPERM EPERM\n", "others ANSWER" },
	{ "deny read\n", "\"deny\" where a statement should begin" },
	{ "others EPERM\nallow\n", "of which system calls?" },
	{ "others EPERM\nEFOO read\n", "\"EFOO\" where a statement" },
	{ "include ../etc/passwd\n", "include NAME" },
	{ "include p\n", "includes go too deep" },
	{ "include r\n", "r.conf: No such file" },
	{ "let A\n", "let NAME VALUE" },
	{ "let A 08\n", "08 is neither a number" },
	{ "let A 1|B\n", "B is neither a number" },
	{ "let A -1\n", "-1 is neither" },
	{ "let A 0x100000000\n", "is neither a number" },
	{ "let A12345678901234567890123456789012 1\n", "let NAME VALUE" },
	{ "rule\n", "rule NAME ANSWER" },
	{ "rule r maybe\n", "maybe is no answer" },
	{ "rule r allow if\n", "\"\" where a condition should begin" },
	{ "rule r allow if a6 == 1\n", "\"a6\" where a condition" },
	{ "rule r allow if a0.low == 1\n", "\"a0.low\" where a condition" },
	{ "rule r allow if a0 = 1\n", "a condition is aN" },
	{ "rule r allow if a0 == \n", "a condition is aN" },
	{ "rule r allow if a0 & 1\n", "a condition is aN" },
	{ "rule r allow if a0 & 1 == 2\n", "has bits that the mask" },
	{ "rule r allow if a0 == 1 or a1 == 1\n", "\"or\" where \"and\" was expected" },
	{ "rule r allow unless a0 == 1\n", "\"unless\" where \"if\"" },
	{ "rule r allow if a0 == 1 and a1 == 1 and a2 == 1 and a3 == 1\n", "more than 3" },
	{ "rule r allow on moon if a0 == 1\n", "moon is no network" },
	{ "rule r allow on\n", "on which network" },
	{ "judge r read\n", "r is no rule" },
	{ "judge\n", "nothing is no rule" },
	{ "rule r allow if a0 == 1\njudge r read\n", "does not say what happens" },
	{ "rule r EPERM on none\njudge r read\n", "network loopback: it does not say" },
	{ "rule r EPERM\nrule r allow\njudge r read\n", "behind one without condition" },
	{ "rule r EPERM\njudge r\n", "of which system calls?" },
};

Test(profile, what_is_wrong_is_said) {
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *said = complaint(wrong[i].text);

		cr_expect(strstr(said, wrong[i].said), "%s: \"%s\", not \"%s\"", wrong[i].text,
		          said, wrong[i].said);
	}
}

Test(profile, too_much_is_said) {
	char *text = calloc(1, 65536);

	cr_assert_not_null(text);
	memset(text, ' ', 600);
	cr_expect(strstr(complaint(text), "longer than"), "%s", complaint(text));
	text[0] = '\0';
	for (int i = 0; i < 50; i++)
		strcat(text, "x ");
	cr_expect(strstr(complaint(text), "more than 39 words"));
	text[0] = '\0';
	for (int i = 0; i < 40; i++)
		sprintf(text + strlen(text), "let A%d 1\n", i);
	cr_expect(strstr(complaint(text), "p.conf:33: more than 32 names"));
	text[0] = '\0';
	for (int i = 0; i < 40; i++)
		sprintf(text + strlen(text), "rule r%d allow\n", i);
	cr_expect(strstr(complaint(text), "p.conf:33: more than 32 rules"));
	text[0] = '\0';
	for (int i = 0; i < 40; i++)
		strcat(text, "rule r allow if a0 == 1\n");
	cr_expect(strstr(complaint(text), "p.conf:17: rule r: more than 16 lines"));
	free(text);
}

static unsigned verdict_of(const struct floor_profile *profile, const char *call) {
	for (size_t i = 0; i < floor_syscall_count; i++)
		if (strcmp(floor_syscalls[i].name, call) == 0)
			return profile->verdict[i];
	cr_assert_fail("%s", call);
	return 0;
}

/* What is included can be said otherwise; the last newline may be missing. */
Test(profile, what_is_right_is_read) {
	struct floor_profile *profile;

	put("q", "let ONE 1\nothers ENOSYS\nallow read write # for all\nEPERM ptrace\n");
	put("p",
	    "# a comment\n\n  include q\nrule r allow if a0 & ONE|2 == ONE and a1.high != 7\n"
	    "rule r EACCES on none,host\nrule r EINVAL on loopback\njudge r write\nallow ptrace");
	profile = profile_read(dir, "p", stderr);
	cr_assert_not_null(profile);
	cr_expect_eq(verdict_of(profile, "read"), FLOOR_ALLOW);
	cr_expect_eq(verdict_of(profile, "ptrace"), FLOOR_ALLOW);
	cr_expect_eq(verdict_of(profile, "open"), ENOSYS);
	cr_expect_eq(verdict_of(profile, "write"), FLOOR_RULE);
	cr_expect_eq(profile->rule[0].clauses, 3);
	cr_expect_eq(profile->rule[0].clause[0].when[0].mask, 3);
	cr_expect_eq(profile->rule[0].clause[0].when[1].high, 1);
	cr_expect_eq(profile->rule[0].clause[2].networks, 1u << FLOOR_LOOPBACK);
	cr_expect_str_eq(profile->why[0], "for all");
	profile_free(profile);
}
