# SPDX-License-Identifier: LGPL-2.1-or-later
# caisson-base: what every target of ours is compiled and linked with.
# caisson-flags: the same with instrumentation, if the build has any; for all but
# the tests' own tools.

include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES C)

add_library(caisson-base INTERFACE)
add_library(caisson-flags INTERFACE)
target_link_libraries(caisson-flags INTERFACE caisson-base)
# By hand: CMake before 3.21 does not know C17.
target_compile_options(caisson-base INTERFACE "$<$<COMPILE_LANGUAGE:C>:-std=gnu17>")
# Empty, so that a file may also define it itself.
target_compile_definitions(caisson-base INTERFACE "$<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>")
target_include_directories(caisson-base INTERFACE "${PROJECT_SOURCE_DIR}")

set(CAISSON_WARNINGS
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
	-Wconversion -Wno-sign-conversion -Wvla -Wundef -Wcast-qual)
if(CAISSON_WERROR)
	list(APPEND CAISSON_WARNINGS -Werror)
endif()
target_compile_options(caisson-base INTERFACE "$<$<COMPILE_LANGUAGE:C>:${CAISSON_WARNINGS}>")

# Add each flag that this compiler takes on this architecture.
function(caisson_add_flags)
	foreach(flag IN LISTS ARGN)
		string(MAKE_C_IDENTIFIER "CAISSON_HAVE${flag}" var)
		check_c_compiler_flag("-Werror ${flag}" ${var})
		if(${var})
			target_compile_options(caisson-base INTERFACE "${flag}")
		endif()
	endforeach()
endfunction()

caisson_add_flags(-fno-common -fstack-protector-strong -fstack-clash-protection)
# Control flow: x86, then arm64; a compiler takes only its own architecture's.
caisson_add_flags(-fcf-protection=full -mbranch-protection=standard)

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
	target_link_options(caisson-base INTERFACE
		-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)
endif()

# FORTIFY needs optimisation, and hides bugs from the sanitizers.
if(NOT CAISSON_INSTRUMENTED)
	check_c_source_compiles("
		#include <features.h>
		#if !__GLIBC_PREREQ(2, 34) || !__has_builtin(__builtin_dynamic_object_size)
		#error no level 3
		#endif
		int main(void) { return 0; }" CAISSON_HAVE_FORTIFY_3)
	set(_level 2)
	if(CAISSON_HAVE_FORTIFY_3)
		set(_level 3)
	endif()
	target_compile_options(caisson-base INTERFACE
		"$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${_level}>")
	message(STATUS "FORTIFY level ${_level}")
endif()

if(CAISSON_SANITIZE)
	set(_options "-fsanitize=${CAISSON_SANITIZE}" -fno-omit-frame-pointer)
	if(CAISSON_SANITIZE MATCHES "undefined")
		list(APPEND _options -fno-sanitize-recover=undefined)
	endif()
	target_compile_options(caisson-flags INTERFACE ${_options})
	target_link_options(caisson-flags INTERFACE ${_options})
endif()
if(CAISSON_COVERAGE)
	target_compile_options(caisson-flags INTERFACE --coverage)
	target_link_options(caisson-flags INTERFACE --coverage)
endif()
if(CAISSON_ANALYZER)
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
		message(FATAL_ERROR "CAISSON_ANALYZER needs gcc, not ${CMAKE_C_COMPILER_ID}.")
	endif()
	target_compile_options(caisson-flags INTERFACE -fanalyzer)
endif()
