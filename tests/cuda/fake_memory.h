/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the fake's device memory is made of. */
#ifndef CAISSON_TESTS_CUDA_FAKE_MEMORY_H
#define CAISSON_TESTS_CUDA_FAKE_MEMORY_H

#include "fake.h"

#define UNIT ((uint64_t)2 << 20)
#define TAIL 4096u
#define MAGIC 0x656b6166616d6461ull
#define GARBAGE 0xa5 /* what new memory is full of: somebody else's bytes */
#define MAX 128
#define POOL_BYTES ((uint64_t)64 << 30)

struct tail {
	uint64_t magic, size;
	char uuid[16];
	bool pool;
};

/* What a handle, an allocation or a pool is. */
struct memory {
	bool used;
	int fd;
	uint64_t size;
	bool charged, pool;
	uint64_t next; /* pool: where the next allocation goes */
};

struct range {
	bool used;
	char *base;
	uint64_t size;
	bool mapped;
	int memory;  /* of an allocation; -1: a reservation */
	int of_pool; /* whose it is; -1 */
};

extern struct memory fake_memories[MAX];

/* A memfd of size bytes and the tail that says what it is; -1 for an error. */
int fake_new_fd(uint64_t size, bool pool, uint64_t tail_at);
/* A descriptor that claims to be one: the size of its memory, or 0. */
uint64_t fake_judge_fd(int fd, bool pool);
/* Its number, or -1. */
int fake_add_memory(int fd, uint64_t size, bool pool, bool charged);
void fake_drop_memory(int number);
struct memory *fake_memory_of(cu_handle handle);
struct range *fake_add_range(char *base, uint64_t size, int memory, int of_pool);
struct range *fake_find_range(cu_ptr ptr);

#endif
