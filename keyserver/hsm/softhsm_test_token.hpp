// For tests: a SoftHSM2 token of its own in a temporary directory, provisioned as
// `nae-keyserver init` does it. Make one before the module is loaded: SoftHSM reads SOFTHSM2_CONF
// when it is initialised. Needs the secure heap (secure_heap_test_environment.hpp).
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

namespace nae::hsm {

inline constexpr const char* kSoftHsmModule = "/usr/lib/softhsm/libsofthsm2.so";

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
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

class SoftHsmTestToken {
 public:
  // An empty token directory; no token in it.
  struct Unprovisioned {};
  explicit SoftHsmTestToken(Unprovisioned) {
    std::string name = (std::filesystem::temp_directory_path() / "nae-softhsm-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make " + name);
    directory_ = name;
    std::filesystem::create_directory(directory_ / "tokens");
    write("softhsm2.conf", "directories.tokendir = " + (directory_ / "tokens").string() +
                               "\nobjectstore.backend = file\nlog.level = ERROR\n");
    write("pin", "123456\n");
    write("so-pin", "87654321\n");
    ::setenv("SOFTHSM2_CONF", (directory_ / "softhsm2.conf").c_str(), 1);
  }
  SoftHsmTestToken() : SoftHsmTestToken(Unprovisioned{}) {
    auto made = initialise(provision());
    if (!made) throw std::runtime_error(made.error().message);
  }
  ~SoftHsmTestToken() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  SoftHsmTestToken(const SoftHsmTestToken&) = delete;
  SoftHsmTestToken& operator=(const SoftHsmTestToken&) = delete;

  Options options() const {
    Options options;
    options.module = kSoftHsmModule;
    options.token_label = "nae-test";
    options.pin_file = directory_ / "pin";
    return options;
  }
  Provision provision() const { return {options(), directory_ / "so-pin"}; }
  const std::filesystem::path& directory() const { return directory_; }

  // Writes a file of the directory anew, readable by its owner alone unless said otherwise.
  void write(std::string_view file, std::string_view text, mode_t mode = 0600) const {
    const std::filesystem::path path = directory_ / file;
    std::filesystem::remove(path);
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }

 private:
  std::filesystem::path directory_;
};

}  // namespace nae::hsm
