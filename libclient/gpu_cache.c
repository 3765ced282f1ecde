/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libraries as the dynamic linker finds them: by its cache, then in the usual folders. */
#define _GNU_SOURCE
#include "gpu.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe_host.h"

#define CACHE_MAX (16u << 20)

/* glibc's /etc/ld.so.cache, in the format that it has had since 2.2. */
struct cache_head {
	char magic[20]; /* "glibc-ld.so.cache1.1" */
	uint32_t entries;
	uint32_t strings;
	uint32_t unused[5];
};
struct cache_entry {
	int32_t flags;
	uint32_t key, value; /* offsets from the head */
	uint32_t osversion;
	uint64_t hwcap;
};

#if defined(__x86_64__)
#define CACHE_FLAGS 0x0303
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define CACHE_FLAGS 0x0a03
#define TRIPLET "aarch64-linux-gnu"
#else
#define CACHE_FLAGS 0x0003
#define TRIPLET "none"
#endif

static char *read_cache(int at, size_t *size) {
	int fd = openat(at, "etc/ld.so.cache", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	ssize_t n = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= CACHE_MAX && (text = malloc((size_t)st.st_size + 1)))
		n = read(fd, text, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (n <= 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0'; /* so that every string in it has an end */
	*size = (size_t)n;
	return text;
}

/* An older format may stand before the one that is read. */
static const char *head_of(const char *text, size_t size, struct cache_head *head) {
	static const char magic[] = "glibc-ld.so.cache1.1";
	const char *at = memmem(text, size, magic, sizeof(magic) - 1);

	if (!at || size - (size_t)(at - text) < sizeof(*head))
		return NULL;
	memcpy(head, at, sizeof(*head));
	return at;
}

const char *gpu_cache_next(const char *text, size_t size, const char *soname, uint32_t *i) {
	struct cache_head head = { .entries = 0 };
	const char *from = head_of(text, size, &head);
	size_t room = from ? size - (size_t)(from - text) : 0;

	while (from && *i < head.entries) {
		size_t offset = sizeof(head) + (size_t)(*i)++ * sizeof(struct cache_entry);
		struct cache_entry entry;

		if (offset + sizeof(entry) > room)
			return NULL;
		memcpy(&entry, from + offset, sizeof(entry));
		if (entry.flags == CACHE_FLAGS && !entry.hwcap && entry.key < room &&
		    entry.value < room && !strcmp(from + entry.key, soname) &&
		    from[entry.value] == '/' && strlen(from + entry.value) < PATH_MAX)
			return from + entry.value;
	}
	return NULL;
}

static bool find_cached(int at, const char *soname, char path[PATH_MAX]) {
	size_t size = 0;
	char *text = read_cache(at, &size);
	const char *next = NULL;
	uint32_t i = 0;

	while (text && (next = gpu_cache_next(text, size, soname, &i)) &&
	       !host_exists(at, next + 1))
		;
	if (next)
		strcpy(path, next);
	free(text);
	return next != NULL;
}

bool gpu_find_library(int at, const char *soname, char path[PATH_MAX], bool *cached) {
	static const char *const folders[] = {
		"/usr/lib/" TRIPLET,
		"/usr/lib64",
		"/usr/lib",
		"/usr/lib/" TRIPLET "/nvidia/current",
		"/usr/local/nvidia/lib64",
		"/usr/lib/wsl/lib",
		"/run/opengl-driver/lib",
	};

	*cached = find_cached(at, soname, path);
	if (*cached)
		return true;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (snprintf(path, PATH_MAX, "%s/%s", folders[i], soname) < PATH_MAX &&
		    host_exists(at, path + 1))
			return true;
	return false;
}
