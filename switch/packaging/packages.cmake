# Two packages for Debian: `cmake --build build/release --target packages` leaves refund-switch_*.deb (the switch,
# refundctl, its unit) and refund-switch-tools_*.deb (hsm-sim with its unit, issuer-sim, iso8583, switch-bench) in
# build/release/packages. Installed, run and purged by tests/outside/packages.py.
if(SWITCH_FUZZ)
  return()
endif()
set(package_units_refund-switch switch/packaging/refund-switch.service)
set(package_units_refund-switch-tools hsm_sim/packaging/hsm-sim.service)
set(package_defaults_refund-switch switch/packaging/refund-switch.default refund-switch)
set(package_defaults_refund-switch-tools hsm_sim/packaging/hsm-sim.default hsm-sim)
set(package_programs_refund-switch refund-switch refundctl)
set(package_programs_refund-switch-tools hsm-sim issuer-sim iso8583 switch-bench)
set(sboms)
foreach(package refund-switch refund-switch-tools)
  install(FILES ${PROJECT_SOURCE_DIR}/${package_units_${package}} DESTINATION lib/systemd/system COMPONENT ${package}
    EXCLUDE_FROM_ALL)
  list(GET package_defaults_${package} 0 defaults)
  list(GET package_defaults_${package} 1 default_name)
  install(FILES ${PROJECT_SOURCE_DIR}/${defaults} DESTINATION /etc/default RENAME ${default_name} COMPONENT ${package}
    EXCLUDE_FROM_ALL)
  set(sbom ${PROJECT_BINARY_DIR}/share/${package}.cdx.json)
  set(targets ${package_programs_${package}})
  list(TRANSFORM targets REPLACE "^iso8583$" "iso8583_tool")
  list(TRANSFORM package_programs_${package} PREPEND ${PROJECT_BINARY_DIR}/bin/ OUTPUT_VARIABLE programs)
  add_custom_command(OUTPUT ${sbom}
    COMMAND ${PROJECT_SOURCE_DIR}/scripts/sbom --build ${PROJECT_BINARY_DIR} --name ${package} --version ${PROJECT_VERSION}
            ${programs} > ${sbom}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${sbom}.new ${sbom}
    DEPENDS ${targets} ${PROJECT_SOURCE_DIR}/scripts/sbom
    COMMENT "What ${package} is made of")
  list(APPEND sboms ${sbom})
  install(FILES ${sbom} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} RENAME sbom.cdx.json COMPONENT ${package}
    EXCLUDE_FROM_ALL)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/switch/config/example.toml ${PROJECT_SOURCE_DIR}/switch/packaging/refund-switch-cluster.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/refund-switch
  COMPONENT refund-switch EXCLUDE_FROM_ALL)

add_custom_target(sboms DEPENDS ${sboms})
set(documents)
foreach(program refund-switch refundctl hsm-sim issuer-sim iso8583 switch-bench)
  if(TARGET documents_of_${program})
    list(APPEND documents documents_of_${program})
  endif()
endforeach()
add_custom_target(packages
  COMMAND ${CMAKE_CPACK_COMMAND} -G DEB --config ${PROJECT_BINARY_DIR}/CPackConfig.cmake -B ${PROJECT_BINARY_DIR}/packages
  DEPENDS sboms ${documents}
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
  COMMENT "Packages for Debian")

set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # what is packaged is named above; tests are not built for it
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME refund-switch)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "refund-switch maintainers <root@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON) # /etc is absolute
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL refund-switch refund-switch-tools)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
foreach(package refund-switch refund-switch-tools)
  string(TOUPPER ${package} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "passwd")
endforeach()
set(CPACK_COMPONENT_REFUND-SWITCH_DESCRIPTION
  "Acquirer-side switch for sales, refunds and reversals over ISO 8583\n The switch, refundctl, its manual pages and its systemd unit.")
set(CPACK_COMPONENT_REFUND-SWITCH-TOOLS_DESCRIPTION
  "Tools beside the refund switch\n A software HSM and issuers for tests, a reader of ISO 8583 messages, benchmarks.")
set(CPACK_DEBIAN_REFUND-SWITCH_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/switch/packaging/postinst;${PROJECT_SOURCE_DIR}/switch/packaging/prerm;${PROJECT_SOURCE_DIR}/switch/packaging/postrm;${PROJECT_SOURCE_DIR}/switch/packaging/conffiles")
set(CPACK_DEBIAN_REFUND-SWITCH-TOOLS_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/hsm_sim/packaging/postinst;${PROJECT_SOURCE_DIR}/hsm_sim/packaging/prerm;${PROJECT_SOURCE_DIR}/hsm_sim/packaging/postrm;${PROJECT_SOURCE_DIR}/hsm_sim/packaging/conffiles")
include(CPack)
