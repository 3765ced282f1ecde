/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What caisson_spec_gpu() comes to on hosts that are not this one. hosts/NAME/grants has
 * requests, "> OPTION... NAME...", each followed by all that is granted, or by an error.
 * Options: bare, no default root; usr, /usr shown; foreign, another tree at /usr;
 * pids, a procfs of processes alone.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cdi.h"
#include "probe_host.h"

/* Into spec; the names are left for caisson_spec_gpu(). */
static void option(caisson_spec *spec, const char *word) {
	if (!strcmp(word, "bare"))
		caisson_spec_bare_root(spec);
	else if (!strcmp(word, "usr"))
		caisson_spec_ro(spec, "/usr/", "/usr");
	else if (!strcmp(word, "foreign"))
		caisson_spec_ro(spec, "/srv/image/usr", "/usr");
	else if (!strcmp(word, "pids"))
		caisson_spec_proc_with(spec, "/proc", CAISSON_PROCFS_PIDS);
	else if (!strcmp(word, "sys"))
		caisson_spec_tmpfs(spec, "/sys", 4096, 0755);
	else
		cr_assert_eq(caisson_spec_gpu(spec, word), 0, "%s", word);
}

static void say_file(FILE *out, const struct spec_op *op) {
	char text[200];
	ssize_t n = pread(op->fd, text, sizeof(text), 0);

	fprintf(out, "file %s \"", op->name);
	for (ssize_t i = 0; i < n; i++)
		fprintf(out, "%s", text[i] == '\n' ? "|" : (char[2]){ text[i], '\0' });
	fputs("\"\n", out);
}

static void say_op(FILE *out, const struct spec_op *op) {
	bool elsewhere = op->source && strcmp(op->source, op->name) != 0;

	switch (op->op) {
	case CAISSON_OP_DEVICE:
	case CAISSON_OP_BIND:
		cr_expect(op->op == CAISSON_OP_DEVICE || op->flags == CAISSON_BIND_RDONLY);
		fprintf(out, "%s %s%s%s\n", op->op == CAISSON_OP_DEVICE ? "device" : "bind",
		        op->name, elsewhere ? " from " : "", elsewhere ? op->source : "");
		break;
	case CAISSON_OP_FILE:
		say_file(out, op);
		break;
	case CAISSON_OP_SYMLINK:
		fprintf(out, "link %s %s\n", op->name, op->target);
		break;
	default:
		fprintf(out, "%s %s\n", op->op == CAISSON_OP_TMPFS ? "tmpfs" : "rdonly", op->name);
		break;
	}
}

static void say_list(FILE *out, const char *what, const struct strings *list) {
	for (size_t i = 0; i < list->n; i++)
		fprintf(out, "%s %s\n", what, list->item[i]);
}

static const char *errno_name(int error) {
	return error == ENODEV   ? "ENODEV"
	       : error == ENOENT ? "ENOENT"
	       : error == EINVAL ? "EINVAL"
	       : error == EEXIST ? "EEXIST"
	                         : strerror(error);
}

/* What comes of one request, as text; the caller frees it. */
static char *answer(int root, char *request) {
	struct gpu_host *host = malloc(sizeof(*host));
	struct gpu_grant grant = { .host = host };
	caisson_spec *spec = caisson_spec_new("test");
	caisson_error *err = NULL;
	char *text = NULL, *json;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert(host && out && spec);
	for (char *rest = request, *word; (word = strsep(&rest, " "));)
		option(spec, word);
	gpu_look(root, host);
	if (gpu_resolve(spec, &grant, &err) < 0) {
		fprintf(out, "error %s: %s\n", errno_name(caisson_error_errno(err)),
		        caisson_error_message(err));
		if (*caisson_error_remedy(err))
			fprintf(out, "remedy %s\n", caisson_error_remedy(err));
		caisson_error_free(err);
	} else {
		for (size_t i = 0; i < grant.ops.n; i++)
			say_op(out, &grant.ops.item[i]);
		say_list(out, "env", &grant.env);
		say_list(out, "library", &grant.libraries);
		say_list(out, "without", &grant.left_out);
		spec->gpu->grant.host = host;
		json = gpu_json(spec->gpu);
		cr_expect(json && json[0] == '{' && json[strlen(json) - 1] == '}');
		free(json);
	}
	spec->gpu->grant.host = NULL;
	fclose(out);
	gpu_grant_clear(&grant);
	caisson_spec_free(spec);
	free(host);
	return text;
}

/* Compares the answers of one host with those in its file, or writes them anew. */
static int check_host(const char *name) {
	char path[512], *wanted = calloc(1, 65536), request[256];
	int root, requests = 0;

	snprintf(path, sizeof(path), "%s/%s", CAISSON_HOSTS, name);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert(wanted && root >= 0, "%s", path);
	if (host_text(root, "grants", wanted, 65536) == 0) {
		for (char *at = wanted; (at = strstr(at, "> ")); requests++) {
			char *line = at + 2, *next, *got;
			size_t len = strcspn(line, "\n");

			cr_assert(len < sizeof(request) && line[len]);
			memcpy(request, line, len);
			request[len] = '\0';
			at = line + len + 1;
			got = answer(root, request);
			next = at + strlen(got);
			if (getenv("CAISSON_WRITE_GRANTS"))
				printf("%s> %.*s\n%s\n", requests ? "" : name, (int)len, line, got);
			else
				cr_expect(strncmp(at, got, strlen(got)) == 0 &&
				                  (*next == '\n' || !*next),
				          "%s: %.*s: got\n%s", name, (int)len, line, got);
			free(got);
		}
	}
	close(root);
	free(wanted);
	return requests;
}

Test(gpu, grants_of_other_hosts) {
	DIR *dir = opendir(CAISSON_HOSTS);
	const struct dirent *entry;
	int requests = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			requests += check_host(entry->d_name);
	closedir(dir);
	cr_expect_geq(requests, 40, "only %d requests", requests);
}

Test(gpu, names) {
	static const char *const bad[] = { "", " 0", "0 ", "0\n", "a\"b", "\x7f", "*", "0;1" };
	char longest[GPU_WISH_MAX + 2];
	caisson_spec *spec = caisson_spec_new("test");
	caisson_error *err = NULL;

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(gpu_wish_ok(bad[i]), -EINVAL, "%s", bad[i]);
	cr_expect_eq(gpu_wish_ok(longest), -EINVAL);
	longest[GPU_WISH_MAX] = '\0';
	cr_expect_eq(gpu_wish_ok(longest), 0);
	cr_expect_eq(caisson_spec_gpu(spec, NULL), -EINVAL);
	cr_expect_eq(gpu_prepare(spec, &err), 0);
	cr_expect_null(spec->gpu);
	cr_expect_eq(caisson_spec_gpu(spec, "0"), 0);
	cr_expect_eq(spec->seccomp.a, 2);
	cr_expect_eq(caisson_spec_gpu(spec, "none"), 0);
	cr_expect_null(spec->gpu);
	caisson_spec_free(spec);
}

Test(gpu, numbers) {
	cr_expect_eq(gpu_number("0", 5), 0);
	cr_expect_eq(gpu_number("4294967294", UINT32_MAX), 4294967294);
	for (const char *const *bad = (const char *const[]){ "", "-1", "+1", " 1", "1 ", "0x1", "6",
	                                                     "4294967301", "99999999999", NULL };
	     *bad; bad++)
		cr_expect_eq(gpu_number(*bad, 5), -1, "%s", *bad);
}

Test(gpu, strict_stays) {
	caisson_spec *spec = caisson_spec_new("test");

	caisson_spec_seccomp(spec, "strict");
	caisson_spec_explain_denials(spec);
	caisson_spec_gpu(spec, "0");
	cr_expect_eq(spec->seccomp.a, 1);
	caisson_spec_seccomp(spec, "default");
	caisson_spec_explain_denials(spec);
	caisson_spec_gpu(spec, "1");
	cr_expect_eq(spec->seccomp.a, 2);
	cr_expect_eq(spec->seccomp.b, 1);
	caisson_spec_free(spec);
}

/* Nothing of the driver's folder is in a sandbox that was granted no GPU. */
Test(gpu, nothing_without) {
	caisson_spec *spec = caisson_spec_new("test");
	struct ops ops = { 0 };

	cr_assert_eq(plan_layout(spec, &ops), 0);
	cr_expect(gpu_has(&ops, "/proc/driver/nvidia"));
	for (size_t i = 0; i < ops.n; i++)
		if (ops.item[i].name && !strcmp(ops.item[i].name, "/proc/driver/nvidia"))
			cr_expect_eq(ops.item[i].op, CAISSON_OP_MASK);
	ops_clear(&ops);
	caisson_spec_free(spec);
}
