# SPDX-License-Identifier: LGPL-2.1-or-later
# A program in a private prefix finds the library beside it; one in a prefix
# that the loader searches anyway gets no RPATH.
function(caisson_installed_rpath target)
	if(NOT CMAKE_INSTALL_FULL_LIBDIR IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
		file(RELATIVE_PATH up "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
		set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${up}")
	endif()
endfunction()

# caisson-helper, by CAISSON_INSTALL_MODE. Never with more than it shall have in
# the end: the group, and what changing it takes away, come before the setuid bit.
function(caisson_install_helper target)
	set(dir "${CMAKE_INSTALL_LIBEXECDIR}/caisson")
	set(mode OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE)
	if(CAISSON_INSTALL_GROUP STREQUAL "")
		list(APPEND mode WORLD_READ WORLD_EXECUTE)
	endif()
	if(CAISSON_INSTALL_MODE STREQUAL "setuid")
		list(APPEND mode SETUID)
	endif()
	# Another file than before: capabilities stay with one that is only written again.
	if(NOT IS_ABSOLUTE "${dir}")
		set(dir "\${CMAKE_INSTALL_PREFIX}/${dir}")
	endif()
	install(CODE "file(REMOVE \"\$ENV{DESTDIR}${dir}/caisson-helper\")" COMPONENT helper)
	install(TARGETS ${target}
		RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/caisson"
		PERMISSIONS ${mode}
		COMPONENT helper)
	# On a system's /run the helper makes it.
	if(NOT CAISSON_RUN_DIR MATCHES "^(/var)?/run/")
		install(DIRECTORY DESTINATION "${CAISSON_RUN_DIR}" COMPONENT helper)
	endif()
	set(capabilities "")
	if(CAISSON_INSTALL_MODE STREQUAL "capabilities")
		set(capabilities "${CAISSON_HELPER_CAPS}=p")
	endif()
	if(CAISSON_INSTALL_MODE MATCHES "^(group|capabilities)$")
		install(CODE "
			set(caisson_helper \"\$ENV{DESTDIR}${dir}/caisson-helper\")
			set(group \"${CAISSON_INSTALL_GROUP}\")
			set(capabilities \"${capabilities}\")
			include(\"${PROJECT_SOURCE_DIR}/cmake/CaissonPrivilege.cmake\")" COMPONENT helper)
	endif()
endfunction()

# The shipped policy, where caisson-helper reads it. One that was edited stays,
# and the new one lies beside it for as long as they differ. Written by nobody but root, whatever the umask.
function(caisson_install_policy)
	foreach(dir "${CAISSON_POLICY_DIR}" "${CAISSON_POLICY_DIR}/policy.d")
		install(DIRECTORY DESTINATION "${dir}" DIRECTORY_PERMISSIONS
			OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE
			COMPONENT helper)
	endforeach()
	install(CODE "
		set(shipped \"${PROJECT_SOURCE_DIR}/policy/policy.conf\")
		set(policy \"\$ENV{DESTDIR}${CAISSON_POLICY_DIR}/policy.conf\")
		set(name policy.conf)
		file(REMOVE \"\${policy}.new\")
		if(EXISTS \"\${policy}\")
			file(SHA256 \"\${shipped}\" new)
			file(SHA256 \"\${policy}\" old)
			if(NOT new STREQUAL old)
				set(name policy.conf.new)
				message(STATUS \"Kept: \${policy} was edited; the shipped one is policy.conf.new\")
			endif()
		endif()
		file(INSTALL \"\${shipped}\" DESTINATION \"${CAISSON_POLICY_DIR}\" RENAME \"\${name}\"
			PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)" COMPONENT helper)
	install(DIRECTORY "${PROJECT_SOURCE_DIR}/policy/examples/" DESTINATION "${CMAKE_INSTALL_DOCDIR}/policy" COMPONENT helper)
endfunction()
