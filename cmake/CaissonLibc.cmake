# SPDX-License-Identifier: LGPL-2.1-or-later
# caisson-program: how caisson-helper, and the caisson command if it is static,
# are compiled and linked: with which C library, and how.
#
# A static PIE has no loader and no library constructors before main(). One of
# musl is a tenth of one of glibc, and starts sooner. docs/building.md has the
# numbers.

# The C library of this compiler: glibc, or something else (musl, on Alpine).
function(caisson_find_native_libc)
	check_c_source_compiles("
		#include <features.h>
		#ifndef __GLIBC__
		#error another
		#endif
		int main(void) { return 0; }" CAISSON_LIBC_IS_GLIBC)
endfunction()

# Sets CAISSON_MUSL_COMPILE and CAISSON_MUSL_LINK to what makes gcc build a static
# PIE with musl, or CAISSON_MUSL_WHY_NOT.
function(caisson_find_musl)
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
		set(CAISSON_MUSL_WHY_NOT "musl's specs are for gcc, not ${CMAKE_C_COMPILER_ID}" PARENT_SCOPE)
		return()
	endif()
	string(REPLACE "-gnu" "-musl" triplet "${CMAKE_C_LIBRARY_ARCHITECTURE}")
	find_file(CAISSON_MUSL_SPECS musl-gcc.specs
		PATHS
			"/usr/lib/${triplet}"
			"/usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-musl"
			"/usr/${CMAKE_SYSTEM_PROCESSOR}-linux-musl/lib64"
			"/usr/${CMAKE_SYSTEM_PROCESSOR}-linux-musl/lib"
			/usr/lib/musl/lib
			/usr/local/musl/lib
		NO_DEFAULT_PATH
		DOC "gcc specs of musl")
	mark_as_advanced(CAISSON_MUSL_SPECS)
	if(NOT CAISSON_MUSL_SPECS)
		set(CAISSON_MUSL_WHY_NOT "musl-gcc.specs was not found (Debian: musl-tools)" PARENT_SCOPE)
		return()
	endif()

	# musl brings no headers of the kernel, and the folder that has them has
	# glibc's beside them: a folder of links to the kernel's alone.
	set(kernel "${PROJECT_BINARY_DIR}/musl/include")
	file(MAKE_DIRECTORY "${kernel}")
	foreach(dir linux asm asm-generic)
		find_path(CAISSON_KERNEL_${dir} NAMES "${dir}/types.h")
		mark_as_advanced(CAISSON_KERNEL_${dir})
		if(NOT CAISSON_KERNEL_${dir})
			set(CAISSON_MUSL_WHY_NOT "<${dir}/types.h> was not found (Debian: linux-libc-dev)"
				PARENT_SCOPE)
			return()
		endif()
		file(CREATE_LINK "${CAISSON_KERNEL_${dir}}/${dir}" "${kernel}/${dir}" SYMBOLIC)
	endforeach()

	# musl's own specs know no static PIE: they take -static-pie and link a
	# dynamic one, which needs musl's loader wherever it runs.
	get_filename_component(CAISSON_MUSL_LIBDIR "${CAISSON_MUSL_SPECS}" DIRECTORY)
	set(specs "${PROJECT_BINARY_DIR}/musl/static-pie.specs")
	configure_file("${PROJECT_SOURCE_DIR}/cmake/musl-static-pie.specs.in" "${specs}" @ONLY)
	set(compile "-specs=${specs}" "SHELL:-idirafter \"${kernel}\"")
	set(link "-specs=${specs}" -static-pie)

	set(CMAKE_REQUIRED_FLAGS "-fPIE \"-specs=${specs}\" -idirafter \"${kernel}\"")
	set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie) # -specs, given twice, is an error
	caisson_check_static_pie(CAISSON_MUSL_STATIC_PIE)
	if(CAISSON_MUSL_STATIC_PIE)
		set(CAISSON_MUSL_COMPILE "${compile}" PARENT_SCOPE)
		set(CAISSON_MUSL_LINK "${link}" PARENT_SCOPE)
	else()
		set(CAISSON_MUSL_WHY_NOT
			"a static PIE with ${CAISSON_MUSL_SPECS} does not build and run" PARENT_SCOPE)
	endif()
endfunction()

# Does a program link with CMAKE_REQUIRED_*, run, and find itself to be a PIE
# without an interpreter?
function(caisson_check_static_pie var)
	# CMake's own switch adds -pie, which contradicts -static-pie.
	unset(CMAKE_POSITION_INDEPENDENT_CODE)
	set(source "
		#include <elf.h>
		#include <link.h>
		#include <linux/seccomp.h>
		#include <stdio.h>
		#include <sys/auxv.h>
		extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility(\"hidden\")));
		int main(void) { return puts(\"\") < 0 || __ehdr_start.e_type != ET_DYN || getauxval(AT_BASE); }")
	if(CMAKE_CROSSCOMPILING)
		check_c_source_compiles("${source}" ${var})
	else()
		include(CheckCSourceRuns)
		check_c_source_runs("${source}" ${var})
	endif()
endfunction()

function(caisson_find_static_pie)
	set(CMAKE_REQUIRED_FLAGS -fPIE)
	set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
	caisson_check_static_pie(CAISSON_NATIVE_STATIC_PIE)
endfunction()

# Sets CAISSON_LIBC (musl: other than the compiler's own; native) and
# CAISSON_HAVE_STATIC_PIE, and says why.
macro(caisson_choose_libc)
	set(CAISSON_LIBC native)
	set(CAISSON_HAVE_STATIC_PIE OFF)
	caisson_find_native_libc()
	set(_native "the compiler's own C library, not glibc")
	if(CAISSON_LIBC_IS_GLIBC)
		set(_native "glibc")
	endif()
	if(CAISSON_HELPER_LIBC STREQUAL "glibc" AND NOT CAISSON_LIBC_IS_GLIBC)
		message(FATAL_ERROR "CAISSON_HELPER_LIBC is glibc, and this compiler's C library is another.")
	endif()

	if(CAISSON_INSTRUMENTED)
		set(_why "dynamic PIE with ${_native}: instrumented build")
	elseif(NOT CAISSON_STATIC_HELPER)
		if(CAISSON_HELPER_LIBC STREQUAL "musl" AND CAISSON_LIBC_IS_GLIBC)
			message(FATAL_ERROR "CAISSON_HELPER_LIBC=musl links a static PIE, which "
				"CAISSON_STATIC_HELPER=OFF forbids: set one of them otherwise.")
		endif()
		set(_why "dynamic PIE with ${_native}: CAISSON_STATIC_HELPER is OFF")
	else()
		set(CAISSON_MUSL_WHY_NOT "CAISSON_HELPER_LIBC is glibc")
		if(NOT CAISSON_LIBC_IS_GLIBC)
			set(CAISSON_MUSL_WHY_NOT "it is what the compiler has")
		elseif(NOT CAISSON_HELPER_LIBC STREQUAL "glibc")
			caisson_find_musl()
		endif()
		if(CAISSON_MUSL_LINK)
			set(CAISSON_LIBC musl)
			set(CAISSON_HAVE_STATIC_PIE ON)
			set(_why "static PIE with musl, which has no FORTIFY (CAISSON_HELPER_LIBC=glibc has)")
		elseif(CAISSON_HELPER_LIBC STREQUAL "musl" AND CAISSON_LIBC_IS_GLIBC)
			message(FATAL_ERROR "CAISSON_HELPER_LIBC is musl, but ${CAISSON_MUSL_WHY_NOT}.")
		else()
			caisson_find_static_pie()
			set(CAISSON_HAVE_STATIC_PIE ${CAISSON_NATIVE_STATIC_PIE})
			if(CAISSON_HAVE_STATIC_PIE)
				set(_why "static PIE with ${_native}: ${CAISSON_MUSL_WHY_NOT}")
			else()
				set(_why "dynamic PIE with full RELRO and ${_native}, which links no static PIE here; ${CAISSON_MUSL_WHY_NOT}")
			endif()
		endif()
	endif()
	message(STATUS "caisson-helper: ${_why}")
endmacro()

caisson_choose_libc()

# -fPIE and -static-pie are given by hand: CMake's own switch adds -pie. A target
# that links this is made where CMAKE_POSITION_INDEPENDENT_CODE is unset.
add_library(caisson-program INTERFACE)
target_compile_options(caisson-program INTERFACE -fPIE)
# A page that is touched is a fault, and those are what the start of a program costs: what is not
# used is left out, and small variables lie together instead of between large ones.
target_compile_options(caisson-program INTERFACE -ffunction-sections -fdata-sections)
target_link_options(caisson-program INTERFACE -Wl,--gc-sections -Wl,--sort-section=alignment)
if(CAISSON_LIBC STREQUAL "musl")
	target_compile_options(caisson-program INTERFACE ${CAISSON_MUSL_COMPILE})
	target_link_options(caisson-program INTERFACE ${CAISSON_MUSL_LINK})
elseif(CAISSON_HAVE_STATIC_PIE)
	target_link_options(caisson-program INTERFACE -static-pie)
else()
	target_link_options(caisson-program INTERFACE -pie)
endif()
