# SPDX-License-Identifier: LGPL-2.1-or-later
# What the person who builds decides.

get_property(_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT _multi_config)
	set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo, Debug or None" FORCE)
endif()

option(CAISSON_WERROR "Warnings are errors" ON)
option(CAISSON_INSTALL_SETUID "Install caisson-helper setuid (4755)" ON)
option(CAISSON_STATIC_HELPER "Link caisson-helper as a static PIE where the toolchain can" ON)
set(CAISSON_HELPER_LIBC auto
	CACHE STRING "C library of caisson-helper and of a static caisson command: auto, musl or glibc")
set_property(CACHE CAISSON_HELPER_LIBC PROPERTY STRINGS auto musl glibc)
option(CAISSON_STATIC_CLI "Link the caisson command as a static PIE too: it starts once per sandbox" ON)
option(CAISSON_EXAMPLES "Build the example host application and plug-in" ON)
set(CAISSON_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")
option(CAISSON_COVERAGE "Instrument for coverage" OFF)
option(CAISSON_ANALYZER "Compile with gcc's -fanalyzer" OFF)

set(CAISSON_HELPER_PATH "${CMAKE_INSTALL_FULL_LIBEXECDIR}/caisson/caisson-helper"
	CACHE STRING "Absolute path of the installed helper, compiled into libcaisson")
set(CAISSON_TEST_PREFIX "${CMAKE_INSTALL_PREFIX}"
	CACHE STRING "Installed tree whose setuid helper the end-to-end tests run")
set(CAISSON_TEST_UID 61000 CACHE STRING "Unprivileged uid that the end-to-end tests run as")

if(NOT IS_ABSOLUTE "${CAISSON_HELPER_PATH}")
	message(FATAL_ERROR "CAISSON_HELPER_PATH is ${CAISSON_HELPER_PATH}: it must be absolute.")
endif()

if(NOT CAISSON_HELPER_LIBC MATCHES "^(auto|musl|glibc)$")
	message(FATAL_ERROR "CAISSON_HELPER_LIBC is ${CAISSON_HELPER_LIBC}: auto, musl or glibc.")
endif()

# Instrumented code writes files and reads its environment as root
# (ASAN_OPTIONS=log_path=…, GCOV_PREFIX=…): installed setuid it is a hole. Found
# also when the flags came by hand rather than by our options.
set(CAISSON_INSTRUMENTED OFF)
string(TOUPPER "${CMAKE_BUILD_TYPE}" _config)
set(_flags "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${_config}} ${CMAKE_EXE_LINKER_FLAGS}")
if(CAISSON_SANITIZE OR CAISSON_COVERAGE
   OR _flags MATCHES "-fsanitize|--coverage|-fprofile-arcs|-ftest-coverage|-fprofile-instr")
	set(CAISSON_INSTRUMENTED ON)
	message(STATUS "Instrumented build: caisson-helper cannot be installed from it")
endif()
option(CAISSON_FUZZ "Build the fuzz targets for libFuzzer (clang)" OFF)
