/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two processes on a channel in (fake) device memory, in each lane: many transfers,
 * and either side killed. Nothing grows, and nothing is left on the device or
 * among the descriptors.
 */
#include "cuda_two.h"

/* ------------------------------------------------------------------- honest sides */

/* What comes goes back, each byte one more. */
static int echo(caisson_channel *channel) {
	caisson_tensor in, out;
	int rc;

	if (attach_lanes(channel, NULL) < 0)
		return 2;
	while ((rc = caisson_recv(channel, &in, 20000, NULL)) == 0) {
		if (caisson_loan_strided(channel, in.dtype, in.ndim, in.shape, NULL, 20000, &out,
		                         NULL) < 0)
			return 3;
		for (uint64_t i = 0; i < in.nbytes; i++)
			((uint8_t *)out.data)[i] = (uint8_t)(((const uint8_t *)in.data)[i] + 1);
		if (caisson_send(channel, &out, NULL) < 0)
			return 4;
		caisson_release(channel, &in);
	}
	caisson_channel_close(channel);
	if (rc != -EPIPE)
		return 5;
	return fake_live() == 0 ? 0 : 6;
}

static unsigned long imports(void) {
	return fake_calls("cuMemCreate") + fake_calls("cuMemAlloc") +
	       fake_calls("cuMemAllocFromPoolAsync") + fake_calls("cuMemExportToShareableHandle") +
	       fake_calls("cuMemMap") + fake_calls("cuMemHostRegister");
}

/* Many transfers: nothing is made or mapped after the first, and no descriptor more. */
static void transfers(uint32_t lane, const char *name, int count) {
	caisson_channel *host = new_host(CAISSON_BOTH);
	caisson_error *err = NULL;
	unsigned long before;
	pid_t pid;
	int rc, i = 0, fds_before = 0, status;

	lanes = lane;
	pid = peer_start(host, echo);
	rc = attach_lanes(host, &err);
	before = imports();
	for (; rc == 0 && i < count; i++) {
		if (i == 10)
			fds_before = count_fds();
		rc = send_bytes(host, 64 + i % 900, (uint8_t)i, &err);
		if (rc == 0)
			rc = recv_bytes(host, 64 + i % 900, (uint8_t)(i + 1), &err);
	}
	tap_ok(rc == 0 && i == count && imports() == before && count_fds() == fds_before,
	       "%s: %d transfers there and back between two processes, nothing grew%s%s", name, i,
	       err ? ": " : "", err ? caisson_error_text(err) : "");
	caisson_error_free(err);
	channel_free(host);
	status = peer_end(pid, 60);
	tap_ok(status == 0 && clean(), "%s: nothing is left on either side (%d)", name, status);
}

/* -------------------------------------------------------------------- killed sides */

/* It attaches, keeps a tensor, and waits to be killed. */
static int keeps(caisson_channel *channel) {
	caisson_tensor t;

	if (attach_lanes(channel, NULL) < 0 || send_bytes(channel, 4000, 7, NULL) < 0 ||
	    caisson_recv(channel, &t, 20000, NULL) < 0 || send_bytes(channel, 10, 1, NULL) < 0)
		return 1;
	pause();
	return 0;
}

/* The importer dies with a tensor on loan: the host reads on, and ends clean. */
static void importer_killed(uint32_t lane, const char *name) {
	caisson_channel *host = new_host(CAISSON_BOTH);
	caisson_tensor t = { 0 }, ready;
	bool good;
	pid_t pid;
	int rc;

	lanes = lane;
	pid = peer_start(host, keeps);
	good = attach_lanes(host, NULL) == 0 && caisson_recv(host, &t, 20000, NULL) == 0 &&
	       send_bytes(host, 100, 1, NULL) == 0 && caisson_recv(host, &ready, 20000, NULL) == 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	rc = caisson_recv(host, &ready, 20000, NULL);
	good = good && ((const uint8_t *)t.data)[3999] == (uint8_t)(7 + 3999);
	caisson_release(host, &t);
	channel_free(host);
	tap_ok(good && rc == -EPIPE && clean(),
	       "%s: the importer is killed: the host is told (%d), reads on, and nothing is left",
	       name, rc);
}

/* The exporter is a process of its own, which is killed; this one imports. */
static void exporter_killed(uint32_t lane, const char *name) {
	caisson_channel *host = new_host(CAISSON_BOTH), *peer;
	caisson_tensor t = { 0 };
	bool good;
	pid_t pid;
	int rc;

	lanes = lane;
	pid = fork();
	if (pid == 0) {
		host->owner = getpid();
		channel_started(host);
		_exit(keeps(host));
	}
	peer = peer_open_here(host);
	host->owner = -1; /* the other process's now: ours goes without a word */
	channel_free(host);
	good = peer && attach_lanes(peer, NULL) == 0 && caisson_recv(peer, &t, 20000, NULL) == 0 &&
	       send_bytes(peer, 100, 1, NULL) == 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	good = good && ((const uint8_t *)t.data)[3999] == (uint8_t)(7 + 3999);
	caisson_release(peer, &t);
	do
		rc = caisson_recv(peer, &t, 20000, NULL);
	while (rc == 0);
	caisson_channel_close(peer);
	tap_ok(good && rc == -EPIPE && clean(),
	       "%s: the exporter is killed: the importer still reads, is told (%d), nothing is "
	       "left",
	       name, rc);
}

static const struct {
	uint32_t lane;
	const char *name;
} all[] = {
	{ CAISSON_LANE_CUDA_VMM, "VMM export" },
	{ CAISSON_LANE_CUDA_POOL, "memory-pool export" },
	{ CAISSON_LANE_CUDA_STAGED, "staged" },
	{ CAISSON_LANE_CUDA_IPC, "legacy IPC" },
};

static int count = 10000;

static void lane_transfers(size_t i) {
	transfers(all[i].lane, all[i].name,
	          all[i].lane == CAISSON_LANE_CUDA_VMM ? count : count / 10);
}

static void lane_importer(size_t i) {
	importer_killed(all[i].lane, all[i].name);
}

static void lane_exporter(size_t i) {
	exporter_killed(all[i].lane, all[i].name);
}

int main(int argc, char **argv) {
	if (argc > 1)
		count = atoi(argv[1]);
	if (!getenv("CAISSON_FAKE_CUDA"))
		return tap_skip_all("CAISSON_FAKE_CUDA does not say where the fake driver is");
	for (size_t i = 0; i < 4; i++)
		in_own_process(lane_transfers, i);
	for (size_t i = 0; i < 4; i++)
		in_own_process(lane_importer, i);
	for (size_t i = 0; i < 4; i++)
		if (all[i].lane !=
		    CAISSON_LANE_CUDA_IPC) /* whose opener opens the exporter's file */
			in_own_process(lane_exporter, i);
	return tap_done();
}
