/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sealed memory that one side of a channel writes and the other reads. */
#ifndef CAISSON_LIBCLIENT_MEMORY_H
#define CAISSON_LIBCLIENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
	void *base; /* NULL: not mapped */
	size_t size;
};

/* A new memfd of that many bytes whose size cannot change any more. The fd, or -errno. */
int memory_new(const char *name, uint64_t bytes);
/*
 * The same on huge pages that root reserved, all of which are taken here: nothing that is
 * done to it later can want one. bytes is rounded up to whole ones. -ENOMEM: the pool does
 * not have as many; -EOPNOTSUPP: this kernel has no such memfds.
 */
int memory_new_huge(const char *name, uint64_t *bytes);
/* How large one is; 0: there are none. */
uint64_t memory_huge_page(void);
int memory_map(struct memory *memory, int fd, uint64_t bytes, bool writable);
void memory_unmap(struct memory *memory);
/* Nobody maps it writable or writes to it from now on; mappings that exist stay as they are. */
int memory_seal_writes(int fd);
/* The same, and nobody has it mapped writable any more; -EBUSY: somebody has. */
int memory_freeze(int fd);
/* Nobody adds a seal from now on. */
int memory_seal_seals(int fd);
/* enum caisson_lane of such memory, with HUGETLB. */
uint32_t memory_lane(int fd);
/* Of memory that came from elsewhere: its size is bytes and cannot change. */
int memory_check(int fd, uint64_t bytes);

#endif
