# SPDX-License-Identifier: LGPL-2.1-or-later
# Before the end-to-end tests: make PREFIX hold this build, or say why not.

function(run)
	execute_process(COMMAND ${ARGN} RESULT_VARIABLE rc OUTPUT_QUIET)
	if(NOT rc EQUAL 0)
		message(FATAL_ERROR "failed: ${ARGN}")
	endif()
endfunction()

string(FIND "${PREFIX}/" "${BUILD}/" inside)
if(inside EQUAL 0 AND NOT INSTRUMENTED)
	run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" --config "${CONFIG}")
endif()

set(installed "${PREFIX}/libexec/caisson/caisson-helper")
if(NOT EXISTS "${installed}" AND INSTRUMENTED)
	message(FATAL_ERROR "${installed} is not there: this build cannot install a helper. Install a "
		"Release build first; CAISSON_TEST_PREFIX and CAISSON_HELPER_PATH say where.")
elseif(NOT EXISTS "${installed}")
	message(FATAL_ERROR "${installed} is not there: run cmake --install ${BUILD} first.")
endif()
if(NOT INSTRUMENTED)
	file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/../lib/policy.conf" DESTINATION "${POLICY}/policy.d"
		RENAME 90-tests.conf)
	# A helper of another build would be tested, and this one not.
	execute_process(RESULT_VARIABLE rc COMMAND
		"${CMAKE_COMMAND}" -E compare_files "${BUILD}/helper/caisson-helper" "${installed}")
	if(NOT rc EQUAL 0)
		message(FATAL_ERROR "${installed} is not the one built here: run cmake --install ${BUILD}.")
	endif()
endif()
