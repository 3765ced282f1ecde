/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels on reserved huge pages, for test_huge.sh, which fills the pool, writes the policy
 * and delegates a group: `huge lane|transfer|attack|killed|hold|late FLAGS`. Inside it is the
 * sandbox's program. FLAGS: 0, 1 (CAISSON_CHANNEL_HUGE), 2 (_REQUIRED). Each line is a
 * point, "ok NAME" or "not ok NAME", or what the script asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson_channels.h"
#include "protocol/channel.h"
#include "run.h"

#define BYTES (5u << 20) /* no whole number of pages of 2 MiB */
#define LARGE (3 << 20)

static void point(bool good, const char *name) {
	printf("%sok %s\n", good ? "" : "not ", name);
	fflush(stdout);
}

static void denied(long rc, const char *name, int error, int error2) {
	point(rc < 0 && (errno == error || errno == error2), name);
	if (rc >= 0 || (errno != error && errno != error2))
		printf("# %s: %ld, %s\n", name, rc, rc < 0 ? strerror(errno) : "it succeeded");
}

/* ------------------------------------------------------------------- inside */

/* Each tensor's sum, as one of a single element. */
static int sum(void) {
	caisson_channel *channel;
	caisson_tensor in, out;

	if (caisson_channel_open("frames", &channel, NULL) < 0)
		return 1;
	point(caisson_channel_lane(channel) & CAISSON_LANE_HUGETLB, "inside: the lane says so too");
	while (caisson_recv(channel, &in, 20000, NULL) == 0) {
		uint64_t total = 0;

		for (uint64_t i = 0; i < in.nbytes; i++)
			total += ((const uint8_t *)in.data)[i];
		caisson_release(channel, &in);
		if (caisson_loan(channel, CAISSON_DTYPE(CAISSON_UINT, 64), 0, NULL, &out, NULL) < 0)
			return 1;
		*(uint64_t *)out.data = total;
		if (caisson_send(channel, &out, NULL) < 0)
			return 1;
	}
	return 0;
}

/* The slab's descriptor, which the library closes once it is mapped. */
static int take_slab(void) {
	const char *list = getenv("CAISSON_CHANNELS");
	struct caisson_channel_hello hello;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * (CAISSON_CHANNEL_FDS + 1))];
	} control;
	struct iovec iov = { &hello, sizeof(hello) };
	struct msghdr message = { .msg_iov = &iov,
		                  .msg_iovlen = 1,
		                  .msg_control = &control,
		                  .msg_controllen = sizeof(control) };
	int fds[CAISSON_CHANNEL_FDS];
	const struct cmsghdr *header;

	list = list ? strchr(list, ':') : NULL;
	if (!list || recvmsg((int)strtol(list + 1, NULL, 10), &message, 0) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_len != CMSG_LEN(sizeof(int) * 4))
		return -1;
	memcpy(fds, CMSG_DATA(header), sizeof(int) * 4);
	return fds[3];
}

static long map(int fd, size_t bytes, int prot, int flags) {
	return mmap(NULL, bytes, prot, flags, fd, 0) == MAP_FAILED ? -1 : 0;
}

static void by_descriptor(int fd, size_t bytes) {
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	denied(map(fd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED), "mapping it writable", EPERM,
	       EACCES);
	denied(write(fd, "x", 1), "writing to it", EINVAL, EPERM);
	denied(fallocate(fd, punch, 0, (off_t)bytes), "a hole in all of it", EPERM, EBADF);
	denied(fallocate(fd, punch, 0, 4096), "a hole smaller than a page", EPERM, EBADF);
	denied(ftruncate(fd, 0), "cutting it off", EPERM, EINVAL);
	denied(ftruncate(fd, (off_t)bytes * 2), "making it longer", EPERM, EINVAL);
	denied(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), "one more seal", EPERM, EPERM);
}

/* Without a reservation the page is asked for when it is written: who asks dies of it. */
static bool copy_on_write(int fd, size_t bytes) {
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		volatile char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		                        MAP_PRIVATE | MAP_NORESERVE, fd, 0);

		if (p == MAP_FAILED)
			_exit(3);
		*p = 1;
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status != 0;
}

static int attack(void) {
	int again, fd = take_slab();
	const off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	const size_t bytes = (size_t)size;
	unsigned mapped = 0;
	char path[64], *shared;

	if (size <= 0)
		return 1;
	shared = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	point(shared != MAP_FAILED && shared[0] == 7 && shared[bytes - 1] == 0,
	      "what was sent can be read");
	by_descriptor(fd, bytes);
	denied(mprotect(shared, bytes, PROT_READ | PROT_WRITE), "making the mapping writable",
	       EACCES, EPERM);
	denied(madvise(shared, bytes, MADV_REMOVE), "a hole by advice", EACCES, EPERM);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again >= 0)
		by_descriptor(again, bytes);
	point(copy_on_write(fd, bytes), "no page of the pool is copied to");
	/* A private mapping takes as many pages of the pool again, even to be read only. */
	for (int i = 0; i < 100; i++)
		mapped += map(fd, bytes, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE) ==
		          0;
	point(mapped == 0, "nor reserved by private mappings");
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

static int inside_program(const char *verb) {
	if (!strcmp(verb, "sum"))
		return sum();
	if (!strcmp(verb, "attack"))
		return attack();
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

/* --------------------------------------------------------------------- host */

static caisson_channel *channel_of(caisson_spec *spec, enum caisson_direction direction,
                                   unsigned flags) {
	caisson_channel *channel =
		caisson_spec_channel_with(spec, "frames", direction, BYTES, flags);

	if (channel && flags)
		printf("lane %s\n",
		       caisson_channel_lane(channel) & CAISSON_LANE_HUGETLB ? "huge" : "ordinary");
	fflush(stdout);
	return channel;
}

static caisson_sandbox *spawn(caisson_spec *spec) {
	caisson_sandbox *box = NULL;
	caisson_error *err = NULL;

	if (caisson_spawn(spec, &box, &err) < 0)
		printf("error %d\nstage %s\nknob %s\nmessage %s\nremedy %s\n",
		       caisson_error_errno(err), caisson_error_stage(err), caisson_error_knob(err),
		       caisson_error_message(err), caisson_error_remedy(err));
	fflush(stdout);
	caisson_error_free(err);
	caisson_spec_free(spec);
	return box;
}

static bool send_one(caisson_channel *channel, int64_t n) {
	caisson_tensor tensor;

	if (caisson_loan(channel, CAISSON_U8, 1, &n, &tensor, NULL) < 0)
		return false;
	memset(tensor.data, 7, (size_t)n);
	return caisson_send(channel, &tensor, NULL) == 0;
}

static bool sum_came(caisson_channel *channel, uint64_t n) {
	caisson_tensor tensor;
	bool good = caisson_recv(channel, &tensor, 20000, NULL) == 0 &&
	            *(const uint64_t *)tensor.data == 7 * n;

	caisson_release(channel, &tensor);
	return good;
}

static int transfer(unsigned flags) {
	caisson_spec *spec = inside(DOES("sum"));
	caisson_channel *channel = channel_of(spec, CAISSON_BOTH, flags);
	caisson_sandbox *box;
	bool good = true;
	char text[256];
	ssize_t n;
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return 1;
	caisson_spec_stdio(spec, -1, out[1], out[1]);
	box = spawn(spec);
	close(out[1]);
	if (!channel || !box)
		return 1;
	point(send_one(channel, 1000) && sum_came(channel, 1000), "a small tensor crosses");
	point(send_one(channel, LARGE) && sum_came(channel, LARGE),
	      "and one that is larger than a huge page");
	for (int i = 0; good && i < 100; i++)
		good = send_one(channel, LARGE - i) && sum_came(channel, (uint64_t)LARGE - i);
	point(good, "a hundred times over the same pages");
	printf("report %s\n",
	       strstr(caisson_report_json(box), "\"hugepages\": 0") ? "fenced" : "open");
	caisson_sandbox_free(box);
	while ((n = read(out[0], text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	return 0;
}

/* The program with its output on ours, until it says "ready". */
static caisson_sandbox *start_until_ready(const char *verb, unsigned flags, bool filled) {
	caisson_spec *spec = inside(DOES(verb));
	caisson_channel *channel = channel_of(spec, CAISSON_TO_SANDBOX, flags);
	caisson_sandbox *box;
	char line[256];
	int out[2];
	FILE *from;

	if (!channel || pipe2(out, O_CLOEXEC) < 0)
		exit(1);
	caisson_spec_stdio(spec, -1, out[1], out[1]);
	box = spawn(spec);
	close(out[1]);
	from = fdopen(out[0], "r");
	if (!box || !from || (filled && !send_one(channel, 1000)))
		exit(1);
	while (fgets(line, sizeof(line), from) && strcmp(line, "ready\n") != 0)
		fputs(line, stdout);
	puts("ready");
	fflush(stdout);
	return box;
}

/* Goes on when the script has looked at the pool. */
static void wait_for_script(void) {
	char byte;

	(void)!read(0, &byte, 1);
}

static int late(unsigned flags) {
	caisson_spec *spec = inside(DOES("idle"));
	caisson_channel *first = NULL, *second = NULL;
	caisson_error *err = NULL;
	caisson_sandbox *box;
	int rc;

	caisson_spec_late_channels(spec);
	if (flags)
		first = channel_of(spec, CAISSON_TO_SANDBOX, flags);
	box = spawn(spec);
	if (!box)
		return 1;
	rc = caisson_add_channel_with(box, "more", CAISSON_BOTH, BYTES,
	                              CAISSON_CHANNEL_HUGE_REQUIRED, &second, &err);
	if (rc < 0)
		printf("error %d\nmessage %s\n", -rc, caisson_error_message(err));
	else
		printf("lane %s\n",
		       caisson_channel_lane(second) & CAISSON_LANE_HUGETLB ? "huge" : "ordinary");
	caisson_error_free(err);
	(void)first;
	caisson_sandbox_free(box);
	return 0;
}

int main(int argc, char **argv) {
	const unsigned flags = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	caisson_sandbox *box;

	if (argc > 2 && !strcmp(argv[1], "inside"))
		return inside_program(argv[2]);
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "transfer"))
		return transfer(flags);
	if (!strcmp(argv[1], "late"))
		return late(flags);
	if (!strcmp(argv[1], "wrong")) {
		caisson_spec *spec = inside(DOES("idle"));

		channel_of(spec, CAISSON_TO_HOST, flags);
		return spawn(spec) != NULL;
	}
	if (!strcmp(argv[1], "lane")) {
		caisson_spec *spec = inside(DOES("idle"));

		channel_of(spec, CAISSON_TO_SANDBOX, flags);
		box = spawn(spec);
		caisson_sandbox_free(box);
		return !box;
	}
	box = start_until_ready(!strcmp(argv[1], "attack") ? "attack" : "idle", flags,
	                        !strcmp(argv[1], "attack"));
	wait_for_script();
	if (!strcmp(argv[1], "killed")) { /* its program, by SIGKILL */
		caisson_kill(box, SIGKILL);
		caisson_wait(box, 20000, NULL, NULL);
		puts("gone");
		fflush(stdout);
		wait_for_script();
	}
	caisson_sandbox_free(box);
	return 0;
}
