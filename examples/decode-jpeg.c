/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plug-in: decodes a JPEG with libjpeg-turbo into a tensor on loan from the
 * channel "frames" and sends it. Nobody needs to trust it.
 *
 *     decode-jpeg JPEG SECRET PID
 *
 * It then misbehaves, and reports how far it got in a second tensor: it tries to
 * read SECRET, a file under the user's home; to read it through the host
 * application, process PID; and to open an internet socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "caisson.h"

#define TAG_PICTURE 1
#define TAG_ATTEMPTS 2

static int fail(const char *what, caisson_error *err) {
	fprintf(stderr, "decode-jpeg: %s: %s\n", what,
	        err ? caisson_error_text(err) : strerror(errno));
	caisson_error_free(err);
	return 1;
}

/* The whole file; the caller frees it. */
static unsigned char *read_file(const char *path, unsigned long *size) {
	unsigned char *bytes = NULL;
	struct stat st;
	FILE *in = fopen(path, "rb");

	if (!in)
		return NULL;
	if (fstat(fileno(in), &st) == 0 && (bytes = malloc((size_t)st.st_size)))
		*size = fread(bytes, 1, (size_t)st.st_size, in);
	fclose(in);
	return bytes;
}

/* Straight into the channel's memory: the decoder's output is the tensor. */
static int send_picture(caisson_channel *frames, const unsigned char *jpeg, unsigned long size) {
	int width, height, subsampling, colours, result = 1;
	tjhandle decoder = tjInitDecompress();
	caisson_error *err = NULL;
	caisson_tensor tensor;

	if (!decoder ||
	    tjDecompressHeader3(decoder, jpeg, size, &width, &height, &subsampling, &colours) < 0) {
		fprintf(stderr, "decode-jpeg: this is no JPEG: %s\n", tjGetErrorStr2(decoder));
		goto out;
	}
	if (caisson_loan(frames, CAISSON_U8, 3, (const int64_t[]){ height, width, 3 }, &tensor,
	                 &err) < 0) {
		fail("loan", err);
		goto out;
	}
	if (tjDecompress2(decoder, jpeg, size, tensor.data, width, 0, height, TJPF_RGB, 0) < 0) {
		fprintf(stderr, "decode-jpeg: %s\n", tjGetErrorStr2(decoder));
		caisson_release(frames, &tensor);
		goto out;
	}
	tensor.tag = TAG_PICTURE;
	if (caisson_send(frames, &tensor, &err) < 0)
		fail("send", err);
	else
		result = 0;
out:
	if (decoder)
		tjDestroy(decoder);
	return result;
}

/* 0 if it could be read, else the errno value. */
static int32_t try_read(const char *path) {
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int32_t error = fd < 0 || read(fd, &byte, 1) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

static int32_t try_socket(void) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int32_t error = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

static int send_attempts(caisson_channel *frames, const char *secret, const char *pid) {
	caisson_error *err = NULL;
	caisson_tensor tensor;
	char path[4096];
	int32_t *errors;

	if (caisson_loan(frames, CAISSON_DTYPE(CAISSON_INT, 32), 1, (const int64_t[]){ 3 }, &tensor,
	                 &err) < 0)
		return fail("loan", err);
	snprintf(path, sizeof(path), "/proc/%s/root%s", pid, secret);
	errors = tensor.data;
	errors[0] = try_read(secret);
	errors[1] = try_read(path);
	errors[2] = try_socket();
	tensor.tag = TAG_ATTEMPTS;
	return caisson_send(frames, &tensor, &err) < 0 ? fail("send", err) : 0;
}

int main(int argc, char **argv) {
	unsigned char *jpeg = NULL;
	caisson_error *err = NULL;
	caisson_channel *frames;
	unsigned long size = 0;
	int result;

	if (argc != 4) {
		fprintf(stderr, "usage: decode-jpeg JPEG SECRET PID\n");
		return 2;
	}
	if (caisson_channel_open("frames", &frames, &err) < 0)
		return fail("channel \"frames\"", err);
	jpeg = read_file(argv[1], &size);
	if (!jpeg)
		return fail(argv[1], NULL);
	result = send_picture(frames, jpeg, size) || send_attempts(frames, argv[2], argv[3]);
	caisson_channel_close(frames);
	free(jpeg);
	return result;
}
