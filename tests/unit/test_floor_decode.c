/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A decoder of JPEGs under strict: examples/decode-jpeg is executed with the
 * filter, and sends what it decoded over a channel.
 */
#include "channel.h"
#include "filtered.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <turbojpeg.h>
#include <unistd.h>

#define WIDTH 320
#define HEIGHT 200
#define CHANNEL_FD 9

static unsigned char picture[HEIGHT][WIDTH][3];

/* A JPEG of smooth colours, which its compression hardly changes. */
static void make_jpeg(char path[]) {
	tjhandle encoder = tjInitCompress();
	unsigned char *bytes = NULL;
	unsigned long size = 0;
	int fd = mkstemp(path);

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			picture[y][x][0] = (unsigned char)(x * 255 / WIDTH);
			picture[y][x][1] = (unsigned char)(y * 255 / HEIGHT);
			picture[y][x][2] = (unsigned char)((x + y) * 255 / (WIDTH + HEIGHT));
		}
	cr_assert(encoder && fd >= 0);
	cr_assert_eq(tjCompress2(encoder, &picture[0][0][0], WIDTH, 0, HEIGHT, TJPF_RGB, &bytes,
	                         &size, TJSAMP_444, 95, 0),
	             0, "%s", tjGetErrorStr2(encoder));
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	tjFree(bytes);
	tjDestroy(encoder);
}

static pid_t start_decoder(const char *jpeg, int socket) {
	pid_t pid = fork();

	if (pid == 0) {
		struct complaints c = { STDERR_FILENO, 0, STRICT, NONE };

		alarm(30);
		setenv(CHANNEL_ENV, "frames:9", 1);
		/* Looking for leaks traces the program, which the filter denies. */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		if (dup2(socket, CHANNEL_FD) < 0)
			_exit(126);
		install(&c, 0);
		if (!c.count)
			execl(DECODER, "decode-jpeg", jpeg, "/etc/hostname", "1", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void receive(caisson_channel *frames, caisson_tensor *tensor) {
	caisson_error *err = NULL;
	int rc = caisson_recv(frames, tensor, 20000, &err);

	cr_assert_eq(rc, 0, "%s", err ? caisson_error_text(err) : "");
}

static void check_picture(const caisson_tensor *tensor) {
	const unsigned char *got = tensor->data, *want = &picture[0][0][0];
	int worst = 0;

	cr_assert(tensor->ndim == 3 && tensor->shape[0] == HEIGHT && tensor->shape[1] == WIDTH &&
	          tensor->shape[2] == 3);
	for (size_t i = 0; i < sizeof(picture); i++) {
		int off = abs(got[i] - want[i]);

		worst = off > worst ? off : worst;
	}
	cr_expect_lt(worst, 24, "a colour is off by %d", worst);
}

Test(floor_decode, a_jpeg_is_decoded_under_strict) {
	char jpeg[] = "/tmp/strict-XXXXXX";
	caisson_channel *frames = NULL;
	caisson_tensor tensor;
	int status = -1;
	pid_t pid;

	make_jpeg(jpeg);
	cr_assert_eq(channel_new("frames", CAISSON_TO_HOST, 1 << 20, &frames, NULL), 0);
	pid = start_decoder(jpeg, channel_peer_fd(frames));
	cr_assert_gt(pid, 0);
	channel_started(frames);
	receive(frames, &tensor);
	check_picture(&tensor);
	caisson_release(frames, &tensor);
	receive(frames, &tensor); /* errno values: the secret, through /proc/1, a socket */
	cr_expect_eq(((int *)tensor.data)[2], EAFNOSUPPORT);
	caisson_release(frames, &tensor);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "%#x", (unsigned)status);
	channel_free(frames);
	unlink(jpeg);
}
