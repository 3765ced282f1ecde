/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each call of the driver fails once, the first time, the second, and so on, in
 * each lane, while a channel is attached, used both ways and ended. Every time
 * either all works (in another lane, or since it was not needed), or what fails
 * says so; and nothing is left on the device, nor a descriptor.
 */
#include <errno.h>
#include <stdio.h>

#include "cuda_ends.h"
#include "tap.h"

#define MOST 12 /* times that one call is made to fail */

static int fds;

/* All that one has: what failed, or NULL. *good: nothing did. */
static const char *scenario(uint32_t lanes, uint32_t flags, bool *good) {
	caisson_cuda_options options = lanes_only(lanes);
	caisson_dl_managed *managed = NULL;
	caisson_error *err = NULL;
	const char *fault = NULL;
	struct ends e;
	caisson_tensor t;
	int rc;

	options.flags = flags;
	if (!ends_open(&e, CAISSON_BOTH, 65536))
		return "no channel";
	ends_attach(&e, &options, &options);
	*good = e.host_rc == 0 && e.peer_rc == 0;
	if ((e.host_rc == 0) != (e.peer_rc == 0))
		fault = "one side is attached, the other is not";
	if ((e.host_rc && !caisson_error_text(e.host_err)[0]) ||
	    (e.peer_rc && !caisson_error_text(e.peer_err)[0]))
		fault = "an error without a word";
	for (int i = 0; *good && !fault && i < 2; i++) {
		caisson_channel *from = i ? e.peer : e.host, *to = i ? e.host : e.peer;

		rc = send_bytes(from, 1000, 3, &err);
		if (rc == 0)
			rc = recv_bytes(to, 1000, 3, &err);
		if (rc == 1)
			fault = "other bytes came";
		if (rc < 0 && !*caisson_error_knob(err) && !strstr(caisson_error_text(err), "cu"))
			fault = "an error that does not name the call";
		*good = *good && rc == 0;
		caisson_error_free(err);
		err = NULL;
	}
	if (*good && !fault && send_bytes(e.host, 1000, 3, NULL) == 0 &&
	    caisson_recv(e.peer, &t, 1000, NULL) == 0 &&
	    caisson_to_dlpack(e.peer, &t, &managed, NULL) == 0)
		managed->deleter(managed);
	ends_close(&e);
	if (fake_live() != 0)
		fault = fake_text();
	if (count_fds() != fds)
		fault = "a descriptor is left";
	return fault;
}

static unsigned runs, errors;

/* Calls that give back: what such a one does not give back is the driver's, not a leak of ours. */
static bool gives_back(const char *name) {
	return strstr(name, "Free") || strstr(name, "Release") || strstr(name, "Destroy") ||
	       strstr(name, "Unmap") || strstr(name, "Unregister") || strstr(name, "Close") ||
	       strcmp(name, "cuCtxPopCurrent") == 0;
}

static void reset(void) {
	void (*function)(void) = NULL;
	void *symbol = fake_symbol("fake_cuda_reset");

	memcpy(&function, &symbol, sizeof(function));
	function();
}

static unsigned long times(const char *name, uint32_t lanes, uint32_t flags) {
	unsigned long n;
	bool good;

	unsetenv("FAKE_CUDA_FAIL");
	reset();
	if (scenario(lanes, flags, &good) || !good)
		return 0;
	n = fake_calls(name);
	return n < MOST ? n : MOST;
}

/* One call, each time that it is made; NULL, or what went wrong and when. */
static const char *fail_each(const char *name, uint32_t lanes, uint32_t flags) {
	static char text[512];
	unsigned long n = times(name, lanes, flags);
	const char *fault;
	char asked[128];
	bool good;

	for (unsigned long i = 1; i <= n; i++) {
		snprintf(asked, sizeof(asked), "%s@%lu=%d", name, i, i % 2 ? 999 : 2);
		reset();
		setenv("FAKE_CUDA_FAIL", asked, 1);
		fault = scenario(lanes, flags, &good);
		runs++;
		errors += !good;
		if (fault) {
			snprintf(text, sizeof(text), "%s: %s", asked, fault);
			return text;
		}
	}
	return NULL;
}

static const char *name_of(unsigned number) {
	const char *(*function)(unsigned) = NULL;
	void *symbol = fake_symbol("fake_cuda_name");

	memcpy(&function, &symbol, sizeof(function));
	return function(number);
}

static void lane(uint32_t lanes, uint32_t flags, const char *what) {
	const char *fault = NULL, *name;
	bool good = false;

	unsetenv("FAKE_CUDA_FAIL");
	reset();
	fault = scenario(lanes, flags, &good);
	tap_ok(!fault && good, "%s: without a fault all is well%s%s", what, fault ? ": " : "",
	       fault ? fault : "");
	runs = errors = 0;
	for (unsigned i = 0; !fault && (name = name_of(i)) != NULL; i++)
		if (!gives_back(name))
			fault = fail_each(name, lanes, flags);
	tap_ok(!fault && runs > 20 && errors > 5,
	       "%s: %u times one call failed, %u times that was an error, nothing is left%s%s",
	       what, runs, errors, fault ? ": " : "", fault ? fault : "");
}

int main(void) {
	caisson_error *err = NULL;
	struct ends warm;

	if (caisson_cuda_check(0, NULL, &err) < 0 || !fake_symbol("fake_cuda_live"))
		return tap_skip_all("the fake driver is not the one that is loaded");
	if (ends_open(&warm, CAISSON_BOTH, 65536)) /* what the C library opens once */
		ends_attach(&warm, NULL, NULL);
	ends_close(&warm);
	fds = count_fds();
	lane(CAISSON_LANE_CUDA_VMM, 0, "VMM export");
	lane(CAISSON_LANE_CUDA_VMM, CAISSON_CUDA_SNAPSHOT, "VMM export, copied");
	lane(CAISSON_LANE_CUDA_POOL, 0, "memory-pool export");
	lane(CAISSON_LANE_CUDA_STAGED, 0, "staged");
	lane(CAISSON_LANE_CUDA_IPC, 0, "legacy IPC");
	lane(0, 0, "whatever works");
	return tap_done();
}
