# Builds gpu_ref alone, installs it, moves what was installed, builds examples/library against it and
# runs both programs: cmake -DSOURCE_DIR=.. -DPROJECT_BINARY_DIR=.. -DWORK_DIR=.. -P installed_test.cmake
cmake_minimum_required(VERSION 3.18)

function(run expected_result output)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text
    WORKING_DIRECTORY "${WORK_DIR}")
  if(NOT result EQUAL expected_result)
    string(JOIN " " command ${ARGN})
    message(FATAL_ERROR "${command}: exit code ${result}, expected ${expected_result}\n${text}")
  endif()
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

function(expect text part)
  string(FIND "${text}" "${part}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "expected '${part}' in:\n${text}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}/prefix" "${WORK_DIR}/moved" "${WORK_DIR}/component"
  "${WORK_DIR}/example")
file(MAKE_DIRECTORY "${WORK_DIR}")
set(options -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}"
  "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")
run(0 text "${CMAKE_COMMAND}" -S "${SOURCE_DIR}/gpu_ref" -B alone ${options} -DLUTRA_CUDA=OFF)
run(0 text "${CMAKE_COMMAND}" --build alone --parallel 2)
run(0 text "${CMAKE_COMMAND}" --install alone --prefix "${WORK_DIR}/prefix")
file(RENAME "${WORK_DIR}/prefix" "${WORK_DIR}/moved")

# Nothing that was installed knows where it was built.
file(GLOB_RECURSE installed RELATIVE "${WORK_DIR}/moved" "${WORK_DIR}/moved/*")
foreach(name ${installed})
  if(name MATCHES "\\.(cmake|h)$")
    file(READ "${WORK_DIR}/moved/${name}" text)
    string(FIND "${text}" "${SOURCE_DIR}" source)
    string(FIND "${text}" "${WORK_DIR}" work)
    string(FIND "${text}" "lutra_flags" flags)
    if(NOT "${source}${work}${flags}" STREQUAL "-1-1-1")
      message(FATAL_ERROR "${name} names a directory or a target of the build:\n${text}")
    endif()
  endif()
endforeach()

# The whole project's component holds the same files.
run(0 text "${CMAKE_COMMAND}" --install "${PROJECT_BINARY_DIR}" --component gpu_ref
  --prefix "${WORK_DIR}/component")
foreach(name ${installed})
  if(NOT name MATCHES "lutra-targets-" AND NOT EXISTS "${WORK_DIR}/component/${name}")
    message(FATAL_ERROR "the project's component gpu_ref lacks ${name}")
  endif()
endforeach()

# A table of 4-bit operands, by value.
set(table "")
foreach(a RANGE 0 15)
  foreach(b RANGE 0 15)
    math(EXPR product "((${a} - 8) * (${b} - 8)) & ~1")
    string(APPEND table "${product} ")
  endforeach()
  string(APPEND table "\n")
endforeach()
file(WRITE "${WORK_DIR}/table.txt" "${table}")

run(0 text "${CMAKE_COMMAND}" -S "${SOURCE_DIR}/examples/library" -B example ${options}
  "-DCMAKE_C_COMPILER=${CC}" "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved")
run(0 text "${CMAKE_COMMAND}" --build example)
foreach(program convolve_cpp convolve_c)
  run(0 text example/${program} table.txt)
  message("${program}:\n${text}")
  expect("${text}" "4-bit signed, SHA-256 ")
  expect("${text}" "WCE 1, EP 25.00 %")
  expect("${text}" "scalar: ")
  expect("${text}" "100352 elements compared: equal")
  run(2 text example/${program} absent.npy)
  expect("${text}" "absent.npy: no such file")
endforeach()
list(LENGTH installed files)
message("installed files: ${files}, programs: 2, elements compared: 200704")
