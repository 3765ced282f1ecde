/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The readers of CDI's files and of the dynamic linker's cache under libFuzzer. Both
 * files are root's, and written by tools.
 *
 * Input: a byte, 'J' JSON, 'Y' YAML, else a cache; the file.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "libclient/gpu_cache.c"

#include "cdi.h"

bool host_exists(int root, const char *path) {
	(void)root;
	(void)path;
	return false;
}

/* Every value is reached once, lies where it can, and has the strings that it says. */
static unsigned check(const struct cdi_tree *tree, uint32_t value, unsigned depth) {
	const struct cdi_value *v = &tree->value[value];
	unsigned n = 1;

	assert(value > 0 && value < tree->n && depth <= 2 * CDI_DEPTH_MAX + 2);
	assert(v->key < tree->used && v->text < tree->used);
	assert(memchr(tree->strings + v->key, '\0', tree->used - v->key));
	assert(memchr(tree->strings + v->text, '\0', tree->used - v->text));
	assert(!v->child || v->kind == CDI_MAP || v->kind == CDI_LIST);
	for (uint32_t i = v->child; i; i = tree->value[i].next) {
		assert(v->kind == CDI_LIST ||
		       cdi_get(tree, value, tree->strings + tree->value[i].key));
		assert(i > value);
		n += check(tree, i, depth + 1);
	}
	return n;
}

static void read_cdi(int (*read)(struct cdi_tree *, const char *, size_t), const char *text,
                     size_t size) {
	struct cdi_tree tree;
	int rc = read(&tree, text, size);

	assert(rc == 0 || rc == -EINVAL);
	if (rc == 0) {
		assert(tree.used <= tree.size && tree.n <= CDI_NODES_MAX);
		assert(check(&tree, 1, 0) == tree.n - 1);
		cdi_text(&tree, cdi_get(&tree, 1, "kind"));
		cdi_first(&tree, cdi_get(&tree, 1, "devices"));
	} else {
		assert(tree.why && tree.line > 0);
	}
	cdi_free(&tree);
}

static void read_whole_cache(const char *text, size_t size) {
	char *copy = malloc(size + 1);
	uint32_t i = 0, before = 0;
	const char *path;

	if (!copy)
		return;
	memcpy(copy, text, size);
	copy[size] = '\0';
	while ((path = gpu_cache_next(copy, size, "libcuda.so.1", &i))) {
		assert(path[0] == '/' && strlen(path) < PATH_MAX && i > before);
		before = i;
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = malloc(size + 1); /* of this size, for what reads beyond it */

	if (size > 0 && text) {
		memcpy(text, data + 1, size - 1);
		text = realloc(text, size > 1 ? size - 1 : 1);
		assert(text);
		if (data[0] == 'J')
			read_cdi(cdi_json, text, size - 1);
		else if (data[0] == 'Y')
			read_cdi(cdi_yaml, text, size - 1);
		else
			read_whole_cache(text, size - 1);
	}
	free(text);
	return 0;
}
