/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mutated plans, the same ones in every run: the checker alone with a guard
 * page behind the plan and a second opinion, then the installed helper, which
 * must answer as the checker does.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/helper.h"
#include "tests/lib/raw.h"
#include "tests/lib/tap.h"

#define ROUNDS 20000
#define THROUGH_HELPER 300

static uint64_t state = 0x9e3779b97f4a7c15ull;

static uint64_t next(void) {
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* A value that is likely to be an edge of something. */
static uint64_t edge(void) {
	static const uint64_t edges[] = {
		0,          1,          2,          3,          15,         16,      23,
		24,         63,         64,         255,        256,        1024,    1280,
		4095,       4096,       0x7fff,     0xffff,     0x10000,    0x40000, 0x7fffffff,
		0x80000000, 0xffffffff, 1ull << 32, 1ull << 50, 1ull << 63, ~0ull
	};
	uint64_t n = edges[next() % (sizeof(edges) / sizeof(edges[0]))];

	return next() % 4 ? n : n + next() % 5 - 2;
}

static struct raw_plan *base(void) {
	struct raw_plan *plan = raw_root(CAISSON_USERNS_AUTO);

	raw_add(plan, CAISSON_OP_DIR, "/d", 0, 0755);
	raw_symlink(plan, "/t", "/d/link");
	raw_bind(plan, raw_path("/"), "/d/more", CAISSON_BIND_RDONLY | CAISSON_BIND_DIR);
	return plan;
}

/* One to four changes of a byte, a field, a cut, a swap of records. */
static size_t mutate(unsigned char *bytes, size_t n) {
	for (unsigned times = 1 + next() % 4; times > 0; times--) {
		size_t width = 1u << next() % 4, place = next() % 4 ? next() % n : next() % 160 % n;
		uint64_t value = edge();

		switch (next() % 8) {
		case 0:
			bytes[place] ^= (unsigned char)(1 << next() % 8);
			break;
		case 1:
			if (n > 64)
				n = next() % n + 1;
			break;
		case 2: { /* two records change places */
			size_t a = 64 + 32 * (next() % 24), b = 64 + 32 * (next() % 24);
			unsigned char held[32];

			if (a + 32 > n || b + 32 > n)
				break;
			memcpy(held, bytes + a, 32);
			memmove(bytes + a, bytes + b, 32);
			memcpy(bytes + b, held, 32);
			break;
		}
		default:
			place -= place % width;
			if (place + width <= n)
				memcpy(bytes + place, &value, width);
		}
	}
	return n;
}

/* Written from protocol/plan.h alone: is what the checker accepted really safe to use? */
static bool sane(const struct plan *p, size_t size) {
	uint32_t fds = 0;

	if (p->head->size != size || p->head->records > CAISSON_PLAN_MAX_RECORDS)
		return false;
	for (uint32_t i = 0; i < p->head->records; i++) {
		const struct caisson_plan_record *r = &p->record[i];
		const char *name = p->names + r->name;

		if (r->name_len && ((uint64_t)r->name + r->name_len >= p->head->names ||
		                    name[r->name_len] != '\0' || memchr(name, '\0', r->name_len)))
			return false;
		if (r->op >= 16 && (name[0] != '/' || name[1] == '\0' || strstr(name, "//") ||
		                    strstr(name, "/../") ||
		                    (r->name_len > 2 && !strcmp(name + r->name_len - 3, "/.."))))
			return false;
		if (r->op == CAISSON_OP_SYMLINK &&
		    (r->a + r->b >= p->head->names || p->names[r->a + r->b] != '\0'))
			return false;
		if ((r->op == CAISSON_OP_TMPFS || r->op == CAISSON_OP_DIR) && r->b & ~01777ull)
			return false;
		fds += r->fd >= 0;
		if (r->fd >= 0 && r->fd != (int32_t)fds - 1)
			return false;
	}
	return fds == p->head->fds;
}

struct tally {
	unsigned accepted, refused, insane;
};

/* The plan ends where a page without access begins, 8-byte aligned as the helper has it. */
static uint32_t check(unsigned char *guard, const unsigned char *bytes, size_t n, struct tally *t,
                      uint32_t *record) {
	size_t room = (n + 7) & ~(size_t)7;
	unsigned char *start = guard - room;
	struct plan plan;
	uint32_t fault;

	memcpy(start, bytes, n);
	memset(start + n, 'Z', room - n);
	fault = plan_check(start, n, &plan, record);
	t->accepted += fault == 0;
	t->refused += fault != 0;
	t->insane += fault == 0 && !sane(&plan, n);
	return fault;
}

static bool helper_agrees(struct raw_plan *plan, const unsigned char *bytes, size_t n,
                          uint32_t fault, uint32_t record, unsigned *built) {
	int memfd = (int)syscall(SYS_memfd_create, "fuzz", 2u /* ALLOW_SEALING */);
	struct raw_how how = RAW_HOW;
	struct raw_box box;
	bool good;

	if (memfd < 0 || write(memfd, bytes, n) != (ssize_t)n ||
	    fcntl(memfd, F_ADD_SEALS, RAW_SEALS_ALL) < 0)
		raw_bail("memfd");
	how.memfd = memfd;
	raw_build(&box, plan, &how);
	close(memfd);
	*built += raw_built(&box);
	if (fault)
		good = raw_failed(&box, CAISSON_STAGE_PLAN, CAISSON_KNOB_PLAN_FORMAT) &&
		       box.answer.detail == fault && box.answer.record == record && box.pidfd < 0;
	else
		good = raw_built(&box) ||
		       (box.answered && box.answer.kind == CAISSON_ANSWER_FAILED &&
		        (box.answer.stage > CAISSON_STAGE_PLAN ||
		         box.answer.detail ==
		                 CAISSON_FAULT_INDEX /* fewer descriptors than named */));
	if (!good)
		tap_note("checker: fault %u record %d; helper: %s", fault, (int)record,
		         raw_text(&box));
	return raw_end(&box) && good;
}

int main(void) {
	static unsigned char original[CAISSON_PLAN_MAX_SIZE], bytes[CAISSON_PLAN_MAX_SIZE + 64];
	unsigned rounds = raw_rounds(ROUNDS), through = raw_rounds(THROUGH_HELPER);
	size_t room = 1u << 20, n, size;
	struct tally t = { 0 };
	struct raw_plan *plan;
	unsigned char *area;
	unsigned disagree = 0, built = 0;

	raw_watch();
	plan = base();
	size = raw_bytes(plan, original, sizeof(original));
	area = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || mprotect(area + room, 4096, PROT_NONE) < 0)
		raw_bail("a guard page");
	for (unsigned i = 0; i < rounds; i++) {
		uint32_t record, fault;

		memcpy(bytes, original, size);
		n = i ? mutate(bytes, size) : size;
		fault = check(area + room, bytes, n, &t, &record);
		if (i % (rounds / through) == 0)
			disagree += !helper_agrees(plan, bytes, n, fault, record, &built);
	}
	tap_ok(t.insane == 0, "%u mutated plans: %u accepted, %u refused, %u wrongly accepted",
	       rounds, t.accepted, t.refused, t.insane);
	tap_ok(t.accepted > 0 && t.refused > t.accepted, "both were met");
	tap_ok(disagree == 0,
	       "%u of them through the helper: %u built, %u answers not the checker's", through,
	       built, disagree);
	raw_free(plan);
	raw_nothing_left("at the end");
	return tap_done();
}
