# SPDX-License-Identifier: LGPL-2.1-or-later
# A program in a private prefix finds the library beside it; one in a prefix
# that the loader searches anyway gets no RPATH.
function(caisson_installed_rpath target)
	if(NOT CMAKE_INSTALL_FULL_LIBDIR IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
		file(RELATIVE_PATH up "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
		set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${up}")
	endif()
endfunction()
