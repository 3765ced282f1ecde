/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device tensors between this process and a program in a real sandbox: what needs
 * a GPU to mean something, and what can be gone through without one. The driver
 * is the machine's, or the one of memfds where CAISSON_FAKE_CUDA says where it
 * is; figures of the latter say nothing about a GPU.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson_dlpack.h"
#include "caisson_gpu.h"
#include "caisson_seccomp.h"
#include "gpu.h"
#include "tests/e2e/run.h"
#include "tests/lib/tap.h"

#define MIB ((uint64_t)1 << 20)

static bool fake;
static int transfers = 10000;

struct pair {
	caisson_sandbox *box;
	caisson_channel *channel;
	caisson_cuda_info info;
	uint64_t attach_ns;
};

/* ------------------------------------------------------------------------- set-up */

static caisson_spec *new_spec(uint32_t lanes) {
	static char text[16];
	caisson_spec *spec;

	snprintf(text, sizeof(text), "%#x", lanes);
	spec = inside(DOES(text));
	caisson_spec_setenv(spec, "CAISSON_ENABLE_CUDA", "1");
	if (fake) {
		caisson_spec_ro(spec, getenv("CAISSON_FAKE_CUDA"), "/t/cuda");
		caisson_spec_setenv(spec, "LD_LIBRARY_PATH", "/t/lib:/t/cuda");
	} else {
		caisson_spec_gpu(spec, "0");
		caisson_spec_seccomp(spec, "gpu");
	}
	return spec;
}

static bool open_pair(struct pair *pair, uint32_t lanes, uint64_t bytes) {
	caisson_cuda_options options = { sizeof(options), -1, lanes, 0 };
	caisson_spec *spec = new_spec(lanes);
	caisson_error *err = NULL;
	uint64_t begin;
	int rc;

	memset(pair, 0, sizeof(*pair));
	pair->info.size = sizeof(pair->info);
	pair->channel = caisson_spec_channel(spec, CHANNEL, CAISSON_BOTH, bytes);
	pair->box = start(spec);
	if (!pair->channel || !pair->box)
		return false;
	begin = gpu_now_ns();
	rc = caisson_cuda_attach(pair->channel, &options, 60000, &pair->info, &err);
	pair->attach_ns = gpu_now_ns() - begin;
	if (rc < 0)
		tap_note("%s", caisson_error_text(err));
	caisson_error_free(err);
	return rc == 0;
}

static int close_pair(struct pair *pair) {
	int status = -1;

	if (!pair->box)
		return -1;
	caisson_kill(pair->box, SIGKILL);
	caisson_wait(pair->box, ms(20000), &status, NULL);
	caisson_sandbox_free(pair->box);
	return status;
}

/* A tensor there and back: 0 with what came in *in, or an error. */
static int there_and_back(caisson_channel *channel, caisson_dtype dtype, int64_t n, uint64_t tag,
                          const void *bytes, caisson_tensor *in) {
	caisson_tensor out;
	int rc = caisson_loan_strided(channel, dtype, 1, &n, NULL, 20000, &out, NULL);

	if (rc < 0)
		return rc;
	if (bytes && !gpu_write(out.data, bytes, out.nbytes))
		return -EIO;
	out.tag = tag;
	rc = caisson_cuda_send(channel, &out, CAISSON_CUDA_STREAM_LEGACY, NULL);
	return rc < 0 ? rc : caisson_recv(channel, in, ms(20000), NULL);
}

static bool same_back(caisson_channel *channel, caisson_dtype dtype, int64_t n) {
	unsigned char sent[4096], came[4096] = { 0 };
	caisson_tensor in;
	bool good;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (unsigned char)(i * 7 + 3);
	if (there_and_back(channel, dtype, n, GPU_ECHO, sent, &in) < 0)
		return false;
	good = in.ndim == 1 && in.shape[0] == n && !memcmp(&in.dtype, &dtype, sizeof(dtype)) &&
	       gpu_read(came, in.data, in.nbytes) && !memcmp(sent, came, in.nbytes);
	caisson_cuda_release(channel, &in, CAISSON_CUDA_STREAM_NONE, NULL);
	return good;
}

/* ------------------------------------------------------------------------- points */

static void isolated(struct pair *pair) {
	uint64_t ours[NAMESPACES], theirs[NAMESPACES] = { 0 };
	caisson_tensor in;
	bool good = there_and_back(pair->channel, CAISSON_DTYPE(CAISSON_UINT, 64), NAMESPACES,
	                           GPU_NAMESPACES, NULL, &in) == 0 &&
	            gpu_read(theirs, in.data, sizeof(theirs));

	gpu_namespaces(ours);
	caisson_release(pair->channel, &in);
	for (int i = 0; i < NAMESPACES; i++)
		good = good && theirs[i] && theirs[i] != ours[i];
	tap_ok(good, "the other side has its own PID, IPC, mount and network namespace");
}

static void types(struct pair *pair) {
	static const struct {
		const char *name;
		uint8_t code, bits;
	} all[] = { { "bf16", CAISSON_BFLOAT, 16 },
		    { "fp8 e4m3fn", CAISSON_FLOAT8_E4M3FN, 8 },
		    { "fp8 e5m2", CAISSON_FLOAT8_E5M2, 8 },
		    { "f16", CAISSON_FLOAT, 16 },
		    { "fp4", CAISSON_FLOAT4_E2M1FN, 4 } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		tap_ok(same_back(pair->channel, CAISSON_DTYPE(all[i].code, all[i].bits), 1000),
		       "%s there and back, bit for bit", all[i].name);
}

static int sort_ns(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void many(struct pair *pair) {
	uint64_t *took = calloc((size_t)transfers, sizeof(*took)), before = 0, after;
	int fds = 0, i, rc = 0;
	caisson_tensor in;

	for (i = 0; i < transfers && rc == 0 && took; i++) {
		uint64_t begin = gpu_now_ns();

		if (i == 10) {
			before = gpu_free_bytes();
			fds = open_fds();
		}
		rc = there_and_back(pair->channel, CAISSON_U8, 8, GPU_ECHO, NULL, &in);
		if (rc == 0)
			caisson_cuda_release(pair->channel, &in, CAISSON_CUDA_STREAM_NONE, NULL);
		took[i] = gpu_now_ns() - begin;
	}
	after = gpu_free_bytes();
	tap_ok(rc == 0 && i == transfers && before == after && open_fds() == fds,
	       "%d transfers of 8 bytes there and back: device memory (%lld bytes less) and "
	       "descriptors (%d more) do not grow",
	       i, (long long)(before - after), open_fds() - fds);
	qsort(took, (size_t)i, sizeof(*took), sort_ns);
	tap_note("hand-off and a copy on the device, there and back, 8 bytes: p50 %.1f us, p99 "
	         "%.1f us",
	         (double)took[i / 2] / 1000, (double)took[i * 99 / 100] / 1000);
	free(took);
}

/* There and a word back, the median of 64; 0: it failed. No byte is touched, whatever the size. */
static uint64_t hand_over(caisson_channel *channel, uint64_t bytes) {
	uint64_t took[64];
	caisson_tensor in;

	for (int i = 0; i < 64; i++) {
		uint64_t begin = gpu_now_ns();

		if (there_and_back(channel, CAISSON_U8, (int64_t)bytes, GPU_ACK, NULL, &in) < 0)
			return 0;
		took[i] = gpu_now_ns() - begin;
		caisson_cuda_release(channel, &in, CAISSON_CUDA_STREAM_NONE, NULL);
	}
	qsort(took, 64, sizeof(took[0]), sort_ns);
	return took[32];
}

static void large(uint64_t bytes) {
	uint64_t small = 0, whole = 0;
	struct pair pair;

	if (open_pair(&pair, CAISSON_LANE_CUDA_VMM, bytes)) {
		small = hand_over(pair.channel, 8);
		whole = hand_over(pair.channel, bytes);
	}
	tap_ok(small && whole && whole < 3 * small + 1000000,
	       "%llu MiB are handed over in %.1f us, 8 bytes in %.1f us, both with an answer",
	       (unsigned long long)(bytes / MIB), (double)whole / 1000, (double)small / 1000);
	tap_note("attaching %llu MiB each way, zeroing, export and import included: %.1f ms",
	         (unsigned long long)(bytes / MIB), (double)pair.attach_ns / 1e6);
	close_pair(&pair);
}

static void bandwidth(struct pair *pair, uint64_t bytes) {
	int64_t n = (int64_t)bytes;
	caisson_dl_managed from = { .version = { 1, 1 },
		                    .tensor = { .data = gpu_alloc(bytes),
		                                .device = { CAISSON_DL_CUDA, 0 },
		                                .ndim = 1,
		                                .dtype = CAISSON_U8,
		                                .shape = &n } };
	uint64_t best = UINT64_MAX;
	caisson_tensor t;
	int rc = 0;

	for (int i = 0; i < 10 && rc == 0; i++) {
		uint64_t begin = gpu_now_ns(), took;

		rc = caisson_cuda_loan_dlpack(pair->channel, &from, CAISSON_CUDA_STREAM_LEGACY, 0,
		                              &t, NULL);
		took = gpu_now_ns() - begin;
		best = took < best ? took : best;
		if (rc == 0)
			caisson_release(pair->channel, &t);
	}
	tap_ok(rc == 0, "memory of another allocator is copied in (%d)", rc);
	tap_note("device copy of %llu MiB: %.1f GB/s", (unsigned long long)(bytes / MIB),
	         (double)bytes / (double)best);
	gpu_free(from.tensor.data);
}

/* With a tensor on loan: the host is told, still reads what it has, and gets its memory back. */
static void importer_killed(void) {
	unsigned char bytes[64] = { 5, 6, 7 }, came[64] = { 0 };
	uint64_t before = gpu_free_bytes();
	caisson_tensor in, other;
	struct pair pair;
	bool good;
	int rc;

	good = open_pair(&pair, CAISSON_LANE_CUDA_VMM, MIB) &&
	       there_and_back(pair.channel, CAISSON_U8, 64, GPU_HOLD, bytes, &in) == 0;
	if (good) {
		caisson_kill(pair.box, SIGKILL);
		rc = caisson_recv(pair.channel, &other, ms(20000), NULL);
		good = rc == -EPIPE && gpu_read(came, in.data, 64) && !memcmp(bytes, came, 64);
	}
	close_pair(&pair);
	tap_ok(good && gpu_free_bytes() == before,
	       "the importer is killed: the host is told, reads on, and has its memory back");
}

/* The host application is killed, and with it the sandbox; nothing stays on the device. */
static void exporter_killed(void) {
	uint64_t before = gpu_free_bytes(), after = 0;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/proc/self/exe", "points", "exporter", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	for (int i = 0; i < 200 && after != before; i++) {
		usleep(50000);
		after = gpu_free_bytes();
	}
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && after == before,
	       "the exporter is killed: nothing stays on the device");
}

static int be_exporter(void) {
	struct pair pair;
	caisson_tensor in;
	const char *why;

	if (!gpu_start(&why) || !open_pair(&pair, CAISSON_LANE_CUDA_VMM, 4 * MIB) ||
	    there_and_back(pair.channel, CAISSON_U8, 64, GPU_HOLD, NULL, &in) < 0)
		return 1;
	return raise(SIGKILL);
}

static void lane(uint32_t lanes, const char *name) {
	struct pair pair;
	bool good = open_pair(&pair, lanes, MIB);

	if (!good && !(pair.info.lanes & lanes) && lanes == CAISSON_LANE_CUDA_POOL)
		tap_skip(name, "this driver or device exports no memory pools");
	else
		tap_ok(good && pair.info.lane == lanes &&
		               same_back(pair.channel, CAISSON_F32, 1000),
		       "%s: there and back", name);
	close_pair(&pair);
}

/* NULL, or why there is nothing to test with. */
static const char *no_gpu(caisson_cuda_info *info) {
	static char text[512];
	caisson_error *err = NULL;

	info->size = sizeof(*info);
	if (caisson_cuda_check(0, info, &err) == 0)
		return NULL;
	snprintf(text, sizeof(text), "no GPU: %s", caisson_error_message(err));
	text[strcspn(text, "\n")] = '\0';
	caisson_error_free(err);
	return text;
}

int main(int argc, char **argv) {
	const char *why;
	caisson_cuda_info info;
	struct pair pair;
	uint64_t size, some;

	fake = getenv("CAISSON_FAKE_CUDA") != NULL;
	if (argc == 3 && !strcmp(argv[1], "inside"))
		return gpu_inside(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "exporter"))
		return be_exporter();
	if (argc == 2)
		transfers = atoi(argv[1]);
	(void)in_work("."); /* before there is a second thread */
	why = no_gpu(&info);
	if (why || !gpu_start(&why))
		return tap_skip_all(why);
	some = fake ? 4 * MIB : 1024 * MIB;
	tap_note("%s, CUDA %d.%d, driver %s, %llu MiB%s", info.name, info.cuda / 1000,
	         info.cuda % 1000 / 10, info.driver[0] ? info.driver : "unknown",
	         (unsigned long long)(info.total_bytes / MIB), fake ? "; NOT A GPU" : "");
	if (tap_ok(open_pair(&pair, CAISSON_LANE_CUDA_VMM, some),
	           "VMM export to a program in a sandbox")) {
		isolated(&pair);
		types(&pair);
		many(&pair);
		bandwidth(&pair, some);
	}
	close_pair(&pair);
	lane(CAISSON_LANE_CUDA_POOL, "memory-pool export");
	lane(CAISSON_LANE_CUDA_STAGED, "staged through the host");
	importer_killed();
	exporter_killed();
	size = fake ? 32 * MIB : 8192 * MIB;
	while (size > 32 * MIB && gpu_free_bytes() < 3 * size)
		size /= 2;
	large(size);
	return tap_done();
}
