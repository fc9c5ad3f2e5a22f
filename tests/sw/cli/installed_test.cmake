# Installs the command, moves it, and runs it where the tree that it was built from is not there:
#   cmake -DSOURCE_DIR=.. -DBINARY_DIR=.. -DWORK_DIR=.. -P installed_test.cmake
cmake_minimum_required(VERSION 3.18)

file(REMOVE_RECURSE "${WORK_DIR}")
file(MAKE_DIRECTORY "${WORK_DIR}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BINARY_DIR}" --component lutra
  --prefix "${WORK_DIR}/prefix" RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${text}")
endif()
file(RENAME "${WORK_DIR}/prefix" "${WORK_DIR}/moved")

# Without bubblewrap, or where it may not run, the tree stays in sight.
set(hidden bwrap --dev-bind / / --tmpfs "${SOURCE_DIR}/rtl" --tmpfs "${SOURCE_DIR}/systemc"
  --tmpfs "${SOURCE_DIR}/models" --tmpfs "${BINARY_DIR}/lib" --chdir "${WORK_DIR}")
execute_process(COMMAND ${hidden} true RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
if(NOT result EQUAL 0)
  message(STATUS "the source tree is not hidden: bwrap does not run here")
  set(hidden "")
endif()

function(lutra expected)
  execute_process(COMMAND ${hidden} "${WORK_DIR}/moved/bin/lutra" ${ARGN}
    WORKING_DIRECTORY "${WORK_DIR}" RESULT_VARIABLE result OUTPUT_VARIABLE text
    ERROR_VARIABLE text)
  string(FIND "${text}" "${expected}" at)
  if(NOT result EQUAL 0 OR at EQUAL -1)
    message(FATAL_ERROR "lutra ${ARGN}: exit code ${result}, expected 0 and '${expected}'\n${text}")
  endif()
endfunction()

lutra("equal to its source on all 256" characterize drum:kept_bits=3,width=4)
lutra("on 4 images" evaluate --images 4)
lutra("match" cosim --images 1)

# Also where the tree stays in sight, it is the installed files that were read.
file(READ "${WORK_DIR}/out/evaluate/result.json" text)
string(FIND "${text}" "${WORK_DIR}/moved/share/lutra/models" at)
if(at EQUAL -1)
  message(FATAL_ERROR "evaluate took another network than the installed one:\n${text}")
endif()
set(rtl "${WORK_DIR}/moved/share/lutra/rtl/multipliers/mul_trunc.sv")
file(REMOVE "${rtl}")
execute_process(COMMAND ${hidden} "${WORK_DIR}/moved/bin/lutra" characterize trunc:width=4
  WORKING_DIRECTORY "${WORK_DIR}" RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE text)
string(FIND "${text}" "${rtl}" at)
if(NOT result EQUAL 2 OR at EQUAL -1)
  message(FATAL_ERROR "without ${rtl}: exit code ${result}, expected 2 and its name\n${text}")
endif()
