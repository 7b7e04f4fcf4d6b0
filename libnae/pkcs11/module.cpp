#include "libnae/pkcs11/module.hpp"

#include <dlfcn.h>

#include "libnae/pkcs11/return_value.hpp"

namespace nae::pkcs11 {

Result<const CK_FUNCTION_LIST*> Module::find(const std::filesystem::path& library) {
  // A name without a slash would be searched for in directories that LD_LIBRARY_PATH may name.
  if (!library.is_absolute())
    return fail(Code::hsm_module_missing,
                "the PKCS#11 module '" + library.string() + "' is not an absolute path");
  // Never closed: vendors' libraries leave threads and exit handlers behind.
  void* loaded = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!loaded) {
    const char* reason = ::dlerror();
    return fail(Code::hsm_module_missing, std::string("cannot load the PKCS#11 module: ") +
                                              (reason ? reason : library.c_str()));
  }
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(loaded, "C_GetFunctionList"));
  if (!get)
    return fail(Code::hsm_module_missing,
                "'" + library.string() + "' is no PKCS#11 module: it lacks C_GetFunctionList");
  CK_FUNCTION_LIST* calls = nullptr;
  NAE_TRY(checked("C_GetFunctionList", get(&calls)));
  if (!calls || calls->version.major != 2)
    return fail(Code::hsm_module_missing,
                "'" + library.string() + "' does not offer PKCS#11 version 2");
  return calls;
}

Result<std::unique_ptr<Module>> Module::load(const std::filesystem::path& library,
                                             const std::string& parameters) {
  NAE_ASSIGN(const CK_FUNCTION_LIST* calls, find(library));
  std::unique_ptr<Module> module(new Module(calls));
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  if (!parameters.empty()) arguments.pReserved = const_cast<char*>(parameters.c_str());
  const CK_RV value = calls->C_Initialize(&arguments);
  module->initialised_here_ = value == CKR_OK;
  if (value != CKR_CRYPTOKI_ALREADY_INITIALIZED) NAE_TRY(checked("C_Initialize", value));
  return module;
}

Module::~Module() {
  if (initialised_here_) calls_->C_Finalize(nullptr);
}

}  // namespace nae::pkcs11
