/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the seccomp filter denies, told to the host: every denied call waits here
 * until it is answered, always with EPERM, and never let through.
 */
#include "init.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>

/* How often, by number; a last place for all that are beyond the others. */
static struct denied { int number, count; } denied[CAISSON_DENIALS_MAX];

static void tell(const struct denied *d, int count) {
	const struct caisson_answer before = at;

	at.id = 0;
	at.detail = (uint32_t)d->number;
	at.status = count;
	answer(CAISSON_ANSWER_DENIED);
	at = before;
}

void denials_answer(int listener) {
	struct seccomp_notif asked = { 0 };
	struct seccomp_notif_resp no = { .error = -EPERM };
	struct denied *d = denied, *last = denied + CAISSON_DENIALS_MAX - 1;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return; /* who asked was killed meanwhile */
	no.id = asked.id;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &no);
	while (d < last && d->count && d->number != asked.data.nr)
		d++;
	d->number = asked.data.nr;
	d->count += d->count < INT32_MAX;
	if (d->count == 1)
		tell(d, 0);
}

void denials_sum(void) {
	for (struct denied *d = denied; d < denied + CAISSON_DENIALS_MAX && d->count; d++)
		tell(d, d->count);
}
