/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The static command's malloc(), under names of its own beside the C library's. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *arena_malloc(size_t size);
void arena_free(void *piece);
void *arena_calloc(size_t n, size_t size);
void *arena_realloc(void *piece, size_t size);
void *arena_aligned_alloc(size_t alignment, size_t size);
void *arena_memalign(size_t alignment, size_t size);
int arena_posix_memalign(void **piece, size_t alignment, size_t size);

#define malloc arena_malloc
#define free arena_free
#define calloc arena_calloc
#define realloc arena_realloc
#define aligned_alloc arena_aligned_alloc
#define memalign arena_memalign
#define posix_memalign arena_posix_memalign
#include "../../cli/arena.c"
#undef malloc
#undef free

/* Sizes around every boundary, past what is linked in and past a chunk; each filled and looked at. */
Test(cli_arena, pieces_do_not_meet) {
	static const size_t sizes[] = {
		0, 1, 15, 16, 17, 4095, sizeof(first), CHUNK - 32, CHUNK, CHUNK + 1, 3 * CHUNK
	};
	enum { N = sizeof(sizes) / sizeof(sizes[0]), ROUNDS = 4 };
	unsigned char *piece[ROUNDS][N];

	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < N; i++) {
			piece[r][i] = arena_malloc(sizes[i]);
			cr_assert_not_null(piece[r][i]);
			cr_expect_eq((uintptr_t)piece[r][i] % alignof(max_align_t), 0);
			memset(piece[r][i], (int)(1 + r * N + i), sizes[i]);
		}
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < N; i++)
			for (size_t at = 0; at < sizes[i]; at++)
				cr_assert_eq(piece[r][i][at], 1 + r * N + i);
}

Test(cli_arena, what_is_given_back_is_used_again) {
	char *before = arena_malloc(24), *a = arena_malloc(100);

	arena_free(a); /* the last: the room is free for anything */
	cr_expect_eq(arena_malloc(50), (void *)a);
	arena_free(before);
	cr_expect_neq(arena_malloc(40), (void *)before); /* of another size */
	cr_expect_eq(arena_malloc(17), (void *)before);
	arena_free(NULL);
}

/* What a command does again and again takes no more the second time. */
Test(cli_arena, no_growth) {
	void *piece[10] = { NULL };
	const char *after_first = NULL;

	for (size_t round = 0; round < 1000; round++) {
		for (size_t i = 0; i < 10; i++) {
			arena_free(piece[i]);
			piece[i] = arena_malloc(i < 8 ? 1 + 100 * i : 2000 * i);
			cr_assert_not_null(piece[i]);
		}
		for (size_t i = 1; i < 10; i += 3)
			piece[i] = arena_realloc(piece[i], 30 * i);
		if (round == 1)
			after_first = next;
	}
	cr_expect_eq(next, after_first);
}

Test(cli_arena, zeros_where_something_was) {
	char *a = arena_malloc(1000);

	memset(a, 1, 1000);
	arena_free(a);
	a = arena_calloc(10, 100);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(a[i], 0);
}

Test(cli_arena, growing) {
	char *a = arena_realloc(NULL, 10), *b;

	strcpy(a, "something");
	cr_expect_eq(arena_realloc(a, 1000), (void *)a); /* in its place: it is the last */
	b = arena_malloc(1);
	b[0] = 'b';
	cr_expect_eq(arena_realloc(a, 500), (void *)a); /* it has room for that */
	a = arena_realloc(a, 2000);
	cr_expect_str_eq(a, "something");
	a = arena_realloc(a, 2 * CHUNK);
	cr_expect_str_eq(a, "something");
	cr_expect_eq(b[0], 'b');
}

Test(cli_arena, too_much) {
	char *a = arena_malloc(1);
	void *p = a;

	errno = 0;
	cr_expect_null(arena_malloc(SIZE_MAX));
	cr_expect_eq(errno, ENOMEM);
	cr_expect_null(arena_malloc(SIZE_MAX - 15));
	cr_expect_null(arena_malloc(PTRDIFF_MAX));
	cr_expect_null(arena_realloc(a, SIZE_MAX));
	cr_expect_null(arena_realloc(a, SIZE_MAX - 7));
	cr_expect_null(arena_calloc(SIZE_MAX / 2, 3));
	cr_expect_null(arena_aligned_alloc(64, 64));
	cr_expect_eq(arena_posix_memalign(&p, 4096, 1), ENOMEM);
	cr_expect_not_null(arena_memalign(alignof(max_align_t), 1));
}
