/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must never change by accident: sizes, offsets, numbers, the table of properties. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "caisson.h"
#include "protocol/answer.h"
#include "protocol/control.h"
#include "protocol/plan.h"
#include "protocol/properties.h"

#define OFFSET(type, field, at)                                                                    \
	cr_assert_eq(offsetof(struct type, field), (at), #type "." #field " is at %zu",            \
	             offsetof(struct type, field))

Test(abi, plan_header)
{
	cr_assert_eq(sizeof(struct caisson_plan_header), 64);
	OFFSET(caisson_plan_header, magic, 0);
	OFFSET(caisson_plan_header, version, 8);
	OFFSET(caisson_plan_header, size, 12);
	OFFSET(caisson_plan_header, records, 16);
	OFFSET(caisson_plan_header, names, 20);
	OFFSET(caisson_plan_header, fds, 24);
	OFFSET(caisson_plan_header, flags, 28);
	OFFSET(caisson_plan_header, require, 32);
	OFFSET(caisson_plan_header, reserved, 40);
	cr_assert_eq(memcmp(&(uint64_t){ CAISSON_PLAN_MAGIC }, "CAISPLN1", 8), 0,
	             "the magic reads as text on a little-endian machine");
}

Test(abi, plan_record)
{
	cr_assert_eq(sizeof(struct caisson_plan_record), 32);
	OFFSET(caisson_plan_record, op, 0);
	OFFSET(caisson_plan_record, flags, 2);
	OFFSET(caisson_plan_record, fd, 4);
	OFFSET(caisson_plan_record, name, 8);
	OFFSET(caisson_plan_record, name_len, 12);
	OFFSET(caisson_plan_record, a, 16);
	OFFSET(caisson_plan_record, b, 24);
}

Test(abi, plan_numbers)
{
	cr_assert_eq(CAISSON_OP_USERNS, 1);
	cr_assert_eq(CAISSON_OP_NET, 2);
	cr_assert_eq(CAISSON_OP_HOSTNAME, 3);
	cr_assert_eq(CAISSON_OP_BIND, 16);
	cr_assert_eq(CAISSON_OP_TMPFS, 17);
	cr_assert_eq(CAISSON_OP_DIR, 18);
	cr_assert_eq(CAISSON_OP_SYMLINK, 19);
	cr_assert_eq(CAISSON_OP_PROC, 20);
	cr_assert_eq(CAISSON_OP_DEV, 21);
	cr_assert_eq(CAISSON_BIND_RDONLY, 1);
	cr_assert_eq(CAISSON_BIND_NOEXEC, 2);
	cr_assert_eq(CAISSON_BIND_DIR, 4);
	cr_assert_eq(CAISSON_FD_CONTROL, 3);
	cr_assert_eq(CAISSON_FD_PLAN, 4);
	cr_assert_eq(CAISSON_FD_SOURCES, 5);
}

Test(abi, answer)
{
	cr_assert_eq(sizeof(struct caisson_answer), 160);
	OFFSET(caisson_answer, magic, 0);
	OFFSET(caisson_answer, version, 4);
	OFFSET(caisson_answer, kind, 6);
	OFFSET(caisson_answer, stage, 8);
	OFFSET(caisson_answer, error, 12);
	OFFSET(caisson_answer, record, 16);
	OFFSET(caisson_answer, knob, 20);
	OFFSET(caisson_answer, detail, 24);
	OFFSET(caisson_answer, line, 28);
	OFFSET(caisson_answer, held, 32);
	OFFSET(caisson_answer, how, 40);
	OFFSET(caisson_answer, status, 104);
	OFFSET(caisson_answer, backend, 108);
	OFFSET(caisson_answer, landlock_abi, 112);
	OFFSET(caisson_answer, mounts, 116);
	OFFSET(caisson_answer, covered, 120);
	OFFSET(caisson_answer, user_namespace_root, 124);
	OFFSET(caisson_answer, reserved, 128);
	cr_assert_eq(memcmp(&(uint32_t){ CAISSON_ANSWER_MAGIC }, "AISA", 4), 0);
	cr_assert_geq(sizeof(((struct caisson_answer *)0)->how), CAISSON_P_COUNT);
	cr_assert_eq(CAISSON_ANSWER_FAILED, 1);
	cr_assert_eq(CAISSON_ANSWER_BUILT, 2);
	cr_assert_eq(CAISSON_ANSWER_RUNNING, 3);
	cr_assert_eq(CAISSON_ANSWER_EXITED, 4);
}

Test(abi, control)
{
	cr_assert_eq(sizeof(struct caisson_control), 64);
	OFFSET(caisson_control, magic, 0);
	OFFSET(caisson_control, version, 4);
	OFFSET(caisson_control, kind, 6);
	OFFSET(caisson_control, flags, 8);
	OFFSET(caisson_control, args, 12);
	OFFSET(caisson_control, argc, 16);
	OFFSET(caisson_control, envc, 20);
	OFFSET(caisson_control, fds, 24);
	OFFSET(caisson_control, signal, 28);
	OFFSET(caisson_control, reserved, 32);
	cr_assert_eq(memcmp(&(uint32_t){ CAISSON_CONTROL_MAGIC }, "AISC", 4), 0);
	cr_assert_eq(CAISSON_CONTROL_START, 1);
	cr_assert_eq(CAISSON_CONTROL_SIGNAL, 2);
}

Test(abi, public_structs)
{
	cr_assert_eq(sizeof(caisson_dtype), 4);
	OFFSET(caisson_dtype, code, 0);
	OFFSET(caisson_dtype, bits, 1);
	OFFSET(caisson_dtype, lanes, 2);
	OFFSET(caisson_tensor, data, 0);
	OFFSET(caisson_tensor, shape, sizeof(void *));
	OFFSET(caisson_tensor, strides, 2 * sizeof(void *));
	OFFSET(caisson_tensor, ndim, 3 * sizeof(void *));
	OFFSET(caisson_tensor, dtype, 3 * sizeof(void *) + 4);
	OFFSET(caisson_tensor, nbytes, 3 * sizeof(void *) + 8);
	OFFSET(caisson_tensor, tag, 3 * sizeof(void *) + 16);
	OFFSET(caisson_tensor, lease, 3 * sizeof(void *) + 24);
	cr_assert_eq(sizeof(caisson_tensor), 3 * sizeof(void *) + 32);
	OFFSET(caisson_finding, topic, 0);
	OFFSET(caisson_finding, value, sizeof(void *));
	OFFSET(caisson_finding, evidence, 2 * sizeof(void *));
	OFFSET(caisson_finding, remedy, 3 * sizeof(void *));
	OFFSET(caisson_finding, severity, 4 * sizeof(void *));
}

Test(abi, dtype_codes_are_dlpack)
{
	cr_assert_eq(CAISSON_INT, 0);
	cr_assert_eq(CAISSON_UINT, 1);
	cr_assert_eq(CAISSON_FLOAT, 2);
	cr_assert_eq(CAISSON_OPAQUE_HANDLE, 3);
	cr_assert_eq(CAISSON_BFLOAT, 4);
	cr_assert_eq(CAISSON_COMPLEX, 5);
	cr_assert_eq(CAISSON_BOOL, 6);
	cr_assert_eq(CAISSON_FLOAT8_E3M4, 7);
	cr_assert_eq(CAISSON_FLOAT8_E5M2, 12);
	cr_assert_eq(CAISSON_FLOAT8_E8M0FNU, 14);
	cr_assert_eq(CAISSON_FLOAT4_E2M1FN, 17);
}

/* Both sides number alike. */
Test(abi, library_and_protocol_agree)
{
	cr_assert_eq((int)CAISSON_NETWORK_NONE, (int)CAISSON_NET_NONE);
	cr_assert_eq((int)CAISSON_NETWORK_LOOPBACK, (int)CAISSON_NET_LOOPBACK);
	cr_assert_eq((int)CAISSON_NETWORK_HOST, (int)CAISSON_NET_HOST);
	cr_assert_eq((int)CAISSON_USER_NAMESPACE_AUTO, (int)CAISSON_USERNS_AUTO);
	cr_assert_eq((int)CAISSON_USER_NAMESPACE_REQUIRED, (int)CAISSON_USERNS_REQUIRED);
	cr_assert_eq((int)CAISSON_USER_NAMESPACE_NONE, (int)CAISSON_USERNS_NONE);
}

static const uint64_t all_full = CAISSON_PROPERTIES_FULL;

/* Every row of the table is in the public enum, under the same name and number. */
Test(abi, properties_match_the_public_enum)
{
	unsigned rows = 0;

#define ROW(NAME, num, name, full, text)                                                           \
	cr_assert_eq((int)CAISSON_PROPERTY_##NAME, (num), "CAISSON_PROPERTY_" #NAME);              \
	cr_assert_eq((num), rows, #NAME " is out of order, or a number is missing");               \
	rows++;
	CAISSON_PROPERTIES(ROW)
#undef ROW
	cr_assert_eq(rows, CAISSON_PROPERTY_COUNT, "%u rows, COUNT is %d", rows,
	             CAISSON_PROPERTY_COUNT);
	cr_assert_eq((int)CAISSON_P_COUNT, (int)CAISSON_PROPERTY_COUNT);
}

Test(abi, properties_are_found_by_name)
{
#define ROW(NAME, num, name, full, text)                                                           \
	cr_assert_str_eq(caisson_property_name(CAISSON_PROPERTY_##NAME), name);                    \
	cr_assert_str_eq(caisson_property_text(CAISSON_PROPERTY_##NAME), text);                    \
	cr_assert_eq(caisson_property_in_full(CAISSON_PROPERTY_##NAME), full);                     \
	cr_assert_eq(caisson_property_by_name(name), (num));                                       \
	cr_assert_eq((all_full >> (num)) & 1u, (full));
	CAISSON_PROPERTIES(ROW)
#undef ROW
	cr_assert_null(caisson_property_name(CAISSON_PROPERTY_COUNT));
	cr_assert_null(caisson_property_text(CAISSON_PROPERTY_COUNT));
	cr_assert_null(caisson_property_name((enum caisson_property) - 1));
	cr_assert_eq(caisson_property_by_name("no such property"), -ENOENT);
	cr_assert_eq(caisson_property_by_name(""), -ENOENT);
}

Test(abi, properties_fit_the_answer)
{
	cr_assert_leq(CAISSON_P_COUNT, 64, "`held` and `require` have a bit for each");
	cr_assert_leq(CAISSON_HOW_COUNT, 256, "`how` has a byte for each");
	cr_assert_eq(CAISSON_PROPERTIES_FULL >> CAISSON_P_COUNT, 0);
}

Test(abi, hows_are_numbered_without_gaps)
{
	unsigned rows = 0;

#define ROW(NAME, num, enforced, words)                                                            \
	cr_assert_eq((num), rows, "HOW_" #NAME);                                                   \
	rows++;
	CAISSON_HOWS(ROW)
#undef ROW
	cr_assert_eq(rows, CAISSON_HOW_COUNT);
}

Test(abi, version)
{
	int major, minor, patch;

	cr_assert_eq(sscanf(caisson_version(), "%d.%d.%d", &major, &minor, &patch), 3);
	cr_assert_eq(major, CAISSON_VERSION_MAJOR);
	cr_assert_eq(minor, CAISSON_VERSION_MINOR);
	cr_assert_eq(patch, CAISSON_VERSION_PATCH);
	cr_assert_str_eq(caisson_version(), PROJECT_VERSION, "caisson.h and CMakeLists.txt differ");
}
