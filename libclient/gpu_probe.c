/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson_probe_*: what --gpu can grant here, to this user. */
#define _GNU_SOURCE
#include "gpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "error.h"
#include "policy_use.h"
#include "probe.h"

/* The first node that no line of the policy allows; NULL: they are all allowed. */
static const char *denied(const struct policy *p, const struct ops *ops) {
	for (size_t i = 0; i < ops->n; i++) {
		char number[24];
		const char *name[2] = { ops->item[i].source, number };
		const struct policy_rule *rule;
		struct stat st;

		if (ops->item[i].op != CAISSON_OP_DEVICE || stat(name[0], &st) < 0)
			continue;
		snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
		rule = policy_find(p, "device", name);
		if (!rule || rule->verb != 'a')
			return name[0];
	}
	return NULL;
}

/* Its nodes are there; may the sandbox have them? */
static void say_policy(struct caisson_probe *probe, const struct gpu_grant *g, const char *list) {
	uint32_t fault, line;
	struct policy *p = probe->helper ? policy_load(&fault, &line) : NULL;
	const char *node = p ? denied(p, &g->ops) : NULL;

	if (node) {
		probe_add(probe, "GPU grant", CAISSON_NOTE, CAISSON_RESTRICTION_NONE,
		          probe_text("denied by policy"),
		          probe_text("--gpu %s; no line allows device %s", list, node));
		probe_remedy(probe, probe_text("in %s/policy.d/50-gpu.conf: allow uid:%u device %s",
		                               CAISSON_POLICY_DIR, p->uid, node));
		probe_advise(probe, &(struct advice){ "The policy gives no sandbox this GPU.", "",
		                                      "the driver's whole interface is open to "
		                                      "what runs inside",
		                                      "docs/gpu.md" });
	} else {
		probe_add(probe, "GPU grant", CAISSON_OK, CAISSON_RESTRICTION_NONE,
		          probe_text(p ? "allowed" : "nodes are there"),
		          probe_text("--gpu %s", list));
	}
	policy_unload(p);
}

void probe_find_grant(struct caisson_probe *probe) {
	struct gpu_host *host = malloc(sizeof(*host));
	struct gpu_grant g = { .host = host, .real = probe->helper != NULL };
	caisson_error *err = NULL;
	char list[1024];

	if (!host) {
		probe->no_memory = true;
		return;
	}
	gpu_look(probe->at, host);
	gpu_describe(host, list, sizeof(list));
	if (gpu_choose(host, "all", &err) < 0) {
		/* A host without any has nothing to be told; one without a driver has. */
		if (host->nvidia_card) {
			probe_add(probe, "GPU grant", CAISSON_NOTE, CAISSON_RESTRICTION_NONE,
			          probe_text("no driver"),
			          probe_text("%s", caisson_error_message(err)));
			probe_remedy(probe, probe_text("%s", caisson_error_remedy(err)));
		}
	} else if (gpu_nodes(&g, &err) < 0) {
		probe_add(probe, "GPU grant", CAISSON_NOTE, CAISSON_RESTRICTION_NONE,
		          probe_text("cannot be had"),
		          probe_text("%s", caisson_error_message(err)));
		probe_remedy(probe, probe_text("%s", caisson_error_remedy(err)));
	} else {
		say_policy(probe, &g, list);
	}
	caisson_error_free(err);
	gpu_grant_clear(&g);
	free(host);
}
