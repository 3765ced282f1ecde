/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp profiles, as compiled, against a second opinion (floor_expect.c):
 * every number, every rule about arguments, both architectures, twins that
 * notify, in an interpreter. test_floor_live.c installs them for real.
 */
#include "bpf.h"
#include "floor.h"
#include "floor_expect.h"

#include "caisson-floor.h"
#include "caisson-syscalls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ALLOWED 0x7fff0000u

_Static_assert((int)FLOOR_AARCH64 == EXPECT_AARCH64 && (int)FLOOR_HOST == EXPECT_HOST &&
                       (int)FLOOR_STRICT == EXPECT_STRICT && (int)FLOOR_GPU == EXPECT_GPU &&
                       (int)FLOOR_NESTED == EXPECT_NESTED,
               "order");

struct floor {
	enum expect_profile profile;
	enum expect_arch arch;
	enum expect_network network;
	int notify;
	size_t len;
	struct sock_filter code[FLOOR_MAX_LENGTH];
};

static struct floor_profile *profiles[FLOOR_PROFILES];

static void read_profiles(void) {
	for (int i = 0; i < FLOOR_PROFILES; i++) {
		profiles[i] = profile_read(PROFILE_DIR, floor_profile_names[i], stderr);
		cr_assert_not_null(profiles[i], "%s", floor_profile_names[i]);
	}
}

static void free_profiles(void) {
	for (int i = 0; i < FLOOR_PROFILES; i++)
		profile_free(profiles[i]);
}

TestSuite(floor, .init = read_profiles, .fini = free_profiles);

static void compile(struct floor *f, const struct floor_variant *v, int profile) {
	int len = floor_compile(profiles[profile], v, f->code);

	cr_assert_gt(len, 0, "arch %d network %d: %s", v->arch, v->network, strerror(-len));
	f->profile = (enum expect_profile)profile;
	f->arch = (enum expect_arch)v->arch;
	f->network = (enum expect_network)v->network;
	f->notify = v->notify;
	f->len = (size_t)len;
	cr_assert_eq(bpf_check(f->code, f->len), 0);
}

/* Call each for every profile, architecture and network, and for the twins. */
static void for_each_variant(void (*each)(const struct floor *f), unsigned reach, int twins) {
	struct floor *f = malloc(sizeof(*f));

	cr_assert_not_null(f);
	for (int i = 0; i < FLOOR_PROFILES * FLOOR_ARCHES * FLOOR_NETWORKS * (1 + twins); i++) {
		const struct floor_variant v = {
			.arch = (enum floor_arch)(i / FLOOR_PROFILES % FLOOR_ARCHES),
			.network = (enum floor_network)(i / FLOOR_PROFILES / FLOOR_ARCHES %
			                                FLOOR_NETWORKS),
			.notify = i / FLOOR_PROFILES / FLOOR_ARCHES / FLOOR_NETWORKS,
			.reach = reach,
		};

		compile(f, &v, i % FLOOR_PROFILES);
		each(f);
	}
	free(f);
}

static void for_each_floor(void (*each)(const struct floor *f)) {
	for_each_variant(each, FLOOR_REACH, 1);
}

static void compare(const struct floor *f, const struct seccomp_data *d) {
	uint32_t got = bpf_run(f->code, f->len, d, NULL);
	uint32_t want = expect_verdict(f->profile, f->arch, f->network, d);

	if (f->notify)
		want = expect_notify(want);
	if (got == want) /* cr_assert is too slow for tens of millions */
		return;
	cr_assert_fail("profile %d%s arch %#x network %d number %d (%#x) args %#llx %#llx %#llx "
	               "%#llx: the filter says %#x, expected %#x",
	               f->profile, f->notify ? " twin" : "", d->arch, f->network, d->nr,
	               (unsigned)d->nr, d->args[0], d->args[1], d->args[2], d->args[3], got, want);
}

/* Values at which some rule turns, and their neighbours. */
static const uint32_t edges[] = {
	0,          1,          2,          3,          4,          5,          6,
	10,         11,         13,         14,         16,         17,         33,
	38,         40,         58,         132,        0x40,       0x80,       01000,
	02000,      04000,      06000,      07777,      0100755,    0104755,    0x8000,
	0x10000,    0x20000,    0x40000,    0x40001,    0x5412,     0x5413,     0x541c,
	0xff0b,     0xc050ff0b, 0xfe0b,     0x400000,   0x410000,   020000000,  020200000,
	0x01200011, 0x003d0f00, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000,
	0x40000000, 0x7e020000, 0x80000000, 0x80001,    0xfffffffe, 0xffffffff,
};
/* Above 16 bits, all of which are tried anyway. */
static const uint32_t high_edges[] = {
	0x802c542a, 0x802c542b, 0x02c542a,  0xc0502100, 0xc0502101, 0xc0182101, 0xc0182100,
	0x40082102, 0x53564d41, 0x53564d40, 0x4d41,     0x80005401, 0x10000001, 0x30000001,
};
static const uint32_t garbage[] = { 0, 1, 0x80000000, 0xdeadbeef, 0xffffffff };

static uint64_t join(uint32_t high, uint32_t low) {
	return (uint64_t)high << 32 | low;
}

static uint32_t next_random(uint32_t *state) {
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void try_number(const struct floor *f, int number) {
	struct seccomp_data d = { .nr = number, .arch = expect_audit_arch(f->arch) };
	uint32_t state = (uint32_t)number;

	compare(f, &d);
	memset(d.args, 0xff, sizeof(d.args));
	compare(f, &d);
	for (int i = 0; i < 64; i++) {
		for (int j = 0; j < 6; j++)
			d.args[j] = join(garbage[next_random(&state) % COUNT(garbage)],
			                 edges[next_random(&state) % COUNT(edges)]);
		compare(f, &d);
	}
}

static void try_all_numbers(const struct floor *f) {
	static const uint32_t bases[] = { 0,          0x400,      0x10000,
		                          0x3ffffc00, 0x40000000, 0x7ffffc00,
		                          0x80000000, 0xc0000000, 0xfffffc00 };

	for (size_t i = 0; i < COUNT(bases); i++)
		for (uint32_t n = 0; n < 1024; n++)
			try_number(f, (int)(bases[i] + n));
}

Test(floor, every_number) {
	for_each_floor(try_all_numbers);
}

static void try_other_arches(const struct floor *f) {
	static const uint32_t arches[] = {
		0x40000003, 0x40000028, 0xc000003e, 0xc00000b7, /* i386, arm, x86_64, aarch64 */
		0xc00000f3, 0x3e,       0x8000003e, 0,          0xffffffff,
	};
	struct seccomp_data d = { .nr = 0 };

	for (size_t i = 0; i < COUNT(arches); i++) {
		d.arch = arches[i];
		for (d.nr = -2; d.nr < 1024; d.nr++)
			compare(f, &d);
		for (uint32_t n = 0; n < 1024; n++) {
			d.nr = (int)(0x40000000 + n);
			compare(f, &d);
		}
	}
}

Test(floor, other_architectures_are_killed_and_x32_is_no_call) {
	for_each_floor(try_other_arches);
}

/* All triples of edges in three neighbouring arguments, garbage above and around. */
static void try_triples(const struct floor *f, int number, int first) {
	struct seccomp_data d = { .nr = number, .arch = expect_audit_arch(f->arch) };
	uint32_t state = 1;

	for (size_t i = 0; i < COUNT(edges); i++) {
		for (size_t j = 0; j < COUNT(edges); j++) {
			for (size_t k = 0; k < COUNT(edges); k++) {
				uint32_t high = garbage[next_random(&state) % COUNT(garbage)];

				memset(d.args, (int)high, sizeof(d.args));
				d.args[first] = join(high, edges[i]);
				d.args[first + 1] = join(~high, edges[j]);
				d.args[first + 2] = join(high, edges[k]);
				compare(f, &d);
			}
		}
	}
}

/* One argument through all values of its low 16 bits and every bit above, alone and inverted. */
static void try_argument(const struct floor *f, int number, int argument) {
	struct seccomp_data d = { .nr = number, .arch = expect_audit_arch(f->arch) };
	static const uint32_t others[] = { 0, 1, 2, 13, 0x40, 020000000 };

	for (size_t o = 0; o < COUNT(others); o++) {
		for (int i = 0; i < 6; i++)
			d.args[i] = others[o];
		for (uint32_t v = 0; v < 0x10000; v++) {
			d.args[argument] = join(garbage[v % COUNT(garbage)], v);
			compare(f, &d);
		}
		for (size_t i = 0; i < COUNT(high_edges); i++) {
			d.args[argument] = join(garbage[i % COUNT(garbage)], high_edges[i]);
			compare(f, &d);
		}
		for (int bit = 0; bit < 64; bit++) {
			d.args[argument] = 1ull << bit;
			compare(f, &d);
			d.args[argument] = ~(1ull << bit);
			compare(f, &d);
		}
	}
}

static void try_arguments(const struct floor *f) {
	unsigned checked = 0;

	/* gpu and nested include the default, and in strict the network makes no difference. */
	if (f->profile != EXPECT_DEFAULT && f->network != EXPECT_NONE)
		return;

	for (int number = 0; number < 1024; number++) {
		const enum expect_role role = expect_role(f->profile, f->arch, number);

		if (role == ROLE_NONE)
			continue;
		checked++;
		try_triples(f, number, role == ROLE_OPENAT || role == ROLE_MMAP);
		for (int argument = 0; argument < (role == ROLE_STRICT_SENDTO ? 6 : 4); argument++)
			try_argument(f, number, argument);
	}
	if (f->profile == EXPECT_STRICT)
		cr_assert_eq(checked, f->arch == EXPECT_X86_64 ? 17 : 15);
	else
		cr_assert_eq(checked,
		             (f->arch == EXPECT_X86_64 ? 19 : 15) + (f->profile == EXPECT_NESTED));
}

/* The twins' rules are the same code but for what it returns, which every_number sees. */
Test(floor, every_rule_about_arguments) {
	for_each_variant(try_arguments, FLOOR_REACH, 0);
}

Test(floor, no_number_twice) {
	for (int arch = 0; arch < FLOOR_ARCHES; arch++)
		for (size_t i = 0; i < floor_syscall_count; i++)
			for (size_t j = 0; j < i; j++)
				cr_expect(floor_syscalls[i].number[arch] < 0 ||
				                  floor_syscalls[i].number[arch] !=
				                          floor_syscalls[j].number[arch],
				          "%s and %s", floor_syscalls[i].name,
				          floor_syscalls[j].name);
}

/* Kernels from 5.11 skip the filter for calls that it always allows. */
static void try_cacheable(const struct floor *f) {
	struct seccomp_data d = { .arch = expect_audit_arch(f->arch) };

	for (size_t i = 0; i < floor_syscall_count; i++) {
		int number = floor_syscalls[i].number[f->arch];

		enum expect_role role = expect_role(f->profile, f->arch, number);

		d.nr = number;
		if (role == ROLE_SETSOCKOPT && f->network != EXPECT_LOOPBACK)
			role = ROLE_NONE;
		if (number < 0 || role != ROLE_NONE ||
		    expect_verdict(f->profile, f->arch, f->network, &d) != ALLOWED)
			continue;
		cr_expect(bpf_always_allows(f->code, f->len, number, d.arch), "%s",
		          floor_syscalls[i].name);
	}
}

Test(floor, allowed_calls_never_look_at_arguments) {
	for_each_floor(try_cacheable);
}

static void try_far_jumps(const struct floor *f) {
	for (int number = -1; number < 512; number++)
		try_number(f, number);
	try_cacheable(f);
}

/* A filter too long for its conditional jumps: the detours are speed, never meaning. */
Test(floor, far_jumps_decide_alike) {
	static const unsigned reach[] = { 8, 20, 40, 60, 100 };

	for (size_t i = 0; i < COUNT(reach); i++)
		for_each_variant(try_far_jumps, reach[i], 0);
}

static unsigned longest_path(const struct floor *f) {
	struct seccomp_data d = { .arch = expect_audit_arch(f->arch) };
	unsigned longest = 0;

	for (int number = 0; number < 1024; number++) {
		unsigned steps;

		d.nr = number;
		bpf_run(f->code, f->len, &d, &steps);
		if (steps > longest)
			longest = steps;
	}
	return longest;
}

static void try_cost(const struct floor *f) {
	cr_expect_lt(f->len, f->profile == EXPECT_STRICT ? 300 : 200, "%zu instructions", f->len);
	cr_expect_lt(longest_path(f), 32, "%u instructions for one call", longest_path(f));
}

/* Its length is paid at every start of a sandbox, its depth by every call on old kernels. */
Test(floor, is_short_and_shallow) {
	for_each_floor(try_cost);
}

static void try_header(const struct floor *f) {
	const int p = f->profile, n = f->network;
	const struct sock_filter *code = caisson_filters[p][n].filter;
	size_t len = caisson_filters[p][n].len;

	if ((int)f->arch != floor_native_arch())
		return;
	if (f->notify) {
		code = caisson_notify_filters[p][n].filter;
		len = caisson_notify_filters[p][n].len;
	}
	cr_assert_eq(f->len, len);
	cr_expect_arr_eq(f->code, code, f->len * sizeof(f->code[0]));
}

/* The header that the helper is built from is what was tested here. */
Test(floor, header_is_the_same) {
	for_each_floor(try_header);
	cr_expect_eq(CAISSON_FLOOR_ARCH, floor_audit_arch((enum floor_arch)floor_native_arch()));
	cr_expect_eq(CAISSON_FLOOR_MAX_NR, 469);
	cr_expect_eq(caisson_floors[FLOOR_HOST].filter,
	             caisson_filters[FLOOR_DEFAULT][FLOOR_HOST].filter);
	cr_expect_eq(caisson_floor_none, caisson_filters[FLOOR_DEFAULT][FLOOR_NONE].filter);
	cr_expect_eq(CAISSON_FLOOR_NONE_LEN, caisson_filters[FLOOR_DEFAULT][FLOOR_NONE].len);
}

/* The names that the library was given: of every number, and of no other. */
Test(floor, names_are_by_number) {
	const int arch = floor_native_arch();
	size_t named = 0, count = 0;

	for (size_t i = 0; i < COUNT(caisson_syscall_at); i++)
		named += caisson_syscall_at[i] != 0;
	cr_assert_eq(COUNT(caisson_syscall_at), CAISSON_FLOOR_MAX_NR + 1u);
	for (size_t i = 0; i < floor_syscall_count; i++) {
		const int number = floor_syscalls[i].number[arch];

		if (number < 0)
			continue;
		count++;
		cr_expect_str_eq(caisson_syscall_text + caisson_syscall_at[number],
		                 floor_syscalls[i].name);
	}
	cr_expect_eq(named, count);
}

/* docs/seccomp.md names every call that is not simply allowed, with its errno. */
Test(floor, is_documented) {
	static char page[65536];
	char path[4096];
	size_t root = strlen(__FILE__) - strlen("tests/unit/test_floor.c"), len;
	FILE *f;

	snprintf(path, sizeof(path), "%.*sdocs/seccomp.md", (int)root, __FILE__);
	f = fopen(path, "r");
	cr_assert_not_null(f, "%s: %s", path, strerror(errno));
	len = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	cr_assert(len > 0 && len < sizeof(page) - 1);
	for (size_t i = 0; i < floor_syscall_count; i++) {
		const unsigned verdict = profiles[FLOOR_DEFAULT]->verdict[i];
		char quoted[64], line[1024] = "";
		const char *at;

		if (verdict == FLOOR_ALLOW)
			continue;
		snprintf(quoted, sizeof(quoted), "`%s`", floor_syscalls[i].name);
		at = strstr(page, quoted);
		cr_expect_not_null(at, "%s is not on the page", floor_syscalls[i].name);
		if (at)
			snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (at && verdict < FLOOR_RULE)
			cr_expect_not_null(
				strstr(line, verdict == ENOSYS ? "| ENOSYS |" : "| EPERM |"),
				"%s: errno", floor_syscalls[i].name);
	}
}
