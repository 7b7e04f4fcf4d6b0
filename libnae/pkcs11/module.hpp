// Module: a loaded and initialised PKCS#11 library.
#pragma once

#include <p11-kit/pkcs11.h>

#include <filesystem>
#include <memory>
#include <string>

#include "libnae/base/result.hpp"

namespace nae::pkcs11 {

class Module {
 public:
  // Code::hsm_module_missing when the file cannot be loaded or is no PKCS#11 library.
  // `parameters` go to C_Initialize as CK_C_INITIALIZE_ARGS.pReserved, where NSS looks for its
  // configdir; empty: a null pointer, which is what PKCS#11 wants of all others.
  static Result<std::unique_ptr<Module>> load(const std::filesystem::path& library,
                                              const std::string& parameters);
  // The library's calls, for which alone no device has to be there; it is not initialised.
  static Result<const CK_FUNCTION_LIST*> find(const std::filesystem::path& library);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const CK_FUNCTION_LIST& calls() const { return *calls_; }

 private:
  explicit Module(const CK_FUNCTION_LIST* calls) : calls_(calls) {}
  const CK_FUNCTION_LIST* calls_;
  bool initialised_here_ = false;
};

}  // namespace nae::pkcs11
