/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DLPack: out without a copy and in with one; the lease, whoever ends it, and when. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caisson_dlpack.h"
#include "channel_ends.h"

static caisson_channel *host, *peer;

static void open_ends(void) {
	host = host_end(CAISSON_BOTH, SLAB);
	peer = peer_open_here(host);
	cr_assert(peer);
}

/* A tensor of 2 by 3 floats from the peer, received and exported. */
static caisson_dl_managed *exported(float first) {
	const int64_t shape[] = { 2, 3 };
	caisson_dl_managed *managed = NULL;
	caisson_tensor tensor;

	cr_assert_eq(caisson_loan(peer, CAISSON_F32, 2, shape, &tensor, NULL), 0);
	for (int i = 0; i < 6; i++)
		((float *)tensor.data)[i] = first + (float)i;
	cr_assert_eq(caisson_send(peer, &tensor, NULL), 0);
	cr_assert_eq(caisson_recv(host, &tensor, 1000, NULL), 0);
	cr_assert_eq(caisson_to_dlpack(host, &tensor, &managed, NULL), 0);
	cr_assert_eq(tensor.lease, 0);
	caisson_release(host, &tensor); /* is no longer anybody's to release */
	return managed;
}

/* Does the peer have its whole slab? */
static bool all_given_back(void) {
	caisson_tensor tensor;
	int rc = caisson_loan(peer, CAISSON_U8, 1, (const int64_t[]){ SLAB }, &tensor, NULL);

	if (rc == 0)
		caisson_release(peer, &tensor);
	return rc == 0;
}

Test(channel_dlpack, out_and_given_back) {
	caisson_dl_managed *managed;

	open_ends();
	managed = exported(1);
	cr_assert_eq(managed->version.major, 1);
	cr_assert_eq(managed->flags, CAISSON_DL_READ_ONLY);
	cr_assert_eq(managed->tensor.device.device_type, CAISSON_DL_CPU);
	cr_assert_eq(managed->tensor.ndim, 2);
	cr_assert(managed->tensor.shape[0] == 2 && managed->tensor.shape[1] == 3);
	cr_assert(managed->tensor.strides[0] == 3 && managed->tensor.strides[1] == 1);
	cr_assert_eq(managed->tensor.byte_offset, 0);
	cr_assert_eq(((float *)managed->tensor.data)[5], 6);
	cr_assert_not(all_given_back());
	managed->deleter(managed);
	cr_assert(all_given_back());
	caisson_channel_close(peer);
	channel_free(host);
}

static void *delete_it(void *managed) {
	((caisson_dl_managed *)managed)->deleter(managed);
	return NULL;
}

/* Other threads give back while this one receives. */
Test(channel_dlpack, given_back_by_any_thread, .timeout = 60) {
	open_ends();
	for (int i = 0; i < 500; i++) {
		pthread_t thread[3];

		for (int k = 0; k < 3; k++)
			cr_assert_eq(
				pthread_create(&thread[k], NULL, delete_it, exported((float)i)), 0);
		for (int k = 0; k < 3; k++)
			pthread_join(thread[k], NULL);
	}
	cr_assert(all_given_back());
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_dlpack, outlives_the_channel) {
	caisson_dl_managed *a, *b;

	open_ends();
	a = exported(10);
	b = exported(20);
	channel_free(host);
	cr_assert_eq(((float *)a->tensor.data)[0], 10);
	a->deleter(a);
	caisson_channel_close(peer);
	cr_assert_eq(((float *)b->tensor.data)[5], 25);
	b->deleter(b);
}

Test(channel_dlpack, forked_child_gives_nothing_back) {
	caisson_dl_managed *managed;
	int status;
	pid_t pid;

	open_ends();
	managed = exported(30);
	pid = fork();
	if (pid == 0) {
		bool good = ((float *)managed->tensor.data)[1] == 31;

		channel_free(host);
		good = good && ((float *)managed->tensor.data)[2] == 32;
		managed->deleter(managed);
		_exit(good ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert_not(all_given_back());
	cr_assert_eq(((float *)managed->tensor.data)[1], 31);
	managed->deleter(managed);
	cr_assert(all_given_back());
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_dlpack, only_what_was_received) {
	caisson_dl_managed *managed = NULL;
	caisson_tensor tensor;

	open_ends();
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
	cr_assert_eq(caisson_to_dlpack(host, &tensor, &managed, NULL), -EINVAL);
	tensor.lease = 0x100000000 | 1 << 16 | 1;
	cr_assert_eq(caisson_to_dlpack(host, &tensor, &managed, NULL), -EINVAL);
	cr_assert_null(managed);
	caisson_channel_close(peer);
	channel_free(host);
}

static caisson_dl_managed foreign(void *data, int64_t *shape, int64_t *strides, int32_t ndim) {
	return (caisson_dl_managed){
		.version = { 1, 0 },
		.tensor = { .data = data,
		            .device = { CAISSON_DL_CPU, 0 },
		            .ndim = ndim,
		            .dtype = { CAISSON_INT, 16, 1 },
		            .shape = shape,
		            .strides = strides },
	};
}

Test(channel_dlpack, in_whatever_the_strides) {
	int16_t data[64];
	int64_t shape[] = { 2, 3, 4 }, strides[] = { -12, 1, 3 };
	caisson_dl_managed from = foreign(data + 20, shape, strides, 3);
	caisson_tensor tensor;

	open_ends();
	for (int i = 0; i < 64; i++)
		data[i] = (int16_t)i;
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), 0);
	for (int a = 0, n = 0; a < 2; a++)
		for (int b = 0; b < 3; b++)
			for (int c = 0; c < 4; c++, n++)
				cr_assert_eq(((int16_t *)tensor.data)[n], 20 - 12 * a + b + 3 * c);
	cr_assert_eq(tensor.strides[0], 12);
	caisson_release(host, &tensor);

	from = foreign(data, shape, NULL, 3);
	from.tensor.byte_offset = 8;
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), 0);
	cr_assert_eq(memcmp(tensor.data, data + 4, 48), 0);
	caisson_release(host, &tensor);
	caisson_channel_close(peer);
	channel_free(host);
}

Test(channel_dlpack, in_refused) {
	int16_t data[64] = { 0 };
	int64_t shape[] = { 3 }, strides[] = { 2 };
	caisson_dl_managed from = foreign(data, shape, strides, 1);
	caisson_tensor tensor;

	open_ends();
	from.version.major = 2;
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), -ENOTSUP);
	from.version.major = 1;
	from.tensor.device.device_type = 2; /* CUDA */
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), -ENOTSUP);
	from.tensor.device.device_type = CAISSON_DL_CPU;
	from.flags = CAISSON_DL_SUBBYTE_PADDED;
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), -ENOTSUP);
	from.flags = 0;
	from.tensor.dtype = (caisson_dtype){ CAISSON_FLOAT4_E2M1FN, 4, 1 };
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), -ENOTSUP);
	strides[0] = 1;
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), 0);
	cr_assert_eq(tensor.nbytes, 2);
	caisson_release(host, &tensor);
	from.tensor.dtype = (caisson_dtype){ CAISSON_OPAQUE_HANDLE, 64, 1 };
	cr_assert_eq(caisson_loan_dlpack(host, &from, 0, &tensor, NULL), -EINVAL);
	caisson_channel_close(peer);
	channel_free(host);
}
