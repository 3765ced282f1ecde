/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Container Device Interface: files of root's in /etc/cdi and /run/cdi that say
 * what a device with a name takes. JSON, or the part of YAML that the tools write.
 */
#ifndef CAISSON_LIBCLIENT_CDI_H
#define CAISSON_LIBCLIENT_CDI_H

#include <stddef.h>
#include <stdint.h>

#include "gpu.h"

#define CDI_FILE_MAX (1u << 20)
#define CDI_NODES_MAX 65536u
#define CDI_DEPTH_MAX 16u
#define CDI_MEMBERS_MAX 512u /* of one mapping */

enum cdi_kind { CDI_NULL, CDI_TEXT, CDI_LIST, CDI_MAP };

/* A value; those of a list or mapping hang together by next. 0 is no node. */
struct cdi_value {
	enum cdi_kind kind;
	uint32_t key, text; /* offsets in strings; 0: none */
	uint32_t child, next;
};

struct cdi_tree {
	struct cdi_value *value;
	uint32_t n, room;
	char *strings;
	size_t used, size;
	const char *why; /* it cannot be read: static storage */
	unsigned line;   /* there */
};

/*
 * cdi_tree.c: text, of size bytes, is not changed. 0, and value[1] is the whole; -EINVAL with
 * why and line; -ENOMEM. cdi_free() in any case.
 */
int cdi_json(struct cdi_tree *tree, const char *text, size_t size);
int cdi_yaml(struct cdi_tree *tree, const char *text, size_t size); /* cdi_yaml.c */
void cdi_free(struct cdi_tree *tree);

/* The member of a mapping; 0 if it is none, or has none of that name. */
uint32_t cdi_get(const struct cdi_tree *tree, uint32_t map, const char *key);
/* A text; "" if it is none. */
const char *cdi_text(const struct cdi_tree *tree, uint32_t value);
/* The first of a list, then value[].next; 0 if it is none. */
uint32_t cdi_first(const struct cdi_tree *tree, uint32_t list);

/* For cdi_yaml.c. A new value behind last, or as parent's first; 0: failed. */
uint32_t cdi_add(struct cdi_tree *tree, uint32_t parent, uint32_t *last, enum cdi_kind kind);
/* A copy among the strings; 0: there is no room. */
uint32_t cdi_string(struct cdi_tree *tree, const char *text, size_t len);
int cdi_start(struct cdi_tree *tree, const char *text, size_t size);
int cdi_fail(struct cdi_tree *tree, const char *why);
/* *at: a value in JSON's form, up to end. Its content goes to value. */
int cdi_flow(struct cdi_tree *tree, const char **at, const char *end, uint32_t value,
             unsigned depth);
/* Sets value's key; -EINVAL if the mapping has it already, or too many. */
int cdi_key(struct cdi_tree *tree, uint32_t map, uint32_t value, uint32_t key);

/* cdi.c: adds what vendor/class=device takes. */
int cdi_grant(struct gpu_grant *g, const char *name, caisson_error **err);
/* cdi_edits.c: of a device, or of all of a file. from: the file, for messages. */
int cdi_edits(struct gpu_grant *g, const struct cdi_tree *tree, uint32_t edits, const char *from,
              caisson_error **err);

#endif
