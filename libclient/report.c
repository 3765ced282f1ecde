/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report: for each property whether it is enforced, and by what. docs/report.md. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "internal.h"
#include "limits_impl.h"
#include "property.h"

int caisson_property_held(const caisson_sandbox *box, enum caisson_property property,
                          const char **how) {
	if ((unsigned)property >= CAISSON_PROPERTY_COUNT)
		return 0;
	if (how)
		*how = property_by(&box->built, property, &box->asked);
	return box->built.held >> property & 1;
}

int caisson_is_full(const caisson_sandbox *box) {
	return (property_full() & ~box->built.held) == 0;
}

/* The helper runs in the caller's: elsewhere, its root is only the root of that namespace. */
static bool initial_user_namespace(void) {
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == 0xeffffffdu;
}

void report_string(FILE *to, const char *text) {
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			fprintf(to, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

static const char *backend(uint32_t number) {
	return number == CAISSON_BACKEND_MOUNT_SETATTR ? "mount_setattr"
	       : number == CAISSON_BACKEND_REMOUNT     ? "remount"
	       : number == CAISSON_BACKEND_MOUNT       ? "mount"
	                                               : "unknown";
}

const char *caisson_report_json(caisson_sandbox *box) {
	const char *why;
	bool helped = caisson_via(box, &why) == CAISSON_VIA_HELPER;
	size_t size;
	FILE *to;

	if (box->json && (!box->leaf || !box->leaf->over)) /* by then it may say why it ended */
		return box->json;
	free(box->json);
	box->json = NULL;
	to = open_memstream(&box->json, &size);
	if (!to)
		return NULL;
	fputs("{\n  \"schema\": 1,\n  \"name\": ", to);
	report_string(to, box->name);
	fprintf(to, ",\n  \"full\": %s,\n  \"via\": \"%s\",\n  \"via_reason\": ",
	        caisson_is_full(box) ? "true" : "false", helped ? "helper" : "userns");
	report_string(to, why);
	fprintf(to,
	        ",\n  \"backend\": \"%s\",\n"
	        "  \"landlock_abi\": %u,\n  \"landlock_files\": %s,\n  \"mounts\": %u,\n  "
	        "\"covered_mounts\": %u,\n"
	        "  \"root_of_initial_namespace\": %s,\n  \"stdio_files\": %s,\n"
	        "  \"groups\": \"%s\",\n",
	        backend(box->built.backend), box->built.landlock_abi,
	        property_landlock_files(&box->built, &box->asked) ? "true" : "false",
	        box->built.mounts, box->built.covered,
	        helped && initial_user_namespace() ? "true" : "false",
	        box->stdio_files ? "true" : "false", box->groups_dropped ? "dropped" : "kept");
	limits_report(to, box);
	if (box->gpu)
		fprintf(to, "  \"gpu\": %s,\n", box->gpu);
	fputs("  \"properties\": {\n", to);
	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++) {
		const char *how;
		int held = caisson_property_held(box, i, &how);

		fprintf(to, "    \"%s\": { \"enforced\": %s, \"in_full\": %s, \"by\": ",
		        caisson_property_name(i), held ? "true" : "false",
		        caisson_property_in_full(i) ? "true" : "false");
		report_string(to, how);
		fprintf(to, " }%s\n", i + 1 < CAISSON_PROPERTY_COUNT ? "," : "");
	}
	fputs("  }\n}\n", to);
	if (fclose(to) != 0) {
		free(box->json);
		box->json = NULL;
	}
	return box->json;
}
