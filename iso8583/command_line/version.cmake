# Writes OUTPUT: the version and the commit that this is built from. Unchanged, the file stays as it is and nothing is
# compiled again. Called with -DOUTPUT= -DSOURCE= -DVERSION=.
set(commit "unknown")
find_program(GIT_PROGRAM git)
if(GIT_PROGRAM)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_OPTIONAL_LOCKS=0
      ${GIT_PROGRAM} -C ${SOURCE} describe --always --abbrev=12 --exclude=* --dirty=-modified
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(commit "${described}")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[// Made by command_line/version.cmake.
#include "iso8583/command_line/version.hpp"

namespace command_line {
const char* const build_version = "@VERSION@";
const char* const build_commit = "@commit@";
}  // namespace command_line
]])
