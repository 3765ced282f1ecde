/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host application: it has a photograph decoded by a plug-in that it does
 * not trust, and takes the pixels over without a copy.
 *
 *     jpeg-host PLUGIN JPEG SECRET OUT.png
 *
 * SECRET is a file of the user's that the plug-in must not be able to read. What
 * is checked is printed with ok or FAILED; the exit status is 0 if nothing failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "caisson.h"
#include "png.h"

#define TAG_PICTURE 1
#define TAG_ATTEMPTS 2
#define SLAB_BYTES (64u << 20)
#define MAX_SIDE 16384
#define TIMEOUT_MS 10000

struct host {
	const char *jpeg, *secret, *png;
	caisson_sandbox *box;
	caisson_channel *frames;
	int failed;
};

static void check(struct host *host, int ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void check(struct host *host, int ok, const char *fmt, ...) {
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	printf("  %-82s %s\n", line, ok ? "ok" : "FAILED");
	host->failed |= !ok;
}

static double now_ms(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int report(caisson_error *err) {
	fprintf(stderr, "jpeg-host: %s\n", caisson_error_text(err));
	caisson_error_free(err);
	return 1;
}

static int is_file(int fd) {
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * The plug-in gets three files: the picture, itself, and the libcaisson that
 * this process uses, which need not be one of the system's.
 */
static caisson_spec *describe(struct host *host, const char *plugin, const char *pid) {
	caisson_spec *spec = caisson_spec_new("jpeg-decoder");
	const char *slash;
	char path[4096];
	Dl_info library;

	if (!spec || !dladdr((void *)(uintptr_t)caisson_version, &library))
		return spec;
	slash = strrchr(library.dli_fname, '/');
	snprintf(path, sizeof(path), "/plugin/%s", slash ? slash + 1 : library.dli_fname);
	caisson_spec_dir(spec, "/plugin", 0755);
	caisson_spec_ro(spec, library.dli_fname, path);
	caisson_spec_ro(spec, plugin, "/plugin/decode-jpeg");
	caisson_spec_ro(spec, host->jpeg, "/in.jpg");
	caisson_spec_setenv(spec, "LD_LIBRARY_PATH", "/plugin");
	/* It may complain where we do, but not into a file: it could open that anew. */
	caisson_spec_stdio(spec, -1, -1, is_file(STDERR_FILENO) ? -1 : STDERR_FILENO);
	host->frames = caisson_spec_channel(spec, "frames", CAISSON_TO_HOST, SLAB_BYTES);
	caisson_spec_argv(spec, (const char *const[]){ "/plugin/decode-jpeg", "/in.jpg",
	                                               host->secret, pid, NULL });
	return spec;
}

/* The picture as this process decodes it itself; the caller frees it. */
static unsigned char *decode_here(const char *path, int *width, int *height) {
	unsigned char *jpeg = malloc(SLAB_BYTES), *rgb = NULL;
	tjhandle decoder = tjInitDecompress();
	FILE *in = fopen(path, "rb");
	int subsampling, colours;
	unsigned long size;

	if (!jpeg || !decoder || !in)
		goto out;
	size = fread(jpeg, 1, SLAB_BYTES, in);
	if (tjDecompressHeader3(decoder, jpeg, size, width, height, &subsampling, &colours) < 0)
		goto out;
	rgb = malloc((size_t)*width * (size_t)*height * 3);
	if (rgb && tjDecompress2(decoder, jpeg, size, rgb, *width, 0, *height, TJPF_RGB, 0) < 0) {
		free(rgb);
		rgb = NULL;
	}
out:
	if (in)
		fclose(in);
	if (decoder)
		tjDestroy(decoder);
	free(jpeg);
	return rgb;
}

/* Does a read-only mapping of a memfd hold all of the tensor? Then nothing was copied. */
static void check_no_copy(struct host *host, const caisson_tensor *tensor) {
	uintptr_t at = (uintptr_t)tensor->data, from = 0, to = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], *end, *name = NULL;
	int inside = 0;

	while (maps && !inside && fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = '\0';
		from = strtoull(line, &end, 16);
		to = *end == '-' ? strtoull(end + 1, &end, 16) : 0;
		name = strstr(line, "/memfd:");
		inside = name && strncmp(end, " r--s ", 6) == 0 && at >= from && at < to &&
		         tensor->nbytes <= to - at;
	}
	if (maps)
		fclose(maps);
	check(host, inside, "the tensor lies in the channel's memory, nothing was copied");
	if (inside)
		printf("      tensor %" PRIxPTR "-%" PRIxPTR " in slab %" PRIxPTR "-%" PRIxPTR
		       " r--s %s\n",
		       at, (uintptr_t)(at + tensor->nbytes), from, to, name);
}

static void take_picture(struct host *host, const caisson_tensor *tensor) {
	int width = 0, height = 0;
	unsigned char *rgb;
	int64_t h = 0, w = 0;
	int good;

	if (tensor->ndim == 3 && tensor->dtype.code == CAISSON_UINT && tensor->dtype.bits == 8 &&
	    tensor->shape[2] == 3) {
		h = tensor->shape[0];
		w = tensor->shape[1];
	}
	/* The library has checked that it lies in the slab; what it means is ours to check. */
	good = h > 0 && w > 0 && h <= MAX_SIDE && w <= MAX_SIDE &&
	       tensor->nbytes == (uint64_t)h * (uint64_t)w * 3;
	check(host, good, "a %" PRId64 " x %" PRId64 " x 3 uint8 tensor arrived", h, w);
	if (!good)
		return;
	check_no_copy(host, tensor);
	rgb = decode_here(host->jpeg, &width, &height);
	check(host,
	      rgb && w == width && h == height && memcmp(rgb, tensor->data, tensor->nbytes) == 0,
	      "%" PRIu64 " bytes equal a decode done outside", tensor->nbytes);
	free(rgb);
	check(host, png_write(host->png, tensor->data, (uint32_t)w, (uint32_t)h) == 0,
	      "written from the tensor: %s", host->png);
}

static void take_attempts(struct host *host, const caisson_tensor *tensor) {
	static const char *const what[] = { "read the user's file",
		                            "read it through the host's /proc",
		                            "open an internet socket" };
	int32_t errors[3];
	FILE *secret;
	int i;

	if (tensor->dtype.code != CAISSON_INT || tensor->dtype.bits != 32 || tensor->ndim != 1 ||
	    tensor->shape[0] != 3) {
		check(host, 0, "three int32 results arrived");
		return;
	}
	/* Copied before it is looked at: the sandbox can still change its bytes. */
	memcpy(errors, tensor->data, sizeof(errors));
	secret = fopen(host->secret, "r");
	check(host, secret && fgetc(secret) != EOF, "the user can read %s", host->secret);
	if (secret)
		fclose(secret);
	for (i = 0; i < 3; i++)
		check(host, errors[i] != 0, "the plug-in cannot %s: %s", what[i],
		      errors[i] ? strerror(errors[i]) : "it could");
}

static int receive(struct host *host) {
	caisson_error *err = NULL;
	caisson_tensor tensor;
	unsigned seen = 0;
	int status = 0, result;

	while ((result = caisson_recv(host->frames, &tensor, TIMEOUT_MS, &err)) == 0) {
		if (tensor.tag == TAG_PICTURE && !(seen & 1))
			take_picture(host, &tensor);
		else if (tensor.tag == TAG_ATTEMPTS && !(seen & 2))
			take_attempts(host, &tensor);
		seen |= tensor.tag == TAG_PICTURE ? 1u : tensor.tag == TAG_ATTEMPTS ? 2u : 4u;
		caisson_release(host->frames, &tensor);
	}
	if (result != -EPIPE) /* -EPIPE: the plug-in has ended, and all it sent was received */
		return report(err);
	caisson_error_free(err);
	err = NULL;
	if (caisson_wait(host->box, TIMEOUT_MS, &status, &err) < 0)
		return report(err);
	check(host, seen == 3 && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "the plug-in sent two tensors and ended with status 0");
	return 0;
}

int main(int argc, char **argv) {
	struct host host = { 0 };
	caisson_error *err = NULL;
	caisson_spec *spec;
	const char *barriers;
	double start, built;
	char pid[16];

	if (argc != 5) {
		fprintf(stderr, "usage: jpeg-host PLUGIN JPEG SECRET OUT.png\n");
		return 2;
	}
	host.jpeg = argv[2];
	host.secret = argv[3];
	host.png = argv[4];
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setvbuf(stdout, NULL, _IOLBF, 0);

	start = now_ms();
	spec = describe(&host, argv[1], pid);
	if (!spec || caisson_spawn(spec, &host.box, &err) < 0) {
		caisson_spec_free(spec);
		return spec ? report(err) : 1;
	}
	built = now_ms();
	caisson_property_held(host.box, CAISSON_PROPERTY_HOST_PROCESSES, &barriers);
	check(&host, caisson_is_full(host.box), "a full sandbox, %s user namespace",
	      caisson_property_held(host.box, CAISSON_PROPERTY_USERNS, NULL) ? "with" : "without");
	printf("      against the user's other processes: %s\n", barriers);
	host.failed |= receive(&host);
	printf("  spawned in %.1f ms, all done after %.1f ms\n", built - start, now_ms() - start);
	caisson_sandbox_free(host.box);
	caisson_spec_free(spec);
	return host.failed;
}
