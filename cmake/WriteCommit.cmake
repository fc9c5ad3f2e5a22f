# Writes LUTRA_COMMIT, the commit that is built ("-changed" where the tree differs from it), into
# OUTPUT, if it is another than the one there:  cmake -DOUTPUT=FILE -P WriteCommit.cmake
set(commit "")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} describe --always --abbrev=12 --dirty=-changed --exclude=*
    WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR} OUTPUT_VARIABLE commit ERROR_QUIET
    OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
if(commit STREQUAL "")
  set(commit "unknown")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define LUTRA_COMMIT \"${commit}\"\n")
