/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson.h as a C++17 program uses it: included first, alone, and linked. */
#include "caisson.h"
#include "caisson_calls.h"
#include "caisson_channels.h"
#include "caisson_cuda.h"
#include "caisson_dlpack.h"
#include "caisson_fanout.h"

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

static_assert(std::is_standard_layout<caisson_tensor>::value, "a C struct");
static_assert(std::is_trivially_copyable<caisson_tensor>::value, "a C struct");
static_assert(sizeof(caisson_dtype) == 4, "DLPack's size");

struct free_spec {
	void operator()(caisson_spec *spec) const {
		caisson_spec_free(spec);
	}
};

static int failures;

static void check(bool ok, const char *what) {
	if (!ok) {
		std::printf("failed: %s\n", what);
		failures++;
	}
}

int main() {
	const caisson_dtype u8 = CAISSON_U8;
	const char *const argv[] = { "true", nullptr };
	std::unique_ptr<caisson_spec, free_spec> spec(caisson_spec_new("cxx"));

	check(u8.code == CAISSON_UINT && u8.bits == 8 && u8.lanes == 1, "CAISSON_U8");
	check(CAISSON_F32.bits == 32, "CAISSON_F32");
	check(spec != nullptr, "caisson_spec_new");
	check(caisson_spec_argv(spec.get(), argv) == 0, "caisson_spec_argv");
	check(caisson_spec_network(spec.get(), CAISSON_NETWORK_LOOPBACK) == 0,
	      "caisson_spec_network");
	check(std::string("pid") == caisson_property_name(CAISSON_PROPERTY_PID),
	      "caisson_property_name");
	check(std::strlen(caisson_version()) > 0, "caisson_version");
	return failures != 0;
}
