# How a room of the house becomes a target: lutra_library(), lutra_test(), lutra_benchmark(),
# lutra_verilate().

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_STANDARD 17) # Debian's SystemC links with no other
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

find_program(LUTRA_CCACHE ccache)
if(LUTRA_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${LUTRA_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${LUTRA_CCACHE}")
endif()

add_library(lutra_flags INTERFACE)
target_compile_options(lutra_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${LUTRA_WERROR}>>:-Werror>)
if(LUTRA_SANITIZE)
  target_compile_options(lutra_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer>)
  target_link_options(lutra_flags INTERFACE -fsanitize=address,undefined)
endif()

# lutra_library(<room> SOURCES ... DEPS ...): target lutra_<room>, alias lutra::<room>; public
# headers lie in <room>/include/lutra/<room>/.
function(lutra_library room)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(lutra_${room} STATIC ${ARG_SOURCES})
    target_include_directories(lutra_${room} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include")
    target_link_libraries(lutra_${room} PUBLIC ${ARG_DEPS} PRIVATE lutra_flags)
  else()
    add_library(lutra_${room} INTERFACE)
    target_include_directories(lutra_${room} INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}/include")
    target_link_libraries(lutra_${room} INTERFACE ${ARG_DEPS})
  endif()
  add_library(lutra::${room} ALIAS lutra_${room})
endfunction()

# lutra_test(<name> LABELS ... SOURCES ... DEPS ...): a GoogleTest executable, each of its cases a
# CTest test that carries the labels. Tests share a cache of components and accelerators of their own.
function(lutra_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS;SOURCES;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest_main lutra_flags)
  target_compile_definitions(${name} PRIVATE LUTRA_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    LUTRA_BINARY_DIR="${CMAKE_BINARY_DIR}")
  # gtest_discover_tests() cannot pass a list on (it would swallow TIMEOUT too), so several labels
  # become one, `unit.rtl`; ctest's -L looks for a part of it.
  string(JOIN "." labels ${ARG_LABELS})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${labels}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "LUTRA_CACHE=${CMAKE_BINARY_DIR}/test-cache")
endfunction()

# lutra_benchmark(<name> SOURCES ... DEPS ...): a Google Benchmark executable; scripts/bench runs them.
function(lutra_benchmark name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} benchmark::benchmark lutra_flags)
endfunction()

# Verilator's runtime, compiled once: an archive for the tests, the same objects for the platform.
set(LUTRA_VERILATOR_ROOT "/usr/share/verilator" CACHE PATH "Verilator's include and support files")
add_library(lutra_verilated_objects OBJECT
  "${LUTRA_VERILATOR_ROOT}/include/verilated.cpp"
  "${LUTRA_VERILATOR_ROOT}/include/verilated_threads.cpp"
  "${LUTRA_VERILATOR_ROOT}/include/verilated_fst_c.cpp")
target_include_directories(lutra_verilated_objects SYSTEM PUBLIC
  "${LUTRA_VERILATOR_ROOT}/include" "${LUTRA_VERILATOR_ROOT}/include/vltstd")
target_compile_definitions(lutra_verilated_objects PUBLIC VL_TIME_CONTEXT VM_TRACE=1 VM_TRACE_FST=1)
target_compile_options(lutra_verilated_objects PRIVATE -w -O2)
target_link_libraries(lutra_verilated_objects PUBLIC Threads::Threads ZLIB::ZLIB)
add_library(lutra_verilated STATIC)
target_link_libraries(lutra_verilated PUBLIC lutra_verilated_objects)
add_library(lutra::verilated ALIAS lutra_verilated)

# lutra_verilate(<target> TOP <module> PREFIX <class> SOURCES ... [ARGS ...] [CFLAGS ...]): a verilated C++
# model as a static library; ARGS go to Verilator (-GName=value, ...). Warnings are errors; a
# verilation that fails leaves no archive behind and shows its log. One C++ file a model
# (VM_PARALLEL_BUILDS=0): parsing the headers once is worth more than a second core. The class's
# header is named as made here, so that what includes it is compiled again in the same build.
set(LUTRA_LOGGED "${CMAKE_CURRENT_LIST_DIR}/logged.sh")
function(lutra_verilate target)
  cmake_parse_arguments(ARG "" "TOP;PREFIX;CFLAGS" "SOURCES;ARGS" ${ARGN})
  if(NOT ARG_CFLAGS)
    set(ARG_CFLAGS "-O1")
  endif()
  set(dir "${CMAKE_BINARY_DIR}/verilated/${target}")
  set(archive "${dir}/${ARG_PREFIX}__ALL.a")
  add_custom_command(OUTPUT "${archive}" BYPRODUCTS "${dir}/${ARG_PREFIX}.h"
    COMMAND ${CMAKE_COMMAND} -E rm -rf "${dir}"
    COMMAND ${CMAKE_COMMAND} -E make_directory "${dir}"
    COMMAND "${LUTRA_LOGGED}" "${dir}.log"
      verilator --cc --build -Wall --assert --x-initial unique -O3 -CFLAGS "${ARG_CFLAGS} -DVL_TIME_CONTEXT"
      -MAKEFLAGS VM_PARALLEL_BUILDS=0 --top-module ${ARG_TOP} --prefix ${ARG_PREFIX} --Mdir "${dir}"
      ${ARG_ARGS} ${ARG_SOURCES}
    DEPENDS ${ARG_SOURCES} "${LUTRA_LOGGED}"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    COMMENT "Verilating ${ARG_TOP} (${target})" VERBATIM)
  add_custom_target(${target}_archive DEPENDS "${archive}")
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_archive)
  target_include_directories(${target} SYSTEM INTERFACE "${dir}")
  target_link_libraries(${target} INTERFACE "${archive}" lutra_verilated)
endfunction()
