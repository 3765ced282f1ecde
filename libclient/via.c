/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which program builds a sandbox. Asked for neither, the helper is tried first, always:
 * where an administrator installed it, its policy, its counts and its records are what is
 * expected, and a refusal of its is an answer. Only where it is missing or gains no
 * privilege is there a second attempt, without it.
 */
#include <string.h>

#include "internal.h"

static struct builder helper_of(const caisson_spec *spec) {
	return (struct builder){ .via = CAISSON_VIA_HELPER,
		                 .program = spec->helper ? spec->helper : CAISSON_HELPER_PATH };
}

static struct builder builder_of(void) {
	return (struct builder){ .via = CAISSON_VIA_USERNS, .program = CAISSON_BUILDER_PATH };
}

/* The helper is out of the question, and why says why. Takes why over. */
static int without_helper(caisson_spec *spec, caisson_sandbox **box, caisson_error *why,
                          caisson_error **err) {
	struct builder by = builder_of();
	caisson_error *more = NULL;
	int rc = spawn_by(spec, &by, box, &more);

	if (rc == 0) {
		(*box)->why = strdup(caisson_error_message(why)); /* NULL is no harm */
	} else if (by.unusable) { /* both are closed: the first is what is to be mended */
		rc = -caisson_error_errno(why);
		error_add(&why, more, "without it");
		if (err) {
			*err = why;
			why = NULL;
		}
	} else if (err) {
		*err = more;
		more = NULL;
	}
	caisson_error_free(why);
	caisson_error_free(more);
	return rc;
}

int spawn_via(caisson_spec *spec, caisson_sandbox **box, caisson_error **err) {
	struct builder by = spec->via == CAISSON_VIA_USERNS ? builder_of() : helper_of(spec);
	caisson_error *why = NULL;
	int rc;

	if (spec->via != CAISSON_VIA_AUTO)
		return spawn_by(spec, &by, box, err);
	rc = spawn_by(spec, &by, box, &why);
	if (rc < 0 && by.unusable)
		return without_helper(spec, box, why, err);
	if (err && why)
		*err = why;
	else
		caisson_error_free(why);
	return rc;
}

enum caisson_via caisson_via(const caisson_sandbox *box, const char **why) {
	if (why)
		*why = box->why                               ? box->why
		       : box->asked.via == CAISSON_VIA_USERNS ? "asked for"
		                                              : "caisson-helper could be used";
	return box->asked.via;
}
