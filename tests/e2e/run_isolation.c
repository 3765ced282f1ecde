/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network, user namespace, properties, and the report that tells of them. */
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tap.h"

#define HOST_NS_MAX 64

static const char *restriction(void) {
	const char *mode = getenv("CAISSON_TEST_RESTRICTION");

	return mode ? mode : "none";
}

const struct refusal *no_userns(void) {
	static const struct refusal limit = { ENOSPC, CAISSON_FROM_HELPER,
		                              "creating the user namespace",
		                              "sysctl user.max_user_namespaces", NULL };
	static const struct refusal filter = { EPERM, CAISSON_FROM_HELPER,
		                               "creating the user namespace",
		                               "seccomp filter of the container or service", NULL };

	return strstr(restriction(), "nested") || strstr(restriction(), "max-userns-0") ? &limit
	       : strstr(restriction(), "seccomp")                                       ? &filter
	                                                                                : NULL;
}

/* Of a user who tries it without the helper: the error, or 0. */
static int no_userns_of_users(void) {
	const struct refusal *all = no_userns();

	return all ? all->error : strstr(restriction(), "userns-clone-0") ? EPERM : 0;
}

/* Is what the program printed the name of the host's namespace? */
static bool same_as_host(const struct result *r, const char *ns) {
	char path[64], own[HOST_NS_MAX] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	n = readlink(path, own, sizeof(own) - 2);
	if (n <= 0)
		bail(path);
	own[n] = '\n';
	own[n + 1] = '\0';
	return !strncmp(r->out, own, (size_t)n + 1);
}

static void test_network(void) {
	caisson_spec *spec = inside(DOES("socket 2", "socket 10", "socket 1"));
	struct result r;

	gives(spec, "EAFNOSUPPORT\nEAFNOSUPPORT\nok\n", "network none: no inet sockets");
	run(inside(DOES("link /proc/self/ns/net")), &r);
	tap_ok(r.status == 0 && !same_as_host(&r, "net"), "network none: an own namespace");
	spec = inside(DOES("loopback", "socket 40"));
	caisson_spec_network(spec, CAISSON_NETWORK_LOOPBACK);
	gives(spec, "ok\nEAFNOSUPPORT\n", "network loopback: its own lo is up, vsock is denied");
	spec = inside(DOES("link /proc/self/ns/net"));
	caisson_spec_network(spec, CAISSON_NETWORK_LOOPBACK);
	run(spec, &r);
	tap_ok(r.status == 0 && !same_as_host(&r, "net"), "network loopback: an own namespace");
	spec = inside(DOES("link /proc/self/ns/net", "socket 2"));
	caisson_spec_network(spec, CAISSON_NETWORK_HOST);
	run(spec, &r);
	tap_ok(r.status == 0 && same_as_host(&r, "net") && strstr(r.out, "\nok\n"),
	       "network host: the host's namespace");
}

/* Together with it: the way is told first, and then nothing is tried a second time. */
static caisson_spec *by_way(caisson_spec *spec) {
	caisson_spec_via(spec, without_helper() ? CAISSON_VIA_USERNS : CAISSON_VIA_HELPER);
	return spec;
}

static void test_userns(void) {
	const struct refusal *refusal = no_userns();
	caisson_spec *spec = inside(DOES("link /proc/self/ns/user"));
	caisson_sandbox *box;
	struct result r;

	caisson_spec_user_namespace(spec, CAISSON_USER_NAMESPACE_NONE);
	if (without_helper()) {
		refuses(by_way(spec),
		        &(struct refusal){ EPERM, CAISSON_FROM_BUILDER, "asking the policy",
		                           "--userns none, caisson_spec_user_namespace()",
		                           "built of them" },
		        "user namespace none: not without the helper");
	} else {
		run(spec, &r);
		tap_ok(r.status == 0 && same_as_host(&r, "user"),
		       "user namespace none: the host's");
	}
	run(inside(DOES("link /proc/self/ns/user")), &r);
	tap_ok(r.status == 0 && same_as_host(&r, "user") == !!refusal, "user namespace auto: %s",
	       refusal ? "none can be had" : "an own one");
	box = start(inside(DOES("exit 0")));
	tap_ok(box && caisson_is_full(box) &&
	               caisson_property_held(box, CAISSON_PROPERTY_USERNS, NULL) == !refusal,
	       "and the report says so, and full either way");
	end_of(box);
	for (int i = 0; i < 2; i++) {
		spec = inside(DOES("link /proc/self/ns/user"));
		if (i == 0)
			caisson_spec_user_namespace(spec, CAISSON_USER_NAMESPACE_REQUIRED);
		else
			caisson_spec_require(spec, CAISSON_PROPERTY_USERNS);
		if (refusal) {
			refuses(spec, refusal,
			        "user namespace required: refused, and the knob named");
			continue;
		}
		run(spec, &r);
		tap_ok(r.status == 0 && !same_as_host(&r, "user"), "user namespace required: had");
	}
	spec = inside(DOES("exit 0"));
	caisson_spec_user_namespace(spec, CAISSON_USER_NAMESPACE_NONE);
	caisson_spec_require(spec, CAISSON_PROPERTY_USERNS);
	refuses(by_way(spec),
	        &(struct refusal){ EPERM, CAISSON_FROM_HELPER,
	                           without_helper() ? "asking the policy"
	                                            : "checking what was required",
	                           NULL, without_helper() ? "user namespace" : "\"userns\"" },
	        "user namespace none and required contradict each other");
}

static caisson_spec *requiring(enum caisson_property property) {
	caisson_spec *spec = inside(DOES("exit 0"));

	caisson_spec_require(spec, property);
	return spec;
}

static void test_property(enum caisson_property property, bool held) {
	const char *name = caisson_property_name(property);
	struct refusal refusal = { EPERM, CAISSON_FROM_HELPER, "checking what was required",
		                   "--require, caisson_spec_require()", NULL };
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	refusal.message = quoted;
	if (property == CAISSON_PROPERTY_OWN_POOLS && without_helper())
		refusal.stage = "asking the policy"; /* it is known before anything is tried */
	if (property == CAISSON_PROPERTY_LIMITS) {   /* the library's own, and none was asked for */
		refusal.error = EINVAL;
		refusal.source = 0;
		refusal.stage = "limiting the sandbox";
	}
	if (held) {
		caisson_sandbox *box = start(requiring(property));
		bool had = box && caisson_property_held(box, property, NULL);

		tap_ok(box && end_of(box) == 0 && had, "required and had: %s", name);
	} else if (property != CAISSON_PROPERTY_USERNS) /* it is not tried in vain: see above */
		refuses(by_way(requiring(property)), &refusal, name);
}

static void test_require(void) {
	caisson_sandbox *box = start(inside(DOES("exit 0")));
	bool held[CAISSON_PROPERTY_COUNT], told = true, full = true;

	if (!tap_ok(box, "a sandbox to require things of"))
		return;
	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++) {
		const char *how = NULL;

		held[i] = caisson_property_held(box, i, &how);
		told = told && how && *how && *caisson_property_text(i) &&
		       caisson_property_by_name(caisson_property_name(i)) == i;
		full = full && (held[i] || !caisson_property_in_full(i));
		/* Had only by who requires it, and this is said where it can be. */
		if (i == CAISSON_PROPERTY_HOST_SOCKETS && !strncmp(how, "not required", 12))
			held[i] = true;
	}
	end_of(box);
	tap_ok(told, "every property has a name, a text and a reason");
	tap_ok(full, "every property of a full sandbox is enforced");
	tap_ok(!held[CAISSON_PROPERTY_LABEL], "there is no label to require");
	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++)
		test_property(i, held[i]);
	tap_ok(caisson_property_by_name("nonesuch") == -ENOENT && !caisson_property_name(1000) &&
	               !caisson_property_text(-1),
	       "a property that is none");
}

static void test_via(void) {
	enum caisson_via way = without_helper() ? CAISSON_VIA_USERNS : CAISSON_VIA_HELPER;
	caisson_spec *spec = inside(DOES("exit 0"));
	const char *why = NULL;
	caisson_sandbox *box;

	tap_ok(caisson_spec_via(spec, (enum caisson_via)3) == -EINVAL, "a way that is none");
	caisson_spec_free(spec);
	box = start(inside(DOES("exit 0")));
	tap_ok(box && caisson_via(box, NULL) == way && caisson_via(box, &why) == way && why && *why,
	       "which way was taken");
	if (box)
		tap_ok(!!strstr(why, *played_kernel() ? "close_range" : "no_new_privs") ==
		               without_helper(),
		       "and why: %s", why);
	end_of(box);
	if (no_userns_of_users()) {
		spec = inside(DOES("exit 0"));
		caisson_spec_via(spec, CAISSON_VIA_USERNS);
		refuses(spec,
		        &(struct refusal){ no_userns_of_users(), CAISSON_FROM_BUILDER,
		                           "creating the user namespace", NULL,
		                           "may create no user namespace" },
		        "without the helper, where there are no user namespaces");
		return;
	}
	spec = inside(DOES("exit 0"));
	caisson_spec_via(spec, CAISSON_VIA_USERNS);
	box = start(spec);
	tap_ok(box && caisson_via(box, NULL) == CAISSON_VIA_USERNS && caisson_is_full(box) &&
	               caisson_property_held(box, CAISSON_PROPERTY_USERNS, NULL) == 1 &&
	               caisson_property_held(box, CAISSON_PROPERTY_OWN_POOLS, &why) == 0 &&
	               strstr(why, "charged to the user"),
	       "without the helper it is full, and the user pays");
	end_of(box);
}

void test_isolation(void) {
	test_network();
	test_via();
	test_userns();
	test_require();
}

/* The end of the JSON value at p, or NULL: it is not one. */
static const char *json_value(const char *p, int depth);

static const char *blank(const char *p) {
	return p ? p + strspn(p, " \n\t\r") : NULL;
}

static const char *json_string(const char *p) {
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		if (*++p == 'u') {
			for (int i = 1; i <= 4; i++)
				if (!isxdigit((unsigned char)p[i]))
					return NULL;
			p += 4;
		} else if (!*p || !strchr("\"\\/bfnrt", *p)) {
			return NULL;
		}
	}
	return p + 1;
}

static const char *json_members(const char *p, char close, int depth) {
	p = blank(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = blank(json_string(p));
			if (!p || *p != ':')
				return NULL;
			p = blank(p + 1);
		}
		p = blank(json_value(p, depth + 1));
		if (!p || (*p != ',' && *p != close))
			return NULL;
		if (*p == close)
			return p + 1;
		p = blank(p + 1);
	}
}

static const char *json_value(const char *p, int depth) {
	static const char *const words[] = { "true", "false", "null" };
	char *end;

	if (depth > 8)
		return NULL;
	if (*p == '{')
		return json_members(p, '}', depth);
	if (*p == '[')
		return json_members(p, ']', depth);
	if (*p == '"')
		return json_string(p);
	for (int i = 0; i < 3; i++)
		if (!strncmp(p, words[i], strlen(words[i])))
			return p + strlen(words[i]);
	strtod(p, &end);
	return end > p ? end : NULL;
}

static bool json_agrees(const caisson_sandbox *box, const char *json) {
	char line[600];

	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++) {
		const char *how;
		int held = caisson_property_held(box, i, &how);

		snprintf(line, sizeof(line),
		         "\"%s\": { \"enforced\": %s, \"in_full\": %s, \"by\": \"%s\" }",
		         caisson_property_name(i), held ? "true" : "false",
		         caisson_property_in_full(i) ? "true" : "false", how);
		if (!strstr(json, line)) {
			tap_note("not in the report: %s", line);
			return false;
		}
	}
	return strstr(json, caisson_is_full(box) ? "\"full\": true" : "\"full\": false");
}

void test_report(void) {
	static const char *const names[] = { "e2e", "a \"b\" \\ \n\t\x01 \xc3\xa4 \xff" };

	/* the checker itself */
	tap_ok(blank(json_value("{ \"a\": [ 1, -2.5e3, true ], \"b\\u00e4\": { } }", 0)) &&
	               !json_value("{ \"a\": }", 0) && !json_value("{ \"a\": 1, }", 0) &&
	               !json_value("\"\n\"", 0) && !json_value("\"\\x\"", 0),
	       "the JSON checker tells good from bad");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		caisson_spec *spec = caisson_spec_new(names[i]);
		caisson_sandbox *box;
		const char *json, *end;

		grant_self(spec);
		caisson_spec_argv(spec, DOES(PROGRAM, "inside", "exit 0"));
		if (i)
			caisson_spec_network(spec, CAISSON_NETWORK_HOST);
		box = start(spec);
		json = box ? caisson_report_json(box) : NULL;
		end = json ? blank(json_value(json, 0)) : NULL;
		tap_ok(end && !*end, "the report is well-formed JSON (%zu)", i);
		tap_ok(json && json_agrees(box, json) && caisson_report_json(box) == json,
		       "and says what caisson_property_held() says (%zu)", i);
		tap_ok(box && caisson_is_full(box) == !i,
		       "full without the host's network only (%zu)", i);
		end_of(box);
	}
}
