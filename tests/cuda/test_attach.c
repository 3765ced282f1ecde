/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching: which lane, why not, and what both sides are told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cuda_channel.h"
#include "cuda_ends.h"

static bool has_pools(void) {
	return !strstr(getenv("CAISSON_FAKE_CUDA"), "11000");
}

static void nothing_left(int fds) {
	cr_assert_eq(fake_live(), 0, "left: %s", fake_text());
	cr_assert_eq(count_fds(), fds, "%d descriptors, %d before", count_fds(), fds);
}

/* Both directions work, in a lane; what was made is gone afterwards. */
static void lane_works(uint32_t lanes, uint32_t want) {
	caisson_cuda_options options = lanes_only(lanes);
	struct ends e;
	int fds;

	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0); /* the library is loaded */
	fds = count_fds();
	cr_assert(ends_open(&e, CAISSON_BOTH, CUDA_SLAB_BYTES));
	ends_attach(&e, &options, &options);
	cr_assert_eq(e.host_rc, 0, "%s", caisson_error_text(e.host_err));
	cr_assert_eq(e.peer_rc, 0, "%s", caisson_error_text(e.peer_err));
	cr_assert_eq(e.host_info.lane, want);
	cr_assert_eq(e.peer_info.lane, want);
	cr_assert_eq(caisson_channel_lane(e.host) & (0x1fu << 16), want);
	cr_assert_eq(e.host_info.cuda, e.peer_info.cuda_there);
	cr_assert_eq(memcmp(e.host_info.uuid, e.peer_info.uuid, 16), 0);
	for (int i = 0; i < 300; i++) {
		cr_assert_eq(send_bytes(e.host, 5000, (uint8_t)i, NULL), 0);
		cr_assert_eq(recv_bytes(e.peer, 5000, (uint8_t)i, NULL), 0);
		cr_assert_eq(send_bytes(e.peer, 7001, (uint8_t)(i + 1), NULL), 0);
		cr_assert_eq(recv_bytes(e.host, 7001, (uint8_t)(i + 1), NULL), 0);
	}
	ends_close(&e);
	nothing_left(fds);
}

Test(cuda_attach, vmm, .timeout = 60) {
	lane_works(CAISSON_LANE_CUDA_VMM, CAISSON_LANE_CUDA_VMM);
	cr_assert_eq(fake_calls("cuMemImportFromShareableHandle"), 2); /* one for each slab */
}

Test(cuda_attach, pool, .timeout = 60) {
	if (has_pools())
		lane_works(CAISSON_LANE_CUDA_POOL, CAISSON_LANE_CUDA_POOL);
}

Test(cuda_attach, staged, .timeout = 60) {
	lane_works(CAISSON_LANE_CUDA_STAGED, CAISSON_LANE_CUDA_STAGED);
}

Test(cuda_attach, legacy_ipc, .timeout = 60) {
	lane_works(CAISSON_LANE_CUDA_IPC, CAISSON_LANE_CUDA_IPC);
}

Test(cuda_attach, best_first, .timeout = 60) {
	lane_works(0, CAISSON_LANE_CUDA_VMM);
}

/* The next lane where the better ones do not work on either side. */
Test(cuda_attach, falls_back, .timeout = 60) {
	setenv("FAKE_CUDA_FAIL", "cuMemImportFromShareableHandle=801", 1);
	lane_works(0, has_pools() ? CAISSON_LANE_CUDA_POOL : CAISSON_LANE_CUDA_STAGED);
	setenv("FAKE_CUDA_FAIL", "cuMemCreate=801,cuMemPoolCreate=801", 1);
	lane_works(0, CAISSON_LANE_CUDA_STAGED);
	setenv("FAKE_CUDA_FAIL", "cuMemHostRegister=801", 1);
	lane_works(CAISSON_LANE_CUDA_STAGED, CAISSON_LANE_CUDA_STAGED);
	unsetenv("FAKE_CUDA_FAIL");
	setenv("FAKE_CUDA_ATTR", "102=0,115=0", 1);
	lane_works(0, CAISSON_LANE_CUDA_STAGED);
	/* Legacy IPC only where it was asked for, and last. */
	setenv("FAKE_CUDA_ATTR", "102=0,115=0", 1);
	lane_works(CAISSON_LANE_CUDA_STAGED | CAISSON_LANE_CUDA_IPC, CAISSON_LANE_CUDA_STAGED);
}

/* One side fails; both are told; the channel then works as before, in the processor's memory. */
static void fails(const caisson_cuda_options *host, const caisson_cuda_options *peer, int host_rc,
                  int peer_rc, const char *said) {
	struct ends e;
	int fds;

	fds = count_fds();
	cr_assert(ends_open(&e, CAISSON_BOTH, CUDA_SLAB_BYTES));
	ends_attach(&e, host, peer);
	cr_assert_eq(e.host_rc, host_rc, "%d %s", e.host_rc, caisson_error_text(e.host_err));
	cr_assert_eq(e.peer_rc, peer_rc, "%d %s", e.peer_rc, caisson_error_text(e.peer_err));
	cr_assert(strstr(caisson_error_text(e.host_err), said) ||
	                  strstr(caisson_error_text(e.peer_err), said),
	          "%s\n%s", caisson_error_text(e.host_err), caisson_error_text(e.peer_err));
	cr_assert_eq(caisson_channel_lane(e.host) & (0x1fu << 16), 0);
	cr_assert_eq(send_bytes(e.host, 500, 1, NULL), 0);
	cr_assert_eq(recv_bytes(e.peer, 500, 1, NULL), 0);
	cr_assert_eq(caisson_cuda_attach(e.host, NULL, 0, NULL, NULL), -EALREADY);
	ends_close(&e);
	nothing_left(fds);
}

Test(cuda_attach, required_lane, .timeout = 60) {
	caisson_cuda_options vmm = lanes_only(CAISSON_LANE_CUDA_VMM);
	caisson_cuda_options staged = lanes_only(CAISSON_LANE_CUDA_STAGED);

	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0);
	fails(&vmm, &staged, -ENOTSUP, -ENOTSUP, "the required lane");
	setenv("FAKE_CUDA_FAIL", "cuMemCreate=801", 1);
	fails(&vmm, NULL, -ENOTSUP, -ENOTSUP, "cuMemCreate gave CUDA_ERROR_NOT_SUPPORTED (801)");
	setenv("FAKE_CUDA_FAIL", "cuMemImportFromShareableHandle=1", 1);
	fails(&vmm, NULL, -EINVAL, -EINVAL,
	      "in the sandbox cuMemImportFromShareableHandle gave CUDA_ERROR_INVALID_VALUE (1)");
}

Test(cuda_attach, memory_is_short, .timeout = 60) {
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0);
	setenv("FAKE_CUDA_MEMORY", "1000", 1);
	fails(NULL, NULL, -ENOMEM, -ENOTSUP, "1000 bytes free of 1000");
}

Test(cuda_attach, another_device, .timeout = 60) {
	caisson_cuda_options first = lanes_only(0), second = lanes_only(0);

	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0);
	first.device = 0;
	second.device = 1;
	fails(&first, &second, -EXDEV, -EXDEV, "GPU-66616b65-2064-6576-6963-652030000000");
	fails(&second, &first, -EXDEV, -EXDEV, "does not see the same CUDA device");
}

Test(cuda_attach, compute_modes, .timeout = 60) {
	caisson_error *err = NULL;

	setenv("FAKE_CUDA_ATTR", "20=2", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, &err), -EBUSY);
	cr_assert(strstr(caisson_error_text(err), "prohibited"));
	cr_assert_str_eq(caisson_error_knob(err), "compute mode");
	caisson_error_free(err);
	fails(NULL, NULL, -EBUSY, -EREMOTE, "prohibited");
	setenv("FAKE_CUDA_ATTR", "20=3", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), -EBUSY);
	setenv("FAKE_CUDA_ATTR", "20=3,133=1", 1); /* with MPS there is one process */
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0);
	setenv("FAKE_CUDA_ATTR", "41=0", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), -ENOTSUP);
	unsetenv("FAKE_CUDA_ATTR");
	setenv("FAKE_CUDA_FAIL", "cuDevicePrimaryCtxRetain=46", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), -EBUSY);
}

Test(cuda_attach, info) {
	caisson_cuda_info info = { .size = sizeof(info) };

	cr_assert_eq(caisson_cuda_check(1, &info, NULL), 0);
	cr_assert_eq(info.device, 1);
	cr_assert_str_eq(info.name, "Fake device 1");
	cr_assert_eq(info.cuda, atoi(strrchr(getenv("CAISSON_FAKE_CUDA"), '-') + 1));
	cr_assert_eq(info.mig, 0);
	cr_assert_eq(info.free_bytes, (uint64_t)16 << 30);
	cr_assert_eq(!!(info.lanes & CAISSON_LANE_CUDA_POOL), has_pools());
	setenv("FAKE_CUDA_NAME", "Fake device MIG 1g.5gb", 1);
	cr_assert_eq(caisson_cuda_check(0, &info, NULL), 0);
	cr_assert_eq(info.mig, 1);
	cr_assert_eq(caisson_cuda_check(2, NULL, NULL), -ENODEV);
	info.size = 8;
	cr_assert_eq(caisson_cuda_check(0, &info, NULL), -EINVAL);
	cr_assert_eq(fake_live(), 0);
}

Test(cuda_attach, switched_off) {
	caisson_error *err = NULL;

	setenv("CAISSON_ENABLE_CUDA", "0", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, &err), -EPERM);
	cr_assert_str_eq(caisson_error_knob(err), "CAISSON_ENABLE_CUDA");
	caisson_error_free(err);
	setenv("CAISSON_ENABLE_CUDA", "perhaps", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), -EINVAL);
	unsetenv("CAISSON_ENABLE_CUDA");
	setenv("PYISOLATE_ENABLE_CUDA_IPC", "0", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, &err), -EPERM);
	cr_assert_str_eq(caisson_error_knob(err), "PYISOLATE_ENABLE_CUDA_IPC");
	caisson_error_free(err);
	cr_assert_null(fake_symbol("cuInit"), "the driver was loaded all the same");
	/* Without a device's node the driver is not loaded by itself. */
	unsetenv("PYISOLATE_ENABLE_CUDA_IPC");
	if (access("/dev/nvidiactl", F_OK) < 0 && access("/dev/dxg", F_OK) < 0) {
		cr_assert_eq(caisson_cuda_check(0, NULL, &err), -ENODEV);
		cr_assert(strstr(caisson_error_text(err), "nvidia-modprobe"));
		caisson_error_free(err);
		cr_assert_null(fake_symbol("cuInit"));
	}
	setenv("PYISOLATE_ENABLE_CUDA_IPC", "1", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0);
	setenv("CAISSON_ENABLE_CUDA", "0", 1); /* the own name counts first; it is loaded now */
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), -EPERM);
}

Test(cuda_attach, old_driver) {
	caisson_error *err = NULL;

	setenv("FAKE_CUDA_VERSION", "10020", 1);
	cr_assert_eq(caisson_cuda_check(0, NULL, &err), -ENOTSUP);
	cr_assert(strstr(caisson_error_text(err), "CUDA 10.2"));
	caisson_error_free(err);
}

Test(cuda_attach, init_fails) {
	caisson_error *err = NULL;

	setenv("FAKE_CUDA_FAIL", "cuInit=803", 1);
	cr_assert_neq(caisson_cuda_check(0, NULL, &err), 0);
	cr_assert(strstr(caisson_error_text(err), "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)"), "%s",
	          caisson_error_text(err));
	caisson_error_free(err);
	unsetenv("FAKE_CUDA_FAIL");
	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0);
}

/* A forked child may not use what its parent has initialised. */
Test(cuda_attach, after_fork) {
	caisson_error *err = NULL;
	int status = -1;
	pid_t pid;

	cr_assert_eq(caisson_cuda_check(0, NULL, NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(caisson_cuda_check(0, NULL, &err) == -EPERM &&
		                      strcmp(caisson_error_knob(err), "fork(2)") == 0
		              ? 0
		              : 1);
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
}

Test(cuda_attach, arguments, .timeout = 60) {
	caisson_cuda_options options = lanes_only(1);
	caisson_tensor t;
	struct ends e;
	int64_t n = 10;

	cr_assert(ends_open(&e, CAISSON_BOTH, CUDA_SLAB_BYTES));
	cr_assert_eq(caisson_cuda_attach(NULL, NULL, 0, NULL, NULL), -EINVAL);
	cr_assert_eq(caisson_cuda_attach(e.host, &options, 0, NULL, NULL), -EINVAL);
	options = lanes_only(0);
	options.size = 1;
	cr_assert_eq(caisson_cuda_attach(e.host, &options, 0, NULL, NULL), -EINVAL);
	cr_assert_eq(caisson_loan(e.host, CAISSON_U8, 1, &n, &t, NULL), 0);
	cr_assert_eq(caisson_cuda_attach(e.host, NULL, 0, NULL, NULL), -EBUSY);
	cr_assert_eq(caisson_cuda_send(e.host, &t, CAISSON_CUDA_STREAM_NONE, NULL), -EINVAL);
	caisson_release(e.host, &t);
	/* Nobody comes. */
	cr_assert_eq(caisson_cuda_attach(e.host, NULL, 30, NULL, NULL), -ETIMEDOUT);
	cr_assert_eq(fake_live(), 0, "left: %s", fake_text());
	/* Who comes too late is told. */
	cr_assert_neq(caisson_cuda_attach(e.peer, NULL, 5000, NULL, NULL), -ETIMEDOUT);
	ends_close(&e);
	cr_assert(ends_open(&e, CAISSON_TO_HOST, CUDA_SLAB_BYTES));
	caisson_channel_close(e.peer);
	e.peer = NULL;
	cr_assert_eq(caisson_cuda_attach(e.host, NULL, 5000, NULL, NULL), -EPIPE);
	ends_close(&e);
}

/* Handles of another major version are not tried: the bytes go through the host. */
Test(cuda_attach, other_versions_do_not_share, .timeout = 60) {
	struct attach_version {
		uint32_t there, lanes;
	} cases[] = { { 13000, CAISSON_LANE_CUDA_STAGED },
		      { 12010, CAISSON_LANE_CUDA_VMM },
		      { 11080, CAISSON_LANE_CUDA_STAGED },
		      { 10020, 0 } };

	cuda_driver.version = 12040;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cuda_said said = { .cuda = cases[i].there, .lanes = CUDA_LANES };
		uint32_t common = cuda_common(CUDA_LANES, &said);

		cr_assert_eq(cases[i].lanes ? !!(common & cases[i].lanes) : common == 0, 1);
		cr_assert_eq(!!(common & CAISSON_LANE_CUDA_VMM),
		             cases[i].lanes == CAISSON_LANE_CUDA_VMM);
	}
}
