# SPDX-License-Identifier: LGPL-2.1-or-later
# Other people's libraries. None of them is linked into caisson-helper.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# package: its .pc name; why: who needs it and how to do without.
function(caisson_require target package debian why)
	pkg_check_modules(${target} QUIET IMPORTED_TARGET ${package})
	if(NOT ${target}_FOUND)
		message(FATAL_ERROR "${package} is missing (Debian: ${debian}). ${why}")
	endif()
	message(STATUS "${package} ${${target}_VERSION}")
endfunction()

if(CAISSON_LINUX)
	if(CAISSON_EXAMPLES)
		caisson_require(TURBOJPEG libturbojpeg libturbojpeg0-dev
			"The examples decode with it; -DCAISSON_EXAMPLES=OFF leaves them out.")
	endif()
	if(BUILD_TESTING)
		caisson_require(SECCOMP libseccomp libseccomp-dev
			"The tests compare the seccomp floor with it; -DBUILD_TESTING=OFF leaves them out.")
		if(CAISSON_CRITERION STREQUAL "small")
			add_library(small-criterion INTERFACE)
			target_include_directories(small-criterion INTERFACE
				"${PROJECT_SOURCE_DIR}/tests/lib/small-criterion")
			target_sources(small-criterion INTERFACE
				"${PROJECT_SOURCE_DIR}/tests/lib/small-criterion/main.c")
			add_library(PkgConfig::CRITERION ALIAS small-criterion)
			message(STATUS "criterion: our own small stand-in")
		else()
			caisson_require(CRITERION criterion libcriterion-dev
				"The unit tests need it; -DBUILD_TESTING=OFF leaves them out.")
		endif()
		caisson_require(CAPNG libcap-ng libcap-ng-dev
			"The tests read capabilities back with it; -DBUILD_TESTING=OFF leaves them out.")
	endif()
endif()
