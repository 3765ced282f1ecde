/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A channel, as the host application and the program in the sandbox see it:
 * the one message that hands the memory over, and what lies in that memory.
 * All integers are in the machine's byte order (a channel never leaves it).
 * This is ABI: docs/protocol/channel.md explains every field, with worked bytes.
 */
#ifndef CAISSON_PROTOCOL_CHANNEL_H
#define CAISSON_PROTOCOL_CHANNEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define CAISSON_CHANNEL_MAGIC 0x314e484353494143ull /* "CAISCHN1" */
#define CAISSON_CHANNEL_VERSION 1u

#define CAISSON_CHANNEL_MAX_SLOTS 4096u /* a power of two, from 2 upwards */
#define CAISSON_CHANNEL_MAX_NDIM 64u
#define CAISSON_CHANNEL_SLOT_NDIM 8u  /* as many fit into a slot, more into its extension */
#define CAISSON_CHANNEL_SMALL_NDIM 4u /* as many, below 2^32, into a slot's first line */
#define CAISSON_CHANNEL_ALIGN 64u     /* of every tensor's first byte in its slab */

/* The descriptors of the hello, in this order; a slab that is not carried is left out. */
enum caisson_channel_fd {
	CAISSON_CHANNEL_FD_HOST_PAGE = 0,    /* memfd: what the host writes */
	CAISSON_CHANNEL_FD_SANDBOX_PAGE = 1, /* memfd: what the sandbox writes */
	CAISSON_CHANNEL_FD_BELL = 2,         /* eventfd: the sandbox wakes the host */
	CAISSON_CHANNEL_FD_TO_HOST = 3,      /* memfd: slab that the sandbox writes */
	CAISSON_CHANNEL_FD_TO_SANDBOX = 4,   /* memfd: slab that the host writes */
	CAISSON_CHANNEL_FDS = 5,
};

/* The first message on the socket, once, from the host. */
struct caisson_channel_hello {
	uint64_t magic;
	uint32_t size;        /* of this message; what is beyond the known part is ignored */
	uint16_t version_min; /* what the host can speak */
	uint16_t version_max;
	uint64_t features;         /* that the host offers: none defined */
	uint64_t required;         /* of them, those without which the sandbox must refuse */
	char name[32];             /* NUL-terminated */
	uint32_t direction;        /* enum caisson_direction */
	uint32_t slots;            /* in each direction; also leases in each direction */
	uint32_t slot_size;        /* sizeof(struct caisson_channel_slot) */
	uint32_t fds;              /* descriptors that came along */
	uint64_t page_bytes;       /* of each control page's memfd */
	uint64_t to_host_bytes;    /* of the slab; 0: this direction is not carried */
	uint64_t to_sandbox_bytes; /* same */
	uint32_t generation;       /* of the slabs */
	uint32_t reserved32;
	uint64_t reserved[18];
};
_Static_assert(sizeof(struct caisson_channel_hello) == 256, "channel ABI");

/*
 * The head of a control page. One side writes a page, the other has it mapped
 * read-only, so that a field has one writer. Each on a pair of cache lines of
 * its own, since they are written at different rates by different threads.
 */
struct caisson_channel_page {
	_Alignas(128) _Atomic uint32_t version;   /* spoken by the writer; set before ATTACHED */
	_Atomic uint32_t state;                   /* enum caisson_channel_state */
	_Alignas(128) _Atomic uint32_t data_wait; /* the writer waits for a tensor, see below */
	_Alignas(128) _Atomic uint32_t room_wait; /* the writer waits for room to send */
	_Atomic uint64_t
		recall; /* which tensors the writer has taken back; 0: it takes none back */
	_Alignas(
		128) _Atomic uint64_t taking; /* what the writer takes, if the other side recalls */
	uint8_t reserved[120];
};
_Static_assert(sizeof(struct caisson_channel_page) == 512, "channel ABI");
_Static_assert(sizeof(_Atomic uint32_t) == 4 && sizeof(_Atomic uint64_t) == 8, "channel ABI");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
               "a lock in shared memory could be held by the other side for ever");

enum caisson_channel_state {
	CAISSON_CHANNEL_ATTACHED = 1,
	CAISSON_CHANNEL_CLOSED = 2,
	CAISSON_CHANNEL_NO_FUTEX =
		4, /* futex(2) is refused to the writer: it cannot wake that way */
};

/*
 * data_wait, room_wait: an even number while nobody waits. A side that is about
 * to wait stores a new odd number; the other wakes it once for it: through the
 * bell or, if FUTEX is set too (only in data_wait), with FUTEX_WAKE on the lower
 * half of the seq that the side waits for.
 */
#define CAISSON_CHANNEL_WAITING 1u
#define CAISSON_CHANNEL_FUTEX 2u
#define CAISSON_CHANNEL_WAIT_STEP 4u

/*
 * recall: RECALLS, and in the upper bits a number n: tensors before number n (from 0)
 * were taken back by their sender unless the receiver had announced them before; with
 * ASKED, number n is asked for, and not taken until that is over. taking: twice one more
 * than the number that the receiver announces; plus 1 once it was taken.
 */
#define CAISSON_CHANNEL_RECALLS 1u
#define CAISSON_CHANNEL_ASKED 2u
#define CAISSON_CHANNEL_RECALL_SHIFT 2

/*
 * What follows the head: a ring of releases (one 64-bit word each, the count in
 * the upper half, the lease in the lower), the ring of slots, and one extension
 * for each slot.
 */
#define CAISSON_CHANNEL_RELEASES_AT sizeof(struct caisson_channel_page)
#define CAISSON_CHANNEL_SLOTS_AT(slots)                                                            \
	((CAISSON_CHANNEL_RELEASES_AT + (uint64_t)(slots)*8 + 255) & ~(uint64_t)255)
#define CAISSON_CHANNEL_EXTENSIONS_AT(slots)                                                       \
	(CAISSON_CHANNEL_SLOTS_AT(slots) + (uint64_t)(slots) * sizeof(struct caisson_channel_slot))
#define CAISSON_CHANNEL_PAGE_BYTES(slots)                                                          \
	(CAISSON_CHANNEL_EXTENSIONS_AT(slots) +                                                    \
	 (uint64_t)(slots) * sizeof(struct caisson_channel_extension))

/*
 * One tensor. Written by its sender, who stores seq last. What most tensors need
 * is in the first cache line: each line more costs the hand-off one transfer.
 */
struct caisson_channel_slot {
	uint64_t seq;        /* 1 for the first tensor sent in this direction */
	uint64_t offset;     /* of the first byte; a multiple of CAISSON_CHANNEL_ALIGN */
	uint64_t nbytes;     /* from there to the end of the last element */
	uint64_t tag;        /* the applications' */
	uint32_t lease;      /* the sender's; comes back in a release */
	uint16_t slab;       /* 0 */
	uint16_t generation; /* of the slab */
	uint8_t code;        /* enum caisson_dtype_code */
	uint8_t bits;
	uint16_t lanes;
	uint8_t ndim;
	uint8_t flags; /* enum caisson_slot_flag */
	uint16_t call; /* with REQUEST: the sender's number; with REPLY: that of the request */
	uint32_t small[CAISSON_CHANNEL_SMALL_NDIM]; /* extents, with SMALL */
	int64_t shape[CAISSON_CHANNEL_SLOT_NDIM];   /* extents, without SMALL and EXTENDED */
	int64_t strides[CAISSON_CHANNEL_SLOT_NDIM]; /* in elements; with STRIDED, not EXTENDED */
	uint64_t spare[8];                          /* not read */
};
_Static_assert(sizeof(struct caisson_channel_slot) == 256, "channel ABI");
_Static_assert(offsetof(struct caisson_channel_slot, small) == 48, "channel ABI");
_Static_assert(offsetof(struct caisson_channel_slot, shape) == 64, "channel ABI");

/* The extents and strides of a tensor with more than 8 dimensions; slot n has extension n. */
struct caisson_channel_extension {
	int64_t shape[CAISSON_CHANNEL_MAX_NDIM];
	int64_t strides[CAISSON_CHANNEL_MAX_NDIM]; /* only with STRIDED */
};
_Static_assert(sizeof(struct caisson_channel_extension) == 1024, "channel ABI");

enum caisson_slot_flag {
	CAISSON_SLOT_STRIDED = 1,  /* strides[] says where the elements lie; else row-major */
	CAISSON_SLOT_SMALL = 2,    /* at most 4 extents, in small[] */
	CAISSON_SLOT_EXTENDED = 4, /* 9 to 64 extents, in the slot's extension */
	CAISSON_SLOT_REQUEST = 8,
	CAISSON_SLOT_REPLY = 16,
};

#define CAISSON_SLOT_WORDS (sizeof(struct caisson_channel_slot) / sizeof(uint64_t))
#define CAISSON_SLOT_LINE_WORDS 8u

#endif
