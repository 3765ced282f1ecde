/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the two sides agree on a lane. What the host reads here is what a sandbox
 * wrote: each statement is copied once, and only the copy is looked at.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cuda_channel.h"

/* One sleep: the other side may have ended without a word. */
#define LOOK_MS 20
/* Messages that are no offer, while one is waited for: bells, and what a broken host sends. */
#define MAX_STRAY 256
/* Bells for nothing, after which they are looked at once a millisecond. */
#define IDLE_BELLS 32

static struct caisson_channel_cuda *words(const struct ring *ring) {
	return (void *)((char *)ring->page + CAISSON_CUDA_AT);
}

void cuda_say(struct cuda_talk *talk, uint32_t say, uint32_t lane, const struct cuda_fault *fault) {
	struct caisson_channel_cuda *to = words(&talk->channel->mine);
	uint64_t uuid[2] = { 0 }, release[2] = { 0 };

	if (talk->info) {
		memcpy(uuid, talk->info->uuid, sizeof(uuid));
		memcpy(release, talk->info->driver, sizeof(release));
	}
	atomic_store_explicit(&to->say, say, memory_order_relaxed);
	atomic_store_explicit(&to->lane, lane, memory_order_relaxed);
	atomic_store_explicit(&to->lanes, talk->lanes, memory_order_relaxed);
	atomic_store_explicit(&to->cuda, talk->info ? (uint32_t)talk->info->cuda : 0,
	                      memory_order_relaxed);
	atomic_store_explicit(&to->call, fault ? (uint32_t)fault->call : 0, memory_order_relaxed);
	atomic_store_explicit(&to->result, fault ? (uint32_t)fault->result : 0,
	                      memory_order_relaxed);
	for (int i = 0; i < 2; i++) {
		atomic_store_explicit(&to->uuid[i], uuid[i], memory_order_relaxed);
		atomic_store_explicit(&to->release[i], release[i], memory_order_relaxed);
	}
	atomic_store_explicit(&to->seq, ++talk->said, memory_order_seq_cst);
	bell_ring(&talk->channel->bell);
}

static void read_words(const struct caisson_channel_cuda *from, struct cuda_said *said) {
	uint64_t uuid[2], release[2];

	said->say = atomic_load_explicit(&from->say, memory_order_relaxed);
	said->lane = atomic_load_explicit(&from->lane, memory_order_relaxed);
	said->lanes = atomic_load_explicit(&from->lanes, memory_order_relaxed);
	said->cuda = atomic_load_explicit(&from->cuda, memory_order_relaxed);
	said->call = atomic_load_explicit(&from->call, memory_order_relaxed);
	said->result = atomic_load_explicit(&from->result, memory_order_relaxed);
	for (int i = 0; i < 2; i++) {
		uuid[i] = atomic_load_explicit(&from->uuid[i], memory_order_relaxed);
		release[i] = atomic_load_explicit(&from->release[i], memory_order_relaxed);
	}
	memcpy(said->uuid, uuid, sizeof(uuid));
	memcpy(said->release, release, sizeof(release));
	said->release[sizeof(said->release) - 1] = '\0';
	for (char *c = said->release; *c; c++) /* it ends in messages that people read */
		if (!strchr("0123456789.", *c))
			*c = '?';
}

/* Is there a newer statement, and does it hold still? */
static bool news(struct cuda_talk *talk, struct cuda_said *said) {
	const struct caisson_channel_cuda *from = words(&talk->channel->theirs);
	uint32_t seq = atomic_load_explicit(&from->seq, memory_order_seq_cst);

	if (seq == talk->heard)
		return false;
	read_words(from, said);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&from->seq, memory_order_relaxed) != seq)
		return false;
	talk->heard = said->seq = seq;
	return true;
}

static int look_ms(const struct cuda_talk *talk) {
	uint64_t now = channel_now_ns();
	uint64_t left = now < talk->deadline ? (talk->deadline - now) / 1000000u + 1 : 0;

	return left < LOOK_MS ? (int)left : LOOK_MS;
}

static void pause_ms(void) {
	static const struct timespec millisecond = { .tv_nsec = 1000000 };

	nanosleep(&millisecond, NULL);
}

int cuda_hear(struct cuda_talk *talk, struct cuda_said *said) {
	caisson_channel *channel = talk->channel;

	for (unsigned bells = 0;; bells++) {
		bool gone = channel_other_closed(channel);

		if (news(talk, said))
			return 0;
		if (gone)
			return -EPIPE;
		if (channel_now_ns() >= talk->deadline)
			return -ETIMEDOUT;
		if (bells > IDLE_BELLS)
			pause_ms();
		if (channel->bell.host) {
			if (bell_wait(&channel->bell, look_ms(talk)) & BELL_GONE)
				atomic_store(&channel->gone, true);
		} else {
			struct pollfd fd = { .fd = channel->bell.socket, .events = POLLIN };

			/* Whatever it is, it is no offer: none was asked for. */
			if (poll(&fd, 1, look_ms(talk)) > 0 &&
			    (bell_wait(&channel->bell, 0) & BELL_GONE))
				atomic_store(&channel->gone, true);
		}
	}
}

/* ------------------------------------------------------------------------- offers */

union offer_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * 2)];
};

int cuda_offer(const struct cuda_talk *talk, uint32_t seq, uint32_t lane,
               const struct cuda_slab *to_host, const struct cuda_slab *to_sandbox,
               const struct cuda_export export[2]) {
	struct caisson_cuda_offer offer = {
		.magic = CAISSON_CUDA_MAGIC,
		.size = sizeof(offer),
		.seq = seq,
		.lane = lane,
		.to_host_bytes = to_host->size,
		.to_sandbox_bytes = to_sandbox->size,
	};
	struct iovec iov = { &offer, sizeof(offer) };
	union offer_control control = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *header;
	int fds[2];
	ssize_t n;

	memcpy(offer.to_host, export[0].blob.bytes, sizeof(offer.to_host));
	memcpy(offer.to_sandbox, export[1].blob.bytes, sizeof(offer.to_sandbox));
	for (int i = 0; i < 2; i++)
		if (export[i].fd >= 0)
			fds[offer.fds++] = export[i].fd;
	if (offer.fds) {
		message.msg_control = &control;
		message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * offer.fds);
		header = &control.header;
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * offer.fds);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * offer.fds);
	}
	n = sendmsg(talk->channel->bell.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n == (ssize_t)sizeof(offer) ? 0 : n < 0 ? -errno : -EIO;
}

/* One message with at most two descriptors; more than fit are closed by the kernel. */
static ssize_t receive(int socket, struct caisson_cuda_offer *offer, int fd[2], int *fds) {
	union offer_control control;
	struct iovec iov = { offer, sizeof(*offer) };
	struct msghdr message = { .msg_iov = &iov,
		                  .msg_iovlen = 1,
		                  .msg_control = &control,
		                  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *header = n < 0 ? NULL : CMSG_FIRSTHDR(&message);

	*fds = 0;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		*fds = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fd, CMSG_DATA(header), (size_t)*fds * sizeof(int));
	}
	return n >= 0 && (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) ? 0 : n;
}

/* Both, one or none, as the sizes and the lane say; put each where it belongs. */
static bool place(const struct caisson_cuda_offer *offer, int fd[2], int fds) {
	bool carried =
		offer->lane == CAISSON_LANE_CUDA_VMM || offer->lane == CAISSON_LANE_CUDA_POOL;
	int want = carried ? (offer->to_host_bytes != 0) + (offer->to_sandbox_bytes != 0) : 0;

	if (fds != want || offer->fds != (uint32_t)fds)
		return false;
	if (fds == 1 && !offer->to_host_bytes) {
		fd[1] = fd[0];
		fd[0] = -1;
	}
	return true;
}

int cuda_take_offer(struct cuda_talk *talk, struct caisson_cuda_offer *offer, int fd[2],
                    struct cuda_said *instead) {
	caisson_channel *channel = talk->channel;
	struct pollfd ready = { .fd = channel->bell.socket, .events = POLLIN };
	int fds;

	for (int stray = 0; stray < MAX_STRAY;) {
		ssize_t n;

		if (news(talk, instead))
			return 1;
		if (poll(&ready, 1, look_ms(talk)) <= 0) {
			if (channel_now_ns() >= talk->deadline)
				return -ETIMEDOUT;
			continue;
		}
		fd[0] = fd[1] = -1;
		n = receive(channel->bell.socket, offer, fd, &fds);
		if (n == (ssize_t)sizeof(*offer) && offer->magic == CAISSON_CUDA_MAGIC &&
		    offer->size == sizeof(*offer) && offer->seq == talk->said &&
		    place(offer, fd, fds))
			return 0;
		channel_close_fd(&fd[0]);
		channel_close_fd(&fd[1]);
		if (n > 1)
			return -EPROTO;
		if (n <= 0 && (ready.revents & (POLLHUP | POLLERR)))
			return -EPIPE;
		stray++;
	}
	return -EPROTO;
}
