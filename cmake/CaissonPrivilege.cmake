# SPDX-License-Identifier: LGPL-2.1-or-later
# While caisson-helper is installed: its group, then its setuid bit or its
# capabilities. helper: the file. group: empty, or its name. capabilities: for
# setcap; empty: setuid.

function(give)
	execute_process(COMMAND ${ARGN} RESULT_VARIABLE rc ERROR_VARIABLE why)
	if(NOT rc EQUAL 0)
		string(JOIN " " command ${ARGN})
		string(STRIP "${why}" why)
		message(FATAL_ERROR "caisson-helper has no privilege: ${command}: ${why}")
	endif()
endfunction()

find_program(chgrp chgrp REQUIRED)
find_program(chmod chmod REQUIRED)
find_program(setcap setcap PATHS /usr/sbin /sbin)

if(NOT "$ENV{DESTDIR}" STREQUAL "")
	# The group may not be here, and archives keep no capabilities.
	string(CONCAT todo
		"caisson-helper is staged without privilege. Where it is unpacked, the package has to: ")
	if(NOT group STREQUAL "")
		string(APPEND todo "chgrp ${group}; ")
	endif()
	if(capabilities STREQUAL "")
		string(APPEND todo "chmod 4750")
	else()
		string(APPEND todo "setcap ${capabilities}")
	endif()
	message(STATUS "${todo}")
	return()
endif()

if(NOT group STREQUAL "")
	give("${chgrp}" "${group}" "${caisson_helper}")
endif()
if(capabilities STREQUAL "")
	give("${chmod}" 4750 "${caisson_helper}")
elseif(NOT setcap)
	message(FATAL_ERROR "caisson-helper has no privilege: setcap is not there (Debian: libcap2-bin).")
else()
	give("${setcap}" "${capabilities}" "${caisson_helper}")
endif()
