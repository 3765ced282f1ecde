/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * malloc() for a command that takes some hundred small pieces once and then
 * waits: they lie one behind the other. An ordinary one spends a twentieth of a
 * sandbox's start on system calls and page faults to keep pieces apart by their
 * size. What is given back is kept for the next piece of that size, so that what
 * a command does again and again takes no more; it never goes back to the kernel.
 * One thread. Linked into the static command only, in place of the C library's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK (1024u * 1024u) /* at least, from the kernel, once what is linked in is used up */
#define ALIGN alignof(max_align_t)

#define CLASSES 64u /* a list for each size below 1 KiB, and one for all others */

/* Before every piece. */
struct head {
	alignas(ALIGN) size_t size; /* rounded */
	struct head *next;          /* that was given back, too */
};

static alignas(ALIGN) char first[32 * 1024];
static char *next = first, *end = first + sizeof(first);
static struct head *spare[CLASSES];

static size_t rounded(size_t size) {
	return (size + ALIGN - 1) & ~(ALIGN - 1);
}

/* Room for n bytes more at next; false with errno set. */
static int make_room(size_t n) {
	size_t size = n > CHUNK ? n : CHUNK;
	char *chunk;

	if (n <= (size_t)(end - next))
		return 1;
	chunk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (chunk == MAP_FAILED) {
		errno = ENOMEM;
		return 0;
	}
	next = chunk;
	end = chunk + size;
	return 1;
}

static struct head *head_of(void *piece) {
	return (struct head *)piece - 1;
}

static int is_last(const struct head *h) {
	return (const char *)(h + 1) + h->size == next;
}

static struct head **list_for(size_t size) {
	return &spare[size / ALIGN < CLASSES ? size / ALIGN : 0];
}

/* Not malloc() and free() themselves: compilers know what those names do elsewhere. */
static void *take(size_t size) {
	struct head **list, *h;

	if (size > PTRDIFF_MAX - CHUNK) {
		errno = ENOMEM;
		return NULL;
	}
	size = size ? rounded(size) : ALIGN;
	for (list = list_for(size); (h = *list); list = &h->next)
		if (h->size >= size) {
			*list = h->next;
			return h + 1;
		}
	if (!make_room(sizeof(*h) + size))
		return NULL;
	h = (struct head *)(void *)next;
	h->size = size;
	next += sizeof(*h) + size;
	return h + 1;
}

static void give_back(struct head *h) {
	struct head **list = list_for(h->size);

	if (is_last(h)) {
		next = (char *)h;
		return;
	}
	h->next = *list;
	*list = h;
}

void *malloc(size_t size) {
	return take(size);
}

void free(void *piece) {
	if (piece)
		give_back(head_of(piece));
}

void *calloc(size_t n, size_t size) {
	void *piece;

	if (size && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	piece = take(n * size);
	return piece ? memset(piece, 0, n * size) : NULL;
}

void *realloc(void *piece, size_t size) {
	struct head *h;
	void *other;

	if (!piece)
		return take(size);
	h = head_of(piece);
	if (size <= h->size)
		return piece;
	if (size <= PTRDIFF_MAX && is_last(h) && rounded(size) <= (size_t)(end - (char *)piece)) {
		h->size = rounded(size);
		next = (char *)piece + h->size;
		return piece;
	}
	other = take(size);
	if (!other)
		return NULL;
	memcpy(other, piece, h->size);
	give_back(h);
	return other;
}

/* Whoever replaces malloc() replaces these as well. Nothing here asks for more than malloc() gives. */
void *aligned_alloc(size_t alignment, size_t size) {
	if (alignment <= ALIGN)
		return take(size);
	errno = ENOMEM;
	return NULL;
}

void *memalign(size_t alignment, size_t size) {
	return aligned_alloc(alignment, size);
}

int posix_memalign(void **piece, size_t alignment, size_t size) {
	*piece = aligned_alloc(alignment, size);
	return *piece ? 0 : ENOMEM;
}
