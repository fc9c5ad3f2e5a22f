# `cmake --install build/release --component lutra --prefix P`: the command with all that it reads,
# which finds it from where it lies. P may be moved.
install(TARGETS lutra RUNTIME DESTINATION bin COMPONENT lutra)
install(TARGETS lutra_platform LIBRARY DESTINATION lib/lutra COMPONENT lutra)
if(TARGET lutra_training_module)
  install(TARGETS lutra_training_module LIBRARY DESTINATION lib/lutra COMPONENT lutra)
endif()
install(DIRECTORY rtl/ DESTINATION share/lutra/rtl COMPONENT lutra
  FILES_MATCHING PATTERN "*.sv" PATTERN "*.vlt" PATTERN "*.f")
install(FILES systemc/platform/accelerator_binding.cc DESTINATION share/lutra/systemc/platform
  COMPONENT lutra)
install(DIRECTORY systemc/include DESTINATION share/lutra/systemc COMPONENT lutra)
install(DIRECTORY models/ DESTINATION share/lutra/models COMPONENT lutra)
