# Installs the codec into a folder of its own and builds and runs the consumer with it:
# cmake -D BUILD=… -D SOURCE=… -D WORK=… -D CXX=… -P install_and_use.cmake
foreach(step IN ITEMS
    "${CMAKE_COMMAND};--install;${BUILD};--component;iso8583;--prefix;${WORK}/prefix"
    "${CMAKE_COMMAND};-S;${SOURCE};-B;${WORK}/build;-DCMAKE_PREFIX_PATH=${WORK}/prefix;-DCMAKE_CXX_COMPILER=${CXX};-DCMAKE_CXX_FLAGS=${FLAGS}"
    "${CMAKE_COMMAND};--build;${WORK}/build"
    "${WORK}/build/consumer")
  execute_process(COMMAND ${step} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${step}\n${out}")
  endif()
endforeach()
