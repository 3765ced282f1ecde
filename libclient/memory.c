/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "caisson_channels.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 0x0004U
#endif
#ifndef HUGETLBFS_MAGIC
#define HUGETLBFS_MAGIC 0x958458f6
#endif

/* A file over the limit does not only fail: it raises SIGXFSZ in the application. */
static int within_file_limit(uint64_t bytes) {
	struct rlimit limit;

	if (bytes > INT64_MAX || bytes > SIZE_MAX)
		return -EFBIG;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    bytes > limit.rlim_cur)
		return -EFBIG;
	return 0;
}

static int new_memfd(const char *name, unsigned flags) {
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | flags);

	if (fd < 0 && errno == EINVAL) /* Linux before 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	return fd < 0 ? -errno : fd;
}

static int fix_size(int fd) {
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0 ? -errno : 0;
}

int memory_new(const char *name, uint64_t bytes) {
	int rc = within_file_limit(bytes), fd;

	if (rc < 0)
		return rc;
	fd = new_memfd(name, 0);
	if (fd < 0)
		return fd;
	rc = ftruncate(fd, (off_t)bytes) < 0 ? -errno : fix_size(fd);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* Of a file on reserved huge pages their size, which any mapping is a multiple of; of others 0. */
static uint64_t huge_page(int fd) {
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type == HUGETLBFS_MAGIC
	               ? (uint64_t)fs.f_bsize
	               : 0;
}

uint64_t memory_huge_page(void) {
	int fd = new_memfd("caisson-size", MFD_HUGETLB);
	uint64_t page = fd < 0 ? 0 : huge_page(fd);

	if (fd >= 0)
		close(fd);
	return page;
}

/*
 * Every page, or none: where one is missing the kernel gives who touches it one of the pool, or
 * SIGBUS if that is empty. Pages that a call which was interrupted has taken are found by the next.
 */
static int take_all(int fd, uint64_t bytes) {
	struct stat st;

	while (fallocate(fd, 0, 0, (off_t)bytes) < 0)
		if (errno != EINTR)
			return errno == ENOSPC ? -ENOMEM : -errno;
	return fstat(fd, &st) == 0 && (uint64_t)st.st_blocks * 512 >= bytes ? 0 : -ENOMEM;
}

int memory_new_huge(const char *name, uint64_t *bytes) {
	int rc, fd = new_memfd(name, MFD_HUGETLB);
	uint64_t page = fd < 0 ? 0 : huge_page(fd);

	if (fd < 0) /* EINVAL: Linux before 4.14, or a filter; ENOSYS, ENODEV: built without */
		return fd == -EINVAL || fd == -ENOSYS || fd == -ENODEV ? -EOPNOTSUPP : fd;
	rc = page == 0 ? -EOPNOTSUPP : *bytes > INT64_MAX - page ? -EFBIG : 0;
	if (rc == 0) {
		*bytes = (*bytes + page - 1) / page * page;
		rc = within_file_limit(*bytes);
	}
	if (rc == 0 && ftruncate(fd, (off_t)*bytes) < 0)
		rc = -errno;
	rc = rc ? rc : take_all(fd, *bytes);
	rc = rc ? rc : fix_size(fd);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

int memory_map(struct memory *memory, int fd, uint64_t bytes, bool writable) {
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	void *base;

	if (bytes > SIZE_MAX)
		return -EFBIG;
	base = mmap(NULL, (size_t)bytes, prot, MAP_SHARED, fd, 0);
	/* Frozen, on Linux before 6.7: no shared mapping that could become writable. */
	if (base == MAP_FAILED && errno == EPERM && !writable)
		base = mmap(NULL, (size_t)bytes, prot, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	memory->base = base;
	memory->size = (size_t)bytes;
	return 0;
}

void memory_unmap(struct memory *memory) {
	if (memory->base)
		munmap(memory->base, memory->size);
	memory->base = NULL;
}

int memory_seal_writes(int fd) {
	const size_t page = (size_t)huge_page(fd), size = page ? page : 1;
	void *probe;

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
		return errno == EINVAL ? -ENOTSUP : -errno; /* Linux before 5.1 */
	/* Some kernels (gVisor) take the seal and do not enforce it: try what it forbids. */
	probe = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (probe == MAP_FAILED)
		return 0;
	munmap(probe, size);
	return -ENOTSUP;
}

int memory_freeze(int fd) {
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) < 0 ? -errno : 0;
}

int memory_seal_seals(int fd) {
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) < 0 ? -errno : 0;
}

uint32_t memory_lane(int fd) {
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return 0;
	return (seals & (F_SEAL_FUTURE_WRITE | F_SEAL_WRITE) ? CAISSON_LANE_SEALED : 0) |
	       (seals & F_SEAL_EXEC ? CAISSON_LANE_NOEXEC : 0) |
	       (seals & F_SEAL_WRITE ? CAISSON_LANE_FROZEN : 0) |
	       (huge_page(fd) ? CAISSON_LANE_HUGETLB : 0);
}

int memory_check(int fd, uint64_t bytes) {
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	/* The seals first: a size that could still change means nothing. */
	if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW))
		return -EPROTO;
	if (fstat(fd, &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size != bytes)
		return -EPROTO;
	return 0;
}
