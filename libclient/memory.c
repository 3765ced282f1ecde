/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

int memory_new(const char *name, uint64_t bytes) {
	int rc = within_file_limit(bytes);
	int fd;

	if (rc < 0)
		return rc;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* Linux before 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
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
	void *probe;

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
		return errno == EINVAL ? -ENOTSUP : -errno; /* Linux before 5.1 */
	/* Some kernels (gVisor) take the seal and do not enforce it: try what it forbids. */
	probe = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (probe == MAP_FAILED)
		return 0;
	munmap(probe, 1);
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
	       (seals & F_SEAL_WRITE ? CAISSON_LANE_FROZEN : 0);
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
