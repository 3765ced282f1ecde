/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Behaviours: the objects. Sizes, seals, mappings, descriptors. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "evil.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define ALL_FDS                                                                                    \
	(1u << CAISSON_CHANNEL_FD_HOST_PAGE | 1u << CAISSON_CHANNEL_FD_SANDBOX_PAGE |              \
	 1u << CAISSON_CHANNEL_FD_TO_HOST | 1u << CAISSON_CHANNEL_FD_TO_SANDBOX)
#define HOSTS_FDS (1u << CAISSON_CHANNEL_FD_HOST_PAGE | 1u << CAISSON_CHANNEL_FD_TO_SANDBOX)

/* For each memfd of a set: is it refused by all? */
static int all_refuse(struct raw_peer *peer, unsigned set, bool (*refuses)(int fd, uint64_t),
                      uint64_t argument) {
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++)
		if ((set & 1u << i) && !refuses(peer->fd[i], argument))
			return EVIL_LET_THROUGH;
	return EVIL_DONE;
}

static bool refuses_size(int fd, uint64_t size) {
	return ftruncate(fd, (off_t)size) < 0 && errno == EPERM;
}

static int resize(struct raw_peer *peer, uint64_t size) {
	return all_refuse(peer, ALL_FDS, refuses_size, size);
}

static bool refuses_allocation(int fd, uint64_t unused) {
	(void)unused;
	return fallocate(fd, 0, 0, 1 << 30) < 0;
}

static int grow_by_fallocate(struct raw_peer *peer, uint64_t unused) {
	return all_refuse(peer, ALL_FDS, refuses_allocation, unused);
}

static bool refuses_seal(int fd, uint64_t seals) {
	return fcntl(fd, F_ADD_SEALS, (int)seals) < 0;
}

static int seal(struct raw_peer *peer, uint64_t seals) {
	return all_refuse(peer, ALL_FDS, refuses_seal, seals);
}

static bool refuses_writable_map(int fd, uint64_t unused) {
	(void)unused;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED;
}

static int map_writable(struct raw_peer *peer, uint64_t unused) {
	return all_refuse(peer, HOSTS_FDS, refuses_writable_map, unused);
}

static bool refuses_protection(int fd, uint64_t unused) {
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	(void)unused;
	return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_WRITE) < 0;
}

static int protect(struct raw_peer *peer, uint64_t unused) {
	return all_refuse(peer, HOSTS_FDS, refuses_protection, unused);
}

static bool refuses_write(int fd, uint64_t unused) {
	(void)unused;
	return pwrite(fd, "evil", 4, 0) < 0;
}

static int write_it(struct raw_peer *peer, uint64_t unused) {
	return all_refuse(peer, HOSTS_FDS, refuses_write, unused);
}

static bool refuses_again(int fd, uint64_t unused) {
	char path[40];
	bool refused;
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again < 0)
		return true;
	refused = refuses_write(again, unused) && refuses_writable_map(again, unused) &&
	          refuses_size(again, 0);
	close(again);
	return refused;
}

static int open_again(struct raw_peer *peer, uint64_t unused) {
	return all_refuse(peer, HOSTS_FDS, refuses_again, unused);
}

static bool refuses_hole(int fd, uint64_t unused) {
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	(void)unused;
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0 &&
	       madvise(page, 4096, MADV_REMOVE) < 0;
}

static int punch_the_hosts(struct raw_peer *peer, uint64_t unused) {
	return all_refuse(peer, HOSTS_FDS, refuses_hole, unused);
}

/* Its own it may punch, for ever, while the host reads. */
static int punch_own(struct raw_peer *peer, uint64_t which) {
	struct stat st;

	if (fstat(peer->fd[which], &st) < 0)
		return 1;
	for (uint64_t count = 0;; count++) {
		memset(peer->to_host, 1, 4096);
		if (which == CAISSON_CHANNEL_FD_TO_HOST && count < 200)
			evil_send(peer, count);
		if (fallocate(peer->fd[which], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		              st.st_size) < 0)
			return 1;
	}
	return EVIL_DONE;
}

static int page_out(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	for (;;) {
		madvise(peer->host, peer->hello.page_bytes, MADV_PAGEOUT);
		madvise(peer->page, peer->hello.page_bytes, MADV_PAGEOUT);
		madvise(peer->to_host, peer->hello.to_host_bytes, MADV_PAGEOUT);
	}
	return EVIL_DONE;
}

static int lock_all(struct raw_peer *peer, uint64_t unused) {
	struct flock lock = { .l_type = F_WRLCK };

	(void)unused;
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++) {
		flock(peer->fd[i], LOCK_EX | LOCK_NB);
		fcntl(peer->fd[i], F_SETLK, &lock);
		fcntl(peer->fd[i], F_SETLEASE, F_WRLCK);
	}
	pause();
	return 0;
}

static int fill_slab(struct raw_peer *peer, uint64_t unused) {
	(void)unused;
	memset(peer->to_host, 0xee, peer->hello.to_host_bytes);
	pause();
	return 0;
}

/* --------------------------------------------------- descriptors for the host */

enum kind { TCP_LINGER, PIPE, UNSEALED, HUGE, EPOLL, EVENT, TMPFS, ZERO, OWN_SOCKET };

/* Unread bytes and SO_LINGER: whoever closes the last descriptor waits for seconds. */
static int tcp_linger(void) {
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct linger linger = { 1, 60 };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	static char bytes[1 << 16];

	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    connect(fd, (struct sockaddr *)&address, length) < 0)
		return -1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return fd;
}

static int make(enum kind kind, int own) {
	int pair[2];

	switch (kind) {
	case TCP_LINGER:
		return tcp_linger();
	case PIPE:
		return pipe(pair) < 0 ? -1 : pair[0];
	case UNSEALED:
		return memfd_create("evil", MFD_ALLOW_SEALING);
	case HUGE:
		return memfd_create("evil", MFD_HUGETLB);
	case EPOLL:
		return epoll_create1(0);
	case EVENT:
		return eventfd(0, 0);
	case TMPFS:
		return open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
	case ZERO:
		return open("/dev/zero", O_RDWR);
	default:
		return dup(own);
	}
	return EVIL_DONE;
}

static bool can_send(int socket, int fd, int copies) {
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * 253)];
	} control = { 0 };
	char byte = 1;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
		                  .msg_iovlen = 1,
		                  .msg_control = &control,
		                  .msg_controllen =
		                          (socklen_t)CMSG_SPACE(sizeof(int) * (size_t)copies) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * (size_t)copies);
	for (int i = 0; i < copies; i++)
		memcpy(CMSG_DATA(header) + sizeof(int) * (size_t)i, &fd, sizeof(int));
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* argument: the kind, and 256 times how many copies. */
static int give_descriptors(struct raw_peer *peer, uint64_t argument) {
	int fd = make((enum kind)(argument & 255), peer->socket);

	if (fd < 0)
		return EVIL_SKIP;
	return evil_refused(!can_send(peer->socket, fd, (int)(argument >> 8)));
}

static int send_bytes(struct raw_peer *peer, uint64_t unused) {
	static const char bytes[4096];

	(void)unused;
	return evil_refused(send(peer->socket, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0 &&
	                    errno == EPIPE);
}

/*
 * The host's process through its socket. The floor of a sandbox refuses
 * pidfd_getfd (tests/hostile); here it is done, and the channel goes on.
 */
static int steal_descriptors(struct raw_peer *peer, uint64_t unused) {
	socklen_t length = sizeof(int);
	int pidfd = -1;

	(void)unused;
	if (getsockopt(peer->socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length) < 0)
		return EVIL_SKIP;
	for (int i = 0; i < 64; i++) {
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);

		if (fd >= 0)
			close(fd);
	}
	return EVIL_DONE;
}

#define MIB (1ull << 20)

const struct evil evil_objects[] = {
	{ "truncates to nothing", resize, 0, EVIL_GONE },
	{ "truncates to a page", resize, 4096, EVIL_GONE },
	{ "grows", resize, 1 << 30, EVIL_GONE },
	{ "grows with fallocate", grow_by_fallocate, 0, EVIL_GONE },
	{ "seals against writes", seal, F_SEAL_WRITE, EVIL_GONE },
	{ "seals against future writes", seal, F_SEAL_FUTURE_WRITE, EVIL_GONE },
	{ "seals the seals", seal, F_SEAL_SEAL, EVIL_GONE },
	{ "maps the host's memory writable", map_writable, 0, EVIL_GONE },
	{ "makes a mapping of it writable", protect, 0, EVIL_GONE },
	{ "writes to it", write_it, 0, EVIL_GONE },
	{ "opens it again to write", open_again, 0, EVIL_GONE },
	{ "punches holes into it", punch_the_hosts, 0, EVIL_GONE },
	{ "punches its slab all the time", punch_own, CAISSON_CHANNEL_FD_TO_HOST, EVIL_EITHER },
	{ "punches its page all the time", punch_own, CAISSON_CHANNEL_FD_SANDBOX_PAGE, EVIL_STAYS },
	{ "pages all out all the time", page_out, 0, EVIL_STAYS },
	{ "locks and leases every descriptor", lock_all, 0, EVIL_STAYS },
	{ "fills its slab", fill_slab, 0, EVIL_STAYS },
	{ "sends an unread TCP socket that lingers", give_descriptors, 1 << 8 | TCP_LINGER,
	  EVIL_GONE },
	{ "sends a pipe", give_descriptors, 1 << 8 | PIPE, EVIL_GONE },
	{ "sends an unsealed memfd", give_descriptors, 1 << 8 | UNSEALED, EVIL_GONE },
	{ "sends a hugetlb memfd", give_descriptors, 1 << 8 | HUGE, EVIL_GONE },
	{ "sends an epoll", give_descriptors, 1 << 8 | EPOLL, EVIL_GONE },
	{ "sends an eventfd", give_descriptors, 1 << 8 | EVENT, EVIL_GONE },
	{ "sends a file of tmpfs", give_descriptors, 1 << 8 | TMPFS, EVIL_GONE },
	{ "sends /dev/zero", give_descriptors, 1 << 8 | ZERO, EVIL_GONE },
	{ "sends its own socket", give_descriptors, 1 << 8 | OWN_SOCKET, EVIL_GONE },
	{ "sends 253 descriptors", give_descriptors, 253 << 8 | PIPE, EVIL_GONE },
	{ "sends bytes", send_bytes, 0, EVIL_GONE },
	{ "takes the host's descriptors by its pidfd", steal_descriptors, 0, EVIL_GONE },
	{ 0 },
};
