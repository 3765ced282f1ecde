# SPDX-License-Identifier: LGPL-2.1-or-later
# protocol/numbers.table, where the numbers of the protocol stand, as caisson-numbers.h:
# an enum for each section, lists of words, and two tables: CAISSON_RULES, what a plan may
# say, and CAISSON_NEEDS, what a policy must allow for it.

set(_table "${PROJECT_SOURCE_DIR}/protocol/numbers.table")
set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_table}")

file(READ "${_table}" _text)
# Lists are split at semicolons, which the words may have.
string(REPLACE ";" "," _text "${_text}")
string(REPLACE "\n" ";" _lines "${_text}")
set(_out "")
set(_rules "")
set(_needs "")
set(_words "")
set(_enum "")
foreach(_line IN LISTS _lines)
	if(_line MATCHES "^(#.*)?$")
		continue()
	elseif(_line MATCHES "^.([a-z_]+) (CAISSON_[A-Z_]*_) ([0-9]+|bits|rules).$")
		if(_enum)
			string(APPEND _out "};\n\n")
		endif()
		set(_enum "${CMAKE_MATCH_1}")
		set(_prefix "${CMAKE_MATCH_2}")
		set(_number "${CMAKE_MATCH_3}")
		set(_kind count)
		if(_number MATCHES "bits|rules")
			set(_kind "${_number}")
			set(_number 1)
		endif()
		string(APPEND _out "enum caisson_${_enum} {\n")
	elseif(_line MATCHES "^.([a-z_]+) words.$")
		if(_enum)
			string(APPEND _out "};\n\n")
		endif()
		set(_enum "")
		set(_kind words)
		string(TOUPPER "${CMAKE_MATCH_1}" _name)
		string(APPEND _words "\n\n#define CAISSON_${_name} \" \"")
	elseif(_kind STREQUAL "words")
		string(APPEND _words " \\\n\t\"${_line} \"")
	elseif(_kind STREQUAL "rules" AND _line MATCHES
		"^([A-Z]+) +([0-9]+) +([0-9]+) +([A-Z_]+) +([A-Z|0]+) +([^ ]+) +([^ ]+) +([^ ]+) +[^ ]")
		if(NOT CMAKE_MATCH_8 STREQUAL "-")
			string(APPEND _needs "\\\n\t[${_prefix}${CMAKE_MATCH_1}] = ${CMAKE_MATCH_8},")
		endif()
		string(APPEND _out "\t${_prefix}${CMAKE_MATCH_1} = ${CMAKE_MATCH_2},\n")
		string(APPEND _rules "\\\n\t{ ${_prefix}${CMAKE_MATCH_1}, ${CMAKE_MATCH_3}, "
			"${CMAKE_MATCH_4}, ${CMAKE_MATCH_5}, ${CMAKE_MATCH_6}, ${CMAKE_MATCH_7} },")
	elseif(NOT _kind STREQUAL "rules" AND _enum AND _line MATCHES "^([A-Z_]+) +[^ ]")
		string(APPEND _out "\t${_prefix}${CMAKE_MATCH_1} = ${_number},\n")
		if(_kind STREQUAL "bits")
			math(EXPR _number "${_number} * 2")
		else()
			math(EXPR _number "${_number} + 1")
		endif()
	else()
		message(FATAL_ERROR "${_table}: neither a comment, a section nor a number: ${_line}")
	endif()
endforeach()

file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/tables/caisson-numbers.h" @ONLY CONTENT
[[/* Made of protocol/numbers.table. */
#ifndef CAISSON_NUMBERS_H
#define CAISSON_NUMBERS_H

@_out@};

#define CAISSON_RULES @_rules@

#define CAISSON_NEEDS @_needs@@_words@

#endif
]])
target_include_directories(protocol INTERFACE "${PROJECT_BINARY_DIR}/tables")
target_include_directories(caisson-base INTERFACE "${PROJECT_BINARY_DIR}/tables")
