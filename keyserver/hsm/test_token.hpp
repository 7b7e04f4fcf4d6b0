// For tests: a token of its own in a temporary directory, provisioned as `nae-keyserver init` does
// it; of SoftHSM2, or of NSS where the environment says NAE_TEST_MODULE=nss. Make one before the
// module is loaded: SoftHSM reads SOFTHSM2_CONF when it is initialised. Needs the secure heap
// (secure_heap_test_environment.hpp).
#pragma once

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/provision.hpp"
#include "keyserver/hsm/session.hpp"

namespace nae::hsm {

inline constexpr const char* kSoftHsmModule = "/usr/lib/softhsm/libsofthsm2.so";
inline constexpr const char* kNssModule = "/usr/lib/x86_64-linux-gnu/libsoftokn3.so";

inline bool tests_run_on_nss() {
  const char* wanted = ::getenv("NAE_TEST_MODULE");
  const std::string_view name = wanted ? wanted : "softhsm";
  if (name != "softhsm" && name != "nss")
    throw std::runtime_error("NAE_TEST_MODULE is softhsm or nss");
  return name == "nss";
}

// While it lives no file of this process grows beyond `bytes`, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

class TestToken {
 public:
  // An empty token directory; no token in it.
  struct Unprovisioned {};
  explicit TestToken(Unprovisioned) {
    std::string name = (std::filesystem::temp_directory_path() / "nae-softhsm-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make " + name);
    directory_ = name;
    std::filesystem::create_directory(directory_ / "tokens");
    write("softhsm2.conf", "directories.tokendir = " + (directory_ / "tokens").string() +
                               "\nobjectstore.backend = file\nlog.level = ERROR\n");
    write("pin", "123456\n");
    write("so-pin", "87654321\n");
    ::setenv("SOFTHSM2_CONF", (directory_ / "softhsm2.conf").c_str(), 1);
    if (tests_run_on_nss()) set_pin_of_nss();
  }
  TestToken() : TestToken(Unprovisioned{}) {
    auto made = initialise(provision());
    if (!made) throw std::runtime_error(made.error().message);
  }
  ~TestToken() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  TestToken(const TestToken&) = delete;
  TestToken& operator=(const TestToken&) = delete;

  Options options() const {
    Options options;
    options.module = tests_run_on_nss() ? kNssModule : kSoftHsmModule;
    if (tests_run_on_nss())
      options.module_parameters =
          "configdir='sql:" + (directory_ / "tokens").string() + "' dbTokenDescription='nae-test'";
    options.token_label = "nae-test";
    options.pin_file = directory_ / "pin";
    return options;
  }
  Provision provision() const { return {options(), directory_ / "so-pin"}; }
  Result<std::unique_ptr<Module>> module() const {
    return Module::load(options().module, options().module_parameters);
  }
  const std::filesystem::path& directory() const { return directory_; }

  // Writes a file of the directory anew, readable by its owner alone unless said otherwise.
  void write(std::string_view file, std::string_view text, mode_t mode = 0600) const {
    const std::filesystem::path path = directory_ / file;
    std::filesystem::remove(path);
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }

 private:
  // What `certutil -N` does: NSS has one token for each directory, and C_InitToken empties it.
  void set_pin_of_nss() const {
    constexpr CK_SLOT_ID kKeys = 2;  // slot 1 has no objects that stay
    const auto loaded = module();
    if (!loaded) throw std::runtime_error(loaded.error().message);
    const CK_FUNCTION_LIST& calls = (*loaded)->calls();
    CK_SESSION_HANDLE session = 0;
    CK_BYTE nothing = 0, pin[] = {'1', '2', '3', '4', '5', '6'};
    if (calls.C_OpenSession(kKeys, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                            &session) != CKR_OK ||
        calls.C_Login(session, CKU_SO, &nothing, 0) != CKR_OK ||
        calls.C_InitPIN(session, pin, sizeof pin) != CKR_OK)
      throw std::runtime_error("cannot set the PIN of an NSS database");
  }

  std::filesystem::path directory_;
};

}  // namespace nae::hsm
