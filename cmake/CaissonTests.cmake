# SPDX-License-Identifier: LGPL-2.1-or-later
# caisson_unit_test(NAME sources...): a criterion program, linked with the
#   objects of libcaisson, so that it reaches what the library hides.
# caisson_helper_test(NAME sources...): the same with the helper's objects.
# caisson_tap_test(NAME sources...): a program that prints TAP, linked with
#   libcaisson and libc only, run as an unprivileged uid against the installed
#   setuid helper: NAME.none, NAME.seccomp, NAME.nested are the ways in which
#   the host keeps user namespaces from it; in NAME.userns it is the helper that
#   is kept from it, and caisson-builder builds. NAME.kernel-VERSION, of those that
#   CAISSON_ON_OLD_KERNELS and CAISSON_ON_KERNEL_5_4 name, is without the newer system calls.

set(CAISSON_TAP_RUN "${PROJECT_SOURCE_DIR}/tests/lib/tap-run")
set(CAISSON_TEST_ENV
	"CAISSON_PREFIX=${CAISSON_TEST_PREFIX}"
	"CAISSON_BUILD=${PROJECT_BINARY_DIR}"
	"CAISSON_TEST_UID=${CAISSON_TEST_UID}")
# One test never takes longer, whatever hangs.
set(CAISSON_UNIT_TIMEOUT 120)
set(CAISSON_TAP_TIMEOUT 300)
if(CAISSON_INSTRUMENTED)
	set(CAISSON_UNIT_TIMEOUT 600)
	set(CAISSON_TAP_TIMEOUT 600)
endif()

function(caisson_criterion name objects)
	add_executable(${name} ${ARGN})
	target_link_libraries(${name} PRIVATE ${objects} caisson-flags PkgConfig::CRITERION Threads::Threads)
	if(CAISSON_SANITIZE MATCHES "thread")
		# criterion maps its arena where the thread sanitizer has its shadow.
		add_test(NAME unit.${name} COMMAND "${CAISSON_TAP_RUN}" plain
			sh -c "echo '1..0 # SKIP criterion does not run under the thread sanitizer'")
	else()
		add_test(NAME unit.${name} COMMAND
			"${CAISSON_TAP_RUN}" criterion "$<TARGET_FILE:${name}>" --jobs 2
			--timeout ${CAISSON_UNIT_TIMEOUT})
	endif()
	set_tests_properties(unit.${name} PROPERTIES
		LABELS unit TIMEOUT ${CAISSON_UNIT_TIMEOUT} SKIP_RETURN_CODE 77 ENVIRONMENT "${CAISSON_TEST_ENV}")
endfunction()

function(caisson_unit_test name)
	caisson_criterion(${name} caisson-objects ${ARGN})
endfunction()

function(caisson_helper_test name)
	caisson_criterion(${name} caisson-helper-code ${ARGN})
endfunction()

# kind: e2e or hostile. Run by tests/lib/tap-run. CAISSON_HELPER_ONLY: those without .userns.
function(caisson_tap_variants name kind)
	set(modes none seccomp nested userns)
	if(name IN_LIST CAISSON_ON_OLD_KERNELS)
		list(APPEND modes kernel-5.10 kernel-5.4 kernel-4.18)
	elseif(name IN_LIST CAISSON_ON_KERNEL_5_4)
		list(APPEND modes kernel-5.4)
	endif()
	foreach(mode IN LISTS modes)
		if(mode STREQUAL "userns" AND name IN_LIST CAISSON_HELPER_ONLY)
			continue()
		endif()
		add_test(NAME ${name}.${mode} COMMAND "${CAISSON_TAP_RUN}" ${mode} ${ARGN})
		set_tests_properties(${name}.${mode} PROPERTIES
			LABELS ${kind}
			TIMEOUT ${CAISSON_TAP_TIMEOUT}
			SKIP_RETURN_CODE 77
			FIXTURES_REQUIRED installed
			ENVIRONMENT "${CAISSON_TEST_ENV}")
	endforeach()
endfunction()

function(caisson_tap_test name)
	get_filename_component(kind "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
	set(target tap_${kind}_${name})
	add_executable(${target} ${ARGN})
	set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name})
	target_link_libraries(${target} PRIVATE caisson caisson-flags)
	caisson_tap_variants(${kind}_${name} ${kind} "$<TARGET_FILE:${target}>")
endfunction()

# caisson_tap_script(NAME script): the same for a shell script.
function(caisson_tap_script name script)
	get_filename_component(kind "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
	caisson_tap_variants(${kind}_${name} ${kind} "${CMAKE_CURRENT_SOURCE_DIR}/${script}")
endfunction()
