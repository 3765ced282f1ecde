/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a sandbox costs its user, and what the administrator hears of it: one of
 * the user's slots, held by init for as long as the sandbox lives, and one record
 * to the system's log. There is no daemon: the kernel gives a slot back when its
 * last holder ends, however that ends.
 */
#include "helper.h"

#include <sys/un.h>

const struct box *asked;
static int log_fd = -1;

/*
 * A byte for each sandbox in a file for each user, which is root's: locked. The lock
 * belongs to the descriptor, which init inherits and nobody else; two requests at once
 * cannot have the same byte, and no user's lock is in another's way.
 */
int slot_take(uid_t uid, uint64_t max) {
	struct flock slot = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	char name[16];
	struct sys_stat st;
	int dir, fd;

	snprintf(name, sizeof(name), "%u", uid);
	mkdir(CAISSON_RUN_DIR, 0755); /* it goes with a boot */
	dir = must(open(CAISSON_RUN_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	st = sys_peek(dir);
	errno = EPERM; /* where others may write above it, it can be theirs, or a link of theirs */
	need(st.mask && st.uid == 0, RUN_DIR, 0);
	fd = must(openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	close(dir);
	for (slot.l_start = 0; (uint64_t)slot.l_start < max; slot.l_start++)
		if (fcntl(fd, F_OFD_SETLK, &slot) == 0)
			return fd;
	fail(EAGAIN, CAISSON_KNOB_SANDBOXES, (uint32_t)max);
}

/*
 * The socket is had before anything is decided: a caller that leaves no room for it
 * gets no sandbox either, instead of one without a record.
 */
void audit_open(const struct box *box) {
	const struct sockaddr_un to = { AF_UNIX, "/dev/log" };
	const struct timeval bound = { 0, 200000 }; /* a log that is full delays, and no longer */

	log_fd = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	must(setsockopt(log_fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound)));
	need(connect(log_fd, (const void *)&to, sizeof(to)) == 0 || box->audit != 'r', AUDIT, 0);
}

/* Root's words, and the program's name, in which nothing but plain letters is left. */
void audit_record(const struct box *box, const char *decision, int sandbox) {
	char text[768], program[256] = "?"; /* if it cannot be told */

	snprintf(text, sizeof(text), "/proc/%d/exe", getppid());
	(void)!readlink(text, program, sizeof(program) - 1);
	for (char *c = program; *c; c++)
		*c = *c <= ' ' || *c > '~' || *c == '"' || *c == '\\' ? '?' : *c;
	snprintf(text, sizeof(text),
	         "<%d>caisson-helper[%d]: uid=%u program=\"%s\" decision=%s record=%d file=%u "
	         "line=%u userns=%d net=%d require=%#llx sandbox=%d stage=%u knob=%u error=%d "
	         "detail=%u",
	         sandbox ? 86 : 85 /* authpriv: info, notice */, getpid(), box->caller.uid, program,
	         decision, (int)at.record, at.line >> 20, at.line & 0xfffff, (int)box->userns,
	         (int)box->net, box->plan->head ? (unsigned long long)box->plan->head->require : 0,
	         sandbox, at.stage, at.knob, at.error, at.detail);
	if (box->audit != 'o')
		need(send(log_fd, text, strlen(text), 0) > 0 || box->audit != 'r', AUDIT, 0);
}

/*
 * Who asks for what cannot be read, or cannot be had, is heard of as well: before fail() ends this
 * process, and with root's rights for that alone, which a request that was not yet read is without.
 * Not by the child, of which the record says "allowed", or else the helper itself has failed.
 */
void record_failure(void) {
	const char *denied = at.knob == CAISSON_KNOB_SANDBOXES ? "too-many" : "denied";
	const struct box *box = asked;

	asked = NULL;
	if (!box || at.stage > CAISSON_STAGE_NAMESPACES ||
	    caps_set(CAISSON_HELPER_CAPS, CAISSON_HELPER_CAPS, 0) < 0 || set_uids(0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return;
	if (log_fd < 0)
		audit_open(box);
	audit_record(box, at.stage == CAISSON_STAGE_POLICY ? denied : "failed", 0);
}
