/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson run: the options that lay out the file system. */
#define _GNU_SOURCE
#include "layout.h"
#include "options.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TMPFS_SIZE (64ull << 20) /* of --tmpfs without a size */
#define DIR_MODE 0755u
#define TMPFS_MODE 0755u
#define FILE_MODE 0644u
#define FILE_MAX (256u << 20) /* of --file and --data: it is held in memory twice */

/* Where src is on the host, as a path from "/"; the caller frees it. NULL with errno set. */
static char *absolute(const char *src) {
	char *path = NULL, *cwd;

	if (strcmp(src, "..") == 0 || strncmp(src, "../", 3) == 0 || strstr(src, "/../") ||
	    (strlen(src) >= 3 && strcmp(src + strlen(src) - 3, "/..") == 0))
		return realpath(src, NULL); /* a name with ".." means nothing without its links */
	if (src[0] == '/')
		return strdup(src);
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return NULL;
	if (asprintf(&path, "%s/%s", cwd, src) < 0)
		path = NULL;
	free(cwd);
	return path;
}

/* Does it begin with a slash? The rest is the library's to judge. */
static bool in_sandbox(const char *option, const char *value, const char *dst) {
	if (dst[0] == '/')
		return true;
	cli_complain("run: --%s %s: the place in the sandbox, %s, must begin with '/'", option,
	             value, *dst ? dst : "\"\"");
	return false;
}

static int add_bind(struct run *run, const char *option, const char *value, unsigned flags) {
	char *src, *dst;
	int result = -1;

	if (cli_split(value, &src, &dst) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	if (!*src) {
		cli_complain("run: --%s %s: there is no source before the ':'", option, value);
		goto out;
	}
	if (!dst && !(dst = absolute(src))) {
		cli_complain("run: --%s %s: %s", option, value, strerror(errno));
		goto out;
	}
	if (!in_sandbox(option, value, dst))
		goto out;
	caisson_spec_bind(run->spec, src, dst, flags);
	result = 0;
out:
	free(src);
	free(dst);
	return result;
}

int opt_ro(void *context, const char *value) {
	return add_bind(context, "ro", value, CAISSON_RDONLY);
}

int opt_rw(void *context, const char *value) {
	return add_bind(context, "rw", value, 0);
}

int opt_ro_idmap(void *context, const char *value) {
	return add_bind(context, "ro-idmap", value, CAISSON_RDONLY | CAISSON_IDMAP);
}

int opt_rw_idmap(void *context, const char *value) {
	return add_bind(context, "rw-idmap", value, CAISSON_IDMAP);
}

/* All that comes out of fd, into *data, which is the caller's to free; its size, or -errno. */
static ssize_t read_all(int fd, char **data) {
	size_t size = 0, room = 0;
	ssize_t n = 0;

	*data = NULL;
	do {
		if (size == room) {
			char *more;

			room = room ? 2 * room : 65536;
			more = realloc(*data, room);
			if (!more)
				return -ENOMEM;
			*data = more;
		}
		n = read(fd, *data + size, room - size);
		size += n > 0 ? (size_t)n : 0;
		if (size > FILE_MAX)
			return -EFBIG;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : (ssize_t)size;
}

/* DST[:MODE] in field[1] and [2]; what comes out of fd becomes its content. */
static int add_file(struct run *run, const char *option, const char *value, char *const field[],
                    int fd) {
	unsigned mode = FILE_MODE;
	char *data;
	ssize_t size;

	if (!in_sandbox(option, value, field[1]))
		return -1;
	if (field[2] && cli_mode(field[2], 0777, &mode) < 0) {
		cli_complain("run: --%s %s: %s is no mode; say 0644, 0755 or such", option, value,
		             *field[2] ? field[2] : "\"\"");
		return -1;
	}
	size = read_all(fd, &data);
	if (size < 0)
		cli_complain("run: --%s %s: %s%s", option, value, strerror((int)-size),
		             size == -EFBIG ? ": it is over 256M, grant it with --ro" : "");
	else
		caisson_spec_data(run->spec, data, (size_t)size, field[1], mode);
	free(data);
	return size < 0 ? -1 : 0;
}

int opt_file(void *context, const char *value) {
	char *field[3];
	int fd, result = -1;

	if (cli_fields(value, field, 3) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	if (!*field[0] || !field[1]) {
		cli_complain("run: --file %s: it must be SRC:DST or SRC:DST:MODE", value);
		goto out;
	}
	fd = open(field[0], O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		cli_complain("run: --file %s: %s: %s", value, field[0], strerror(errno));
		goto out;
	}
	result = add_file(context, "file", value, field, fd);
	close(fd);
out:
	free(field[0]);
	return result;
}

int opt_data(void *context, const char *value) {
	char *field[3];
	uint64_t fd;
	int result = -1;

	if (cli_fields(value, field, 3) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	if (!field[1] || cli_number(field[0], INT32_MAX, &fd) < 0)
		cli_complain("run: --data %s: it must be FD:DST or FD:DST:MODE, FD the number of "
		             "an open descriptor",
		             value);
	else
		result = add_file(context, "data", value, field, (int)fd);
	free(field[0]);
	return result;
}

/* One of "64M", "mode=0700", "noexec". */
static int tmpfs_word(const char *word, uint64_t *bytes, unsigned *mode, unsigned *flags) {
	if (strcmp(word, "noexec") == 0)
		*flags |= CAISSON_NOEXEC;
	else if (strncmp(word, "mode=", 5) == 0)
		return cli_mode(word + 5, 01777, mode);
	else
		return cli_size(word, bytes) < 0 || *bytes == 0 ? -EINVAL : 0;
	return 0;
}

int opt_tmpfs(void *context, const char *value) {
	struct run *run = context;
	unsigned mode = TMPFS_MODE, flags = 0;
	uint64_t bytes = TMPFS_SIZE;
	char *dst, *words;
	int result = 0;

	if (cli_split(value, &dst, &words) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	for (char *rest = words, *word; result == 0 && (word = strsep(&rest, ","));) {
		result = tmpfs_word(word, &bytes, &mode, &flags);
		if (result < 0)
			cli_complain("run: --tmpfs %s: %s is no size; say bytes, or as 64K, 16M, "
			             "2G; beside it there are mode=MODE and noexec",
			             value, *word ? word : "\"\"");
	}
	if (result == 0 && in_sandbox("tmpfs", value, dst))
		caisson_spec_tmpfs_with(run->spec, dst, bytes, mode, flags);
	else
		result = -1;
	free(dst);
	free(words);
	return result;
}

int opt_proc(void *context, const char *value) {
	static const struct {
		const char *word;
		unsigned flag;
	} words[] = { { "pids", CAISSON_PROCFS_PIDS },
		      { "hidepid", CAISSON_PROCFS_HIDEPID },
		      { "whole", CAISSON_PROCFS_WHOLE } };
	struct run *run = context;
	unsigned flags = 0;
	char *dst, *list;
	int result = 0;

	if (cli_split(value, &dst, &list) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	for (char *rest = list, *word; result == 0 && (word = strsep(&rest, ","));) {
		size_t i = 0;

		while (i < sizeof(words) / sizeof(words[0]) && strcmp(words[i].word, word) != 0)
			i++;
		if (i == sizeof(words) / sizeof(words[0])) {
			cli_complain("run: --proc %s: %s is not one of pids, hidepid and whole",
			             value, *word ? word : "\"\"");
			result = -1;
		} else {
			flags |= words[i].flag;
		}
	}
	if (result == 0)
		caisson_spec_proc_with(run->spec, dst, flags);
	free(dst);
	free(list);
	return result;
}

int opt_symlink(void *context, const char *value) {
	char *target, *path;
	int result = 0;

	if (cli_split(value, &target, &path) < 0) {
		cli_complain("out of memory");
		return -1;
	}
	if (!path || !*target) {
		cli_complain("run: --symlink %s: it must be TARGET:PATH", value);
		result = -1;
	} else {
		caisson_spec_symlink(((struct run *)context)->spec, target, path);
	}
	free(target);
	free(path);
	return result;
}

/* What is wrong with these the library keeps for the spawn. */
#define PASS(NAME, CALL)                                                                           \
	int NAME(void *context, const char *value) {                                               \
		caisson_spec *spec = ((struct run *)context)->spec;                                \
		CALL;                                                                              \
		return 0;                                                                          \
	}
PASS(opt_dir, caisson_spec_dir(spec, value, DIR_MODE))
PASS(opt_mask, caisson_spec_mask(spec, value))
PASS(opt_remount_ro, caisson_spec_readonly(spec, value))
PASS(opt_dev, caisson_spec_dev(spec, value))
PASS(opt_mqueue, caisson_spec_mqueue(spec, value))

int opt_overlay(void *context, const char *value) {
	(void)context;
	cli_complain("run: %s cannot be an overlay, there are none: mounting one takes more rights "
	             "than its user "
	             "has, and has been the way out of sandboxes; copy the lower tree, or grant it "
	             "with --ro and the places to write to with --tmpfs or --rw",
	             value);
	return -1;
}

int opt_dev_bind(void *context, const char *value) {
	(void)context;
	cli_complain("run: --dev-bind %s: devices in a granted tree never work; the harmless ones "
	             "are in the sandbox's own /dev (--dev), trees are granted with --ro and --rw",
	             value);
	return -1;
}
