/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the profile "strict" should answer: an allow list, and what is not in it. */
#include "floor_expect.h"

#include <errno.h>
#include <stddef.h>

#define ALLOW 0x7fff0000u
#define ERRNO(e) (0x00050000u | (uint32_t)(e))

/* clang-format off */
/* In pairs: the first and last number of each run of calls that are allowed whatever is passed. */
static const int allowed_x86_64[] = {
	0, 1, 3, 8, 10, 15, 17, 28, 32, 39, 45, 48, 51, 52, 57, 63, 73, 84, 87, 87, 89, 89, 95, 100,
	102, 102, 104, 104, 107, 112, 115, 115, 118, 118, 120, 121, 124, 125, 127, 132, 137,
	138, 140, 140, 143, 143, 145, 147, 149, 150, 158, 158, 160, 160, 186, 187, 200, 201,
	203, 204, 213, 213, 217, 219, 221, 221, 228, 235, 247, 247, 258, 258, 261, 264, 267,
	267, 269, 271, 273, 273, 280, 282, 284, 285, 289, 293, 295, 297, 309, 309, 316, 318,
	322, 322, 324, 325, 327, 328, 332, 332, 334, 335, 436, 436, 439, 439, 441, 441, 444,
	446, 453, 453, 462, 462, -1,
};
static const int allowed_aarch64[] = {
	17, 17, 19, 24, 32, 32, 34, 35, 38, 38, 43, 50, 57, 57, 59, 59, 61, 70, 72, 74, 78, 80,
	82, 83, 88, 88, 90, 90, 93, 96, 99, 99, 101, 103, 113, 115, 120, 126, 128, 139, 141,
	141, 148, 148, 150, 150, 153, 158, 160, 160, 163, 166, 168, 169, 172, 179, 204, 205,
	207, 207, 210, 216, 221, 221, 223, 223, 226, 229, 232, 233, 240, 240, 260, 260, 276, 278, 281,
	281, 283, 284, 286, 287, 291, 291, 293, 293, 436, 436, 439, 439, 441, 441, 444, 446,
	453, 453, 462, 462, -1,
};
static const int enosys_x86_64[] = {
	40 /* sendfile */, 275 /* splice */, 276 /* tee */, 278 /* vmsplice */, 326 /*
	copy_file_range */, 449 /* futex_waitv */, 454 /* futex_wake */, 455 /* futex_wait */,
	456 /* futex_requeue */, 451 /* cachestat */, 237 /* mbind */, 239 /* get_mempolicy */,
	238 /* set_mempolicy */, 450 /* set_mempolicy_home_node */, 279 /* move_pages */, 256
	/* migrate_pages */, 206 /* io_setup */, 207 /* io_destroy */, 208 /* io_getevents */,
	333 /* io_pgetevents */, 209 /* io_submit */, 210 /* io_cancel */, 330 /* pkey_alloc
	*/, 331 /* pkey_free */, 329 /* pkey_mprotect */, 447 /* memfd_secret */, 154 /*
	modify_ldt */, 216 /* remap_file_pages */, 136 /* ustat */, 139 /* sysfs */, 452 /*
	fchmodat2 */,
	336 /* uprobe */, -1,
};
static const int enosys_aarch64[] = {
	71 /* sendfile */, 76 /* splice */, 77 /* tee */, 75 /* vmsplice */, 285 /*
	copy_file_range */, 449 /* futex_waitv */, 454 /* futex_wake */, 455 /* futex_wait */,
	456 /* futex_requeue */, 451 /* cachestat */, 235 /* mbind */, 236 /* get_mempolicy */,
	237 /* set_mempolicy */, 450 /* set_mempolicy_home_node */, 239 /* move_pages */, 238
	/* migrate_pages */, 0 /* io_setup */, 1 /* io_destroy */, 4 /* io_getevents */, 292 /*
	io_pgetevents */, 2 /* io_submit */, 3 /* io_cancel */, 289 /* pkey_alloc */, 290 /*
	pkey_free */, 288 /* pkey_mprotect */, 447 /* memfd_secret */, 234 /* remap_file_pages
	*/, 452 /* fchmodat2 */, -1,
};
static const int enosys_both[] = {
	435 /* clone3 */, 437 /* openat2 */, 457 /* statmount */, 458 /* listmount */,
	459, 460, 461 /* lsm_... */, 463, 464, 465, 466 /* ...xattrat */, 468, 469 /* file_...attr */,
	-1,
};

static const struct { int x86_64, aarch64; enum expect_role role; } roles[] = {
	{ 85, -1, ROLE_MODE_1 } /* creat */, { 2, -1, ROLE_OPEN }, { 257, 56, ROLE_OPENAT },
	{ 56, 220, ROLE_CLONE }, { 135, 92, ROLE_PERSONALITY },
	{ 302, 261, ROLE_PID } /* prlimit64 */, { 315, 275, ROLE_PID } /* sched_getattr */,
	{ 314, 274, ROLE_PID } /* sched_setattr */, { 16, 29, ROLE_STRICT_IOCTL },
	{ 72, 25, ROLE_STRICT_FCNTL }, { 202, 98, ROLE_STRICT_FUTEX },
	{ 157, 167, ROLE_STRICT_PRCTL }, { 55, 209, ROLE_STRICT_GETSOCKOPT },
	{ 44, 206, ROLE_STRICT_SENDTO }, { 53, 199, ROLE_SOCKETPAIR },
	{ 9, 222, ROLE_MMAP }, { 319, 279, ROLE_MEMFD } /* memfd_create */,
};
/* clang-format on */

static int listed(const int *list, int number) {
	while (*list >= 0)
		if (*list++ == number)
			return 1;
	return 0;
}

static int in_runs(const int *run, int number) {
	for (; *run >= 0; run += 2)
		if (number >= run[0] && number <= run[1])
			return 1;
	return 0;
}

enum expect_role expect_strict_role(enum expect_arch arch, int number) {
	if (number < 0)
		return ROLE_NONE;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if ((arch == EXPECT_X86_64 ? roles[i].x86_64 : roles[i].aarch64) == number)
			return roles[i].role;
	return ROLE_NONE;
}

uint32_t expect_strict(enum expect_arch arch, int number) {
	const int x86 = arch == EXPECT_X86_64;
	const int first_xattr = x86 ? 188 : 5, socket = x86 ? 41 : 198;

	if (listed(enosys_both, number) || listed(x86 ? enosys_x86_64 : enosys_aarch64, number))
		return ERRNO(ENOSYS);
	if (number >= first_xattr && number < first_xattr + 12)
		return ERRNO(EOPNOTSUPP);
	if (number == socket)
		return ERRNO(EAFNOSUPPORT);
	return in_runs(x86 ? allowed_x86_64 : allowed_aarch64, number) ? ALLOW : ERRNO(EPERM);
}

static int one_of(uint32_t value, const uint32_t *list, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (list[i] == value)
			return 1;
	return 0;
}
#define ONE_OF(value, ...)                                                                         \
	one_of(value, (const uint32_t[]){ __VA_ARGS__ },                                           \
	       sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static uint32_t expect_futex(uint32_t operation) {
	/* but for FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME; a higher bit is the kernel's to refuse */
	return ONE_OF(operation % 128, 0, 1, 3, 4, 5, 9, 10) ? ALLOW : ERRNO(ENOSYS);
}

uint32_t expect_strict_role_verdict(enum expect_role role, const uint64_t a[6]) {
	const uint32_t first = (uint32_t)a[0], second = (uint32_t)a[1];

	switch (role) {
	case ROLE_STRICT_IOCTL:
		return ONE_OF(second, 0x5401, 0x802c542a, 0x5413, 0x540f, 0x541b, 0x5421, 0x5450,
		              0x5451, 0xc0502100, 0xc0182101)
		               ? ALLOW
		               : ERRNO(ENOTTY);
	case ROLE_STRICT_FCNTL:
		return second < 8 || ONE_OF(second, 36, 37, 38, 39, 1027, 1030, 1032, 1033, 1034)
		               ? ALLOW
		               : ERRNO(EINVAL);
	case ROLE_STRICT_FUTEX:
		return expect_futex(second);
	case ROLE_STRICT_PRCTL:
		return first < 8 || (first >= 48 && first <= 56) ||
		                       ONE_OF(first, 15, 16, 20, 21, 22, 23, 38, 39, 65, 66,
		                              0x53564d41)
		               ? ALLOW
		               : ERRNO(EINVAL);
	case ROLE_STRICT_GETSOCKOPT:
		return second == 1 && (uint32_t)a[2] < 64 ? ALLOW : ERRNO(ENOPROTOOPT);
	case ROLE_STRICT_SENDTO:
		return a[4] ? ERRNO(EISCONN) : ALLOW;
	default:
		return 0;
	}
}
