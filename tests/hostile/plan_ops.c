/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fields at their extremes, of the operations that copy, cover, and say who the target is. */
#include <string.h>

#include "plan_case.h"

static struct caisson_plan_record *file(struct raw_plan *p, const char *path, uint64_t mode) {
	return raw_file(p, raw_data("text", 4, RAW_SEALS_ALL), path, mode);
}

struct caisson_plan_record *insert(struct raw_plan *p, uint16_t op, uint64_t a, uint64_t b) {
	memmove(&p->record[2], &p->record[1], (p->head.records - 1) * sizeof(p->record[0]));
	p->head.records++;
	p->record[0].a = CAISSON_USERNS_REQUIRED;
	p->record[1] = (struct caisson_plan_record){ .op = op, .fd = -1, .a = a, .b = b };
	return &p->record[1];
}

CASE(flags_file, file(p, "/x", 0644)->flags = 1)
CASE(flags_mask, raw_add(p, CAISSON_OP_MASK, "/x", 0, 0)->flags = 1)
/* files of data, masks, queues */
CASE(file_good, file(p, "/x", 0777))
CASE(file_setuid, file(p, "/x", 04755))
CASE(file_sticky, file(p, "/x", 01644))
CASE(file_a, file(p, "/x", 0644)->a = 1)
CASE(file_no_source, raw_add(p, CAISSON_OP_FILE, "/x", 0, 0644))
CASE(file_path, raw_file(p, raw_path("/dev/null"), "/x", 0644))
CASE(file_unsealed, raw_file(p, raw_data("x", 1, 0), "/x", 0644))
CASE(file_no_write_seal, raw_file(p, raw_data("x", 1, RAW_SEALS_ALL & ~8), "/x", 0644))
CASE(file_no_seal_seal, raw_file(p, raw_data("x", 1, RAW_SEALS_ALL & ~1), "/x", 0644))
CASE(file_closed, raw_file(p, -1, "/x", 0644))
CASE(bind_memfd, raw_file(p, raw_data("x", 1, RAW_SEALS_ALL), "/x", 0)->op = CAISSON_OP_BIND)
CASE(mask_missing, raw_add(p, CAISSON_OP_MASK, "/not/there", 0, 0))
CASE(mask_twice, raw_add(p, CAISSON_OP_MASK, "/proc/keys", 0, 0);
     raw_add(p, CAISSON_OP_MASK, "/proc/keys", 0, 0))
CASE(mask_a, raw_add(p, CAISSON_OP_MASK, "/x", 1, 0))
CASE(mqueue_good, raw_add(p, CAISSON_OP_MQUEUE, "/x", 0, 0))
CASE(mqueue_twice, raw_add(p, CAISSON_OP_MQUEUE, "/x", 0, 0);
     raw_add(p, CAISSON_OP_MQUEUE, "/y", 0, 0))
CASE(mqueue_b, raw_add(p, CAISSON_OP_MQUEUE, "/x", 0, 1))
/* ids and clocks: what the sandbox is comes first */
CASE(ids_range, insert(p, CAISSON_OP_IDS, 0xffffffffu, 0))
CASE(ids_range_gid, insert(p, CAISSON_OP_IDS, 0, 0xffffffffu))
CASE(ids_high, insert(p, CAISSON_OP_IDS, 1ull << 32, 0))
CASE(ids_flags, insert(p, CAISSON_OP_IDS, 0, 0)->flags = 1)
CASE(ids_name, insert(p, CAISSON_OP_IDS, 0, 0)->name_len = 1)
CASE(ids_source, insert(p, CAISSON_OP_IDS, 0, 0)->fd = 0)
CASE(ids_late, raw_add(p, CAISSON_OP_IDS, NULL, 0, 0))
CASE(ids_twice, insert(p, CAISSON_OP_IDS, 0, 0); insert(p, CAISSON_OP_IDS, 0, 0))
CASE(subids_root, insert(p, CAISSON_OP_SUBIDS, 0, 1))
CASE(subids_high, insert(p, CAISSON_OP_SUBIDS, 1ull << 63, 1))
CASE(subids_range, insert(p, CAISSON_OP_SUBIDS, 1, 0xffffffffu))
CASE(ids_after_subids, insert(p, CAISSON_OP_IDS, 0, 0); insert(p, CAISSON_OP_SUBIDS, 1, 1))
CASE(time_twice, insert(p, CAISSON_OP_TIME, 0, 0); insert(p, CAISSON_OP_TIME, 0, 0))
CASE(time_flags, insert(p, CAISSON_OP_TIME, ~0ull, ~0ull)->flags = 0x8000)
CASE(ids_auto, insert(p, CAISSON_OP_IDS, 1, 1); p->record[0].a = CAISSON_USERNS_AUTO)
CASE(ids_none, insert(p, CAISSON_OP_IDS, 1, 1); p->record[0].a = CAISSON_USERNS_NONE)
CASE(subids_auto, insert(p, CAISSON_OP_SUBIDS, 1, 1); p->record[0].a = CAISSON_USERNS_AUTO)
CASE(subids_none, insert(p, CAISSON_OP_SUBIDS, 1, 1); p->record[0].a = CAISSON_USERNS_NONE)
CASE(time_auto, insert(p, CAISSON_OP_TIME, 1, 1); p->record[0].a = CAISSON_USERNS_AUTO)
CASE(time_none, insert(p, CAISSON_OP_TIME, 1, 1); p->record[0].a = CAISSON_USERNS_NONE)
/* The policy decides about names that are well formed: test_plan.c, try_impossible() */
CASE(label_twice, raw_add(p, CAISSON_OP_LABEL, "a", 0, 0); raw_add(p, CAISSON_OP_LABEL, "b", 0, 0))
CASE(label_none, raw_add(p, CAISSON_OP_LABEL, NULL, 0, 0))
CASE(label_65, char n[66]; memset(n, 'a', 65); n[65] = 0; raw_add(p, CAISSON_OP_LABEL, n, 0, 0))
CASE(label_a, raw_add(p, CAISSON_OP_LABEL, "x", 1, 0))
CASE(label_flags, raw_add(p, CAISSON_OP_LABEL, "x", 0, 0)->flags = 1)

const struct one ops_cases[] = {
	{ "a flag of FILE", flags_file, CAISSON_FAULT_FLAGS, 3 },
	{ "a flag of MASK", flags_mask, CAISSON_FAULT_FLAGS, 3 },
	{ "FILE of mode 0777", file_good, BUILDS, NOWHERE },
	{ "FILE with setuid bit", file_setuid, CAISSON_FAULT_VALUE, 3 },
	{ "FILE with sticky bit", file_sticky, CAISSON_FAULT_VALUE, 3 },
	{ "FILE with a", file_a, CAISSON_FAULT_VALUE, 3 },
	{ "FILE without source", file_no_source, CAISSON_FAULT_INDEX, 3 },
	{ "FILE of an O_PATH descriptor", file_path, CAISSON_FAULT_INDEX, 3 },
	{ "FILE of a memfd without seals", file_unsealed, CAISSON_FAULT_INDEX, 3 },
	{ "FILE of a memfd that can be written to", file_no_write_seal, CAISSON_FAULT_INDEX, 3 },
	{ "FILE of a memfd whose seals can grow", file_no_seal_seal, CAISSON_FAULT_INDEX, 3 },
	{ "FILE of a closed descriptor", file_closed, CAISSON_FAULT_INDEX, 3 },
	{ "BIND of a memfd", bind_memfd, CAISSON_FAULT_INDEX, 3 },
	{ "MASK of what is not there", mask_missing, BUILDS, NOWHERE },
	{ "MASK twice", mask_twice, BUILDS, NOWHERE },
	{ "MASK with a", mask_a, CAISSON_FAULT_VALUE, 3 },
	{ "MQUEUE", mqueue_good, BUILDS, NOWHERE },
	{ "MQUEUE twice", mqueue_twice, CAISSON_FAULT_ORDER, 4 },
	{ "MQUEUE with b", mqueue_b, CAISSON_FAULT_VALUE, 3 },
	{ "LABEL twice", label_twice, CAISSON_FAULT_ORDER, 4 },
	{ "LABEL without a name", label_none, CAISSON_FAULT_NAME, 3 },
	{ "LABEL of 65 bytes", label_65, CAISSON_FAULT_NAME, 3 },
	{ "LABEL with a", label_a, CAISSON_FAULT_VALUE, 3 },
	{ "a flag of LABEL", label_flags, CAISSON_FAULT_FLAGS, 3 },
	{ "IDS of nobody's uid", ids_range, CAISSON_FAULT_VALUE, 1 },
	{ "IDS of nobody's gid", ids_range_gid, CAISSON_FAULT_VALUE, 1 },
	{ "IDS of 2^32", ids_high, CAISSON_FAULT_VALUE, 1 },
	{ "IDS with a flag", ids_flags, CAISSON_FAULT_FLAGS, 1 },
	{ "IDS with a name", ids_name, CAISSON_FAULT_NAME, 1 },
	{ "IDS with a source", ids_source, CAISSON_FAULT_INDEX, 1 },
	{ "IDS after a mount", ids_late, CAISSON_FAULT_ORDER, 3 },
	{ "IDS twice", ids_twice, CAISSON_FAULT_ORDER, 2 },
	{ "SUBIDS of root", subids_root, CAISSON_FAULT_VALUE, 1 },
	{ "SUBIDS of 2^63", subids_high, CAISSON_FAULT_VALUE, 1 },
	{ "SUBIDS of nobody's gid", subids_range, CAISSON_FAULT_VALUE, 1 },
	{ "IDS after SUBIDS", ids_after_subids, CAISSON_FAULT_ORDER, 2 },
	{ "TIME twice", time_twice, CAISSON_FAULT_ORDER, 2 },
	{ "TIME with a flag", time_flags, CAISSON_FAULT_FLAGS, 1 },
	{ "IDS where a user namespace is only tried", ids_auto, CAISSON_FAULT_VALUE, 1 },
	{ "IDS without a user namespace", ids_none, CAISSON_FAULT_VALUE, 1 },
	{ "SUBIDS where a user namespace is only tried", subids_auto, CAISSON_FAULT_VALUE, 1 },
	{ "SUBIDS without a user namespace", subids_none, CAISSON_FAULT_VALUE, 1 },
	{ "TIME where a user namespace is only tried", time_auto, CAISSON_FAULT_VALUE, 1 },
	{ "TIME without a user namespace", time_none, CAISSON_FAULT_VALUE, 1 },
	{ NULL, NULL, 0, 0 },
};
