/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * As much of criterion's interface as the unit tests use, for C libraries that criterion is not
 * packaged for (CAISSON_CRITERION=small). Each test runs in a child of its own, one after the other;
 * a failed cr_assert ends it, a failed cr_expect is counted. --tap=FILE writes TAP there.
 */
#ifndef CRITERION_H
#define CRITERION_H

/* As with the real one, where a number is compared with a constant. */
#pragma GCC diagnostic ignored "-Wsign-compare"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct small_test {
	const char *suite, *name;
	void (*run)(void);
	void (*init)(void), (*fini)(void);
	unsigned timeout; /* seconds; 0: two minutes */
	int signal;       /* that it is to end with */
	int disabled;
	const char *description;
	struct small_test *next;
};

void small_register(struct small_test *test);
void small_default(const struct small_test *suite);
/* Ends the test, which counts as skipped. */
_Noreturn void small_skip(const char *why);
/* Says what failed; ends the test if fatal. */
void small_failed(const char *file, int line, int fatal, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#define SMALL_JOIN(a, b) SMALL_JOIN_(a, b)
#define SMALL_JOIN_(a, b) a##_##b

#define Test(suite_, name_, ...)                                                                   \
	static void SMALL_JOIN(SMALL_JOIN(small, suite_), name_)(void);                            \
	__attribute__((constructor)) static void SMALL_JOIN(SMALL_JOIN(small_add, suite_),         \
	                                                    name_)(void) {                         \
		static struct small_test test = { .suite = #suite_,                                \
			                          .name = #name_,                                  \
			                          .run = SMALL_JOIN(SMALL_JOIN(small, suite_),     \
			                                            name_),                        \
			                          __VA_ARGS__ };                                   \
		small_register(&test);                                                             \
	}                                                                                          \
	static void SMALL_JOIN(SMALL_JOIN(small, suite_), name_)(void)

#define TestSuite(suite_, ...)                                                                     \
	__attribute__((constructor)) static void SMALL_JOIN(small_suite, suite_)(void) {           \
		static const struct small_test suite = { .suite = #suite_, __VA_ARGS__ };          \
		small_default(&suite);                                                             \
	}                                                                                          \
	struct small_test

/* The message, if there is one, is the rest; " " stands before it. */
#define SMALL_CHECK(fatal, cond, what, ...)                                                        \
	do {                                                                                       \
		if (!(cond))                                                                       \
			small_failed(__FILE__, __LINE__, (fatal), (what), " " __VA_ARGS__);        \
	} while (0)

#define SMALL_COMPARE(fatal, a, op, b, ...)                                                        \
	SMALL_CHECK(fatal, (a)op(b), #a " " #op " " #b, ##__VA_ARGS__)
#define SMALL_STR(a) ((a) ? (a) : "(null)")

#define cr_assert(c, ...) SMALL_CHECK(1, c, #c, ##__VA_ARGS__)
#define cr_expect(c, ...) SMALL_CHECK(0, c, #c, ##__VA_ARGS__)
#define cr_assert_not(c, ...) SMALL_CHECK(1, !(c), "not " #c, ##__VA_ARGS__)
#define cr_expect_not(c, ...) SMALL_CHECK(0, !(c), "not " #c, ##__VA_ARGS__)
#define cr_assert_null(c, ...) SMALL_CHECK(1, (c) == NULL, #c " is NULL", ##__VA_ARGS__)
#define cr_expect_null(c, ...) SMALL_CHECK(0, (c) == NULL, #c " is NULL", ##__VA_ARGS__)
#define cr_assert_not_null(c, ...) SMALL_CHECK(1, (c) != NULL, #c " is not NULL", ##__VA_ARGS__)
#define cr_expect_not_null(c, ...) SMALL_CHECK(0, (c) != NULL, #c " is not NULL", ##__VA_ARGS__)
#define cr_assert_eq(a, b, ...) SMALL_COMPARE(1, a, ==, b, ##__VA_ARGS__)
#define cr_expect_eq(a, b, ...) SMALL_COMPARE(0, a, ==, b, ##__VA_ARGS__)
#define cr_assert_neq(a, b, ...) SMALL_COMPARE(1, a, !=, b, ##__VA_ARGS__)
#define cr_expect_neq(a, b, ...) SMALL_COMPARE(0, a, !=, b, ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...) SMALL_COMPARE(1, a, <, b, ##__VA_ARGS__)
#define cr_expect_lt(a, b, ...) SMALL_COMPARE(0, a, <, b, ##__VA_ARGS__)
#define cr_assert_leq(a, b, ...) SMALL_COMPARE(1, a, <=, b, ##__VA_ARGS__)
#define cr_expect_leq(a, b, ...) SMALL_COMPARE(0, a, <=, b, ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...) SMALL_COMPARE(1, a, >, b, ##__VA_ARGS__)
#define cr_expect_gt(a, b, ...) SMALL_COMPARE(0, a, >, b, ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...) SMALL_COMPARE(1, a, >=, b, ##__VA_ARGS__)
#define cr_expect_geq(a, b, ...) SMALL_COMPARE(0, a, >=, b, ##__VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                                                \
	SMALL_CHECK(1, strcmp((a), (b)) == 0, #a " is as " #b, ##__VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)                                                                \
	SMALL_CHECK(0, strcmp((a), (b)) == 0, #a " is as " #b, ##__VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                                               \
	SMALL_CHECK(1, strcmp((a), (b)) != 0, #a " is not as " #b, ##__VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)                                                               \
	SMALL_CHECK(0, strcmp((a), (b)) != 0, #a " is not as " #b, ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)                                                             \
	SMALL_CHECK(1, memcmp((a), (b), (n)) == 0, #a " is as " #b, ##__VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...)                                                             \
	SMALL_CHECK(0, memcmp((a), (b), (n)) == 0, #a " is as " #b, ##__VA_ARGS__)
#define cr_assert_fail(...) SMALL_CHECK(1, 0, "not reached", ##__VA_ARGS__)
#define cr_expect_fail(...) SMALL_CHECK(0, 0, "not reached", ##__VA_ARGS__)
#define cr_skip_test(why) small_skip(why)
#define cr_log_info(...) ((void)fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr))

#endif
