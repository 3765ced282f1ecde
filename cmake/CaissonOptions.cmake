# SPDX-License-Identifier: LGPL-2.1-or-later
# What the person who builds decides.

get_property(_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT _multi_config)
	set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo, Debug or None" FORCE)
endif()

set(CAISSON_PLATFORM auto CACHE STRING "auto; posix: the library alone, without sandboxes, on Linux too")
set_property(CACHE CAISSON_PLATFORM PROPERTY STRINGS auto posix)
set(CAISSON_LINUX OFF)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT CAISSON_PLATFORM STREQUAL "posix")
	set(CAISSON_LINUX ON)
endif()
option(CAISSON_WERROR "Warnings are errors" ON)
set(CAISSON_INSTALL_MODE setuid
	CACHE STRING "How caisson-helper gets its privilege: setuid, group, capabilities or none")
set_property(CACHE CAISSON_INSTALL_MODE PROPERTY STRINGS setuid group capabilities none)
set(CAISSON_INSTALL_GROUP ""
	CACHE STRING "Group that alone may execute caisson-helper, with the mode group or capabilities")
option(CAISSON_STATIC_HELPER "Link caisson-helper as a static PIE where the toolchain can" ON)
set(CAISSON_HELPER_LIBC auto
	CACHE STRING "C library of caisson-helper and of a static caisson command: auto, musl or glibc")
set_property(CACHE CAISSON_HELPER_LIBC PROPERTY STRINGS auto musl glibc)
option(CAISSON_STATIC_CLI "Link the caisson command as a static PIE too: it starts once per sandbox" ON)
option(CAISSON_EXAMPLES "Build the example host application and plug-in" ON)
set(CAISSON_CRITERION packaged
	CACHE STRING "What runs the unit tests: packaged, criterion; small, a stand-in of our own, where there is none")
set_property(CACHE CAISSON_CRITERION PROPERTY STRINGS packaged small)
set(CAISSON_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")
option(CAISSON_COVERAGE "Instrument for coverage" OFF)
option(CAISSON_ANALYZER "Compile with gcc's -fanalyzer" OFF)

set(CAISSON_HELPER_PATH "${CMAKE_INSTALL_FULL_LIBEXECDIR}/caisson/caisson-helper"
	CACHE STRING "Absolute path of the installed helper, compiled into libcaisson")
set(CAISSON_INIT_PATH "${CMAKE_INSTALL_FULL_LIBEXECDIR}/caisson/caisson-init"
	CACHE STRING "Absolute path of the installed caisson-init, compiled into caisson-helper")
set(CAISSON_BUILDER_PATH "${CMAKE_INSTALL_FULL_LIBEXECDIR}/caisson/caisson-builder"
	CACHE STRING "Absolute path of the installed caisson-builder, compiled into libcaisson")
set(CAISSON_POLICY_DIR "${CMAKE_INSTALL_FULL_SYSCONFDIR}/caisson"
	CACHE STRING "Absolute path of the folder of policy.conf, compiled into caisson-helper")
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
	set(_run /run)
else()
	set(_run "${CMAKE_INSTALL_PREFIX}/run")
endif()
set(CAISSON_RUN_DIR "${_run}/caisson"
	CACHE STRING "Absolute path of the folder, root's, where caisson-helper counts sandboxes")
set(CAISSON_TEST_PREFIX "${CMAKE_INSTALL_PREFIX}"
	CACHE STRING "Installed tree whose setuid helper the end-to-end tests run")
set(CAISSON_TEST_UID 61000 CACHE STRING "Unprivileged uid that the end-to-end tests run as")

foreach(path CAISSON_HELPER_PATH CAISSON_INIT_PATH CAISSON_BUILDER_PATH CAISSON_RUN_DIR CAISSON_POLICY_DIR)
	if(NOT IS_ABSOLUTE "${${path}}")
		message(FATAL_ERROR "${path} is ${${path}}: it must be absolute.")
	endif()
endforeach()

if(NOT CAISSON_INSTALL_MODE MATCHES "^(setuid|group|capabilities|none)$")
	message(FATAL_ERROR
		"CAISSON_INSTALL_MODE is ${CAISSON_INSTALL_MODE}: setuid, group, capabilities or none.")
elseif(CAISSON_INSTALL_MODE STREQUAL "group" AND CAISSON_INSTALL_GROUP STREQUAL "")
	message(FATAL_ERROR "CAISSON_INSTALL_MODE is group: CAISSON_INSTALL_GROUP has to name the group.")
elseif(CAISSON_INSTALL_MODE MATCHES "^(setuid|none)$" AND NOT CAISSON_INSTALL_GROUP STREQUAL "")
	message(FATAL_ERROR "CAISSON_INSTALL_GROUP is for the modes group and capabilities, and "
		"CAISSON_INSTALL_MODE is ${CAISSON_INSTALL_MODE}.")
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
