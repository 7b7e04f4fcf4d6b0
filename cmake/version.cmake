# Writes the one source that names version and commit, when they are not the ones that it has already:
#   cmake -DSOURCE=... -DOUTPUT=... -P cmake/version.cmake
# Runs at each build. The commit is that of a checkout, else what `make dist` wrote into COMMIT.
file(STRINGS ${SOURCE}/VERSION NAE_VERSION LIMIT_COUNT 1)
set(NAE_COMMIT "")
# Of a release unpacked inside somebody else's checkout git would describe that one.
if(EXISTS ${SOURCE}/.git)
  execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
    OUTPUT_VARIABLE NAE_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
elseif(EXISTS ${SOURCE}/COMMIT)
  file(STRINGS ${SOURCE}/COMMIT NAE_COMMIT LIMIT_COUNT 1)
endif()
configure_file(${SOURCE}/libnae/base/version.cpp.in ${OUTPUT} @ONLY)
