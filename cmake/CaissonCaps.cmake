# SPDX-License-Identifier: LGPL-2.1-or-later
# helper/caisson-helper.caps, where the capabilities of caisson-helper stand, as
# caisson-caps.h for the helper, and as CAISSON_HELPER_CAPS, a text for setcap.

set(_caps "${PROJECT_SOURCE_DIR}/helper/caisson-helper.caps")
set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_caps}")

file(STRINGS "${_caps}" _lines)
set(_names "")
foreach(_line IN LISTS _lines)
	if(_line MATCHES "^(cap_[a-z_]+)[ \t]+[^ \t]")
		list(APPEND _names "${CMAKE_MATCH_1}")
	elseif(NOT _line MATCHES "^(#.*)?$")
		message(FATAL_ERROR "${_caps}: neither a comment nor a capability and its reason: ${_line}")
	endif()
endforeach()
if(NOT _names)
	message(FATAL_ERROR "${_caps} names no capability.")
endif()

string(REPLACE ";" "," CAISSON_HELPER_CAPS "${_names}")
string(TOUPPER "${_names}" _bits)
list(TRANSFORM _bits PREPEND "1u << ")
string(REPLACE ";" " | \\\n\t " _bits "${_bits}")
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/caps/caisson-caps.h" @ONLY CONTENT
[[/* Made of helper/caisson-helper.caps. */
#ifndef CAISSON_CAPS_H
#define CAISSON_CAPS_H

#include <linux/capability.h>

#define CAISSON_HELPER_CAPS \
	(@_bits@)
/* For setcap: permitted, not effective. */
#define CAISSON_HELPER_CAPS_TEXT "@CAISSON_HELPER_CAPS@=p"

#endif
]])

add_library(caisson-caps INTERFACE)
target_include_directories(caisson-caps INTERFACE "${PROJECT_BINARY_DIR}/caps")
