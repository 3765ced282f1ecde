/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels through files: each tensor is one file, written aside and renamed when it is whole, and
 * read, checked and removed by the other side. Nothing is shared, so nothing changes under a reader.
 */
#include "posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dtype.h"

#define MAGIC 0x314e5346u /* "FSN1" */
#define MAX_DIMS 8
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

struct head {
	uint32_t magic;
	int32_t ndim;
	caisson_dtype dtype;
	uint32_t zero;
	uint64_t nbytes, tag;
	int64_t shape[MAX_DIMS];
};

/* What a caller's tensor points to; its address is the lease. */
struct loan {
	struct head head;
	int64_t strides[MAX_DIMS];
	void *data;
};

struct caisson_channel {
	char *folder;
	enum caisson_direction direction;
	bool host;
	uint64_t bytes, sent, received;
	caisson_sandbox *box; /* the host's, once it runs */
	pid_t parent;         /* the other side's: the host */
};

static bool sends(const caisson_channel *c) {
	return c->direction & (c->host ? CAISSON_TO_SANDBOX : CAISSON_TO_HOST);
}

static bool receives(const caisson_channel *c) {
	return c->direction & (c->host ? CAISSON_TO_HOST : CAISSON_TO_SANDBOX);
}

/* "h.7": the seventh tensor that the host is to receive. */
static int file_name(const caisson_channel *c, bool to_host, uint64_t number, char *path,
                     size_t size) {
	int n = snprintf(path, size, "%s/%c.%llu", c->folder, to_host ? 'h' : 's',
	                 (unsigned long long)number);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int write_all(int fd, const void *data, size_t size) {
	for (const char *at = data; size;) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int read_all(int fd, void *data, size_t size) {
	for (char *at = data; size;) {
		ssize_t n = read(fd, at, size);

		if (n == 0)
			return -EPROTO;
		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Bytes that wait for the other side. */
static uint64_t waiting(const caisson_channel *c) {
	DIR *dir = opendir(c->folder);
	const struct dirent *entry;
	uint64_t sum = 0;

	/* cppcheck-suppress readdirCalled */ /* a DIR of our own */
	while (dir && (entry = readdir(dir))) {
		struct stat st;

		if (entry->d_name[0] == (c->host ? 's' : 'h') &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			sum += (uint64_t)st.st_size;
	}
	if (dir)
		closedir(dir);
	return sum;
}

static bool other_gone(const caisson_channel *c) {
	return c->host ? c->box && posix_ended(c->box) : getppid() != c->parent;
}

static int failed(caisson_error **err, int error, const char *what) {
	return error_set(err, error, "a channel through files", "", "", "%s: %s", what,
	                 strerror(error));
}

static void hand_out(struct loan *loan, caisson_tensor *tensor) {
	*tensor = (caisson_tensor){
		.data = loan->data,
		.shape = loan->head.shape,
		.strides = loan->strides,
		.ndim = loan->head.ndim,
		.dtype = loan->head.dtype,
		.nbytes = loan->head.nbytes,
		.tag = loan->head.tag,
		.lease = (uint64_t)(uintptr_t)loan,
	};
}

static struct loan *loan_of(const caisson_tensor *tensor) {
	return (struct loan *)(uintptr_t)tensor->lease;
}

int caisson_loan(caisson_channel *c, caisson_dtype dtype, int32_t ndim, const int64_t *shape,
                 caisson_tensor *tensor, caisson_error **err) {
	struct loan *loan;
	uint64_t nbytes;
	int64_t strides[MAX_DIMS];
	int r;

	if (!sends(c))
		return failed(err, ENOTSUP, "this side does not send");
	if (!dtype_valid(dtype) || ndim < 0 || ndim > MAX_DIMS)
		return failed(err, EINVAL, "no such tensor");
	r = dtype_span(dtype, ndim, shape, NULL, strides, &nbytes);
	if (r < 0)
		return failed(err, -r, "no such tensor");
	if (nbytes > c->bytes)
		return failed(err, EMSGSIZE, "larger than the channel");
	if (other_gone(c))
		return failed(err, EPIPE, "the other side is gone");
	if (waiting(c) + nbytes > c->bytes + sizeof(struct head) * (c->bytes / 4096 + 1))
		return failed(err, EAGAIN, "the other side has not received enough");
	loan = calloc(1, sizeof(*loan));
	if (loan)
		loan->data = calloc(1, nbytes ? nbytes : 1);
	if (!loan || !loan->data) {
		free(loan);
		return failed(err, ENOMEM, "a tensor");
	}
	loan->head = (struct head){ MAGIC, ndim, dtype, 0, nbytes, 0, { 0 } };
	memcpy(loan->head.shape, shape, (size_t)ndim * sizeof(*shape));
	memcpy(loan->strides, strides, sizeof(strides));
	hand_out(loan, tensor);
	return 0;
}

int caisson_send(caisson_channel *c, caisson_tensor *tensor, caisson_error **err) {
	struct loan *loan = loan_of(tensor);
	char path[512], aside[520];
	int fd, r = file_name(c, !c->host, c->sent, path, sizeof(path));

	if (r < 0)
		return failed(err, -r, path);
	loan->head.tag = tensor->tag;
	snprintf(aside, sizeof(aside), "%s/new.%c", c->folder, c->host ? 's' : 'h');
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return failed(err, errno == ENOENT ? EPIPE : errno, aside);
	r = write_all(fd, &loan->head, sizeof(loan->head));
	if (r == 0)
		r = write_all(fd, loan->data, loan->head.nbytes);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(aside, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(aside);
		return failed(err, -r, path);
	}
	c->sent++;
	caisson_release(c, tensor);
	return 0;
}

/* Nothing of what the other side wrote is believed before it was compared. */
static int check(const caisson_channel *c, struct loan *loan, const struct stat *st) {
	const struct head *h = &loan->head;
	uint64_t nbytes;

	if (h->magic != MAGIC || h->zero || h->ndim < 0 || h->ndim > MAX_DIMS ||
	    !dtype_valid(h->dtype) || h->nbytes > c->bytes ||
	    dtype_span(h->dtype, h->ndim, h->shape, NULL, loan->strides, &nbytes) < 0 ||
	    nbytes != h->nbytes || (uint64_t)st->st_size != sizeof(*h) + nbytes)
		return -EPROTO;
	return 0;
}

static int take(const caisson_channel *c, int fd, struct loan **taken) {
	struct loan *loan = calloc(1, sizeof(*loan));
	struct stat st;
	int r = loan ? 0 : -ENOMEM;

	if (r == 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		r = -EPROTO;
	if (r == 0)
		r = read_all(fd, &loan->head, sizeof(loan->head));
	if (r == 0)
		r = check(c, loan, &st);
	if (r == 0) {
		loan->data = malloc(loan->head.nbytes ? loan->head.nbytes : 1);
		r = loan->data ? read_all(fd, loan->data, loan->head.nbytes) : -ENOMEM;
	}
	if (r < 0 && loan) {
		free(loan->data);
		free(loan);
		return r;
	}
	*taken = loan;
	return r;
}

int caisson_recv(caisson_channel *c, caisson_tensor *tensor, int timeout_ms, caisson_error **err) {
	long long until = timeout_ms < 0 ? -1 : posix_now_ms() + timeout_ms;
	struct loan *loan = NULL;
	char path[512];
	int fd, r;

	if (!receives(c))
		return failed(err, ENOTSUP, "this side does not receive");
	if (file_name(c, c->host, c->received, path, sizeof(path)) < 0)
		return failed(err, ENAMETOOLONG, c->folder);
	for (;;) {
		bool gone = other_gone(c); /* before the look: what it sent last counts */

		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0)
			break;
		if (errno != ENOENT)
			return failed(err, EPROTO, path);
		if (gone)
			return failed(err, EPIPE, "the other side is gone");
		if (!posix_wait_a_bit(until))
			return failed(err, timeout_ms ? ETIMEDOUT : EAGAIN, "nothing has come");
	}
	r = take(c, fd, &loan);
	close(fd);
	unlink(path);
	if (r < 0)
		return failed(err, -r, path);
	c->received++;
	hand_out(loan, tensor);
	return 0;
}

void caisson_release(caisson_channel *c, caisson_tensor *tensor) {
	struct loan *loan = loan_of(tensor);

	(void)c;
	if (loan) {
		free(loan->data);
		free(loan);
	}
	memset(tensor, 0, sizeof(*tensor));
}

int caisson_channel_fd(const caisson_channel *c) {
	(void)c;
	return -ENOTSUP; /* nothing wakes a reader of files: call caisson_recv() with a timeout */
}

static caisson_channel *make(const char *folder, const char *name) {
	caisson_channel *c = calloc(1, sizeof(*c));
	size_t size = strlen(folder) + strlen(name) + 2;

	if (!c || !(c->folder = malloc(size))) {
		free(c);
		return NULL;
	}
	snprintf(c->folder, size, "%s/%s", folder, name);
	return c;
}

static bool name_fits(const char *name) {
	size_t n = strlen(name);

	return n >= 1 && n <= 31 && strspn(name, NAME_CHARS) == n;
}

caisson_channel *posix_channel_new(const char *folder, const char *name,
                                   enum caisson_direction direction, uint64_t bytes) {
	caisson_channel *c = name_fits(name) ? make(folder, name) : NULL;
	char path[512];
	FILE *about;

	if (!c)
		return NULL;
	c->host = true;
	c->direction = direction;
	c->bytes = bytes;
	snprintf(path, sizeof(path), "%s/about", c->folder);
	if (mkdir(c->folder, 0700) < 0 || !(about = fopen(path, "w"))) {
		posix_channel_free(c, true);
		return NULL;
	}
	fprintf(about, "%d %llu\n", (int)direction, (unsigned long long)bytes);
	fclose(about);
	return c;
}

int caisson_channel_open(const char *name, caisson_channel **channel, caisson_error **err) {
	const char *folder = getenv(POSIX_ENV);
	unsigned long long bytes = 0;
	caisson_channel *c;
	char path[512], line[64], *rest;
	int direction = 0;
	FILE *about;

	if (!folder || !name_fits(name))
		return failed(err, folder ? EINVAL : ENOENT, name);
	snprintf(path, sizeof(path), "%s/%s/about", folder, name);
	about = fopen(path, "r");
	if (!about)
		return failed(err, ENOENT, name);
	if (fgets(line, sizeof(line), about)) {
		direction = (int)strtol(line, &rest, 10);
		bytes = strtoull(rest, NULL, 10);
	}
	fclose(about);
	if (direction < 1 || direction > 3)
		direction = 0;
	if (!direction)
		return failed(err, EPROTO, name);
	c = make(folder, name);
	if (!c)
		return failed(err, ENOMEM, name);
	c->direction = (enum caisson_direction)direction;
	c->bytes = bytes;
	c->parent = getppid();
	*channel = c;
	return 0;
}

void caisson_channel_close(caisson_channel *channel) {
	posix_channel_free(channel, false);
}

void posix_channel_started(caisson_channel *channel, caisson_sandbox *box) {
	channel->box = box;
}

void posix_channel_free(caisson_channel *c, bool remove) {
	const struct dirent *entry;
	DIR *dir;

	if (!c)
		return;
	dir = remove ? opendir(c->folder) : NULL;
	/* cppcheck-suppress readdirCalled */ /* a DIR of our own */
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (remove)
		rmdir(c->folder);
	free(c->folder);
	free(c);
}
