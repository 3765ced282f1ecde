/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both ends of a channel in one process, attached by two threads; and what the fake counts. */
#ifndef CAISSON_TESTS_CUDA_ENDS_H
#define CAISSON_TESTS_CUDA_ENDS_H

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "caisson_cuda.h"
#include "channel_peer.h"
#include "fake.h"

#define CUDA_SLAB_BYTES (1u << 20)
#define ATTACH_MS 20000

struct ends {
	caisson_channel *host, *peer;
	const caisson_cuda_options *peer_options;
	int host_rc, peer_rc;
	caisson_error *host_err, *peer_err;
	caisson_cuda_info host_info, peer_info;
};

static inline void *fake_symbol(const char *name) {
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);

	return library ? dlsym(library, name) : NULL;
}

static inline long fake_live(void) {
	long (*live)(void) = NULL;
	void *symbol = fake_symbol("fake_cuda_live");

	memcpy(&live, &symbol, sizeof(live));
	return live ? live() : 0;
}

static inline const char *fake_text(void) {
	const char *(*text)(void) = NULL;
	void *symbol = fake_symbol("fake_cuda_live_text");

	memcpy(&text, &symbol, sizeof(text));
	return text ? text() : "";
}

static inline unsigned long fake_calls(const char *name) {
	unsigned long (*calls)(const char *) = NULL;
	void *symbol = fake_symbol("fake_cuda_calls");

	memcpy(&calls, &symbol, sizeof(calls));
	return calls ? calls(name) : 0;
}

static inline unsigned long fake_tries(const char *name) {
	unsigned long (*calls)(const char *) = NULL;
	void *symbol = fake_symbol("fake_cuda_tries");

	memcpy(&calls, &symbol, sizeof(calls));
	return calls ? calls(name) : 0;
}

static inline void fake_later(uintptr_t stream, void *ptr, uint8_t value, uint64_t bytes) {
	void (*fill)(cu_stream, cu_ptr, uint8_t, uint64_t) = NULL;
	void *symbol = fake_symbol("fake_cuda_fill_later");

	memcpy(&fill, &symbol, sizeof(fill));
	fill((cu_stream)stream, (cu_ptr)(uintptr_t)ptr, value, bytes);
}

static inline int count_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline void *attach_peer(void *pointer) {
	struct ends *ends = pointer;

	ends->peer_rc = caisson_cuda_attach(ends->peer, ends->peer_options, ATTACH_MS,
	                                    &ends->peer_info, &ends->peer_err);
	return NULL;
}

/* Both have ended with what they say of it. */
static inline void ends_attach(struct ends *ends, const caisson_cuda_options *host,
                               const caisson_cuda_options *peer) {
	pthread_t thread;

	ends->host_info.size = ends->peer_info.size = sizeof(ends->host_info);
	ends->peer_options = peer;
	if (pthread_create(&thread, NULL, attach_peer, ends) != 0)
		abort();
	ends->host_rc =
		caisson_cuda_attach(ends->host, host, ATTACH_MS, &ends->host_info, &ends->host_err);
	pthread_join(thread, NULL);
}

static inline bool ends_open(struct ends *ends, enum caisson_direction direction, uint64_t bytes) {
	memset(ends, 0, sizeof(*ends));
	if (channel_new("frames", direction, bytes, &ends->host, NULL) < 0)
		return false;
	ends->peer = peer_open_here(ends->host);
	return ends->peer != NULL;
}

static inline void ends_close(struct ends *ends) {
	caisson_channel_close(ends->peer);
	channel_free(ends->host);
	caisson_error_free(ends->host_err);
	caisson_error_free(ends->peer_err);
}

static inline caisson_cuda_options lanes_only(uint32_t lanes) {
	return (caisson_cuda_options){ sizeof(caisson_cuda_options), -1, lanes, 0 };
}

/* A tensor of n bytes, each first + its index, from one end to the other and back to its sender. */
static inline int send_bytes(caisson_channel *from, int64_t n, uint8_t first, caisson_error **err) {
	caisson_tensor t;
	int rc = caisson_loan_strided(from, CAISSON_U8, 1, &n, NULL, 1000, &t, err);

	if (rc < 0)
		return rc;
	for (int64_t i = 0; i < n; i++)
		((uint8_t *)t.data)[i] = (uint8_t)(first + i);
	rc = caisson_send(from, &t, err);
	if (rc < 0)
		caisson_release(from, &t);
	return rc;
}

/* 0, an error, or 1: other bytes came. */
static inline int recv_bytes(caisson_channel *to, int64_t n, uint8_t first, caisson_error **err) {
	caisson_tensor t;
	int rc = caisson_recv(to, &t, 5000, err);

	if (rc < 0)
		return rc;
	rc = t.nbytes != (uint64_t)n;
	for (int64_t i = 0; rc == 0 && i < n; i++)
		rc = ((const uint8_t *)t.data)[i] != (uint8_t)(first + i);
	caisson_release(to, &t);
	return rc;
}

#endif
