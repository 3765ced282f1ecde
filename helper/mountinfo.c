/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads /proc/self/mountinfo. The paths in it were chosen by users: they are
 * unescaped into bounded buffers, and a line that is not understood is an
 * error, never skipped.
 */
#include <errno.h>
#include <string.h>

#include "helper.h"
#include "sys.h"

int mounts_open(struct mount_reader *reader, int proc)
{
	reader->have = reader->at = 0;
	reader->fd = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	return reader->fd < 0 ? -errno : 0;
}

/* The next byte, or -1 at the end, or -errno below that. */
static int next_byte(struct mount_reader *r)
{
	if (r->at == r->have) {
		ssize_t n = read(r->fd, r->buf, sizeof(r->buf));

		if (n < 0)
			return -errno - 1;
		if (n == 0)
			return -1;
		r->have = (size_t)n;
		r->at = 0;
	}
	return (unsigned char)r->buf[r->at++];
}

/*
 * A field up to the blank that ends it. Returns its length or -errno; *end: the
 * blank. What does not fit is cut, and *cut says so: anyone may make a FUSE
 * mount with a long name, and must not stop everybody else.
 */
static int field(struct mount_reader *r, char *out, size_t size, int *end, bool *cut)
{
	size_t n = 0;
	int c;

	while ((c = next_byte(r)) >= 0 && c != ' ' && c != '\n') {
		if (c == '\\') { /* three octal digits */
			c = 0;
			for (int i = 0; i < 3; i++) {
				int d = next_byte(r);

				if (d < '0' || d > '7')
					return -EPROTO;
				c = c * 8 + (d - '0');
			}
		}
		if (n + 1 < size)
			out[n++] = (char)c;
		else
			*cut = true;
	}
	if (c < -1)
		return c + 1;
	out[n] = '\0';
	*end = c;
	return (int)n;
}

static int number(const char *text)
{
	int n = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > 200000000)
			return -EPROTO;
		n = n * 10 + (*text - '0');
	}
	return n;
}

/* Is the word among the comma-separated options? */
static bool has_option(const char *options, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, word, len) && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

int mounts_next(struct mount_reader *r, struct mount_line *line)
{
	char text[4096];
	bool ignored = false;
	int end = -1, n;

	line->cut = false;
	n = field(r, text, sizeof(text), &end, &ignored);
	if (n <= 0 && end < 0)
		return n;
	line->id = n < 0 ? n : number(text);
	n = n < 0 ? n : field(r, text, sizeof(text), &end, &ignored);
	line->parent = n < 0 ? n : number(text);
	n = n < 0 ? n : field(r, text, sizeof(text), &end, &ignored); /* major:minor */
	n = n < 0 ? n : field(r, text, sizeof(text), &end, &ignored); /* root */
	n = n < 0 ? n : field(r, line->point, sizeof(line->point), &end, &line->cut);
	n = n < 0 ? n : field(r, text, sizeof(text), &end, &line->cut);
	if (n < 0 || line->id < 0 || line->parent < 0 || end != ' ')
		return -EPROTO;
	line->nosuid = has_option(text, "nosuid");
	line->nodev = has_option(text, "nodev");
	line->peers = false;
	do { /* optional fields up to "-" */
		n = field(r, text, sizeof(text), &end, &ignored);
		if (n < 0 || end != ' ')
			return -EPROTO;
		line->peers |= !strncmp(text, "shared:", 7) || !strncmp(text, "master:", 7);
	} while (strcmp(text, "-") != 0);
	n = field(r, line->fstype, sizeof(line->fstype), &end, &ignored);
	while (n >= 0 && end == ' ') /* source and super options: not ours to judge */
		n = field(r, text, sizeof(text), &end, &ignored);
	return n < 0 ? n : 1;
}

char *put_number(char *at, unsigned long n)
{
	char digits[24];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	while (i > 0)
		*at++ = digits[--i];
	*at = '\0';
	return at;
}

int mount_id(int proc, int fd)
{
	char path[48] = "self/fdinfo/", text[1024];
	const char *at;
	ssize_t n;
	int f;

	put_number(path + strlen(path), (unsigned long)fd);
	f = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (f < 0)
		return -errno;
	n = read(f, text, sizeof(text) - 1);
	close(f);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	at = strstr(text, "mnt_id:\t");
	if (!at)
		return -EPROTO;
	n = 0;
	for (at += 8; *at >= '0' && *at <= '9' && n < 200000000; at++)
		n = n * 10 + (*at - '0');
	return (int)n;
}
