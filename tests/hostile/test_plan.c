/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every field of a plan at its extremes, through the installed helper: the right fault, or it builds. */
#include <string.h>
#include <unistd.h>

#include "protocol/properties.h"
#include "tests/lib/raw.h"
#include "tests/lib/tap.h"
#include "plan_case.h"

static void extra_name(struct raw_plan *p, const char *path) {
	raw_add(p, CAISSON_OP_DIR, path, 0, 0755);
}

static void long_name(struct raw_plan *p, size_t component, size_t whole) {
	static char path[8192];

	for (size_t i = 0; i < whole; i++)
		path[i] = i % (component + 1) ? 'a' : '/';
	path[whole] = '\0';
	raw_add(p, CAISSON_OP_DIR, path, 0, 0755);
}

/* header */
CASE(nothing, (void)p)
CASE(magic, p->head.magic ^= 1)
CASE(version_0, p->head.version = 0)
CASE(version_2, p->head.version = 2)
CASE(flags, p->head.flags = 1)
CASE(flags_high, p->head.flags = 0x80000000u)
CASE(reserved_0, p->head.reserved[0] = 1)
CASE(reserved_2, p->head.reserved[2] = 1ull << 63)
CASE(require_unknown, p->head.require = 1ull << CAISSON_P_COUNT)
CASE(require_high, p->head.require = 1ull << 63)
CASE(size_1_less, p->head.size = (uint32_t)(sizeof(p->head) + 3 * 32 + p->head.names - 1))
CASE(size_1_more, p->head.size = (uint32_t)(sizeof(p->head) + 3 * 32 + p->head.names + 1))
CASE(size_max, p->head.size = 0xffffffffu)
CASE(file_empty, p->size = 1; p->head.magic = 0)
CASE(file_header_cut, p->size = 63)
CASE(file_header_only, p->size = 64)
CASE(file_1_less, p->size = sizeof(p->head) + 3 * 32 + p->head.names - 1)
CASE(file_1_more, p->size = sizeof(p->head) + 3 * 32 + p->head.names + 1)
CASE(file_much_more, p->size = CAISSON_PLAN_MAX_SIZE + 4096)
CASE(no_records, p->head.records = 0; p->head.fds = 0; p->head.names = 0)
CASE(records_over, p->head.size = (uint32_t)(64 + 3 * 32 + p->head.names); p->size = p->head.size;
     p->head.records = CAISSON_PLAN_MAX_RECORDS + 1)
CASE(names_over, p->head.names = CAISSON_PLAN_MAX_NAMES + 1)
CASE(names_0, p->head.names = 0)
CASE(names_cut, p->head.names -= 1)
CASE(names_unused, memset(p->names + p->head.names, 'x', 1000); p->head.names += 1000)
CASE(fds_less, p->head.fds = 0)
CASE(fds_more, p->head.fds = 2)
CASE(fds_over, p->head.fds = CAISSON_PLAN_MAX_FDS + 1)
/* records */
CASE(op_0, p->record[0].op = 0)
CASE(op_8, p->record[0].op = 8)
CASE(op_15, p->record[0].op = 15)
CASE(op_28, p->record[2].op = 28)
CASE(op_63, p->record[2].op = 63)
CASE(op_64, p->record[2].op = 64)
CASE(op_max, p->record[2].op = 0xffff)
CASE(twice_userns, p->record[2] = p->record[0])
CASE(twice_proc, raw_add(p, CAISSON_OP_PROC, "/proc2", 0, 0))
CASE(twice_devpts, raw_add(p, CAISSON_OP_DEVPTS, "/a", 0, 0);
     raw_add(p, CAISSON_OP_DEVPTS, "/b", 0, 0))
CASE(late_net, raw_add(p, CAISSON_OP_NET, NULL, 0, 0))
CASE(flags_userns, p->record[0].flags = 1)
CASE(flags_bind, p->record[1].flags |= 16)
CASE(flags_bind_high, p->record[1].flags |= 0x8000)
CASE(flags_proc, p->record[2].flags = 4)
CASE(flags_proc_all, p->record[2].flags = CAISSON_PROC_PIDS | CAISSON_PROC_HIDEPID)
CASE(flags_tmpfs, raw_add(p, CAISSON_OP_TMPFS, "/x", 4096, 0700)->flags = CAISSON_BIND_RDONLY)
CASE(flags_tmpfs_noexec,
     raw_add(p, CAISSON_OP_TMPFS, "/x", 4096, 0700)->flags = CAISSON_BIND_NOEXEC)
CASE(fd_0_userns, p->record[0].fd = 0)
CASE(fd_minus_2, p->record[2].fd = -2)
CASE(fd_max, p->record[1].fd = 0x7fffffff)
CASE(fd_min, p->record[1].fd = (int32_t)0x80000000)
CASE(fd_none_bind, p->record[1].fd = -1)
CASE(fd_1_bind, p->record[1].fd = 1)
CASE(userns_3, p->record[0].a = 3)
CASE(userns_high, p->record[0].a = 1ull << 32)
CASE(userns_b, p->record[0].b = 1)
CASE(bind_a, p->record[1].a = 1)
CASE(proc_b, p->record[2].b = 1ull << 63)
CASE(tmpfs_0, raw_add(p, CAISSON_OP_TMPFS, "/x", 0, 0700))
CASE(tmpfs_huge, raw_add(p, CAISSON_OP_TMPFS, "/x", (1ull << 50) + 1, 0700))
CASE(tmpfs_large, raw_add(p, CAISSON_OP_TMPFS, "/x", 1ull << 50, 0700))
CASE(tmpfs_setuid, raw_add(p, CAISSON_OP_TMPFS, "/x", 4096, 04755))
CASE(tmpfs_setgid, raw_add(p, CAISSON_OP_TMPFS, "/x", 4096, 02755))
CASE(dir_setuid, raw_add(p, CAISSON_OP_DIR, "/x", 0, 04755))
CASE(dir_a, raw_add(p, CAISSON_OP_DIR, "/x", 1, 0755))
CASE(net_3, p->record[2] = p->record[0]; p->record[2].op = 16; p->record[0].op = 2;
     p->record[0].a = 3)
/* names */
CASE(name_userns, p->record[0].name_len = 1)
CASE(name_offset_userns, p->record[0].name = 1)
CASE(name_0, p->record[2].name_len = 0)
CASE(name_offset_end, p->record[2].name = p->head.names)
CASE(name_offset_max, p->record[2].name = 0xffffffffu)
CASE(name_length_max, p->record[2].name_len = 0xffffffffu)
CASE(name_sum_wraps, p->record[2].name = 0xffffffffu; p->record[2].name_len = 2)
CASE(name_short, p->record[2].name_len -= 1)
CASE(name_past_nul, p->record[1].name_len += 1)
CASE(name_unterminated, p->names[p->head.names - 1] = 'x')
CASE(name_nul, p->names[p->record[2].name + 2] = '\0')
CASE(name_relative, extra_name(p, "x"))
CASE(name_root, extra_name(p, "/"))
CASE(name_empty_component, extra_name(p, "//x"))
CASE(name_empty_component_2, extra_name(p, "/t//x"))
CASE(name_slash_at_end, extra_name(p, "/x/"))
CASE(name_dot, extra_name(p, "/./x"))
CASE(name_dot_at_end, extra_name(p, "/x/."))
CASE(name_up, extra_name(p, "/../x"))
CASE(name_up_at_end, extra_name(p, "/t/.."))
CASE(name_up_middle, extra_name(p, "/t/../x"))
CASE(name_three_dots, extra_name(p, "/..."))
CASE(name_space, extra_name(p, "/a b\n\\040c"))
CASE(component_256, long_name(p, 256, 257))
CASE(component_255, long_name(p, 255, 256))
CASE(name_4096, long_name(p, 15, 4096))
CASE(name_8000, long_name(p, 15, 8000))
CASE(host_65, char n[66]; memset(n, 'a', 65); n[65] = 0; p->record[0].op = CAISSON_OP_HOSTNAME;
     p->record[0].name = raw_name(p, n); p->record[0].name_len = 65)
CASE(host_64, char n[65]; memset(n, 'a', 64); n[64] = 0; p->record[0].op = CAISSON_OP_HOSTNAME;
     p->record[0].name = raw_name(p, n); p->record[0].name_len = 64)
CASE(host_0, p->record[0].op = CAISSON_OP_HOSTNAME)
/* symlink targets: a second offset and length */
CASE(target_good, raw_symlink(p, "../../../etc/passwd", "/l"))
CASE(target_0, raw_symlink(p, "", "/l"))
CASE(target_offset, struct caisson_plan_record *r = raw_symlink(p, "x", "/l"); r->a = p->head.names)
CASE(target_offset_max, raw_symlink(p, "x", "/l")->a = ~0ull)
CASE(target_length_max, raw_symlink(p, "x", "/l")->b = ~0ull)
CASE(target_sum_wraps, struct caisson_plan_record *r = raw_symlink(p, "x", "/l"); r->a = ~0ull;
     r->b = 2)
CASE(target_half_wraps, struct caisson_plan_record *r = raw_symlink(p, "x", "/l");
     r->a += 1ull << 32)
CASE(target_short, raw_symlink(p, "xyz", "/l")->b = 2)
CASE(target_4096, raw_symlink(p, "x", "/l")->b = 4096)

static const struct one cases[] = {
	{ "the base", nothing, BUILDS, NOWHERE },
	{ "wrong magic", magic, CAISSON_FAULT_MAGIC, NOWHERE },
	{ "version 0", version_0, CAISSON_FAULT_MAGIC, NOWHERE },
	{ "version 2", version_2, CAISSON_FAULT_MAGIC, NOWHERE },
	{ "header flag", flags, CAISSON_FAULT_RESERVED, NOWHERE },
	{ "highest header flag", flags_high, CAISSON_FAULT_RESERVED, NOWHERE },
	{ "reserved[0]", reserved_0, CAISSON_FAULT_RESERVED, NOWHERE },
	{ "reserved[2]", reserved_2, CAISSON_FAULT_RESERVED, NOWHERE },
	{ "unknown property", require_unknown, CAISSON_FAULT_RESERVED, NOWHERE },
	{ "highest property", require_high, CAISSON_FAULT_RESERVED, NOWHERE },
	{ "size 1 less", size_1_less, CAISSON_FAULT_SIZE, NOWHERE },
	{ "size 1 more", size_1_more, CAISSON_FAULT_SIZE, NOWHERE },
	{ "size of 4 GiB", size_max, CAISSON_FAULT_SIZE, NOWHERE },
	{ "a file of one byte", file_empty, CAISSON_FAULT_SIZE, NOWHERE },
	{ "a header cut short", file_header_cut, CAISSON_FAULT_SIZE, NOWHERE },
	{ "a header alone", file_header_only, CAISSON_FAULT_SIZE, NOWHERE },
	{ "a file 1 short", file_1_less, CAISSON_FAULT_SIZE, NOWHERE },
	{ "a file 1 long", file_1_more, CAISSON_FAULT_SIZE, NOWHERE },
	{ "a file over the limit", file_much_more, CAISSON_FAULT_SIZE, NOWHERE },
	{ "no records at all", no_records, BUILDS, NOWHERE },
	{ "1281 records", records_over, CAISSON_FAULT_SIZE, NOWHERE },
	{ "names over the limit", names_over, CAISSON_FAULT_SIZE, NOWHERE },
	{ "no names", names_0, CAISSON_FAULT_NAME, 1 },
	{ "names cut short", names_cut, CAISSON_FAULT_NAME, 2 },
	{ "names nobody uses", names_unused, BUILDS, NOWHERE },
	{ "a source too few", fds_less, CAISSON_FAULT_INDEX, NOWHERE },
	{ "a source too many", fds_more, CAISSON_FAULT_INDEX, NOWHERE },
	{ "1025 sources", fds_over, CAISSON_FAULT_SIZE, NOWHERE },
	{ "op 0", op_0, CAISSON_FAULT_OP, 0 },
	{ "op 8", op_8, CAISSON_FAULT_OP, 0 },
	{ "op 15", op_15, CAISSON_FAULT_OP, 0 },
	{ "op 28", op_28, CAISSON_FAULT_OP, 2 },
	{ "op 63", op_63, CAISSON_FAULT_OP, 2 },
	{ "op 64", op_64, CAISSON_FAULT_OP, 2 },
	{ "op 65535", op_max, CAISSON_FAULT_OP, 2 },
	{ "USERNS twice", twice_userns, CAISSON_FAULT_ORDER, 2 },
	{ "PROC twice", twice_proc, CAISSON_FAULT_ORDER, 3 },
	{ "DEVPTS twice", twice_devpts, CAISSON_FAULT_ORDER, 4 },
	{ "NET after a mount", late_net, CAISSON_FAULT_ORDER, 3 },
	{ "a flag of USERNS", flags_userns, CAISSON_FAULT_FLAGS, 0 },
	{ "unknown flag of BIND", flags_bind, CAISSON_FAULT_FLAGS, 1 },
	{ "highest flag of BIND", flags_bind_high, CAISSON_FAULT_FLAGS, 1 },
	{ "unknown flag of PROC", flags_proc, CAISSON_FAULT_FLAGS, 2 },
	{ "every flag of PROC", flags_proc_all, BUILDS, NOWHERE },
	{ "a flag of BIND for TMPFS", flags_tmpfs, CAISSON_FAULT_FLAGS, 3 },
	{ "TMPFS with noexec", flags_tmpfs_noexec, BUILDS, NOWHERE },
	{ "a source for USERNS", fd_0_userns, CAISSON_FAULT_INDEX, 0 },
	{ "source -2", fd_minus_2, CAISSON_FAULT_INDEX, 2 },
	{ "source 2^31-1", fd_max, CAISSON_FAULT_INDEX, 1 },
	{ "source -2^31", fd_min, CAISSON_FAULT_INDEX, 1 },
	{ "BIND without source", fd_none_bind, CAISSON_FAULT_INDEX, 1 },
	{ "source out of order", fd_1_bind, CAISSON_FAULT_INDEX, 1 },
	{ "USERNS 3", userns_3, CAISSON_FAULT_VALUE, 0 },
	{ "USERNS 2^32", userns_high, CAISSON_FAULT_VALUE, 0 },
	{ "USERNS with b", userns_b, CAISSON_FAULT_VALUE, 0 },
	{ "BIND with a", bind_a, CAISSON_FAULT_VALUE, 1 },
	{ "PROC with b", proc_b, CAISSON_FAULT_VALUE, 2 },
	{ "TMPFS without size", tmpfs_0, CAISSON_FAULT_VALUE, 3 },
	{ "TMPFS over 2^50", tmpfs_huge, CAISSON_FAULT_VALUE, 3 },
	{ "TMPFS of 2^50", tmpfs_large, BUILDS, NOWHERE },
	{ "TMPFS with setuid bit", tmpfs_setuid, CAISSON_FAULT_VALUE, 3 },
	{ "TMPFS with setgid bit", tmpfs_setgid, CAISSON_FAULT_VALUE, 3 },
	{ "DIR with setuid bit", dir_setuid, CAISSON_FAULT_VALUE, 3 },
	{ "DIR with a", dir_a, CAISSON_FAULT_VALUE, 3 },
	{ "NET 3", net_3, CAISSON_FAULT_VALUE, 0 },
	{ "a name for USERNS", name_userns, CAISSON_FAULT_NAME, 0 },
	{ "a name offset for USERNS", name_offset_userns, CAISSON_FAULT_NAME, 0 },
	{ "no name for PROC", name_0, CAISSON_FAULT_NAME, 2 },
	{ "name at the end", name_offset_end, CAISSON_FAULT_NAME, 2 },
	{ "name offset 2^32-1", name_offset_max, CAISSON_FAULT_NAME, 2 },
	{ "name length 2^32-1", name_length_max, CAISSON_FAULT_NAME, 2 },
	{ "name whose end wraps", name_sum_wraps, CAISSON_FAULT_NAME, 2 },
	{ "name shorter than its NUL", name_short, CAISSON_FAULT_NAME, 2 },
	{ "name past its NUL", name_past_nul, CAISSON_FAULT_NAME, 1 },
	{ "name without NUL", name_unterminated, CAISSON_FAULT_NAME, 2 },
	{ "NUL in a name", name_nul, CAISSON_FAULT_NAME, 2 },
	{ "no slash", name_relative, CAISSON_FAULT_NAME, 3 },
	{ "the root", name_root, CAISSON_FAULT_NAME, 3 },
	{ "//x", name_empty_component, CAISSON_FAULT_NAME, 3 },
	{ "/t//x", name_empty_component_2, CAISSON_FAULT_NAME, 3 },
	{ "/x/", name_slash_at_end, CAISSON_FAULT_NAME, 3 },
	{ "/./x", name_dot, CAISSON_FAULT_NAME, 3 },
	{ "/x/.", name_dot_at_end, CAISSON_FAULT_NAME, 3 },
	{ "/../x", name_up, CAISSON_FAULT_NAME, 3 },
	{ "/t/..", name_up_at_end, CAISSON_FAULT_NAME, 3 },
	{ "/t/../x", name_up_middle, CAISSON_FAULT_NAME, 3 },
	{ "/...", name_three_dots, BUILDS, NOWHERE },
	{ "blanks and newlines", name_space, BUILDS, NOWHERE },
	{ "a component of 256", component_256, CAISSON_FAULT_NAME, 3 },
	{ "a component of 255", component_255, BUILDS, NOWHERE },
	{ "a name of 4096", name_4096, CAISSON_FAULT_NAME, 3 },
	{ "a name of 8000", name_8000, CAISSON_FAULT_NAME, 3 },
	{ "a host name of 65", host_65, CAISSON_FAULT_NAME, 0 },
	{ "a host name of 64", host_64, BUILDS, NOWHERE },
	{ "no host name", host_0, CAISSON_FAULT_NAME, 0 },
	{ "a link that leads out", target_good, BUILDS, NOWHERE },
	{ "an empty link", target_0, CAISSON_FAULT_NAME, 3 },
	{ "link target at the end", target_offset, CAISSON_FAULT_NAME, 3 },
	{ "link target at 2^64-1", target_offset_max, CAISSON_FAULT_VALUE, 3 },
	{ "link target 2^64-1 long", target_length_max, CAISSON_FAULT_VALUE, 3 },
	{ "link target whose end wraps", target_sum_wraps, CAISSON_FAULT_VALUE, 3 },
	{ "link target at 2^32 and more", target_half_wraps, CAISSON_FAULT_VALUE, 3 },
	{ "link target shorter than its NUL", target_short, CAISSON_FAULT_NAME, 3 },
	{ "link target of 4096", target_4096, CAISSON_FAULT_VALUE, 3 },
};

static void try_case(const struct one *c) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	int source = plan->source[0], own;
	struct raw_box box;

	for (unsigned i = 1; i < RAW_MAX_SOURCES; i++)
		plan->source[i] = -1;
	c->change(plan);
	own = plan->head.fds == 2 ? plan->source[1] : -1;
	raw_build(&box, plan, &RAW_HOW);
	if (c->fault == BUILDS)
		tap_ok(raw_built(&box), "%s: %s", c->what, raw_text(&box));
	else
		tap_ok(raw_failed(&box, CAISSON_STAGE_PLAN, CAISSON_KNOB_PLAN_FORMAT) &&
		               box.answer.detail == c->fault && box.answer.record == c->record &&
		               box.pidfd < 0,
		       "%s: fault %u at record %d: %s", c->what, c->fault, (int)c->record,
		       raw_text(&box));
	if (!raw_end(&box))
		tap_ok(false, "%s: it ends", c->what);
	plan->head.fds = 0;
	raw_free(plan);
	if (source >= 0)
		close(source);
	if (own >= 0)
		close(own);
}

/* Plans that are well formed and ask for what cannot be: refused where it is found. */
static void try_impossible(void) {
	struct raw_plan *plan = raw_bare(CAISSON_USERNS_AUTO);
	struct raw_box box;

	raw_add(plan, CAISSON_OP_DIR, "/missing/parent", 0, 0755);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION) &&
	               box.answer.record == 3,
	       "a parent that is missing: %s", raw_text(&box));
	raw_end(&box);
	plan->record[3].op = CAISSON_OP_RDONLY;
	plan->record[3].b = 0;
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, CAISSON_STAGE_MOUNT, CAISSON_KNOB_DESTINATION),
	       "RDONLY of what is not there: %s", raw_text(&box));
	raw_end(&box);
	raw_free(plan);

	plan = raw_bare(CAISSON_USERNS_AUTO);
	raw_add(plan, CAISSON_OP_LABEL, "unasked", 0, 0);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, CAISSON_STAGE_POLICY,
	                  raw_without_helper() ? CAISSON_KNOB_LABEL : CAISSON_KNOB_POLICY) &&
	               box.answer.record == 3,
	       "a LABEL that no rule allows: %s", raw_text(&box));
	raw_end(&box);
	raw_free(plan);

	plan = raw_bare(CAISSON_USERNS_AUTO);
	insert(plan, CAISSON_OP_SUBIDS, 0xfffffffeu, 0xfffffffeu);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, CAISSON_STAGE_POLICY, CAISSON_KNOB_SUBIDS),
	       "SUBIDS that the caller was not granted: %s", raw_text(&box));
	raw_end(&box);
	raw_free(plan);

	plan = raw_bare(CAISSON_USERNS_NONE);
	plan->head.require = CAISSON_BIT(USERNS);
	raw_build(&box, plan, &RAW_HOW);
	tap_ok(raw_failed(&box, raw_without_helper() ? CAISSON_STAGE_POLICY : CAISSON_STAGE_REQUIRE,
	                  CAISSON_KNOB_PROPERTY) &&
	               box.answer.detail == CAISSON_P_USERNS,
	       "a required property that is not to be had: %s", raw_text(&box));
	tap_ok(raw_end(&box), "and nothing is left of it");
	raw_free(plan);
}

int main(void) {
	char before[65] = "", after[65] = "";

	raw_watch();
	gethostname(before, sizeof(before));
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		try_case(&cases[i]);
	for (const struct one *c = ops_cases; c->what; c++)
		try_case(c);
	try_impossible();
	gethostname(after, sizeof(after));
	tap_ok(before[0] && !strcmp(before, after), "the host's name is what it was: %s", after);
	raw_nothing_left("at the end");
	return tap_done();
}
