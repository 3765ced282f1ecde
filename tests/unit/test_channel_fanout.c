/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One slab for many: leases, members that are slow, late, gone or lie, the frozen slab. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel_ends.h"
#include "fanout.h"

#define PART (SLAB / 4)
#define MEMBERS 3

static caisson_fanout *fanout;
static caisson_channel *host[MEMBERS], *peer[MEMBERS];

static caisson_channel *join(void) {
	const struct channel_wish wish = { "frames", CAISSON_TO_SANDBOX, SLAB, .fanout = fanout,
		                           .offers = -1 };
	caisson_channel *channel = NULL;

	cr_assert_eq(channel_make(&wish, &channel, NULL), 0);
	return channel;
}

static void begin(enum caisson_when_full when_full, uint32_t tensors, uint32_t milliseconds) {
	cr_assert_eq(caisson_fanout_new(SLAB, &fanout, NULL), 0);
	cr_assert_eq(caisson_fanout_policy(fanout, when_full, tensors, milliseconds, NULL), 0);
	for (int i = 0; i < MEMBERS; i++) {
		host[i] = join();
		peer[i] = peer_open_here(host[i]);
		cr_assert(peer[i]);
	}
}

static void end(void) {
	for (int i = 0; i < MEMBERS; i++) {
		caisson_channel_close(peer[i]);
		channel_free(host[i]);
	}
	cr_assert_eq(fanout->members, 0);
	caisson_fanout_free(fanout);
}

static int send_part(uint64_t tag) {
	const int64_t shape = PART;
	caisson_tensor tensor;
	int rc = caisson_fanout_loan(fanout, CAISSON_U8, 1, &shape, NULL, 0, &tensor, NULL);

	if (rc < 0)
		return rc;
	memset(tensor.data, (int)(tag & 255), PART);
	tensor.tag = tag;
	return caisson_fanout_send(fanout, &tensor, NULL);
}

/* Member i has this tensor next. */
static bool gets(int i, uint64_t tag, caisson_tensor *tensor) {
	return caisson_recv(peer[i], tensor, 0, NULL) == 0 && tensor->tag == tag &&
	       ((const uint8_t *)tensor->data)[0] == (tag & 255) &&
	       ((const uint8_t *)tensor->data)[PART - 1] == (tag & 255);
}

Test(channel_fanout, every_member_has_the_same_bytes) {
	caisson_tensor tensor[MEMBERS];

	begin(CAISSON_FULL_WAIT, 0, 0);
	for (uint64_t tag = 1; tag <= 1000; tag++) {
		cr_assert_eq(send_part(tag), MEMBERS);
		for (int i = 0; i < MEMBERS; i++) {
			cr_assert(gets(i, tag, &tensor[i]));
			cr_assert_eq((char *)tensor[i].data - (char *)peer[i]->rx.memory.base,
			             (char *)tensor[0].data - (char *)peer[0]->rx.memory.base);
		}
		for (int i = 0; i < MEMBERS; i++)
			caisson_release(peer[i], &tensor[i]);
	}
	end();
}

Test(channel_fanout, room_is_free_when_the_last_has_released) {
	caisson_tensor tensor[MEMBERS][4];

	begin(CAISSON_FULL_WAIT, 0, 0);
	for (uint64_t tag = 0; tag < 4; tag++)
		cr_assert_eq(send_part(tag), MEMBERS);
	for (int i = 0; i < MEMBERS; i++)
		for (uint64_t tag = 0; tag < 4; tag++)
			cr_assert(gets(i, tag, &tensor[i][tag]));
	for (int i = 0; i < MEMBERS; i++) {
		cr_assert_eq(send_part(4), -EAGAIN);
		caisson_release(peer[i], &tensor[i][1]);
	}
	cr_assert_eq(send_part(4), MEMBERS);
	for (int i = 0; i < MEMBERS; i++) {
		cr_assert(gets(i, 4, &tensor[i][1]));
		cr_assert_eq(((const uint8_t *)tensor[i][0].data)[0], 0);
		cr_assert_eq(((const uint8_t *)tensor[i][3].data)[0], 3);
	}
	end();
}

/* Member 0 takes and never releases; the others get every tensor. */
Test(channel_fanout, a_member_that_keeps_what_it_has) {
	caisson_tensor kept[2], tensor;

	begin(CAISSON_FULL_WAIT, 2, 0);
	for (uint64_t tag = 1; tag <= 1000; tag++) {
		cr_assert_eq(send_part(tag), tag <= 2 ? MEMBERS : MEMBERS - 1);
		if (tag <= 2)
			cr_assert(gets(0, tag, &kept[tag - 1]));
		for (int i = 1; i < MEMBERS; i++) {
			cr_assert(gets(i, tag, &tensor));
			caisson_release(peer[i], &tensor);
		}
	}
	cr_assert_eq(caisson_fanout_missed(host[0]), 998);
	cr_assert_eq(caisson_fanout_missed(host[1]), 0);
	cr_assert_eq(((const uint8_t *)kept[1].data)[PART - 1], 2);
	caisson_release(peer[0], &kept[0]);
	cr_assert_eq(send_part(1001), MEMBERS);
	cr_assert(gets(0, 1001, &tensor));
	end();
}

Test(channel_fanout, a_member_that_is_late) {
	caisson_tensor kept, tensor;

	begin(CAISSON_FULL_WAIT, 0, 30);
	cr_assert_eq(send_part(1), MEMBERS);
	cr_assert(gets(0, 1, &kept)); /* member 0 has it, and not received the rest */
	for (uint64_t tag = 1; tag <= 4; tag++) {
		if (tag > 1)
			cr_assert_eq(send_part(tag), MEMBERS);
		for (int i = 1; i < MEMBERS; i++) {
			cr_assert(gets(i, tag, &tensor));
			caisson_release(peer[i], &tensor);
		}
	}
	cr_assert_eq(send_part(5), -EAGAIN);
	cr_assert_eq(caisson_channel_ended(peer[0]), 0);
	usleep(50000);
	cr_assert_eq(send_part(5), MEMBERS - 1);
	cr_assert_eq(caisson_channel_ended(peer[0]), 1); /* kept may be something else by now */
	cr_assert_eq(caisson_recv(peer[0], &tensor, 1000, NULL), -EPIPE); /* and not 2 */
	for (int i = 1; i < MEMBERS; i++)
		cr_assert(gets(i, 5, &tensor));
	end();
}

Test(channel_fanout, a_member_that_receives_nothing) {
	caisson_tensor tensor;

	begin(CAISSON_FULL_DROP_OLDEST, 0, 0);
	for (uint64_t tag = 1; tag <= 1000; tag++) {
		cr_assert_eq(send_part(tag), MEMBERS);
		for (int i = 1; i < MEMBERS; i++) {
			cr_assert(gets(i, tag, &tensor));
			caisson_release(peer[i], &tensor);
		}
	}
	for (uint64_t tag = 997; tag <= 1000; tag++)
		cr_assert(gets(0, tag, &tensor));
	cr_assert_eq(caisson_channel_dropped(host[0]), 996);
	cr_assert_eq(caisson_channel_dropped(host[1]), 0);
	end();
}

Test(channel_fanout, members_that_go_and_come) {
	caisson_tensor tensor;

	begin(CAISSON_FULL_WAIT, 0, 0);
	for (uint64_t tag = 1; tag <= 4; tag++)
		cr_assert_eq(send_part(tag), MEMBERS);
	cr_assert_eq(send_part(5), -EAGAIN);
	caisson_channel_close(peer[0]); /* its end, by itself */
	channel_free(host[1]);          /* by its sandbox's end */
	for (uint64_t tag = 1; tag <= 4; tag++) {
		cr_assert(gets(2, tag, &tensor));
		caisson_release(peer[2], &tensor);
	}
	cr_assert_eq(send_part(5), 1);
	caisson_channel_close(peer[1]);
	channel_free(host[0]);
	for (int i = 0; i < 2; i++) { /* what was sent before is not theirs */
		host[i] = join();
		peer[i] = peer_open_here(host[i]);
		cr_assert_eq(caisson_recv(peer[i], &tensor, 0, NULL), -EAGAIN);
	}
	cr_assert_eq(send_part(6), MEMBERS);
	cr_assert(gets(0, 6, &tensor) && gets(1, 6, &tensor) && gets(2, 5, &tensor) &&
	          gets(2, 6, &tensor));
	caisson_fanout_free(fanout);
	for (int i = 0; i < MEMBERS; i++) {
		cr_assert_eq(caisson_recv(peer[i], &tensor, 1000, NULL), -EPIPE);
		caisson_channel_close(peer[i]);
		channel_free(host[i]);
	}
}

/* What one says about another's leases ends itself, and nobody else. */
Test(channel_fanout, members_that_lie) {
	struct raw_peer raw;
	caisson_channel *liar;
	caisson_tensor tensor;
	uint32_t lease;

	begin(CAISSON_FULL_WAIT, 0, 0);
	cr_assert_eq(send_part(1), MEMBERS);
	liar = join();
	cr_assert_eq(raw_open(&raw, liar), 0);
	for (uint64_t tag = 2; tag <= 4; tag++)
		cr_assert_eq(send_part(tag), MEMBERS + 1);
	/* Given back twice: the second would be somebody else's. */
	lease = raw_lease(&raw, 0);
	*raw_release(raw.page, 0) = (uint64_t)1 << 32 | lease;
	*raw_release(raw.page, 1) = (uint64_t)2 << 32 | lease;
	cr_assert_eq(send_part(5), -EAGAIN);
	cr_assert_eq(channel_fault(liar), -EPROTO);
	cr_assert_eq(fanout->members, MEMBERS);
	for (int i = 0; i < MEMBERS; i++) {
		for (uint64_t tag = 1; tag <= 4; tag++) {
			cr_assert(gets(i, tag, &tensor));
			caisson_release(peer[i], &tensor);
		}
	}
	cr_assert_eq(send_part(5), MEMBERS);
	cr_assert(mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_SHARED,
	               raw.fd[CAISSON_CHANNEL_FD_TO_SANDBOX], 0) == MAP_FAILED);
	cr_assert_eq(pwrite(raw.fd[CAISSON_CHANNEL_FD_TO_SANDBOX], "evil", 4, 0), -1);
	cr_assert_eq(ftruncate(raw.fd[CAISSON_CHANNEL_FD_TO_SANDBOX], 0), -1);
	cr_assert_lt(fcntl(raw.fd[CAISSON_CHANNEL_FD_TO_SANDBOX], F_ADD_SEALS, 8), 0);
	raw_close(&raw);
	channel_free(liar);
	end();
}

Test(channel_fanout, frozen) {
	const int64_t shape = PART;
	caisson_tensor weights, tensor;
	caisson_channel *late, *later;

	cr_assert_eq(caisson_fanout_new(SLAB, &fanout, NULL), 0);
	cr_assert_eq(caisson_fanout_loan(fanout, CAISSON_U8, 1, &shape, NULL, 0, &weights, NULL),
	             0);
	memset(weights.data, 9, PART);
	weights.tag = 9;
	cr_assert_eq(caisson_fanout_freeze(fanout, NULL), 0);
	cr_assert_eq(caisson_fanout_freeze(fanout, NULL), -EBUSY);
	cr_assert_eq(caisson_fanout_loan(fanout, CAISSON_U8, 1, &shape, NULL, 0, &tensor, NULL),
	             -ENOTSUP);
	cr_assert(mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_SHARED, fanout->fd, 0) ==
	          MAP_FAILED); /* the host neither */
	late = join();
	cr_assert_eq(caisson_fanout_send(fanout, &weights, NULL), 1);
	later = join();
	cr_assert_eq(caisson_fanout_send(fanout, &weights, NULL), 2);
	for (int i = 0; i < 2; i++) {
		peer[i] = peer_open_here(i ? later : late);
		cr_assert(caisson_channel_lane(peer[i]) & CAISSON_LANE_FROZEN);
		for (int j = i; j < 2; j++) {
			cr_assert(gets(i, 9, &tensor));
			caisson_release(peer[i], &tensor);
		}
		cr_assert_eq(caisson_recv(peer[i], &tensor, 0, NULL), -EAGAIN);
		caisson_channel_close(peer[i]);
	}
	channel_free(late);
	channel_free(later);
	caisson_fanout_release(fanout, &weights);
	caisson_fanout_free(fanout);
}

Test(channel_fanout, wrong_uses) {
	const int64_t shape = SLAB + 1, one = 1;
	caisson_tensor tensor = { .lease = 0 };
	caisson_error *err = NULL;

	cr_assert_eq(caisson_fanout_new(0, &fanout, NULL), -EINVAL);
	begin(CAISSON_FULL_WAIT, 0, 0);
	cr_assert_eq(caisson_fanout_policy(fanout, CAISSON_FULL_WAIT, 1, 0, NULL), -EBUSY);
	cr_assert_eq(caisson_fanout_freeze(fanout, NULL), -EBUSY);
	cr_assert_eq(caisson_fanout_loan(fanout, CAISSON_U8, 1, &shape, NULL, 0, &tensor, &err),
	             -EMSGSIZE);
	cr_assert(strstr(caisson_error_knob(err), "size"));
	caisson_error_free(err);
	cr_assert_eq(caisson_fanout_send(fanout, &tensor, NULL), -EINVAL);
	cr_assert_eq(caisson_loan(host[0], CAISSON_U8, 1, &one, &tensor, NULL), -ENOTSUP);
	cr_assert_eq(caisson_fanout_loan(fanout, CAISSON_U8, 1, &one, NULL, 0, &tensor, NULL), 0);
	caisson_fanout_release(fanout, &tensor);
	cr_assert_eq(caisson_fanout_send(fanout, &tensor, NULL), -EINVAL);
	for (uint64_t tag = 0; tag < 4; tag++)
		cr_assert_eq(send_part(tag), MEMBERS);
	cr_assert_eq(caisson_fanout_loan(fanout, CAISSON_U8, 1, &one, NULL, 20, &tensor, NULL),
	             -ETIMEDOUT);
	end();
}

Test(channel_fanout, revoked) {
	caisson_channel *channel = host_end(CAISSON_BOTH, SLAB), *other = peer_open_here(channel);
	const int64_t shape = 1;
	caisson_error *err = NULL;
	caisson_tensor tensor;

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(caisson_loan(channel, CAISSON_U8, 1, &shape, &tensor, NULL), 0);
		cr_assert_eq(caisson_send(channel, &tensor, NULL), 0);
	}
	cr_assert_eq(caisson_recv(other, &tensor, 0, NULL), 0);
	cr_assert_eq(caisson_channel_ended(other) | caisson_channel_ended(channel), 0);
	caisson_channel_revoke(channel);
	caisson_channel_revoke(channel);
	cr_assert_eq(caisson_channel_ended(other) & caisson_channel_ended(channel), 1);
	caisson_release(other, &tensor);
	cr_assert_eq(caisson_recv(other, &tensor, 1000, NULL), -EPIPE); /* none of the other two */
	cr_assert_eq(caisson_loan(other, CAISSON_U8, 1, &shape, &tensor, NULL), -EPIPE);
	cr_assert_eq(caisson_loan(channel, CAISSON_U8, 1, &shape, &tensor, &err), -EPIPE);
	cr_assert(strstr(caisson_error_message(err), "revoked"));
	caisson_error_free(err);
	cr_assert_eq(caisson_recv(channel, &tensor, -1, NULL), -EPIPE);
	caisson_channel_close(other);
	channel_free(channel);
}
